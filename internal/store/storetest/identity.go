package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testTenants(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	if w.tenant.Number < 1 {
		t.Errorf("Number = %d, want one from the database", w.tenant.Number)
	}
	found(w, "TenantByID", w.tenant)(s.TenantByID(w.ctx, w.tenant.ID))
	found(w, "TenantByKey", w.tenant)(s.TenantByKey(w.ctx, w.tenant.Key))
	missing[identity.Tenant](w, "another id")(s.TenantByID(w.ctx, id.New()))
	missing[identity.Tenant](w, "another key")(s.TenantByKey(w.ctx, "nobody"))

	twin := identity.Tenant{ID: id.New(), Key: w.tenant.Key}
	w.refused(w.in(func(t tx.Tx) error { return s.TenantInsert(w.ctx, t, &twin) }), fault.ErrConflict, "key")

	gone := identity.Tenant{ID: id.New(), Key: "gone", Status: identity.Deleted}
	w.must(func(t tx.Tx) error { return s.TenantInsert(w.ctx, t, &gone) })
	missing[identity.Tenant](w, "a deleted tenant")(s.TenantByKey(w.ctx, "gone"))
}

func testGroups(_ *testing.T, w *world) {
	s := w.Identity()
	var g identity.Group
	fill(&g)
	g.TenantID = w.tenant.ID
	w.must(func(t tx.Tx) error { return s.GroupInsert(w.ctx, t, &g) })
	found(w, "GroupByID", g)(s.GroupByID(w.ctx, g.ID))
	found(w, "GroupByKey", g)(s.GroupByKey(w.ctx, w.tenant.ID, g.Key))
	missing[identity.Group](w, "another tenant's key")(s.GroupByKey(w.ctx, id.New(), g.Key))
	missing[identity.Group](w, "another id")(s.GroupByID(w.ctx, id.New()))

	twin := identity.Group{ID: id.New(), TenantID: w.tenant.ID, Key: g.Key}
	w.refused(w.in(func(t tx.Tx) error { return s.GroupInsert(w.ctx, t, &twin) }), fault.ErrConflict, "key")
	orphan := identity.Group{ID: id.New(), TenantID: id.New(), Key: "orphan"}
	w.refused(w.in(func(t tx.Tx) error { return s.GroupInsert(w.ctx, t, &orphan) }), fault.ErrInvalid, "")
}

func testUsers(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	var g identity.Group
	fill(&g)
	g.TenantID = w.tenant.ID
	var u identity.User
	fill(&u)
	u.TenantID, u.GroupID, u.Username, u.Email = w.tenant.ID, g.ID, "Grace", "Grace@Example.com"
	w.must(func(t tx.Tx) error {
		if err := s.GroupInsert(w.ctx, t, &g); err != nil {
			return err
		}
		return s.UserInsert(w.ctx, t, &u)
	})
	found(w, "UserByID", u)(s.UserByID(w.ctx, u.ID))
	found(w, "UserByAccount by name", u)(s.UserByAccount(w.ctx, "GRACE"))
	found(w, "UserByAccount by e-mail", u)(s.UserByAccount(w.ctx, "grace@example.COM"))
	missing[identity.User](w, "another id")(s.UserByID(w.ctx, id.New()))
	missing[identity.User](w, "the empty account")(s.UserByAccount(w.ctx, ""))
	missing[identity.User](w, "a pattern")(s.UserByAccount(w.ctx, "grac_"))

	for path, twin := range map[string]identity.User{
		"username": {ID: id.New(), TenantID: w.tenant.ID, Username: "gRACE"},
		"email":    {ID: id.New(), TenantID: w.tenant.ID, Username: "other", Email: "GRACE@example.com"},
	} {
		w.refused(w.in(func(t tx.Tx) error { return s.UserInsert(w.ctx, t, &twin) }), fault.ErrConflict, path)
	}
	usersWithoutMail(w)
	userChanges(t, w, u)
}

// usersWithoutMail shows that an empty e-mail is nobody's, and that whose e-mail it is comes before whose name it is.
func usersWithoutMail(w *world) {
	w.t.Helper()
	s := w.Identity()
	one := identity.User{ID: id.New(), TenantID: w.tenant.ID, Username: "ÄRGER", Status: identity.Active}
	two := identity.User{ID: id.New(), TenantID: w.tenant.ID, Username: "grace@example.com", Status: identity.Active}
	w.must(func(t tx.Tx) error {
		if err := s.UserInsert(w.ctx, t, &one); err != nil {
			return err
		}
		return s.UserInsert(w.ctx, t, &two)
	})
	found(w, "letters beyond ASCII", one)(s.UserByAccount(w.ctx, "ärger"))
	u, err := s.UserByAccount(w.ctx, "grace@example.com")
	w.ok(err)
	same(w, "the owner of the e-mail", u.Username, "Grace")
}

func userChanges(t *testing.T, w *world, u identity.User) {
	t.Helper()
	s := w.Identity()
	changed := u
	fill(&changed)
	changed.ID, changed.TenantID, changed.GroupID, changed.CreatedAt = u.ID, u.TenantID, id.ID{}, u.CreatedAt
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &changed) })
	found(w, "after UserUpdate", changed)(s.UserByID(w.ctx, u.ID))

	taken := changed
	taken.Username = w.user.Username
	w.refused(w.in(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &taken) }), fault.ErrConflict, "username")

	changed.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &changed) })
	missing[identity.User](w, "a deleted user")(s.UserByID(w.ctx, u.ID))
	missing[identity.User](w, "a deleted account")(s.UserByAccount(w.ctx, changed.Username))
	w.refused(w.in(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &changed) }), fault.ErrNotFound, "")
	heir := identity.User{ID: id.New(), TenantID: w.tenant.ID, Username: changed.Username, Status: identity.Active}
	w.must(func(t tx.Tx) error { return s.UserInsert(w.ctx, t, &heir) })
	adminChanges(t, w, heir)
}

func adminChanges(t *testing.T, w *world, u identity.User) {
	t.Helper()
	s := w.Identity()
	exists := func(want bool) {
		t.Helper()
		found(w, "AdminExists", want)(s.AdminExists(w.ctx, nil))
	}
	exists(false)
	u.Roles = []identity.Role{identity.RoleUser, identity.RoleAdmin}
	w.must(func(t tx.Tx) error {
		if err := s.UserUpdate(w.ctx, t, &u); err != nil {
			return err
		}
		found(w, "AdminExists in the transaction", true)(s.AdminExists(w.ctx, t))
		return nil
	})
	exists(true)
	u.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &u) })
	exists(false)
}

func testUserList(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	for i := range 5 {
		w.newUser(fmt.Sprintf("user%d", i))
	}
	percent := w.newUser("50%_off!")
	names := func(q identity.UserQuery) []string {
		t.Helper()
		p, err := s.UserList(w.ctx, q)
		w.ok(err)
		var out []string
		for _, u := range p.Items {
			out = append(out, u.Username)
		}
		return append(out, fmt.Sprint(p.Total))
	}
	same(w, "the second page", names(identity.UserQuery{Realm: identity.EveryTenant(), Page: page.Request{Page: 2, Size: 3}}),
		[]string{"user2", "user1", "user0", "7"})
	same(w, "all", len(names(identity.UserQuery{Realm: identity.EveryTenant(), All: true, Page: page.Request{Size: 2}})), 8)
	same(w, "by name", names(identity.UserQuery{Realm: identity.EveryTenant(), Text: "SER3"}), []string{"user3", "1"})
	same(w, "by e-mail", names(identity.UserQuery{Realm: identity.EveryTenant(), Text: "ada@"}), []string{"ada", "1"})
	same(w, "by display name", names(identity.UserQuery{Realm: identity.EveryTenant(), Text: "dr user4"}), []string{"user4", "1"})
	for _, text := range []string{"%", "_", "!", "%_O"} {
		same(w, "text "+text, names(identity.UserQuery{Realm: identity.EveryTenant(), Text: text}), []string{percent.Username, "1"})
	}
	same(w, "another tenant", names(identity.UserQuery{Realm: identity.OneTenant(id.New())}), []string{"0"})
	same(w, "the tenant", len(names(identity.UserQuery{Realm: identity.OneTenant(w.tenant.ID)})), 8)
	_, err := s.UserList(w.ctx, identity.UserQuery{Realm: identity.EveryTenant(), Page: page.Request{Size: page.MaxSize + 1}})
	w.refused(err, page.ErrRange, "pageSize")
}

func testApps(_ *testing.T, w *world) {
	s := w.Identity()
	missing[identity.App](w, "no app")(s.AppDefault(w.ctx, w.user.ID))
	var app identity.App
	fill(&app)
	app.TenantID, app.UserID = w.tenant.ID, w.user.ID
	other := app
	other.ID, other.Default = id.New(), false
	w.must(func(t tx.Tx) error {
		if err := s.AppInsert(w.ctx, t, &other); err != nil {
			return err
		}
		return s.AppInsert(w.ctx, t, &app)
	})
	found(w, "AppDefault", app)(s.AppDefault(w.ctx, w.user.ID))
	second := app
	second.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.AppInsert(w.ctx, t, &second) }), fault.ErrConflict, "userId")
}

func testAPIKeys(_ *testing.T, w *world) {
	s := w.Identity()
	key := w.newKey(w.user)
	found(w, "APIKeyByID", key)(s.APIKeyByID(w.ctx, w.user.ID, key.ID))
	found(w, "APIKeyByPublic", key)(s.APIKeyByPublic(w.ctx, key.Public))
	missing[identity.APIKey](w, "another user's key")(s.APIKeyByID(w.ctx, id.New(), key.ID))
	missing[identity.APIKey](w, "another public part")(s.APIKeyByPublic(w.ctx, "x"))

	twin := key
	twin.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.APIKeyInsert(w.ctx, t, &twin) }), fault.ErrConflict, "public")

	changed := key
	fill(&changed)
	changed.ID, changed.TenantID, changed.UserID, changed.AppID = key.ID, key.TenantID, key.UserID, key.AppID
	changed.Public, changed.Hash, changed.Sealed = key.Public, key.Hash, key.Sealed
	changed.CreatedAt, changed.LastUsedAt = key.CreatedAt, key.LastUsedAt
	changed.Name, changed.Playground, changed.Models = "other", false, nil
	stale := changed
	stale.LastUsedAt = time.Time{}
	w.must(func(t tx.Tx) error { return s.APIKeyUpdate(w.ctx, t, &stale) })
	found(w, "after APIKeyUpdate", changed)(s.APIKeyByID(w.ctx, w.user.ID, key.ID))

	second := w.newKey(w.user)
	w.newKey(w.newUser("eve"))
	found(w, "APIKeyList", []identity.APIKey{second, changed})(s.APIKeyList(w.ctx, w.user.ID))
	changed.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return s.APIKeyUpdate(w.ctx, t, &changed) })
	missing[identity.APIKey](w, "a deleted key")(s.APIKeyByPublic(w.ctx, key.Public))
	found(w, "the list without it", []identity.APIKey{second})(s.APIKeyList(w.ctx, w.user.ID))
	w.refused(w.in(func(t tx.Tx) error { return s.APIKeyUpdate(w.ctx, t, &changed) }), fault.ErrNotFound, "")
	keyUses(w, second)
}

func keyUses(w *world, key identity.APIKey) {
	w.t.Helper()
	s := w.Identity()
	for _, moment := range []struct{ used, want time.Duration }{{time.Hour, time.Hour}, {time.Minute, time.Hour}} {
		w.ok(s.APIKeysUsed(w.ctx, map[id.ID]time.Time{key.ID: epoch.Add(moment.used), id.New(): epoch}))
		got, err := s.APIKeyByID(w.ctx, w.user.ID, key.ID)
		w.ok(err)
		same(w, "LastUsedAt", got.LastUsedAt, epoch.Add(moment.want))
	}
}

func (w *world) newKey(owner identity.User) identity.APIKey {
	w.t.Helper()
	app := identity.App{ID: id.New(), TenantID: w.tenant.ID, UserID: owner.ID}
	var key identity.APIKey
	fill(&key)
	key.TenantID, key.UserID, key.AppID, key.Public = w.tenant.ID, owner.ID, app.ID, key.ID.String()
	key.LastUsedAt = epoch
	w.must(func(t tx.Tx) error {
		if err := w.Identity().AppInsert(w.ctx, t, &app); err != nil {
			return err
		}
		return w.Identity().APIKeyInsert(w.ctx, t, &key)
	})
	return key
}

func testSessions(_ *testing.T, w *world) {
	s := w.Identity()
	var session identity.Session
	fill(&session)
	session.UserID, session.RevokedAt = w.user.ID, time.Time{}
	w.must(func(t tx.Tx) error { return s.SessionInsert(w.ctx, t, &session) })
	found(w, "SessionByID", session)(s.SessionByID(w.ctx, session.ID))
	found(w, "SessionByHash", session)(s.SessionByHash(w.ctx, session.Hash))
	missing[identity.Session](w, "another id")(s.SessionByID(w.ctx, id.New()))
	missing[identity.Session](w, "another hash")(s.SessionByHash(w.ctx, []byte("x")))
	twin := session
	twin.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.SessionInsert(w.ctx, t, &twin) }), fault.ErrConflict, "hash")

	session.RevokedAt = epoch.Add(time.Hour)
	for _, at := range []time.Duration{time.Hour, 2 * time.Hour} {
		w.must(func(t tx.Tx) error { return s.SessionRevoke(w.ctx, t, session.ID, epoch.Add(at)) })
		found(w, "a revoked session", session)(s.SessionByID(w.ctx, session.ID))
	}
	w.refused(w.in(func(t tx.Tx) error { return s.SessionRevoke(w.ctx, t, id.New(), epoch) }), fault.ErrNotFound, "")
}

func testSessionsForgotten(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	var all []identity.Session
	for i := range 4 {
		var session identity.Session
		fill(&session)
		session.UserID, session.Hash = w.user.ID, []byte{byte(i)}
		session.ExpiresAt = epoch.Add(time.Duration(i) * time.Hour)
		w.must(func(t tx.Tx) error { return s.SessionInsert(w.ctx, t, &session) })
		all = append(all, session)
	}
	// The soonest ended go first; one that ends at the moment itself stays.
	for _, want := range []int{2, 1, 0} {
		w.must(func(in tx.Tx) error {
			n, err := s.SessionsForget(w.ctx, in, all[3].ExpiresAt, 2)
			if n != want {
				t.Errorf("%d forgotten, want %d", n, want)
			}
			return err
		})
	}
	for _, session := range all[:3] {
		missing[identity.Session](w, "a forgotten session")(s.SessionByID(w.ctx, session.ID))
	}
	found(w, "the last session", all[3])(s.SessionByID(w.ctx, all[3].ID))
}
