package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func (w *world) newPlatform() routing.Platform {
	w.t.Helper()
	var p routing.Platform
	fill(&p)
	p.TenantID, p.OwnerUserID, p.Key = w.tenant.ID, w.user.ID, p.ID.String()
	p.PricingRuleSetID, p.RuntimePolicySetID = w.newRuleSet().ID, w.newPolicySet().ID
	p.Credentials = make([]routing.Credential, 2)
	for i := range p.Credentials {
		fill(&p.Credentials[i])
	}
	w.must(func(t tx.Tx) error { return w.Routing().PlatformInsert(w.ctx, t, &p) })
	return p
}

func testPlatforms(_ *testing.T, w *world) {
	s := w.Routing()
	p, other := w.newPlatform(), w.newPlatform()
	if p.Credentials[0].PlatformID != p.ID || p.Credentials[1].Number <= p.Credentials[0].Number {
		w.t.Errorf("the credentials were not filled in: %+v", p.Credentials)
	}
	found(w, "PlatformByID", p)(s.PlatformByID(w.ctx, p.ID))
	found(w, "PlatformList", []routing.Platform{p, other})(s.PlatformList(w.ctx))
	missing[routing.Platform](w, "another id")(s.PlatformByID(w.ctx, id.New()))
	p = platformsOfTenants(w, p, other)
	twin := routing.Platform{ID: id.New(), TenantID: w.tenant.ID, Key: p.Key}
	w.refused(w.in(func(t tx.Tx) error { return s.PlatformInsert(w.ctx, t, &twin) }), fault.ErrConflict, "key")

	p = platformReplaced(w, p, other)
	p.Status = routing.Deleted
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &p) })
	missing[routing.Platform](w, "a deleted platform")(s.PlatformByID(w.ctx, p.ID))
	found(w, "the list without it", []routing.Platform{other})(s.PlatformList(w.ctx))
	w.refused(w.in(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &p) }), fault.ErrNotFound, "")
	twin.Provider = p.Provider
	w.must(func(t tx.Tx) error { return s.PlatformInsert(w.ctx, t, &twin) })
}

// platformsOfTenants finds a tenant's platforms alone, locks them, and sets a priority.
func platformsOfTenants(w *world, p, other routing.Platform) routing.Platform {
	w.t.Helper()
	s := w.Routing()
	found(w, "PlatformListOf", []routing.Platform{p, other})(s.PlatformListOf(w.ctx, w.tenant.ID))
	found(w, "another tenant's", []routing.Platform{})(s.PlatformListOf(w.ctx, id.New()))
	p.DynamicPriority, p.UpdatedAt = nil, p.UpdatedAt.Add(time.Second)
	w.must(func(t tx.Tx) error {
		w.ok(s.PlatformPrioritySet(w.ctx, t, &p))
		found(w, "PlatformLock", p)(s.PlatformLock(w.ctx, t, w.tenant.ID, p.ID))
		missing[routing.Platform](w, "another tenant's lock")(s.PlatformLock(w.ctx, t, id.New(), p.ID))
		missing[routing.Platform](w, "a lock of nothing")(s.PlatformLock(w.ctx, t, w.tenant.ID, id.New()))
		return nil
	})
	found(w, "after PlatformPrioritySet", p)(s.PlatformByID(w.ctx, p.ID))
	gone := routing.Platform{ID: id.New()}
	w.refused(w.in(func(t tx.Tx) error { return s.PlatformPrioritySet(w.ctx, t, &gone) }), fault.ErrNotFound, "")
	return p
}

// platformReplaced changes every field, keeps one credential as it is, drops one and adds one.
func platformReplaced(w *world, p, other routing.Platform) routing.Platform {
	w.t.Helper()
	s := w.Routing()
	kept, created := p.Credentials[1], p.CreatedAt
	changed := p
	fill(&changed)
	changed.ID, changed.CreatedAt, changed.TenantID, changed.OwnerUserID = p.ID, created, w.tenant.ID, id.ID{}
	changed.PricingRuleSetID, changed.RuntimePolicySetID, changed.DynamicPriority = id.ID{}, id.ID{}, nil
	kept.Weight, kept.Status, kept.Preview, kept.Sealed = 7, routing.Disabled, nil, []byte("sealed again")
	fresh := routing.Credential{ID: id.New(), Name: "fresh", Status: routing.Enabled}
	changed.Credentials = []routing.Credential{kept, fresh}
	w.must(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &changed) })
	found(w, "after PlatformReplace", changed)(s.PlatformByID(w.ctx, p.ID))
	found(w, "its neighbour", other)(s.PlatformByID(w.ctx, other.ID))

	thief := changed
	thief.Credentials = []routing.Credential{other.Credentials[0]}
	w.refused(w.in(func(t tx.Tx) error { return s.PlatformReplace(w.ctx, t, &thief) }), fault.ErrConflict, "id")
	found(w, "after a refusal", changed)(s.PlatformByID(w.ctx, p.ID))
	return changed
}

func testPlatformModels(_ *testing.T, w *world) {
	s := w.Routing()
	p, other := w.newPlatform(), w.newPlatform()
	var m, elsewhere routing.PlatformModel
	for v, platform := range map[*routing.PlatformModel]id.ID{&m: p.ID, &elsewhere: other.ID} {
		fill(v)
		v.PlatformID, v.BaseModelID, v.PricingRuleSetID, v.RuntimePolicySetID = platform, id.ID{}, id.ID{}, id.ID{}
		w.must(func(t tx.Tx) error { return s.ModelInsert(w.ctx, t, v) })
	}
	found(w, "ModelByID", m)(s.ModelByID(w.ctx, m.ID))
	found(w, "ModelList of one platform", []routing.PlatformModel{m})(s.ModelList(w.ctx, p.ID))
	every, err := s.ModelList(w.ctx, id.ID{})
	w.ok(err)
	same(w, "ModelList of all", len(every), 2)
	found(w, "ModelListOf", every)(s.ModelListOf(w.ctx, w.tenant.ID))
	found(w, "another tenant's models", []routing.PlatformModel{})(s.ModelListOf(w.ctx, id.New()))
	missing[routing.PlatformModel](w, "another id")(s.ModelByID(w.ctx, id.New()))

	changed := m
	fill(&changed)
	changed.ID, changed.PlatformID, changed.CreatedAt, changed.BaseModelID = m.ID, m.PlatformID, m.CreatedAt, id.ID{}
	changed.PricingRuleSetID, changed.RuntimePolicySetID, changed.Enabled = w.newRuleSet().ID, w.newPolicySet().ID, false
	w.must(func(t tx.Tx) error { return s.ModelUpdate(w.ctx, t, &changed) })
	found(w, "after ModelUpdate", changed)(s.ModelByID(w.ctx, m.ID))
	w.must(func(t tx.Tx) error { return s.ModelDelete(w.ctx, t, m.ID) })
	missing[routing.PlatformModel](w, "a deleted model")(s.ModelByID(w.ctx, m.ID))
	w.refused(w.in(func(t tx.Tx) error { return s.ModelDelete(w.ctx, t, m.ID) }), fault.ErrNotFound, "")
	w.refused(w.in(func(t tx.Tx) error { return s.ModelUpdate(w.ctx, t, &m) }), fault.ErrNotFound, "")
	orphan := routing.PlatformModel{ID: id.New(), PlatformID: id.New()}
	w.refused(w.in(func(t tx.Tx) error { return s.ModelInsert(w.ctx, t, &orphan) }), fault.ErrInvalid, "")
}

func testPolicies(_ *testing.T, w *world) {
	s := w.Routing()
	missing[routing.RunnerPolicy](w, "no runner policy")(s.RunnerPolicyGet(w.ctx))
	var runner routing.RunnerPolicy
	fill(&runner)
	w.must(func(t tx.Tx) error { return s.RunnerPolicyInsert(w.ctx, t, &runner) })
	found(w, "RunnerPolicyGet", runner)(s.RunnerPolicyGet(w.ctx))

	var set routing.PolicySet
	fill(&set)
	w.must(func(t tx.Tx) error { return s.PolicySetInsert(w.ctx, t, &set) })
	found(w, "PolicySetList", []routing.PolicySet{set})(s.PolicySetList(w.ctx))
	for path, twin := range map[string]routing.PolicySet{
		"key":     {ID: id.New(), Key: set.Key},
		"default": {ID: id.New(), Key: "second", Default: true},
	} {
		w.refused(w.in(func(t tx.Tx) error { return s.PolicySetInsert(w.ctx, t, &twin) }), fault.ErrConflict, path)
	}
}

func testConfigVersion(t *testing.T, w *world) {
	t.Helper()
	s := w.Routing()
	before, err := s.ConfigVersion(w.ctx)
	w.ok(err)
	w.must(func(t tx.Tx) error { return s.ConfigChanged(w.ctx, t) })
	found(w, "ConfigVersion", before+1)(s.ConfigVersion(w.ctx))
	err = w.in(func(t tx.Tx) error {
		w.ok(s.ConfigChanged(w.ctx, t))
		return errStop
	})
	if err == nil {
		t.Error("the transaction was committed")
	}
	found(w, "after a rollback", before+1)(s.ConfigVersion(w.ctx))
}
