package access

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// maxRules bounds the rules about one subject.
const maxRules = 1000

// Parts are what the service works with; all are required.
type Parts struct {
	Store Store
	Bus   *event.Bus
	Now   clock.Clock
	// Operator tells the tenant whose administrators administer all tenants.
	Operator func(context.Context) (id.ID, error)
}

// Service changes rules and reads them back.
type Service struct{ Parts }

// NewService returns a service. With a key that is deleted, its rules go.
func NewService(p Parts) *Service {
	s := &Service{p}
	event.On(p.Bus, s.onChange)
	return s
}

// Rules lists the rules that an administrator administers, the oldest first: all of them, or those of the own tenant.
func (s *Service) Rules(ctx context.Context, by event.Actor) ([]Rule, error) {
	tenant, err := s.reach(ctx, by.TenantID)
	if err != nil {
		return nil, err
	}
	return s.Store.RuleList(ctx, nil, Query{Tenant: tenant})
}

// reach is the tenant that a tenant's administrators administer and its rules are about; zero: all.
func (s *Service) reach(ctx context.Context, tenant id.ID) (id.ID, error) {
	operator, err := s.Operator(ctx)
	if err != nil || tenant == operator {
		return id.ID{}, err
	}
	return tenant, nil
}

// Create adds a rule. Codes: invalid_parameter with the path, access_rule_exists, access_rule_limit.
func (s *Service) Create(ctx context.Context, by event.Actor, in Input) (Rule, error) {
	now := s.Now()
	r := Rule{
		ID: id.At(now), TenantID: by.TenantID, Effect: Allow, Conditions: emptyObject, Status: Active, Metadata: emptyObject,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := in.apply(&r, ""); err != nil {
		return r, err
	}
	return r, s.change(ctx, func(t tx.Tx) error {
		if err := s.checkTx(ctx, t, &r); err != nil {
			return err
		}
		present, err := s.Store.RuleList(ctx, t, about(&r))
		if err == nil && len(present) >= maxRules {
			err = ErrLimit
		}
		if err != nil {
			return err
		}
		return s.insertTx(ctx, t, by, &r)
	})
}

// about selects the rules with the subject of r.
func about(r *Rule) Query { return Query{SubjectType: r.SubjectType, SubjectID: r.SubjectID} }

// Update changes a rule; what is absent stays as it is. Codes: not_found, and those of Create.
func (s *Service) Update(ctx context.Context, by event.Actor, rule id.ID, in Input) (r Rule, err error) {
	return r, s.change(ctx, func(t tx.Tx) error {
		before, err := s.findTx(ctx, t, by, rule)
		if err != nil {
			return err
		}
		r = before
		if err := in.apply(&r, ""); err != nil {
			return err
		}
		if r.Own && (r.SubjectType != before.SubjectType || r.SubjectID != before.SubjectID) {
			return invalid("subjectId", "The rule is its key's owner's: it stays with the key.")
		}
		if err := s.checkChangedTx(ctx, t, &before, &r); err != nil {
			return err
		}
		r.UpdatedAt = s.Now()
		return s.updateTx(ctx, t, by, &before, &r)
	})
}

// Delete removes a rule. Code: not_found.
func (s *Service) Delete(ctx context.Context, by event.Actor, rule id.ID) error {
	return s.change(ctx, func(t tx.Tx) error {
		r, err := s.findTx(ctx, t, by, rule)
		if err != nil {
			return err
		}
		return s.deleteTx(ctx, t, by, &r)
	})
}

// findTx returns a rule within the actor's reach. Code: not_found.
func (s *Service) findTx(ctx context.Context, t tx.Tx, by event.Actor, rule id.ID) (Rule, error) {
	tenant, err := s.reach(ctx, by.TenantID)
	if err != nil {
		return Rule{}, err
	}
	found, err := s.Store.RuleList(ctx, t, Query{ID: rule, Tenant: tenant})
	if err != nil {
		return Rule{}, err
	}
	if len(found) == 0 {
		return Rule{}, ErrRule
	}
	return found[0], nil
}

// checkTx holds a rule against what there is.
func (s *Service) checkTx(ctx context.Context, t tx.Tx, r *Rule) error {
	if err := s.findSubjectTx(ctx, t, r); err != nil {
		return err
	}
	return s.checkResourceTx(ctx, t, r, "resourceId")
}

// checkChangedTx is checkTx for what a rule did not say before: what it named then may be gone, and the rule must still be
// changeable.
func (s *Service) checkChangedTx(ctx context.Context, t tx.Tx, before, r *Rule) error {
	if r.SubjectType != before.SubjectType || r.SubjectID != before.SubjectID {
		if err := s.findSubjectTx(ctx, t, r); err != nil {
			return err
		}
	}
	if r.resource() == before.resource() {
		return nil
	}
	return s.checkResourceTx(ctx, t, r, "resourceId")
}

// findSubjectTx finds a rule's subject within the reach of the rule's tenant, and fills in whose key it is.
func (s *Service) findSubjectTx(ctx context.Context, t tx.Tx, r *Rule) error {
	tenant, err := s.reach(ctx, r.TenantID)
	if err != nil {
		return err
	}
	subject, err := s.Store.SubjectFind(ctx, t, Subject{Type: r.SubjectType, ID: r.SubjectID, TenantID: tenant})
	if errors.Is(err, fault.ErrNotFound) {
		return invalid("subjectId", "There is no such subject.")
	}
	r.OwnerID = subject.OwnerID
	return err
}

func (s *Service) checkResourceTx(ctx context.Context, t tx.Tx, r *Rule, path string) error {
	exists, err := s.Store.ResourceExists(ctx, t, r.ResourceType, r.ResourceID)
	if err == nil && !exists {
		return invalid(path, "There is no such resource.")
	}
	return err
}

// change runs f in a transaction that changes rules: one at a time, so that what f reads stays true until it has written.
func (s *Service) change(ctx context.Context, f func(tx.Tx) error) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := s.Store.ConfigChanged(ctx, t); err != nil {
			return err
		}
		if err := f(t); err != nil {
			return err
		}
		return s.Bus.Announce(ctx, t, Changed{})
	})
}

func (s *Service) insertTx(ctx context.Context, t tx.Tx, by event.Actor, r *Rule) error {
	if err := exists(s.Store.RuleInsert(ctx, t, r)); err != nil {
		return err
	}
	return s.announceTx(ctx, t, by, "access_rule.created", r, nil, viewRule(r))
}

func (s *Service) updateTx(ctx context.Context, t tx.Tx, by event.Actor, before, r *Rule) error {
	if err := exists(s.Store.RuleUpdate(ctx, t, r)); err != nil {
		return err
	}
	return s.announceTx(ctx, t, by, "access_rule.updated", r, viewRule(before), viewRule(r))
}

func (s *Service) deleteTx(ctx context.Context, t tx.Tx, by event.Actor, r *Rule) error {
	if err := s.Store.RuleDelete(ctx, t, r.ID); err != nil {
		return err
	}
	return s.announceTx(ctx, t, by, "access_rule.deleted", r, viewRule(r), nil)
}

func exists(err error) error {
	if errors.Is(err, fault.ErrConflict) {
		return ErrExists
	}
	return err
}

// onChange lets the rules about a key go with the key: they narrow what nobody can use any more.
func (s *Service) onChange(ctx context.Context, t tx.Tx, c event.Change) error {
	if c.TargetType != string(SubjectAPIKey) || c.Action != "api_key.deleted" {
		return nil
	}
	key, err := id.Parse(c.TargetID)
	if err != nil {
		return err
	}
	rules, err := s.Store.RuleList(ctx, t, Query{SubjectType: SubjectAPIKey, SubjectID: key})
	if err != nil || len(rules) == 0 {
		return err
	}
	for i := range rules {
		if err := s.deleteTx(ctx, t, c.Actor, &rules[i]); err != nil {
			return err
		}
	}
	if err := s.Store.ConfigChanged(ctx, t); err != nil {
		return err
	}
	return s.Bus.Announce(ctx, t, Changed{})
}

var emptyObject = json.RawMessage(`{}`)
