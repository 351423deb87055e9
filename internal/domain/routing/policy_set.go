package routing

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// What can go wrong with policy sets.
var (
	ErrPolicySet        = fault.New(404, "not_found", "There is no such policy set.")
	ErrPolicySetKey     = fault.New(409, "policy_set_key_taken", "Another policy set has this key.").At("policyKey")
	ErrPolicySetDefault = fault.New(409, "policy_set_default", "The default policy set cannot be deleted or disabled.")
	ErrPolicySetInUse   = fault.New(409, "policy_set_in_use", "The policy set is used by base models, platforms or models.")
)

// PolicySetPatch is a policy set as people enter it.
type PolicySetPatch struct {
	PolicyPatch

	RateLimit, Retry, Degrade, AutoDisable json.RawMessage
}

// PolicySets lists the sets, the oldest first.
func (s *Service) PolicySets(ctx context.Context) ([]PolicySet, error) {
	return s.Store.PolicySetList(ctx)
}

// CreatePolicySet adds a set. Codes: invalid_parameter with the path, policy_set_key_taken.
func (s *Service) CreatePolicySet(ctx context.Context, by event.Actor, p PolicySetPatch) (PolicySet, error) {
	now := s.Now()
	set := PolicySet{ID: id.At(now), Status: active, CreatedAt: now}
	if err := p.apply(&set, now); err != nil {
		return PolicySet{}, err
	}
	return set, s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := policyKeyTaken(s.Store.PolicySetInsert(ctx, t, &set)); err != nil {
			return err
		}
		return s.policyChangedTx(ctx, t, by, "policy_set.created", set.ID, nil, viewPolicySet(&set))
	})
}

// UpdatePolicySet changes a set. Codes: not_found, invalid_parameter with the path, policy_set_key_taken,
// policy_set_default and policy_set_in_use (it is to be disabled).
func (s *Service) UpdatePolicySet(ctx context.Context, by event.Actor, set id.ID, p PolicySetPatch) (PolicySet, error) {
	var next PolicySet
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := s.policySet(ctx, t, set)
		if err != nil {
			return err
		}
		next = old
		if err := p.apply(&next, s.Now()); err != nil {
			return err
		}
		if next.Status != active && old.Status == active {
			if err := s.mayDropTx(ctx, t, &old); err != nil {
				return err.At("status")
			}
		}
		if err := policyKeyTaken(s.Store.PolicySetUpdate(ctx, t, &next)); err != nil {
			return err
		}
		return s.policyChangedTx(ctx, t, by, "policy_set.updated", set, viewPolicySet(&old), viewPolicySet(&next))
	})
	return next, err
}

// DeletePolicySet removes a set that nothing names. Codes: not_found, policy_set_default, policy_set_in_use.
func (s *Service) DeletePolicySet(ctx context.Context, by event.Actor, set id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := s.policySet(ctx, t, set)
		if err != nil {
			return err
		}
		if err := s.mayDropTx(ctx, t, &old); err != nil {
			return err
		}
		err = s.Store.PolicySetDelete(ctx, t, set)
		if errors.Is(err, fault.ErrInvalid) {
			return ErrPolicySetInUse.Because(err) // somebody named it meanwhile
		}
		if err != nil {
			return err
		}
		return s.policyChangedTx(ctx, t, by, "policy_set.deleted", set, viewPolicySet(&old), nil)
	})
}

// mayDropTx refuses to take out of force what holds for something: other policies would silently hold instead.
func (s *Service) mayDropTx(ctx context.Context, t tx.Tx, set *PolicySet) *fault.Error {
	if set.Default {
		return ErrPolicySetDefault
	}
	uses, err := s.Store.PolicySetUses(ctx, t, set.ID)
	if err == nil && uses > 0 {
		err = ErrPolicySetInUse.With("uses", uses)
	}
	return fault.From(err)
}

func (s *Service) policySet(ctx context.Context, t tx.Tx, set id.ID) (PolicySet, error) {
	v, err := s.Store.PolicySetByID(ctx, t, set)
	if errors.Is(err, fault.ErrNotFound) {
		return PolicySet{}, ErrPolicySet
	}
	return v, err
}

func (s *Service) policyChangedTx(
	ctx context.Context, t tx.Tx, by event.Actor, action string, target id.ID, before, after any,
) error {
	kind, _, _ := strings.Cut(action, ".")
	err := s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "runtime", Action: action, TargetType: kind, TargetID: target.String(), Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return s.changedTx(ctx, t)
}

func (p *PolicySetPatch) apply(to *PolicySet, now time.Time) error {
	if err := p.check(to.Key, to.Name); err != nil {
		return err
	}
	for _, err := range []error{
		check("rateLimitPolicy", p.RateLimit, platformRateLimitShape), check("retryPolicy", p.Retry, parsed(ParseRetry)),
		check("degradePolicy", p.Degrade, parsed(ParseDegrade)), check("autoDisablePolicy", p.AutoDisable, parsed(ParseDisable)),
	} {
		if err != nil {
			return err
		}
	}
	to.Key, to.Name, to.Description, to.Status = p.texts(to.Key, to.Name, to.Description, to.Status)
	to.Metadata, to.UpdatedAt = entered(p.Metadata, to.Metadata), now
	to.RateLimitPolicy, to.RetryPolicy = entered(p.RateLimit, to.RateLimitPolicy), entered(p.Retry, to.RetryPolicy)
	to.DegradePolicy = entered(p.Degrade, to.DegradePolicy)
	to.AutoDisablePolicy = entered(p.AutoDisable, to.AutoDisablePolicy)
	return nil
}

func policyKeyTaken(err error) error {
	if f := fault.From(err); f != nil && errors.Is(err, fault.ErrConflict) && f.Path == "key" {
		return ErrPolicySetKey.Because(err)
	}
	return err
}
