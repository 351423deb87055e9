package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

var here = identity.Client{IP: "192.0.2.1", UserAgent: "test"}

func register(t *testing.T, w *identitytest.World, username string) identity.SignedIn {
	t.Helper()
	in, err := w.Register(t.Context(), here, identity.NewUser{Username: username, Password: "correct horse"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestRegisterMakesAUserWithAppAndWelcome(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	in := register(t, w, "ada")
	if in.ExpiresIn != 24*time.Hour || in.Tenant.Key != "default" || in.Group.Key != "default" {
		t.Errorf("signed in as %+v", in)
	}
	if got := w.Welcomed(); len(got) != 1 || got[0] != in.User.ID || !slices.Equal(in.User.Roles, []identity.Role{"user"}) {
		t.Errorf("welcomed %+v", got)
	}
	if _, err := w.Store.AppDefault(t.Context(), in.User.ID); err != nil {
		t.Errorf("default app: %v", err)
	}
	if got := w.Actions(); !slices.Equal(got, []string{"user.registered", "session.opened"}) {
		t.Errorf("announced %v", got)
	}
	p, err := w.Directory.Authenticate(t.Context(), "Bearer "+in.Token)
	if err != nil || p.Username != "ada" || p.Source != identity.SourceJWT || p.TenantKey != "default" {
		t.Errorf("principal %+v, %v", p, err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for name, c := range map[string]struct {
		config     identity.Config
		user       identity.NewUser
		invitation string
		code, path string
	}{
		"short name":      {user: identity.NewUser{Username: "ab", Password: "12345678"}, code: "invalid_parameter", path: "username"},
		"odd name":        {user: identity.NewUser{Username: "a b c", Password: "12345678"}, code: "invalid_parameter", path: "username"},
		"NUL in name":     {user: identity.NewUser{Username: "abc\x00", Password: "12345678"}, code: "invalid_parameter", path: "username"},
		"short password":  {user: identity.NewUser{Username: "abc", Password: "1234567"}, code: "invalid_parameter", path: "password"},
		"no password":     {user: identity.NewUser{Username: "abc"}, code: "invalid_parameter", path: "password"},
		"long password":   {user: identity.NewUser{Username: "abc", Password: long}, code: "invalid_parameter", path: "password"},
		"bad mail":        {user: identity.NewUser{Username: "abc", Email: "x@y@z", Password: "12345678"}, code: "invalid_parameter", path: "email"},
		"taken":           {user: identity.NewUser{Username: "TAKEN", Password: "12345678"}, code: "username_taken", path: "username"},
		"closed":          {config: identity.Config{Registration: identity.RegistrationClosed}, code: "registration_closed"},
		"external":        {config: identity.Config{Mode: identity.External}, code: "registration_closed"},
		"no invitation":   {config: invited, user: identity.NewUser{Username: "abc", Password: "12345678"}, code: "invitation_invalid", path: "invitationCode"},
		"bad invitation":  {config: invited, invitation: "no", code: "invitation_invalid", path: "invitationCode"},
		"unset is closed": {config: identity.Config{Registration: identity.RegistrationInvite}, code: "invitation_invalid", path: "invitationCode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := identitytest.New(t, c.config)
			if _, err := w.CreateUser(t.Context(), event.Actor{}, identity.EveryTenant(), identity.NewUser{Username: "taken", Password: "12345678"}); err != nil {
				t.Fatal(err)
			}
			_, err := w.Register(t.Context(), here, c.user, c.invitation)
			if f := fault.From(err); f == nil || f.Code != c.code || f.Path != c.path {
				t.Errorf("got %v, want %s at %q", err, c.code, c.path)
			}
		})
	}
}

var invited = identity.Config{Registration: identity.RegistrationInvite, InvitationCode: secret.New("come in")}

func TestInvitationOpensTheDoor(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, invited)
	if _, err := w.Register(t.Context(), here, identity.NewUser{Username: "abc", Password: "12345678"}, "come in"); err != nil {
		t.Error(err)
	}
}

func TestLoginTellsUnknownFromWrongToNobody(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	register(t, w, "ada")
	_, unknown := w.Login(t.Context(), here, "nobody", "whatever", identity.SessionGateway)
	_, wrong := w.Login(t.Context(), here, "ada", "whatever", identity.SessionGateway)
	if unknown == nil || wrong == nil || unknown.Error() != wrong.Error() || !errors.Is(wrong, identity.ErrCredentials) {
		t.Errorf("unknown account: %v; wrong password: %v", unknown, wrong)
	}
	if _, err := w.Login(t.Context(), here, "ADA", "correct horse", identity.SessionGateway); err != nil {
		t.Errorf("in capitals: %v", err)
	}
}

func TestNoAccountIsNobodys(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	register(t, w, "ada") // has no e-mail address
	for _, account := range []string{"", strings.Repeat("a", 300)} {
		if _, err := w.Login(t.Context(), here, account, "correct horse", identity.SessionGateway); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("%q: %v", account, err)
		}
	}
}

func TestRegistrationsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	var err error
	for i := 0; i < 200 && err == nil; i++ {
		_, err = w.Register(t.Context(), here, identity.NewUser{Username: fmt.Sprintf("user-%d", i), Password: "12345678"}, "")
	}
	if !errors.Is(err, identity.ErrTooManyTries) || len(w.Welcomed()) != 100 {
		t.Errorf("after %d accounts: %v", len(w.Welcomed()), err)
	}
}

func TestTooManyTriesBlockTheAccountFromThatAddressOnly(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	register(t, w, "ada")
	var refused, wrong int
	var mu sync.Mutex
	var tries sync.WaitGroup
	for range 40 {
		tries.Go(func() {
			_, err := w.Login(t.Context(), here, "ada", "guess", identity.SessionGateway)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, identity.ErrTooManyTries):
				refused++
			case errors.Is(err, identity.ErrCredentials):
				wrong++
			}
		})
	}
	tries.Wait()
	if wrong != 10 || refused != 30 {
		t.Errorf("%d guesses were checked, %d refused", wrong, refused)
	}
	if _, err := w.Login(t.Context(), here, "Ada", "correct horse", identity.SessionGateway); fault.From(err).RetryAfter != 15*time.Minute {
		t.Errorf("right password while blocked: %v", err)
	}
	elsewhere := identity.Client{IP: "192.0.2.2"}
	if _, err := w.Login(t.Context(), elsewhere, "ada", "correct horse", identity.SessionGateway); err != nil {
		t.Errorf("from another address: %v", err)
	}
	w.Clock.Advance(15 * time.Minute)
	if _, err := w.Login(t.Context(), here, "ada", "correct horse", identity.SessionGateway); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestSessionIsRenewedUntilLogout(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	register(t, w, "ada")
	in, err := w.Login(t.Context(), here, "ada", "correct horse", identity.SessionConsole)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(25 * time.Hour)
	again, err := w.Renew(t.Context(), in.SessionToken.Reveal())
	if err != nil || again.Session.ID != in.Session.ID {
		t.Fatalf("renewed %+v, %v", again, err)
	}
	if _, err := w.Directory.Bearer(t.Context(), in.Token); !errors.Is(err, identity.ErrTokenExpired) {
		t.Errorf("old token: %v", err)
	}
	if _, err := w.Directory.Bearer(t.Context(), again.Token); err != nil {
		t.Errorf("new token: %v", err)
	}
	if _, err := w.Directory.Authenticate(t.Context(), "Bearer "+in.SessionToken.Reveal()); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("the cookie as a bearer token: %v", err)
	}
	for range 2 {
		if err := w.Logout(t.Context(), here, in.SessionToken.Reveal()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Directory.Bearer(t.Context(), again.Token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("token after logout: %v", err)
	}
	if _, err := w.Renew(t.Context(), in.SessionToken.Reveal()); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("cookie after logout: %v", err)
	}
}

func TestSessionsAreForgottenAMonthAfterTheirEnd(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	if err := w.EnsureDefaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := register(t, w, "ada")
	const many = 501 // more than one transaction deletes
	err := w.Store.InTx(t.Context(), func(within tx.Tx) error {
		for i := range many {
			one := in.Session
			one.ID, one.Hash = id.New(), fmt.Appendf(nil, "hash %d", i)
			if err := w.Store.SessionInsert(t.Context(), within, &one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(in.Session.ExpiresAt.Sub(w.Clock.Now()) + 30*24*time.Hour)
	if n, err := w.ForgetSessions(t.Context()); n != 0 || err != nil {
		t.Errorf("%d forgotten after 30 days, %v", n, err)
	}
	w.Clock.Advance(time.Microsecond)
	fresh, err := w.Login(t.Context(), here, "ada", "correct horse", identity.SessionConsole)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.ForgetSessions(t.Context()); n != many+1 || err != nil {
		t.Errorf("%d forgotten after 30 days and a moment, want %d; %v", n, many+1, err)
	}
	if _, err := w.Renew(t.Context(), fresh.SessionToken.Reveal()); err != nil {
		t.Errorf("the session in use: %v", err)
	}
}

func TestChangedPasswordEndsAllSessions(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	in := register(t, w, "ada")
	p, err := w.Directory.Bearer(t.Context(), in.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ChangePassword(t.Context(), p.Actor(here), "not it", "another horse"); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("with a wrong password: %v", err)
	}
	if err := w.ChangePassword(t.Context(), p.Actor(here), "correct horse", "another horse"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.Bearer(t.Context(), in.Token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("old token: %v", err)
	}
	if _, err := w.Login(t.Context(), here, "ada", "another horse", identity.SessionGateway); err != nil {
		t.Error(err)
	}
}

func TestProfileAndPreferences(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	in := register(t, w, "ada")
	by := event.Actor{UserID: in.User.ID}
	name := "Ada L."
	if u, err := w.ChangeProfile(t.Context(), by, identity.Profile{DisplayName: &name}); err != nil || u.DisplayName != name {
		t.Errorf("profile %+v, %v", u, err)
	}
	if _, err := w.ChangePreferences(t.Context(), by, []byte(`{"theme":"dark"}`)); err != nil {
		t.Error(err)
	}
	if _, err := w.ChangePreferences(t.Context(), by, []byte(`{`)); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("broken preferences: %v", err)
	}
	if u, err := w.User(t.Context(), in.User.ID); err != nil || string(u.Preferences) != `{"theme":"dark"}` || u.DisplayName != name {
		t.Errorf("user %+v, %v", u, err)
	}
}

func TestPasswordsCarryTheirCost(t *testing.T) {
	t.Parallel()
	p := identity.NewPasswords(identitytest.CheapPasswords)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash.Reveal(), "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("hash %v, %v", hash.Reveal(), err)
	}
	dearer := identity.NewPasswords(identity.PasswordCost{MemoryKiB: 16, Passes: 2, Threads: 1})
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, strings.Repeat("x", 5000): false} {
		if same, err := dearer.Matches(t.Context(), password, hash); err != nil || same != want {
			t.Errorf("%.20q: %v, %v", password, same, err)
		}
	}
	if same, err := p.Matches(t.Context(), "", secret.String{}); same || err != nil {
		t.Errorf("no hash: %v, %v", same, err)
	}
	if _, err := p.Matches(t.Context(), "x", secret.New("$argon2id$v=19$m=8,t=0,p=1$AA$AA")); err == nil {
		t.Error("a broken hash was accepted")
	}
}
