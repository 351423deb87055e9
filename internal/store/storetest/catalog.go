package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testCatalog(_ *testing.T, w *world) {
	s := w.Catalog()
	var p catalog.Provider
	fill(&p)
	w.must(func(t tx.Tx) error { return s.ProviderInsert(w.ctx, t, &p) })
	plain := catalog.Provider{ID: id.New(), Key: "plain"}
	w.must(func(t tx.Tx) error { return s.ProviderInsert(w.ctx, t, &plain) })
	found(w, "ProviderList", []catalog.Provider{p, plain})(s.ProviderList(w.ctx))
	twin := catalog.Provider{ID: id.New(), Key: p.Key}
	w.refused(w.in(func(t tx.Tx) error { return s.ProviderInsert(w.ctx, t, &twin) }), fault.ErrConflict, "key")

	var m catalog.BaseModel
	fill(&m)
	m.ProviderKey, m.PricingRuleSetID, m.RuntimePolicySetID = p.Key, w.newRuleSet().ID, w.newPolicySet().ID
	w.must(func(t tx.Tx) error { return s.BaseModelInsert(w.ctx, t, &m) })
	found(w, "BaseModelByID", m)(s.BaseModelByID(w.ctx, m.ID))
	found(w, "BaseModelByKey", m)(s.BaseModelByKey(w.ctx, m.CanonicalKey))
	found(w, "BaseModelList", []catalog.BaseModel{m})(s.BaseModelList(w.ctx))
	missing[catalog.BaseModel](w, "another id")(s.BaseModelByID(w.ctx, id.New()))
	missing[catalog.BaseModel](w, "another key")(s.BaseModelByKey(w.ctx, "x"))
	again := m
	again.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.BaseModelInsert(w.ctx, t, &again) }), fault.ErrConflict, "canonicalKey")
	catalogChanged(w, p, plain, m)
}

// catalogChanged changes, locks and deletes rows, and finds out who names them.
func catalogChanged(w *world, p, plain catalog.Provider, m catalog.BaseModel) {
	w.t.Helper()
	s := w.Catalog()
	w.must(func(t tx.Tx) error {
		found(w, "ProviderLock", p)(s.ProviderLock(w.ctx, t, p.ID))
		found(w, "BaseModelLock", []catalog.BaseModel{m})(s.BaseModelLock(w.ctx, t, m.ID))
		found(w, "BaseModelLock of all", []catalog.BaseModel{m})(s.BaseModelLock(w.ctx, t, id.ID{}))
		found(w, "BaseModelLock of none", []catalog.BaseModel{})(s.BaseModelLock(w.ctx, t, id.New()))
		missing[catalog.Provider](w, "another provider")(s.ProviderLock(w.ctx, t, id.New()))
		found(w, "ProviderUse", catalog.Use{Models: true})(s.ProviderUse(w.ctx, t, p.Key))
		found(w, "nobody's", catalog.Use{})(s.ProviderUse(w.ctx, t, plain.Key))
		return nil
	})
	found(w, "RuleSetExists", true)(s.RuleSetExists(w.ctx, m.PricingRuleSetID))
	found(w, "PolicySetExists", true)(s.PolicySetExists(w.ctx, m.RuntimePolicySetID))
	found(w, "another rule set", false)(s.RuleSetExists(w.ctx, m.RuntimePolicySetID))
	found(w, "another policy set", false)(s.PolicySetExists(w.ctx, m.PricingRuleSetID))

	created := m.CreatedAt
	changed := m
	fill(&changed)
	changed.ID, changed.CreatedAt, changed.ProviderKey = m.ID, created, p.Key
	changed.PricingRuleSetID, changed.RuntimePolicySetID = id.ID{}, id.ID{}
	w.must(func(t tx.Tx) error { return s.BaseModelUpdate(w.ctx, t, &changed) })
	found(w, "after BaseModelUpdate", changed)(s.BaseModelByID(w.ctx, m.ID))
	other := plain
	fill(&other)
	other.ID, other.Key, other.CreatedAt = plain.ID, "other", plain.CreatedAt
	w.must(func(t tx.Tx) error { return s.ProviderUpdate(w.ctx, t, &other) })
	found(w, "after ProviderUpdate", []catalog.Provider{p, other})(s.ProviderList(w.ctx))
	twin := other
	twin.Key = p.Key
	w.refused(w.in(func(t tx.Tx) error { return s.ProviderUpdate(w.ctx, t, &twin) }), fault.ErrConflict, "key")

	catalogDeleted(w, p, other, changed)
}

func catalogDeleted(w *world, p, plain catalog.Provider, m catalog.BaseModel) {
	w.t.Helper()
	s := w.Catalog()
	route := routing.PlatformModel{ID: id.New(), PlatformID: w.newPlatform().ID, BaseModelID: m.ID}
	w.must(func(t tx.Tx) error { return w.Routing().ModelInsert(w.ctx, t, &route) })
	w.refused(w.in(func(t tx.Tx) error { return s.BaseModelDelete(w.ctx, t, m.ID) }), fault.ErrInvalid, "")
	w.refused(w.in(func(t tx.Tx) error { return s.ProviderDelete(w.ctx, t, p.ID) }), fault.ErrInvalid, "")
	w.must(func(t tx.Tx) error {
		w.ok(w.Routing().ModelDelete(w.ctx, t, route.ID))
		w.ok(s.BaseModelDelete(w.ctx, t, m.ID))
		w.ok(s.ProviderDelete(w.ctx, t, p.ID))
		return s.ProviderDelete(w.ctx, t, plain.ID)
	})
	found(w, "the empty catalogue", []catalog.Provider{})(s.ProviderList(w.ctx))
	for _, gone := range []error{
		w.in(func(t tx.Tx) error { return s.BaseModelDelete(w.ctx, t, m.ID) }),
		w.in(func(t tx.Tx) error { return s.BaseModelUpdate(w.ctx, t, &m) }),
		w.in(func(t tx.Tx) error { return s.ProviderDelete(w.ctx, t, p.ID) }),
		w.in(func(t tx.Tx) error { return s.ProviderUpdate(w.ctx, t, &p) }),
	} {
		w.refused(gone, fault.ErrNotFound, "")
	}
}

func (w *world) newRuleSet() pricing.RuleSet {
	w.t.Helper()
	var set pricing.RuleSet
	fill(&set)
	set.Key, set.Default = set.ID.String(), false
	w.must(func(t tx.Tx) error { return w.Pricing().RuleSetInsert(w.ctx, t, &set) })
	return set
}

func (w *world) newPolicySet() routing.PolicySet {
	w.t.Helper()
	var set routing.PolicySet
	fill(&set)
	set.Key, set.Default = set.ID.String(), false
	w.must(func(t tx.Tx) error { return w.Routing().PolicySetInsert(w.ctx, t, &set) })
	return set
}

func testPricing(_ *testing.T, w *world) {
	s := w.Pricing()
	var set pricing.RuleSet
	fill(&set)
	set.Currency, set.Rules = money.USD, make([]pricing.Rule, 2)
	for i := range set.Rules {
		fill(&set.Rules[i])
	}
	w.must(func(t tx.Tx) error { return s.RuleSetInsert(w.ctx, t, &set) })
	if set.Rules[0].RuleSetID != set.ID || set.Rules[1].Number <= set.Rules[0].Number {
		w.t.Errorf("the rules were not filled in: %+v", set.Rules)
	}
	other := w.newRuleSet()
	found(w, "RuleSetByID", set)(s.RuleSetByID(w.ctx, set.ID))
	found(w, "RuleSetList", []pricing.RuleSet{set, other})(s.RuleSetList(w.ctx))
	missing[pricing.RuleSet](w, "another id")(s.RuleSetByID(w.ctx, id.New()))

	later := set
	later.Version, later.EffectiveAt = set.Version+1, set.EffectiveAt.Add(time.Hour)
	later.Rules = make([]pricing.Rule, 1)
	fill(&later.Rules[0])
	w.must(func(t tx.Tx) error { return s.RuleSetVersionInsert(w.ctx, t, &later) })
	found(w, "RuleSetList with versions", []pricing.RuleSet{set, later, other})(s.RuleSetList(w.ctx))
	w.refused(w.in(func(t tx.Tx) error { return s.RuleSetVersionInsert(w.ctx, t, &later) }), fault.ErrConflict, "version")

	for path, twin := range map[string]pricing.RuleSet{
		"key":      {ID: id.New(), Key: set.Key},
		"currency": {ID: id.New(), Key: "second", Default: true, Currency: money.USD},
	} {
		w.refused(w.in(func(t tx.Tx) error { return s.RuleSetInsert(w.ctx, t, &twin) }), fault.ErrConflict, path)
	}
	negative := pricing.RuleSet{ID: id.New(), Key: "negative", Rules: []pricing.Rule{{ID: id.New(), Price: -1}}}
	if err := w.in(func(t tx.Tx) error { return s.RuleSetInsert(w.ctx, t, &negative) }); err == nil {
		w.t.Error("a negative price was stored")
	}
}
