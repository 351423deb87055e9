package access

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// maxBatch bounds the resources of one batch.
const maxBatch = 500

// Batch changes rules about one subject. Of its inputs, subject and effect are not looked at.
type Batch struct {
	SubjectType, SubjectID string
	// Effect is what rules are made with, allow if absent. Of the deletions it selects those of the effect, all if absent.
	Effect string
	// Upsert are resources for which the subject is to have a rule: one of the effect is changed as Update does, others are
	// made. Delete are those for which it is not.
	Upsert, Delete []Input
}

// Apply carries out a batch as a whole or not at all, and returns the subject's rules. Rules that owners of keys have made
// stay what they are. Codes: invalid_parameter with the path, access_rule_limit.
func (s *Service) Apply(ctx context.Context, by event.Actor, b Batch) ([]Rule, error) {
	of := Rule{TenantID: by.TenantID}
	return s.apply(ctx, by, b, of, func(t tx.Tx, of *Rule) error {
		return s.findSubjectTx(ctx, t, of)
	})
}

// OwnRules lists the rules that a user has made for keys of its own, the oldest first.
func (s *Service) OwnRules(ctx context.Context, owner id.ID) ([]Rule, error) {
	return s.Store.RuleList(ctx, nil, Query{Owner: owner})
}

// ApplyOwn is Apply for a key of the actor's own. It looks at rules that the actor has made, and no other: what
// administrators say about the key stays. Codes: not_found when the key is not the actor's, and those of Apply.
func (s *Service) ApplyOwn(ctx context.Context, by event.Actor, b Batch) ([]Rule, error) {
	if b.SubjectType != string(SubjectAPIKey) {
		return nil, invalid("subjectType", "This is to be api_key.")
	}
	of := Rule{TenantID: by.TenantID, OwnerID: by.UserID, Own: true}
	return s.apply(ctx, by, b, of, func(t tx.Tx, of *Rule) error {
		_, err := s.Store.SubjectFind(ctx, t, Subject{Type: SubjectAPIKey, ID: of.SubjectID, OwnerID: by.UserID})
		if errors.Is(err, fault.ErrNotFound) {
			return ErrKey
		}
		return err
	})
}

// apply carries out a batch whose rules are like of; check finds the subject.
func (s *Service) apply(
	ctx context.Context, by event.Actor, b Batch, of Rule, check func(tx.Tx, *Rule) error,
) (out []Rule, err error) {
	of.Effect, of.Status, of.Conditions, of.Metadata = Allow, Active, emptyObject, emptyObject
	plan, err := b.read(of)
	if err != nil {
		return nil, err
	}
	return out, s.change(ctx, func(t tx.Tx) error {
		if err := check(t, &plan.of); err != nil {
			return err
		}
		present, err := s.Store.RuleList(ctx, t, about(&plan.of))
		if err != nil {
			return err
		}
		if err := s.carryOutTx(ctx, t, by, plan, plan.own(present)); err != nil {
			return err
		}
		out, err = s.Store.RuleList(ctx, t, about(&plan.of))
		out = plan.own(out)
		if err == nil && len(out) > maxRules {
			err = ErrLimit
		}
		return err
	})
}

// plan is a batch that was read.
type plan struct {
	of             Rule // what all its rules have in common
	batch          Batch
	upsert, remove []resourceKey
}

// own leaves of the subject's rules those that the batch is about: made by the same side, within the same tenant.
func (p *plan) own(rules []Rule) []Rule {
	return slices.DeleteFunc(rules, func(r Rule) bool { return r.Own != p.of.Own || r.TenantID != p.of.TenantID })
}

// read reads a batch as far as that needs no storage.
func (b *Batch) read(of Rule) (*plan, error) {
	p := &plan{of: of, batch: *b}
	err := first(
		take(&p.of.SubjectType, "subjectType", b.SubjectType, subjectTypes), takeID(&p.of.SubjectID, "subjectId", b.SubjectID),
		take(&p.of.Effect, "effect", b.Effect, effects),
	)
	if err != nil {
		return nil, err
	}
	if len(b.Upsert)+len(b.Delete) > maxBatch {
		return nil, invalid("upsertResources", fmt.Sprintf("A batch has at most %d resources.", maxBatch))
	}
	seen := map[resourceKey]bool{}
	for _, list := range []struct {
		name  string
		items []Input
		into  *[]resourceKey
	}{{"deleteResources", b.Delete, &p.remove}, {"upsertResources", b.Upsert, &p.upsert}} {
		for i := range list.items {
			key, err := readResource(&list.items[i], of, place(list.name, i))
			if err == nil && seen[key] {
				err = invalid(place(list.name, i)+"resourceId", "The resource occurs twice.")
			}
			if err != nil {
				return nil, err
			}
			seen[key] = true
			*list.into = append(*list.into, key)
		}
	}
	return p, nil
}

func place(list string, i int) string { return fmt.Sprintf("%s[%d].", list, i) }

// readResource checks one resource of a batch.
func readResource(in *Input, of Rule, path string) (resourceKey, error) {
	err := in.applyTerms(&of, path)
	return of.resource(), err
}

// carryOutTx makes the subject's rules what the plan says.
func (s *Service) carryOutTx(ctx context.Context, t tx.Tx, by event.Actor, p *plan, present []Rule) error {
	for _, key := range p.remove {
		for i := range present {
			r := &present[i]
			if r.resource() != key || p.batch.Effect != "" && r.Effect != p.of.Effect {
				continue
			}
			if err := s.deleteTx(ctx, t, by, r); err != nil {
				return err
			}
		}
	}
	for i, key := range p.upsert {
		if err := s.upsertTx(ctx, t, by, p, i, key, present); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) resource() resourceKey { return resourceKey{r.ResourceType, r.ResourceID} }

func (s *Service) upsertTx(
	ctx context.Context, t tx.Tx, by event.Actor, p *plan, i int, key resourceKey, present []Rule,
) error {
	in := &p.batch.Upsert[i]
	now := s.Now()
	same := func(r Rule) bool { return r.resource() == key && r.Effect == p.of.Effect }
	if at := slices.IndexFunc(present, same); at >= 0 {
		r := present[at]
		if err := in.applyTerms(&r, place("upsertResources", i)); err != nil {
			return err
		}
		r.UpdatedAt = now
		return s.updateTx(ctx, t, by, &present[at], &r)
	}
	r := p.of
	r.ID, r.CreatedAt, r.UpdatedAt = id.At(now), now, now
	if err := in.applyTerms(&r, place("upsertResources", i)); err != nil {
		return err
	}
	if err := s.checkResourceTx(ctx, t, &r, place("upsertResources", i)+"resourceId"); err != nil {
		return err
	}
	return s.insertTx(ctx, t, by, &r)
}
