package storetest

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func (w *world) newRule(change func(*access.Rule)) access.Rule {
	w.t.Helper()
	var r access.Rule
	fill(&r)
	r.TenantID, r.Effect, r.Own = w.tenant.ID, access.Deny, false
	change(&r)
	w.must(func(t tx.Tx) error { return w.Access().RuleInsert(w.ctx, t, &r) })
	return r
}

func testAccessRules(t *testing.T, w *world) {
	t.Helper()
	s := w.Access()
	first := w.newRule(func(r *access.Rule) { r.Own = true })
	second := w.newRule(func(r *access.Rule) { r.OwnerID, r.SubjectType = id.ID{}, access.SubjectUser })
	if first.Number < 1 || second.Number <= first.Number {
		t.Errorf("numbers %d and %d", first.Number, second.Number)
	}
	list := func(what string, q access.Query, want ...access.Rule) {
		w.t.Helper()
		found(w, what, append([]access.Rule{}, want...))(s.RuleList(w.ctx, nil, q))
	}
	list("all", access.Query{}, first, second)
	list("by id", access.Query{ID: second.ID}, second)
	list("of the tenant", access.Query{Tenant: w.tenant.ID, ID: first.ID}, first)
	list("of another tenant", access.Query{Tenant: id.New(), ID: first.ID})
	list("of a subject", access.Query{SubjectType: first.SubjectType, SubjectID: first.SubjectID}, first)
	list("of a subject of another type", access.Query{SubjectType: access.SubjectUser, SubjectID: first.SubjectID})
	list("of an owner", access.Query{Owner: first.OwnerID}, first)
	list("of another owner", access.Query{Owner: id.New()})

	twin := first
	twin.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.RuleInsert(w.ctx, t, &twin) }), fault.ErrConflict, "resourceId")
	twin.Own = false
	w.must(func(t tx.Tx) error { return s.RuleInsert(w.ctx, t, &twin) })

	changed := first
	fill(&changed)
	changed.ID, changed.TenantID, changed.Own, changed.CreatedAt = first.ID, first.TenantID, first.Own, first.CreatedAt
	changed.Effect = access.Allow
	w.must(func(t tx.Tx) error {
		if err := s.RuleUpdate(w.ctx, t, &changed); err != nil {
			return err
		}
		found(w, "within the transaction", []access.Rule{changed})(s.RuleList(w.ctx, t, access.Query{ID: first.ID}))
		return nil
	})
	list("changed", access.Query{}, changed, second, twin)
	twin.Effect, twin.SubjectType, twin.SubjectID = second.Effect, second.SubjectType, second.SubjectID
	twin.ResourceType, twin.ResourceID = second.ResourceType, second.ResourceID
	w.refused(w.in(func(t tx.Tx) error { return s.RuleUpdate(w.ctx, t, &twin) }), fault.ErrConflict, "resourceId")

	w.must(func(t tx.Tx) error { return s.RuleDelete(w.ctx, t, first.ID) })
	list("deleted", access.Query{ID: first.ID})
	w.refused(w.in(func(t tx.Tx) error { return s.RuleDelete(w.ctx, t, first.ID) }), fault.ErrNotFound, "")
	w.refused(w.in(func(t tx.Tx) error { return s.RuleUpdate(w.ctx, t, &changed) }), fault.ErrNotFound, "")
}

func testAccessSubjects(t *testing.T, w *world) {
	t.Helper()
	s := w.Access()
	group := identity.Group{ID: id.New(), TenantID: w.tenant.ID, Key: "group", Status: identity.Active}
	app := identity.App{ID: id.New(), TenantID: w.tenant.ID, UserID: w.user.ID, Status: identity.Active}
	key := identity.APIKey{
		ID: id.New(), TenantID: w.tenant.ID, UserID: w.user.ID, AppID: app.ID, Public: "public", Hash: []byte{1}, Status: identity.Disabled,
	}
	w.must(func(t tx.Tx) error {
		if err := w.Identity().GroupInsert(w.ctx, t, &group); err != nil {
			return err
		}
		if err := w.Identity().AppInsert(w.ctx, t, &app); err != nil {
			return err
		}
		return w.Identity().APIKeyInsert(w.ctx, t, &key)
	})
	for kind, subject := range map[access.SubjectType]id.ID{
		access.SubjectAPIKey: key.ID, access.SubjectUser: w.user.ID, access.SubjectGroup: group.ID, access.SubjectTenant: w.tenant.ID,
	} {
		want := access.Subject{Type: kind, ID: subject, TenantID: w.tenant.ID}
		if kind == access.SubjectAPIKey {
			want.OwnerID = w.user.ID
		}
		found(w, string(kind), want)(s.SubjectFind(w.ctx, nil, access.Subject{Type: kind, ID: subject}))
		found(w, string(kind), want)(s.SubjectFind(w.ctx, nil, access.Subject{Type: kind, ID: subject, TenantID: w.tenant.ID}))
		missing[access.Subject](w, "of another tenant")(s.SubjectFind(w.ctx, nil, access.Subject{Type: kind, ID: subject, TenantID: id.New()}))
		missing[access.Subject](w, "unknown")(s.SubjectFind(w.ctx, nil, access.Subject{Type: kind, ID: id.New()}))
		missing[access.Subject](w, "of another owner")(s.SubjectFind(w.ctx, nil, access.Subject{Type: kind, ID: subject, OwnerID: id.New()}))
	}
	missing[access.Subject](w, "of no type")(s.SubjectFind(w.ctx, nil, access.Subject{Type: "app", ID: app.ID}))
	key.Status = identity.Deleted
	w.must(func(t tx.Tx) error { return w.Identity().APIKeyUpdate(w.ctx, t, &key) })
	missing[access.Subject](w, "deleted")(s.SubjectFind(w.ctx, nil, access.Subject{Type: access.SubjectAPIKey, ID: key.ID}))
	testAccessResources(t, w)
}

func testAccessResources(t *testing.T, w *world) {
	t.Helper()
	s, p := w.Access(), w.newPlatform()
	provider := catalog.Provider{ID: id.New(), Key: "maker"}
	base := catalog.BaseModel{ID: id.New(), ProviderKey: "maker", CanonicalKey: "maker/model"}
	model := routing.PlatformModel{ID: id.New(), PlatformID: p.ID}
	w.must(func(t tx.Tx) error {
		if err := w.Catalog().ProviderInsert(w.ctx, t, &provider); err != nil {
			return err
		}
		if err := w.Catalog().BaseModelInsert(w.ctx, t, &base); err != nil {
			return err
		}
		return w.Routing().ModelInsert(w.ctx, t, &model)
	})
	for kind, resource := range map[access.ResourceType]id.ID{
		access.ResourcePlatform: p.ID, access.ResourceBaseModel: base.ID, access.ResourcePlatformModel: model.ID,
	} {
		found(w, string(kind), true)(s.ResourceExists(w.ctx, nil, kind, resource))
		found(w, "another "+string(kind), false)(s.ResourceExists(w.ctx, nil, kind, id.New()))
	}
	found(w, "of no type", false)(s.ResourceExists(w.ctx, nil, "model", model.ID))
	p.Status = routing.Deleted
	w.must(func(t tx.Tx) error { return w.Routing().PlatformReplace(w.ctx, t, &p) })
	found(w, "a deleted platform", false)(s.ResourceExists(w.ctx, nil, access.ResourcePlatform, p.ID))
	before, err := w.Routing().ConfigVersion(w.ctx)
	w.ok(err)
	w.must(func(t tx.Tx) error { return s.ConfigChanged(w.ctx, t) })
	found(w, "ConfigVersion", before+1)(w.Routing().ConfigVersion(w.ctx))
}
