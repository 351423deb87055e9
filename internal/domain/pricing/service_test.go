package pricing_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/pricing/pricingtest"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// desk is a service with what it told.
type desk struct {
	*pricing.Service
	store   *pricingtest.Store
	clock   *clock.Manual
	actions []string
	changed int
}

func newDesk() *desk {
	d := &desk{store: pricingtest.NewStore(), clock: clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))}
	var bus event.Bus
	event.On(&bus, func(_ context.Context, _ tx.Tx, c event.Change) error {
		d.actions = append(d.actions, c.Action)
		return nil
	})
	event.On(&bus, func(_ context.Context, _ tx.Tx, _ pricing.Changed) error { d.changed++; return nil })
	d.Service = pricing.NewService(pricing.Parts{Store: d.store, Bus: &bus, Now: d.clock.Now})
	return d
}

func readRules(t *testing.T, text string) []pricing.RuleInput {
	t.Helper()
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	in, err := pricing.ReadRules(raw)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

const perMillion = `[{"resourceType":"text_input","unit":"1m_tokens","basePrice":2}]`

func (d *desk) create(t *testing.T) pricing.RuleSet {
	t.Helper()
	set, err := d.CreateRuleSet(t.Context(), event.Actor{}, pricing.RuleSetInput{
		Key: "mine", Name: "Mine", Currency: money.USD, Rules: readRules(t, perMillion),
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (d *desk) update(t *testing.T, set id.ID, p pricing.RuleSetPatch) (pricing.RuleSet, error) {
	t.Helper()
	return d.UpdateRuleSet(t.Context(), event.Actor{}, set, p)
}

// TestSavesAreVersions: what is saved is in force from then on, and earlier calls keep what priced them.
func TestSavesAreVersions(t *testing.T) {
	t.Parallel()
	d := newDesk()
	first := d.create(t)
	d.clock.Advance(time.Hour)
	name := "Renamed"
	second, err := d.update(t, first.ID, pricing.RuleSetPatch{Name: &name})
	if err != nil || second.Version != 2 || !second.EffectiveAt.Equal(d.clock.Now()) || second.Rules[0].Price != first.Rules[0].Price ||
		second.Rules[0].ID == first.Rules[0].ID || second.Name != name || second.Key != first.Key {
		t.Fatalf("%+v, %v", second, err)
	}
	later := d.clock.Now().Add(24 * time.Hour)
	third, err := d.update(t, first.ID, pricing.RuleSetPatch{
		EffectiveAt: later, Rules: readRules(t, `[{"resourceType":"text_input","unit":"1m_tokens","basePrice":4}]`),
	})
	if err != nil || third.Version != 3 {
		t.Fatalf("%+v, %v", third, err)
	}
	book := pricing.NewBook(d.store.Versions)
	for at, want := range map[time.Time]int64{first.CreatedAt: 1, d.clock.Now(): 2, later: 3} {
		if v := book.InForce(first.ID, at); v == nil || v.Version != want {
			t.Errorf("at %v: %+v, want version %d", at, v, want)
		}
	}
	listed, err := d.RuleSets(t.Context())
	if err != nil || len(listed) != 1 || listed[0].Version != 2 {
		t.Errorf("listed %+v, %v", listed, err)
	}
	if d.changed != 3 || len(d.actions) != 3 || d.actions[2] != "rule_set.updated" {
		t.Errorf("changed %d times: %v", d.changed, d.actions)
	}
}

// TestCallsOfAMomentAgoArePriced: a call whose request was being read while prices changed is priced by what was in force
// when it came.
func TestCallsOfAMomentAgoArePriced(t *testing.T) {
	t.Parallel()
	d := newDesk()
	set := d.create(t)
	came := d.clock.Now().Add(59 * time.Second)
	d.clock.Advance(time.Minute)
	if _, err := d.update(t, set.ID, pricing.RuleSetPatch{}); err != nil {
		t.Fatal(err)
	}
	s, err := pricing.NewBook(d.store.Versions).Schedule(set.ID, d.clock.Now())
	if err != nil || s.At(came).Version != 1 || s.At(d.clock.Now()).Version != 2 {
		t.Errorf("came before: %+v, now: %+v, %v", s.At(came), s.At(d.clock.Now()), err)
	}
	d.clock.Advance(time.Hour)
	s, err = pricing.NewBook(d.store.Versions).Schedule(set.ID, d.clock.Now())
	if err != nil || s.At(came) == nil || s.At(came).Version != 2 {
		t.Errorf("an hour later: %+v, %v", s.At(came), err)
	}
}

// TestAVersionToComeIsReplaced: a set that has not begun begins with what was saved last.
func TestAVersionToComeIsReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk()
	begins := d.clock.Now().Add(time.Hour)
	set, err := d.CreateRuleSet(t.Context(), event.Actor{}, pricing.RuleSetInput{
		Key: "mine", Name: "Mine", Currency: money.USD, Rules: readRules(t, perMillion), EffectiveAt: begins,
	})
	if err != nil {
		t.Fatal(err)
	}
	next, err := d.update(t, set.ID, pricing.RuleSetPatch{})
	if err != nil || !next.EffectiveAt.Equal(begins) {
		t.Errorf("%+v, %v", next, err)
	}
	if v := pricing.NewBook(d.store.Versions).InForce(set.ID, begins); v == nil || v.Version != 2 {
		t.Errorf("%+v prices", v)
	}
}

func TestRefusedSaves(t *testing.T) {
	t.Parallel()
	d := newDesk()
	set := d.create(t)
	if _, err := d.CreateRuleSet(t.Context(), event.Actor{}, pricing.RuleSetInput{
		Key: "mine", Name: "Twin", Currency: money.USD, Rules: readRules(t, perMillion),
	}); !errors.Is(err, pricing.ErrSetKeyTaken) {
		t.Errorf("a second one: %v", err)
	}
	euros, disabled, nothing := money.Currency("EUR"), "disabled", ""
	d.store.Used[set.ID] = 1
	for name, c := range map[string]struct {
		patch pricing.RuleSetPatch
		want  *fault.Error
	}{
		"another currency":  {pricing.RuleSetPatch{Currency: &euros}, pricing.ErrCurrencyMixed.At("currency")},
		"no name":           {pricing.RuleSetPatch{Name: &nothing}, fault.ErrInvalid.At("name")},
		"no rules":          {pricing.RuleSetPatch{Rules: []pricing.RuleInput{}}, fault.ErrInvalid.At("rules")},
		"no active rule":    {pricing.RuleSetPatch{Rules: readRules(t, `[{"resourceType":"text_input","unit":"token","basePrice":1,"status":"disabled"}]`)}, fault.ErrInvalid.At("rules")},
		"in the past":       {pricing.RuleSetPatch{EffectiveAt: d.clock.Now().Add(-time.Second)}, fault.ErrInvalid.At("effectiveAt")},
		"disabled in use":   {pricing.RuleSetPatch{Status: &disabled}, pricing.ErrSetInUse.At("status")},
		"too exact a price": {pricing.RuleSetPatch{Rules: readRules(t, `[{"resourceType":"text_input","unit":"token","basePrice":0.0000000000000001}]`)}, pricing.ErrPrecision.At("rules[0].basePrice")},
	} {
		_, err := d.update(t, set.ID, c.patch)
		if f := fault.From(err); f == nil || f.Code != c.want.Code || f.Path != c.want.Path {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := d.update(t, id.New(), pricing.RuleSetPatch{}); !errors.Is(err, pricing.ErrSet) {
		t.Errorf("an unknown set: %v", err)
	}
	if len(d.store.Versions) != 1 || d.changed != 1 {
		t.Errorf("%d versions, %d changes", len(d.store.Versions), d.changed)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	d := newDesk()
	set := d.create(t)
	d.store.Used[set.ID] = 2
	if err := d.DeleteRuleSet(t.Context(), event.Actor{}, set.ID); !errors.Is(err, pricing.ErrSetInUse) {
		t.Errorf("in use: %v", err)
	}
	d.store.Used[set.ID] = 0
	if err := d.DeleteRuleSet(t.Context(), event.Actor{}, set.ID); err != nil {
		t.Error(err)
	}
	if err := d.DeleteRuleSet(t.Context(), event.Actor{}, set.ID); !errors.Is(err, pricing.ErrSet) {
		t.Errorf("deleted twice: %v", err)
	}
	standard := d.create(t)
	d.store.Versions[0].Default = true
	if err := d.DeleteRuleSet(t.Context(), event.Actor{}, standard.ID); !errors.Is(err, pricing.ErrSetDefault) {
		t.Errorf("the default: %v", err)
	}
}

func TestReadRules(t *testing.T) {
	t.Parallel()
	for text, path := range map[string]string{
		`[{"id":"x","createdAt":"y","resourceType":"text_input"},{"basePirce":1}]`: "rules[1].basePirce",
		`[{"priority":"high"}]`: "rules[0].priority",
		`[5]`:                   "rules[0]",
	} {
		var raw []json.RawMessage
		if err := json.Unmarshal([]byte(text), &raw); err != nil {
			t.Fatal(err)
		}
		_, err := pricing.ReadRules(raw)
		if f := fault.From(err); f == nil || f.Code != fault.ErrInvalid.Code || f.Path != path {
			t.Errorf("%s: %v, want a fault at %q", text, err, path)
		}
	}
}
