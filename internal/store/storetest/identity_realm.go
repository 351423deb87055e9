package storetest

import (
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// newTenant makes another tenant, whose external id is that of its key.
func (w *world) newTenant(key string) identity.Tenant {
	w.t.Helper()
	v := identity.Tenant{ID: id.New(), Key: key, Name: key, ExternalID: "ext-" + key, Status: identity.Active}
	w.must(func(t tx.Tx) error { return w.Identity().TenantInsert(w.ctx, t, &v) })
	return v
}

func (w *world) newGroup(tenant id.ID, key string) identity.Group {
	w.t.Helper()
	v := identity.Group{ID: id.New(), TenantID: tenant, Key: key, Status: identity.Active}
	w.must(func(t tx.Tx) error { return w.Identity().GroupInsert(w.ctx, t, &v) })
	return v
}

func testTenantChanges(_ *testing.T, w *world) {
	s := w.Identity()
	changed := w.tenant
	fill(&changed)
	changed.ID, changed.CreatedAt, changed.Status = w.tenant.ID, w.tenant.CreatedAt, identity.Disabled
	w.must(func(t tx.Tx) error { return s.TenantUpdate(w.ctx, t, &changed) })
	found(w, "after TenantUpdate", changed)(s.TenantByID(w.ctx, changed.ID))
	found(w, "by its key", changed)(s.TenantByName(w.ctx, changed.Key))
	found(w, "by its external id", changed)(s.TenantByName(w.ctx, changed.ExternalID))
	found(w, "by its invitation", changed)(s.TenantByInvitation(w.ctx, changed.InvitationHash))
	missing[identity.Tenant](w, "no name")(s.TenantByName(w.ctx, ""))
	missing[identity.Tenant](w, "another invitation")(s.TenantByInvitation(w.ctx, []byte{1}))
	missing[identity.Tenant](w, "no invitation")(s.TenantByInvitation(w.ctx, nil))

	other := w.newTenant("other")
	for path, twin := range map[string]identity.Tenant{
		"key":            {ID: other.ID, Key: changed.Key},
		"externalId":     {ID: other.ID, Key: "other", ExternalID: changed.ExternalID},
		"invitationHash": {ID: other.ID, Key: "other", InvitationHash: changed.InvitationHash},
	} {
		w.refused(w.in(func(t tx.Tx) error { return s.TenantUpdate(w.ctx, t, &twin) }), fault.ErrConflict, path)
	}
	changed.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return s.TenantUpdate(w.ctx, t, &changed) })
	missing[identity.Tenant](w, "a deleted tenant")(s.TenantByName(w.ctx, changed.Key))
	missing[identity.Tenant](w, "its invitation")(s.TenantByInvitation(w.ctx, changed.InvitationHash))
	w.refused(w.in(func(t tx.Tx) error { return s.TenantUpdate(w.ctx, t, &changed) }), fault.ErrNotFound, "")
}

func testGroupChanges(_ *testing.T, w *world) {
	s := w.Identity()
	g := w.newGroup(w.tenant.ID, "one")
	changed := g
	fill(&changed)
	changed.ID, changed.TenantID, changed.CreatedAt = g.ID, g.TenantID, g.CreatedAt
	w.must(func(t tx.Tx) error { return s.GroupUpdate(w.ctx, t, &changed) })
	found(w, "after GroupUpdate", changed)(s.GroupByID(w.ctx, g.ID))
	other := w.newGroup(w.tenant.ID, "two")
	other.Key = changed.Key
	w.refused(w.in(func(t tx.Tx) error { return s.GroupUpdate(w.ctx, t, &other) }), fault.ErrConflict, "key")
	changed.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return s.GroupUpdate(w.ctx, t, &changed) })
	missing[identity.Group](w, "a deleted group")(s.GroupByID(w.ctx, g.ID))
	w.refused(w.in(func(t tx.Tx) error { return s.GroupUpdate(w.ctx, t, &changed) }), fault.ErrNotFound, "")
}

// testRealms shows that what lies outside of a realm is not found, in every query that has one.
func testRealms(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	other := w.newTenant("other")
	mine, theirs := w.newGroup(w.tenant.ID, "g"), w.newGroup(other.ID, "g")
	own, foreign, nobody := identity.OneTenant(w.tenant.ID), identity.OneTenant(other.ID), identity.Realm{}
	keys := func(r identity.Realm) (out []string) {
		t.Helper()
		tenants, err := s.TenantList(w.ctx, r)
		w.ok(err)
		for _, v := range tenants {
			out = append(out, v.Key)
		}
		groups, err := s.GroupList(w.ctx, r)
		w.ok(err)
		for _, v := range groups {
			out = append(out, v.TenantID.String())
		}
		n, err := s.UserCount(w.ctx, nil, identity.UserQuery{Realm: r})
		w.ok(err)
		if n > 0 {
			out = append(out, "users")
		}
		return out
	}
	same(w, "everywhere", keys(identity.EveryTenant()), []string{
		w.tenant.Key, "other", w.tenant.ID.String(), other.ID.String(), "users",
	})
	same(w, "at home", keys(own), []string{w.tenant.Key, w.tenant.ID.String(), "users"})
	same(w, "elsewhere", keys(foreign), []string{"other", other.ID.String()})
	same(w, "nowhere", len(keys(nobody)), 0)

	w.must(func(t tx.Tx) error {
		found(w, "the tenant", other)(s.TenantLock(w.ctx, t, foreign, other.ID))
		found(w, "the group", mine)(s.GroupLock(w.ctx, t, own, mine.ID))
		found(w, "the user", w.user)(s.UserLock(w.ctx, t, identity.EveryTenant(), w.user.ID))
		for _, r := range []identity.Realm{foreign, nobody} {
			missing[identity.Tenant](w, "another tenant")(s.TenantLock(w.ctx, t, r, w.tenant.ID))
			missing[identity.Group](w, "another tenant's group")(s.GroupLock(w.ctx, t, r, mine.ID))
			missing[identity.User](w, "another tenant's user")(s.UserLock(w.ctx, t, r, w.user.ID))
		}
		missing[identity.Group](w, "their group")(s.GroupLock(w.ctx, t, own, theirs.ID))
		return nil
	})
	member := w.user
	member.GroupID = mine.ID
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &member) })
	found(w, "members", 1)(s.UserCount(w.ctx, nil, identity.UserQuery{Realm: own, Group: mine.ID}))
	found(w, "their members", 0)(s.UserCount(w.ctx, nil, identity.UserQuery{Realm: foreign, Group: mine.ID}))
}

// testUserLinks shows that a person of an identity provider is one user, and how administrators and keys go.
func testUserLinks(_ *testing.T, w *world) {
	s := w.Identity()
	linked := w.newUser("linked")
	linked.Source, linked.ExternalID, linked.Roles = "idp", "42", []identity.Role{identity.RoleAdmin}
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &linked) })
	found(w, "UserByExternal", linked)(s.UserByExternal(w.ctx, "idp", "42"))
	missing[identity.User](w, "of another provider")(s.UserByExternal(w.ctx, "idq", "42"))
	missing[identity.User](w, "no external id")(s.UserByExternal(w.ctx, "local", ""))
	twin := w.newUser("twin")
	twin.Source, twin.ExternalID = "idp", "42"
	w.refused(w.in(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &twin) }), fault.ErrConflict, "externalId")

	admins := func(want ...id.ID) {
		w.t.Helper()
		w.must(func(t tx.Tx) error {
			found(w, "AdminsLock", want)(s.AdminsLock(w.ctx, t, w.tenant.ID))
			return nil
		})
	}
	admins(linked.ID)
	key, kept := w.newKey(linked), w.newKey(w.user)
	w.must(func(t tx.Tx) error { return s.APIKeysDelete(w.ctx, t, linked.ID, epoch) })
	missing[identity.APIKey](w, "a deleted key")(s.APIKeyByPublic(w.ctx, key.Public))
	found(w, "somebody else's key", kept)(s.APIKeyByPublic(w.ctx, kept.Public))
	linked.Status = identity.Disabled
	w.must(func(t tx.Tx) error { return s.UserUpdate(w.ctx, t, &linked) })
	admins()
	countAtOnce(w, linked)
}

// countAtOnce adds to a row from several transactions at once: a lock lets none of them read what another is changing.
func countAtOnce(w *world, u identity.User) {
	w.t.Helper()
	s := w.Identity()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := w.in(func(t tx.Tx) error {
				v, err := s.UserLock(w.ctx, t, identity.EveryTenant(), u.ID)
				if err != nil {
					return err
				}
				v.SessionVersion++
				return s.UserUpdate(w.ctx, t, &v)
			})
			if err != nil {
				w.t.Error(err)
			}
		})
	}
	all.Wait()
	v, err := s.UserByID(w.ctx, u.ID)
	w.ok(err)
	same(w, "SessionVersion", v.SessionVersion, u.SessionVersion+8)
}
