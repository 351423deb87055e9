package identity_test

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/store"
)

// onSQLite returns a service on a real database.
func onSQLite(t *testing.T) *identitytest.World { t.Helper(); return onSQLiteIn(t, identity.Config{}) }

func onSQLiteIn(t *testing.T, c identity.Config) *identitytest.World {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return identitytest.On(t, c, s.Identity(), s.Settings(), nil)
}

func TestServiceOnRealStorage(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	if err := w.EnsureDefaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := w.NewBootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wins sync.Map
	var all sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		all.Go(func() {
			user := root
			user.Username = name
			if in, err := w.Setup(t.Context(), here, token.Reveal(), user); err == nil {
				wins.Store(name, in)
			}
		})
	}
	all.Wait()
	var in identity.SignedIn
	count := 0
	wins.Range(func(_, v any) bool { in, count = v.(identity.SignedIn), count+1; return true }) //nolint:forcetypeassert // stored above
	if count != 1 {
		t.Fatalf("%d setups succeeded", count)
	}
	_, err = w.Register(t.Context(), here, identity.NewUser{Username: in.User.Username, Password: "12345678"}, "")
	if !errors.Is(err, identity.ErrUsernameTaken) {
		t.Errorf("a second of the name: %v", err)
	}
	shown, err := w.RevealKeys(t.Context(), event.Actor{UserID: in.User.ID, Source: identity.SourceJWT}, in.Session.ID)
	if err != nil || len(shown) != 1 || shown[0].Name != identity.FirstKeyName {
		t.Fatalf("keys %+v, %v", shown, err)
	}
	key := shown[0].Secret.Reveal()
	p, err := w.Directory.Authenticate(t.Context(), "Bearer "+key)
	if err != nil || !p.Has(identity.RoleAdmin) {
		t.Fatalf("principal %+v, %v", p, err)
	}
	if err := w.Store.APIKeysUsed(t.Context(), w.Directory.UsedKeys()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DisableKey(t.Context(), event.Actor{}, in.User.ID, p.KeyID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.Key(t.Context(), key); !errors.Is(err, identity.ErrKeyDisabled) {
		t.Errorf("disabled key: %v", err)
	}
	again, err := w.Renew(t.Context(), in.SessionToken.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ChangePassword(t.Context(), p.Actor(here), root.Password, "another horse"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.Bearer(t.Context(), again.Token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("token after a change of password: %v", err)
	}
}
