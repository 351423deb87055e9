package identity_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
)

var root = identity.NewUser{Username: "root", Password: "Correct-horse-9"}

func TestSetupWorksOnce(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	token, err := w.NewBootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Setup(t.Context(), here, "guess", root); !errors.Is(err, identity.ErrSetupToken) {
		t.Errorf("a guess: %v", err)
	}
	in, err := w.Setup(t.Context(), here, token.Reveal(), root)
	if err != nil || !slices.Equal(in.User.Roles, []identity.Role{identity.RoleAdmin}) || in.SessionToken.IsZero() {
		t.Fatalf("setup: %+v, %v", in, err)
	}
	keys, err := w.Keys(t.Context(), in.User.ID)
	if err != nil || len(keys) != 1 || keys[0].Name != "first-key" || !keys[0].Playground {
		t.Errorf("keys %+v, %v", keys, err)
	}
	if _, err := w.Setup(t.Context(), here, token.Reveal(), root); !errors.Is(err, identity.ErrSetupClosed) {
		t.Errorf("a second setup: %v", err)
	}
	if _, err := w.NewBootstrap(t.Context()); !errors.Is(err, identity.ErrSetupClosed) {
		t.Errorf("another token: %v", err)
	}
}

func TestSetupTokenExpires(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	token, err := w.NewBootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(15 * time.Minute)
	if _, err := w.Setup(t.Context(), here, token.Reveal(), root); !errors.Is(err, identity.ErrSetupToken) {
		t.Errorf("after its time: %v", err)
	}
	if needed, err := w.NeedsSetup(t.Context()); err != nil || !needed {
		t.Errorf("setup needed: %v, %v", needed, err)
	}
}

func TestOneOfManySetupsWins(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	token, err := w.NewBootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var made sync.Map
	var all sync.WaitGroup
	for _, name := range []string{"one", "two", "three", "four"} {
		all.Go(func() {
			user := root
			user.Username = name
			if _, err := w.Setup(t.Context(), here, token.Reveal(), user); err == nil {
				made.Store(name, true)
			}
		})
	}
	all.Wait()
	count := 0
	made.Range(func(any, any) bool { count++; return true })
	users, err := w.Users(t.Context(), identity.UserQuery{Realm: identity.EveryTenant(), All: true})
	if err != nil || count != 1 || users.Total != 1 {
		t.Errorf("%d setups succeeded, %d users exist, %v", count, users.Total, err)
	}
}

func TestEnsureAdminLeavesAnExistingOneAlone(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	for _, password := range []string{"Correct-horse-9", "Another-horse-9"} {
		if err := w.EnsureAdmin(t.Context(), "root", password); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Login(t.Context(), here, "root", "Correct-horse-9", identity.SessionConsole); err != nil {
		t.Error(err)
	}
}
