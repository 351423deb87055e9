package pricing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Parts are what a Service works with; all are required.
type Parts struct {
	Store Store
	Bus   *event.Bus
	Now   clock.Clock
}

// Service changes rule sets and reads them back. A set is never changed in place: each save is a version of its own, and
// calls keep the one that they were accepted under.
type Service struct{ Parts }

// NewService returns a service.
func NewService(p Parts) *Service { return &Service{p} }

// RuleSets lists every set in the version that is in force, or the first one to come, the oldest sets first.
func (s *Service) RuleSets(ctx context.Context) ([]RuleSet, error) {
	now := s.Now()
	versions, err := s.Store.RuleSetsSince(ctx, now)
	if err != nil {
		return nil, err
	}
	var out []RuleSet
	for len(versions) > 0 {
		n := 1
		for n < len(versions) && versions[n].ID == versions[0].ID {
			n++
		}
		out = append(out, *current(versions[:n], now))
		versions = versions[n:]
	}
	return out, nil
}

// CreateRuleSet adds a set with its first version. Codes: those of RuleSetInput.Compile, rule_set_key_taken.
func (s *Service) CreateRuleSet(ctx context.Context, by event.Actor, in RuleSetInput) (RuleSet, error) {
	set, err := compileSet(&in)
	if err != nil {
		return RuleSet{}, err
	}
	now := s.Now()
	set.ID, set.Version, set.CreatedAt, set.UpdatedAt = id.At(now), 1, now, now
	number(set.Rules, now)
	return set, s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := keyTaken(s.Store.RuleSetInsert(ctx, t, &set)); err != nil {
			return err
		}
		return s.changedTx(ctx, t, by, "rule_set.created", set.ID, nil, viewOf(&set))
	})
}

// RuleSetPatch is what a save changes. Nil fields stay as they are; Rules replaces all of them.
type RuleSetPatch struct {
	Key         *string
	Name        *string
	Description *string
	Category    *string
	Currency    *money.Currency
	Status      *string
	Metadata    json.RawMessage
	Rules       []RuleInput // nil: as they are
	EffectiveAt time.Time   // zero: at once
}

// UpdateRuleSet adds a version to a set, also when no rule changed. The currency of a set stays what it is.
// Codes: not_found, those of RuleSetInput.Compile, rule_set_key_taken, rule_set_default and rule_set_in_use (it is to be
// disabled), conflict (somebody saved at the same time).
func (s *Service) UpdateRuleSet(ctx context.Context, by event.Actor, set id.ID, p RuleSetPatch) (RuleSet, error) {
	var next RuleSet
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		versions, err := s.versions(ctx, set)
		if err != nil {
			return err
		}
		now := s.Now()
		old := current(versions, now)
		if next, err = p.successor(old, now); err != nil {
			return err
		}
		next.Version = latest(versions) + 1
		if err := s.mayDisable(ctx, t, old, &next); err != nil {
			return err
		}
		if err := s.saveTx(ctx, t, &next); err != nil {
			return err
		}
		return s.changedTx(ctx, t, by, "rule_set.updated", set, viewOf(old), viewOf(&next))
	})
	return next, err
}

func (s *Service) saveTx(ctx context.Context, t tx.Tx, next *RuleSet) error {
	if err := keyTaken(s.Store.RuleSetUpdate(ctx, t, next)); err != nil {
		return err
	}
	return s.Store.RuleSetVersionInsert(ctx, t, next)
}

// successor makes the version that follows old, which is in force or to come.
func (p *RuleSetPatch) successor(old *RuleSet, now time.Time) (RuleSet, error) {
	in := RuleSetInput{
		Key: or(p.Key, old.Key), Name: or(p.Name, old.Name), Description: or(p.Description, old.Description),
		Category: or(p.Category, old.Category), Currency: or(p.Currency, old.Currency), Status: or(p.Status, old.Status),
		Metadata: old.Metadata, Rules: p.Rules, EffectiveAt: p.EffectiveAt,
	}
	if p.Metadata != nil {
		in.Metadata = p.Metadata
	}
	if in.Currency != old.Currency {
		return RuleSet{}, ErrCurrencyMixed.Saying("The versions of a set must share a currency.").At("currency")
	}
	if p.Rules == nil {
		in.Rules = inputsOf(old.Rules)
	}
	next, err := compileSet(&in)
	if err != nil {
		return RuleSet{}, err
	}
	next.ID, next.Number, next.Default, next.CreatedAt, next.UpdatedAt = old.ID, old.Number, old.Default, old.CreatedAt, now
	number(next.Rules, now)
	return next, next.takeEffect(old, now)
}

// takeEffect gives a version the moment from which it prices: never before the one that it follows, which has priced
// calls already.
func (v *RuleSet) takeEffect(old *RuleSet, now time.Time) error {
	switch {
	case v.EffectiveAt.IsZero():
		v.EffectiveAt = now.Truncate(time.Microsecond) // as databases keep it
		if !old.EffectiveAt.After(now) {
			return nil
		}
		v.EffectiveAt = old.EffectiveAt // the set has not begun to price; it begins with this version
	case v.EffectiveAt.Before(now):
		return fault.ErrInvalid.Saying("A version cannot take effect in the past.").At("effectiveAt")
	}
	return nil
}

// mayDisable refuses to disable what prices something: its models would silently be priced by another set.
func (s *Service) mayDisable(ctx context.Context, t tx.Tx, old, next *RuleSet) error {
	switch {
	case isActive(next.Status) || !isActive(old.Status):
		return nil
	case old.Default:
		return ErrSetDefault.At("status")
	}
	return s.unused(ctx, t, old.ID, "status")
}

func (s *Service) unused(ctx context.Context, t tx.Tx, set id.ID, path string) error {
	uses, err := s.Store.RuleSetUses(ctx, t, set)
	if err == nil && uses > 0 {
		err = ErrSetInUse.With("uses", uses).At(path)
	}
	return err
}

// DeleteRuleSet removes a set that nothing names. Bills keep what they say of it, and the audit log its rules.
// Codes: not_found, rule_set_default, rule_set_in_use.
func (s *Service) DeleteRuleSet(ctx context.Context, by event.Actor, set id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		versions, err := s.versions(ctx, set)
		if err != nil {
			return err
		}
		old := current(versions, s.Now())
		if old.Default {
			return ErrSetDefault
		}
		if err := s.unused(ctx, t, set, ""); err != nil {
			return err
		}
		err = s.Store.RuleSetDelete(ctx, t, set)
		if errors.Is(err, fault.ErrInvalid) {
			return ErrSetInUse.Because(err) // somebody named it meanwhile
		}
		if err != nil {
			return err
		}
		return s.changedTx(ctx, t, by, "rule_set.deleted", set, viewOf(old), nil)
	})
}

func (s *Service) versions(ctx context.Context, set id.ID) ([]RuleSet, error) {
	versions, err := s.Store.RuleSetVersions(ctx, set)
	if errors.Is(err, fault.ErrNotFound) {
		return nil, ErrSet
	}
	return versions, err
}

func (s *Service) changedTx(
	ctx context.Context, t tx.Tx, by event.Actor, action string, set id.ID, before, after any,
) error {
	err := s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "pricing", Action: action, TargetType: "pricing_rule_set", TargetID: set.String(),
		Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return s.Bus.Announce(ctx, t, Changed{})
}

// compileSet compiles what is saved. A set without any rule in force would refuse every call.
func compileSet(in *RuleSetInput) (RuleSet, error) {
	set, err := in.Compile()
	if err != nil {
		return RuleSet{}, err
	}
	if !slices.ContainsFunc(set.Rules, func(r Rule) bool { return isActive(r.Status) }) {
		return RuleSet{}, fault.ErrInvalid.Saying("At least one rule is active.").At("rules")
	}
	return set, nil
}

// number gives the rules of a new version ids of their own.
func number(rules []Rule, now time.Time) {
	for i := range rules {
		rules[i].ID, rules[i].CreatedAt, rules[i].UpdatedAt = id.At(now), now, now
	}
}

// current is the version in force among those of one set, or the first to come.
func current(versions []RuleSet, now time.Time) *RuleSet {
	byTime := slices.Clone(versions)
	slices.SortStableFunc(byTime, func(x, y RuleSet) int {
		return cmp.Or(x.EffectiveAt.Compare(y.EffectiveAt), cmp.Compare(x.Version, y.Version))
	})
	found := &byTime[0]
	for i := range byTime {
		if !byTime[i].EffectiveAt.After(now) {
			found = &byTime[i]
		}
	}
	return found
}

func latest(versions []RuleSet) int64 {
	var out int64
	for i := range versions {
		out = max(out, versions[i].Version)
	}
	return out
}

// keyTaken words a conflict about a set's key.
func keyTaken(err error) error {
	if f := fault.From(err); f != nil && errors.Is(err, fault.ErrConflict) && f.Path == "key" {
		return ErrSetKeyTaken.Because(err)
	}
	return err
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
