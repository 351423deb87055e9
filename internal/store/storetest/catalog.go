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
	m.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.BaseModelInsert(w.ctx, t, &m) }), fault.ErrConflict, "canonicalKey")
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
