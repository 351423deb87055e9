package identity_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

var hybrid = identity.Config{Mode: identity.Hybrid}

func admit(t *testing.T, w *identitytest.World, p identity.Person) identity.User {
	t.Helper()
	u, err := w.Admit(t.Context(), here, p)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAPersonIsOneUser(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, hybrid)
	first := admit(t, w, identity.Person{Source: "corp", ExternalID: "1", Username: "ada@corp.example", Email: "ada@corp.example"})
	if first.Username != "ada" || first.Email != "ada@corp.example" || !first.PasswordHash.IsZero() || !slices.Equal(first.Roles, []identity.Role{"user"}) {
		t.Errorf("made %+v", first)
	}
	if again := admit(t, w, identity.Person{Source: "corp", ExternalID: "1", Username: "countess"}); again.ID != first.ID {
		t.Errorf("under another name: %+v", again)
	}
	twin := admit(t, w, identity.Person{Source: "corp", ExternalID: "2", Username: "ada", Email: "ADA@corp.example"})
	if twin.ID == first.ID || twin.Username != "ada-2" || twin.Email != "" {
		t.Errorf("another person of the name: %+v", twin)
	}
	if other := admit(t, w, identity.Person{Source: "club", ExternalID: "1", Username: "eve"}); other.ID == first.ID {
		t.Error("persons of two providers are one")
	}
	if _, err := w.Login(t.Context(), here, "ada", "", identity.SessionGateway); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("without a password: %v", err)
	}
	if got := w.Actions(); !slices.Contains(got, "user.provisioned") || len(w.Welcomed()) != 3 {
		t.Errorf("announced %v, welcomed %v", got, w.Welcomed())
	}
}

// TestNobodyTakesAnAccountByItsName: a local user is never a provider's person because they are called the same.
func TestNobodyTakesAnAccountByItsName(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, hybrid)
	local, err := w.Register(t.Context(), here, identity.NewUser{Username: "boss", Email: "boss@example.com", Password: "correct horse"}, "")
	if err != nil {
		t.Fatal(err)
	}
	p := identity.Person{Source: "corp", ExternalID: local.User.ID.String(), Username: "boss", Email: "boss@example.com"}
	if u := admit(t, w, p); u.ID == local.User.ID || u.Username == "boss" || u.Email != "" {
		t.Errorf("admitted as %+v", u)
	}
}

func TestNamesOfPersons(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, hybrid)
	for id, c := range map[string]struct{ name, want string }{
		"a": {"", "user-"}, "b": {"李", "user--2"}, "c": {"Ann Lee <x>", "AnnLeex"}, "d": {"x", "user-x"},
		"e": {strings.Repeat("n", 300), strings.Repeat("n", 56)},
	} {
		u := admit(t, w, identity.Person{Source: "corp", ExternalID: id, Username: c.name, Email: "not an address"})
		if !strings.HasPrefix(u.Username, strings.TrimSuffix(c.want, "-2")) || u.Email != "" {
			t.Errorf("%q became %+v", c.name, u)
		}
	}
	for i := range 8 { // more than names are tried
		admit(t, w, identity.Person{Source: "corp", ExternalID: strings.Repeat("z", i+1), Username: "same"})
	}
}

func TestAdmitRefuses(t *testing.T) {
	t.Parallel()
	code := func(w *identitytest.World, p identity.Person) string {
		t.Helper()
		_, err := w.Admit(t.Context(), here, p)
		if f := fault.From(err); f != nil {
			return f.Code
		}
		return ""
	}
	person := identity.Person{Source: "corp", ExternalID: "1", Username: "ada"}
	if got := code(identitytest.New(t, identity.Config{Mode: identity.Standalone}), person); got != "registration_closed" {
		t.Errorf("where only local accounts are: %q", got)
	}
	w := identitytest.New(t, identity.Config{Mode: identity.External})
	acme := tenant(t, w, "acme")
	person.Tenant = "acme"
	user := admit(t, w, person)
	if user.TenantID != acme.ID || user.GroupID != acme.DefaultGroupID {
		t.Errorf("made %+v", user)
	}
	for name, c := range map[string]struct {
		person identity.Person
		want   string
	}{
		"unknown tenant": {identity.Person{Source: "corp", ExternalID: "2", Username: "bob", Tenant: "nobody"}, "tenant_unknown"},
		"another tenant": {identity.Person{Source: "corp", ExternalID: "1", Username: "ada"}, "tenant_unknown"},
		"long subject":   {identity.Person{Source: "corp", ExternalID: strings.Repeat("x", 256), Username: "bob"}, "invalid_parameter"},
		"unknown role":   {identity.Person{Source: "corp", ExternalID: "3", Username: "bob", Roles: []identity.Role{"god"}}, "invalid_parameter"},
	} {
		if got := code(w, c.person); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	disabled := identity.Disabled
	if _, err := w.ChangeUser(t.Context(), event.Actor{}, identity.EveryTenant(), user.ID, identity.UserChange{Status: &disabled}); err != nil {
		t.Fatal(err)
	}
	if got := code(w, person); got != "user_disabled" {
		t.Errorf("a disabled user: %q", got)
	}
}

func TestProvidersRolesAreFollowed(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, hybrid)
	p := identity.Person{Source: "corp", ExternalID: "1", Username: "ada", Roles: []identity.Role{"operator"}}
	in, err := w.OpenFor(t.Context(), here, p, identity.SessionConsole)
	if err != nil || !slices.Equal(in.User.Roles, p.Roles) || in.SessionToken.IsZero() {
		t.Fatalf("%+v, %v", in.User, err)
	}
	p.Roles = nil
	if u := admit(t, w, p); !slices.Equal(u.Roles, []identity.Role{"operator"}) {
		t.Errorf("roles that the provider does not tell: %v", u.Roles)
	}
	p.Roles = []identity.Role{"user"}
	if u := admit(t, w, p); !slices.Equal(u.Roles, p.Roles) || !slices.Contains(w.Actions(), "user.roles_synced") {
		t.Errorf("roles %v, announced %v", u.Roles, w.Actions())
	}
}

// TestOnePersonAtOnce: requests that bring the same new person at the same time make one user.
func TestOnePersonAtOnce(t *testing.T) {
	t.Parallel()
	w := onSQLiteIn(t, hybrid)
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 8 {
		all.Go(func() {
			u, err := w.Admit(t.Context(), here, identity.Person{Source: "corp", ExternalID: "1", Username: "ada", Email: "a@corp.example"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[u.ID.String()]++
		})
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("users %v", seen)
	}
}

func tenant(t *testing.T, w *identitytest.World, key string) identity.Tenant {
	t.Helper()
	v, err := w.CreateTenant(t.Context(), event.Actor{}, identity.TenantChange{Key: &key, Name: &key})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPasswordsEndSessions: a browser's cookie is worth nothing after the password was changed by whoever.
func TestPasswordsEndSessions(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, identity.Config{})
	register(t, w, "ada")
	open := func() identity.SignedIn {
		t.Helper()
		in, err := w.Login(t.Context(), here, "ada", "correct horse", identity.SessionConsole)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := open()
	by := event.Actor{UserID: in.User.ID}
	for name, end := range map[string]func() error{
		"EndSessions": func() error { return w.EndSessions(t.Context(), by) },
		"ChangePassword": func() error {
			return w.ChangePassword(t.Context(), by, "correct horse", "correct horse")
		},
		"ChangeUser": func() error {
			same := "correct horse"
			_, err := w.ChangeUser(t.Context(), event.Actor{}, identity.EveryTenant(), in.User.ID, identity.UserChange{Password: &same})
			return err
		},
	} {
		in := open()
		if _, err := w.Renew(t.Context(), in.SessionToken.Reveal()); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Renew(t.Context(), in.SessionToken.Reveal()); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("%s: renewed, %v", name, err)
		}
		if _, err := w.Directory.Authenticate(t.Context(), "Bearer "+in.Token); !errors.Is(err, identity.ErrTokenInvalid) {
			t.Errorf("%s: the token is %v", name, err)
		}
	}
}
