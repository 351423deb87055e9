package identity_test

import (
	"errors"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func createKey(t *testing.T, w *identitytest.World, owner identity.User, v identity.NewKey) (identity.APIKey, string) {
	t.Helper()
	if v.Name == "" {
		v.Name = "test"
	}
	key, text, err := w.CreateKey(t.Context(), event.Actor{UserID: owner.ID}, owner.ID, v)
	if err != nil {
		t.Fatal(err)
	}
	return key, text.Reveal()
}

func TestKeyIsLoadedOnceAndStopsAtOnce(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	user := register(t, w, "ada").User
	key, text := createKey(t, w, user, identity.NewKey{Scopes: []string{"chat", "models"}, AllowIPs: []string{"10.0.0.0/8"}})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			p, err := w.Directory.Authenticate(t.Context(), "Bearer "+text)
			if err != nil || p.KeyID != key.ID || p.KeyPrefix != key.Prefix() || !p.Scope.Has(identity.ScopeChat) ||
				p.Scope.Has(identity.ScopeImages) {
				t.Errorf("principal %+v, %v", p, err)
			}
		})
	}
	all.Wait()
	if w.Fake.KeyReads != 1 {
		t.Errorf("read %d times", w.Fake.KeyReads)
	}
	if _, err := w.DisableKey(t.Context(), event.Actor{}, user.ID, key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.Key(t.Context(), text); !errors.Is(err, identity.ErrKeyDisabled) {
		t.Errorf("disabled: %v", err)
	}
	if err := w.DeleteKey(t.Context(), event.Actor{}, user.ID, key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.Key(t.Context(), text); !errors.Is(err, identity.ErrKeyInvalid) {
		t.Errorf("deleted: %v", err)
	}
}

func TestKeyRefusals(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	user := register(t, w, "ada").User
	key, text := createKey(t, w, user, identity.NewKey{ExpiresAt: w.Clock.Now().Add(time.Hour)})
	other, _ := secret.NewAPIKey()
	forged := strings.Replace(text, text[:19], "sk-"+other.Reveal()[3:19], 1)
	for _, token := range []string{other.Reveal(), forged, text + "x", "sk-", "sk-short"} {
		for range 2 {
			if _, err := w.Directory.Authenticate(t.Context(), token); !errors.Is(err, identity.ErrKeyInvalid) {
				t.Errorf("%q: %v", token, err)
			}
		}
	}
	if w.Fake.KeyReads != 1 {
		t.Errorf("an unknown key was looked up %d times", w.Fake.KeyReads)
	}
	if _, err := w.Directory.Key(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.Directory.Key(t.Context(), text); !errors.Is(err, identity.ErrKeyExpired) {
		t.Errorf("expired: %v", err)
	}
	w.Clock.Advance(-time.Hour)
	user.Status = identity.Disabled
	if err := w.Store.InTx(t.Context(), func(x tx.Tx) error { return w.Store.UserUpdate(t.Context(), x, &user) }); err != nil {
		t.Fatal(err)
	}
	w.Directory.InvalidateUser(user.ID)
	if _, err := w.Directory.Key(t.Context(), text); !errors.Is(err, identity.ErrUserDisabled) {
		t.Errorf("of a disabled user: %v", err)
	}
	w.Directory.InvalidateKey(key.ID)
	if _, err := w.Directory.Key(t.Context(), text); !errors.Is(err, identity.ErrUserDisabled) {
		t.Errorf("read again: %v", err)
	}
}

func TestKeyHitDoesNotAllocate(t *testing.T) {
	w := identitytest.New(t, identity.Config{})
	_, text := createKey(t, w, register(t, w, "ada").User, identity.NewKey{})
	if _, err := w.Directory.Key(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(200, func() { _, _ = w.Directory.Key(ctx, text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestUsedKeysAreDrained(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	key, text := createKey(t, w, register(t, w, "ada").User, identity.NewKey{})
	for range 3 {
		if _, err := w.Directory.Key(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Directory.UsedKeys(); len(got) != 1 || !got[key.ID].Equal(w.Clock.Now()) {
		t.Errorf("used %v", got)
	}
	if got := w.Directory.UsedKeys(); len(got) != 0 {
		t.Errorf("drained twice: %v", got)
	}
}

func TestCreateKeyRefuses(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	user := register(t, w, "ada").User
	for path, v := range map[string]identity.NewKey{
		"name":        {Name: strings.Repeat("n", 129)},
		"scopes[1]":   {Name: "n", Scopes: []string{"chat", "everything"}},
		"expiresAt":   {Name: "n", ExpiresAt: w.Clock.Now()},
		"allowIps[0]": {Name: "n", AllowIPs: []string{"10.0.0.0/99"}},
		"denyIps[0]":  {Name: "n", DenyIPs: []string{"somewhere"}},
	} {
		if _, _, err := w.CreateKey(t.Context(), event.Actor{}, user.ID, v); fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	for range 100 {
		createKey(t, w, user, identity.NewKey{Hidden: true})
	}
	if _, _, err := w.CreateKey(t.Context(), event.Actor{}, user.ID, identity.NewKey{Name: "n"}); !errors.Is(err, identity.ErrKeyLimit) {
		t.Errorf("one too many: %v", err)
	}
}

func TestRevealShowsOwnPlayableKeysAndIsAudited(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	user := register(t, w, "ada").User
	key, text := createKey(t, w, user, identity.NewKey{})
	createKey(t, w, user, identity.NewKey{Hidden: true})
	createKey(t, w, register(t, w, "bob").User, identity.NewKey{})
	by := event.Actor{UserID: user.ID, Source: identity.SourceJWT}
	got, err := w.RevealKeys(t.Context(), by, id.ID{})
	if err != nil || len(got) != 1 || got[0].ID != key.ID || got[0].Secret.Reveal() != text {
		t.Fatalf("revealed %+v, %v", got, err)
	}
	last := w.Changes()[len(w.Changes())-1]
	if last.Action != "api_key.revealed" || last.TargetID != key.ID.String() {
		t.Errorf("announced %+v", last)
	}
	for range 9 {
		if _, err := w.RevealKeys(t.Context(), by, id.New()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.RevealKeys(t.Context(), by, id.New()); !errors.Is(err, identity.ErrTooManyTries) {
		t.Errorf("in an eleventh session: %v", err)
	}
	if _, err := w.RevealKeys(t.Context(), by, id.ID{}); err != nil {
		t.Errorf("again in the first session: %v", err)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.RevealKeys(t.Context(), by, id.New()); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	by.Source = identity.SourceAPIKey
	if _, err := w.RevealKeys(t.Context(), by, id.ID{}); !errors.Is(err, fault.ErrForbidden) {
		t.Errorf("by a key: %v", err)
	}
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	in := register(t, w, "ada")
	claims := func(mut func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{
			"iss": "gantry", "aud": "gantry", "sub": in.User.ID.String(), "sid": in.Session.ID.String(), "ver": 1,
			"iat": w.Clock.Now().Unix(), "exp": w.Clock.Now().Add(time.Hour).Unix(),
		}
		mut(c)
		return c
	}
	kid := headerOf(t, in.Token)["kid"]
	sign := func(m jwt.SigningMethod, key any, header map[string]any, mut func(jwt.MapClaims)) string {
		token := jwt.NewWithClaims(m, claims(mut))
		token.Header["kid"] = kid
		maps.Copy(token.Header, header)
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	same := func(jwt.MapClaims) {}
	good := identitytest.TokenSecret()
	for name, token := range map[string]string{
		"alg none":        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, same),
		"other algorithm": sign(jwt.SigningMethodHS512, good, nil, same),
		"sample key":      sign(jwt.SigningMethodHS256, []byte("random_string"), nil, same),
		"unknown kid":     sign(jwt.SigningMethodHS256, good, map[string]any{"kid": "../../etc/passwd"}, same),
		"jku":             sign(jwt.SigningMethodHS256, []byte("x"), map[string]any{"jku": "http://192.0.2.9/jwks"}, same),
		"no expiry":       sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { delete(c, "exp") }),
		"other issuer":    sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { c["iss"] = "x" }),
		"other audience":  sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { c["aud"] = "x" }),
		"from the future": sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { c["iat"] = w.Clock.Now().Add(time.Hour).Unix() }),
		"old version":     sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { c["ver"] = 0 }),
		"other user":      sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { c["sub"] = in.Session.ID.String() }),
		"no session":      sign(jwt.SigningMethodHS256, good, nil, func(c jwt.MapClaims) { delete(c, "sid") }),
		"dots":            strings.Repeat(".", 14000),
		"four kibibytes":  strings.Repeat("a.", 2050),
	} {
		if _, err := w.Directory.Authenticate(t.Context(), "Bearer "+token); !errors.Is(err, identity.ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fine := sign(jwt.SigningMethodHS256, good, map[string]any{"jku": "http://192.0.2.9/jwks"}, same)
	if _, err := w.Directory.Authenticate(t.Context(), "bearer "+fine); err != nil {
		t.Errorf("the control token: %v", err)
	}
	for _, header := range []string{"", "Bearer", "Bearer  ", "Basic YTpi", strings.Repeat("x", 43)} {
		if _, err := w.Directory.Authenticate(t.Context(), header); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header
}

func TestDeletedUserIsOutWithinAMinuteEvenWithoutNews(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	in := register(t, w, "ada")
	if _, err := w.Directory.Bearer(t.Context(), in.Token); err != nil {
		t.Fatal(err)
	}
	in.User.Status = identity.Deleted
	if err := w.Store.InTx(t.Context(), func(x tx.Tx) error { return w.Store.UserUpdate(t.Context(), x, &in.User) }); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	if _, err := w.Directory.Bearer(t.Context(), in.Token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("after a minute: %v", err)
	}
}

func TestAddressRules(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	_, text := createKey(t, w, register(t, w, "ada").User,
		identity.NewKey{AllowIPs: []string{"10.0.0.0/8", "2001:db8::1"}, DenyIPs: []string{"10.1.0.0/16"}})
	p, err := w.Directory.Key(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.2.3.4": true, "::ffff:10.2.3.4": true, "10.1.3.4": false, "11.0.0.1": false, "2001:db8::1": true, "2001:db8::2": false,
	} {
		if got := p.AllowsAddress(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestShortTokenSecretIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := identity.NewTokens(time.Now, []byte("random_string")); !errors.Is(err, identity.ErrTokenSecret) {
		t.Error(err)
	}
}
