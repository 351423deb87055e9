package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// uses reads how many name a set.
func (w *world) uses(count func(tx.Tx) (int64, error)) int64 {
	w.t.Helper()
	var n int64
	w.must(func(t tx.Tx) (err error) { n, err = count(t); return err })
	return n
}

// deleted marks a platform as people do who delete it; its row still names its sets.
func (w *world) deleted(p routing.Platform) {
	w.t.Helper()
	p.Status, p.Credentials = routing.Deleted, nil
	w.must(func(t tx.Tx) error { return w.Routing().PlatformReplace(w.ctx, t, &p) })
}

func testRuleSetChanges(_ *testing.T, w *world) {
	s := w.Pricing()
	p := w.newPlatform()
	set, err := s.RuleSetByID(w.ctx, p.PricingRuleSetID)
	w.ok(err)
	count := func(t tx.Tx) (int64, error) { return s.RuleSetUses(w.ctx, t, set.ID) }
	same(w, "uses", w.uses(count), int64(1))
	w.refused(w.in(func(t tx.Tx) error { return s.RuleSetDelete(w.ctx, t, set.ID) }), fault.ErrInvalid, "")

	changed := set
	fill(&changed)
	changed.ID, changed.Number, changed.CreatedAt, changed.Rules = set.ID, set.Number, set.CreatedAt, set.Rules
	changed.Currency, changed.Default, changed.Version, changed.EffectiveAt = set.Currency, set.Default, set.Version, set.EffectiveAt
	w.must(func(t tx.Tx) error { return s.RuleSetUpdate(w.ctx, t, &changed) })
	found(w, "RuleSetVersions", []pricing.RuleSet{changed})(s.RuleSetVersions(w.ctx, set.ID))
	taken := changed
	taken.Key = w.newRuleSet().Key
	w.refused(w.in(func(t tx.Tx) error { return s.RuleSetUpdate(w.ctx, t, &taken) }), fault.ErrConflict, "key")

	w.deleted(p)
	same(w, "uses by what was deleted", w.uses(count), int64(0))
	w.must(func(t tx.Tx) error { return s.RuleSetDelete(w.ctx, t, set.ID) })
	missing[[]pricing.RuleSet](w, "a deleted set")(s.RuleSetVersions(w.ctx, set.ID))
	w.refused(w.in(func(t tx.Tx) error { return s.RuleSetDelete(w.ctx, t, set.ID) }), fault.ErrNotFound, "")
	w.refused(w.in(func(t tx.Tx) error { return s.RuleSetUpdate(w.ctx, t, &set) }), fault.ErrNotFound, "")
}

// testRuleSetsSince: what has been replaced is not read again.
func testRuleSetsSince(_ *testing.T, w *world) {
	s := w.Pricing()
	set := pricing.RuleSet{ID: id.New(), Key: "versions", Name: "n", Currency: money.USD, Version: 1, Status: "active"}
	w.must(func(t tx.Tx) error { return s.RuleSetInsert(w.ctx, t, &set) })
	for v, at := range map[int64]time.Time{2: epoch.Add(time.Hour), 3: epoch.Add(time.Hour), 4: epoch.Add(2 * time.Hour)} {
		next := set
		next.Version, next.EffectiveAt = v, at
		next.Rules = []pricing.Rule{{ID: id.New(), Key: "r", Unit: pricing.PerToken, Currency: money.USD, Status: "active"}}
		w.must(func(t tx.Tx) error { return s.RuleSetVersionInsert(w.ctx, t, &next) })
	}
	for since, want := range map[time.Time][]int64{
		epoch: {1, 2, 3, 4}, epoch.Add(time.Hour): {3, 4}, epoch.Add(3 * time.Hour): {4},
	} {
		versions, err := s.RuleSetsSince(w.ctx, since)
		w.ok(err)
		var got []int64
		for _, v := range versions {
			got = append(got, v.Version)
			if len(v.Rules) != min(1, int(v.Version)-1) {
				w.t.Errorf("version %d has %d rules", v.Version, len(v.Rules))
			}
		}
		same(w, "versions since "+since.String(), got, want)
	}
}

func testPolicySetChanges(_ *testing.T, w *world) {
	s := w.Routing()
	p := w.newPlatform()
	var set routing.PolicySet
	w.must(func(t tx.Tx) (err error) { set, err = s.PolicySetByID(w.ctx, t, p.RuntimePolicySetID); return err })
	count := func(t tx.Tx) (int64, error) { return s.PolicySetUses(w.ctx, t, set.ID) }
	same(w, "uses", w.uses(count), int64(1))
	w.refused(w.in(func(t tx.Tx) error { return s.PolicySetDelete(w.ctx, t, set.ID) }), fault.ErrInvalid, "")

	changed := set
	fill(&changed)
	changed.ID, changed.Number, changed.CreatedAt, changed.Default = set.ID, set.Number, set.CreatedAt, set.Default
	w.must(func(t tx.Tx) error { return s.PolicySetUpdate(w.ctx, t, &changed) })
	found(w, "PolicySetList", []routing.PolicySet{changed})(s.PolicySetList(w.ctx))
	taken := changed
	taken.Key = w.newPolicySet().Key
	w.refused(w.in(func(t tx.Tx) error { return s.PolicySetUpdate(w.ctx, t, &taken) }), fault.ErrConflict, "key")

	w.deleted(p)
	same(w, "uses by what was deleted", w.uses(count), int64(0))
	w.must(func(t tx.Tx) error { return s.PolicySetDelete(w.ctx, t, set.ID) })
	w.refused(w.in(func(t tx.Tx) error { return s.PolicySetDelete(w.ctx, t, set.ID) }), fault.ErrNotFound, "")
	w.refused(w.in(func(t tx.Tx) error { _, err := s.PolicySetByID(w.ctx, t, set.ID); return err }), fault.ErrNotFound, "")

	var runner routing.RunnerPolicy
	fill(&runner)
	w.refused(w.in(func(t tx.Tx) error { return s.RunnerPolicyUpdate(w.ctx, t, &runner) }), fault.ErrNotFound, "")
	w.must(func(t tx.Tx) error { return s.RunnerPolicyInsert(w.ctx, t, &runner) })
	next := runner
	fill(&next)
	next.ID, next.CreatedAt = runner.ID, runner.CreatedAt
	w.must(func(t tx.Tx) error { return s.RunnerPolicyUpdate(w.ctx, t, &next) })
	found(w, "RunnerPolicyGet", next)(s.RunnerPolicyGet(w.ctx))
}

func testCredentialEnable(_ *testing.T, w *world) {
	s := w.Routing()
	p := w.newPlatform()
	c := p.Credentials[0]
	w.ok(s.SickSave(w.ctx, []routing.Sick{{
		Kind: routing.UnitCredential, ID: c.ID, Platform: p.ID, Until: epoch.Add(time.Hour), Disabled: true, Reason: "quota", Since: epoch,
	}}))
	at := epoch.Add(time.Minute)
	enable := func(platform, credential id.ID) error {
		return w.in(func(t tx.Tx) error { return s.CredentialEnable(w.ctx, t, platform, credential, at) })
	}
	w.refused(enable(id.New(), c.ID), fault.ErrNotFound, "")
	w.refused(enable(p.ID, id.New()), fault.ErrNotFound, "")
	w.ok(enable(p.ID, c.ID))
	got, err := s.PlatformByID(w.ctx, p.ID)
	w.ok(err)
	c.Status, c.DisabledReason, c.DisabledAt, c.CooldownUntil, c.UpdatedAt = routing.Enabled, "", time.Time{}, time.Time{}, at
	same(w, "the credential", got.Credentials[0], c)
	sick, err := s.SickList(w.ctx)
	w.ok(err)
	for _, v := range sick {
		if v.ID == c.ID {
			w.t.Errorf("still %+v", v)
		}
	}
	w.deleted(p)
	w.refused(enable(p.ID, c.ID), fault.ErrNotFound, "")
}
