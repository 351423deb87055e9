package routingtest

import (
	"context"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func (s *Store) setAt(set id.ID) int {
	return slices.IndexFunc(s.Sets, func(v routing.PolicySet) bool { return v.ID == set })
}

func (s *Store) keyTaken(v *routing.PolicySet) bool {
	return slices.ContainsFunc(s.Sets, func(o routing.PolicySet) bool { return o.ID != v.ID && o.Key == v.Key })
}

// PolicySetInsert implements routing.Store.
func (s *Store) PolicySetInsert(_ context.Context, _ tx.Tx, v *routing.PolicySet) error {
	if s.keyTaken(v) {
		return fault.ErrConflict.At("key")
	}
	v.Number = int64(len(s.Sets)) + 1
	s.Sets = append(s.Sets, *v)
	return nil
}

// PolicySetList implements routing.Store.
func (s *Store) PolicySetList(context.Context) ([]routing.PolicySet, error) {
	return slices.Clone(s.Sets), nil
}

// PolicySetByID implements routing.Store.
func (s *Store) PolicySetByID(_ context.Context, _ tx.Tx, set id.ID) (routing.PolicySet, error) {
	if at := s.setAt(set); at >= 0 {
		return s.Sets[at], nil
	}
	return routing.PolicySet{}, fault.ErrNotFound
}

// PolicySetUpdate implements routing.Store.
func (s *Store) PolicySetUpdate(_ context.Context, _ tx.Tx, v *routing.PolicySet) error {
	if s.keyTaken(v) {
		return fault.ErrConflict.At("key")
	}
	s.Sets[s.setAt(v.ID)] = *v
	return nil
}

// PolicySetDelete implements routing.Store.
func (s *Store) PolicySetDelete(_ context.Context, _ tx.Tx, set id.ID) error {
	at := s.setAt(set)
	s.Sets = slices.Delete(slices.Clone(s.Sets), at, at+1)
	return nil
}

// PolicySetUses implements routing.Store.
func (s *Store) PolicySetUses(_ context.Context, _ tx.Tx, set id.ID) (int64, error) {
	return s.Used[set], nil
}

// RunnerPolicyInsert implements routing.Store.
func (s *Store) RunnerPolicyInsert(_ context.Context, _ tx.Tx, v *routing.RunnerPolicy) error {
	stored := *v
	s.Failover = &stored
	return nil
}

// RunnerPolicyUpdate implements routing.Store.
func (s *Store) RunnerPolicyUpdate(ctx context.Context, t tx.Tx, v *routing.RunnerPolicy) error {
	return s.RunnerPolicyInsert(ctx, t, v)
}

// RunnerPolicyGet implements routing.Store.
func (s *Store) RunnerPolicyGet(context.Context) (routing.RunnerPolicy, error) {
	if s.Failover == nil {
		return routing.RunnerPolicy{}, fault.ErrNotFound
	}
	return *s.Failover, nil
}

// CredentialEnable implements routing.Store.
func (s *Store) CredentialEnable(_ context.Context, _ tx.Tx, platform, credential id.ID, now time.Time) error {
	for i := range s.Platforms {
		if s.Platforms[i].ID != platform || s.Platforms[i].Status == routing.Deleted {
			continue
		}
		list := slices.Clone(s.Platforms[i].Credentials)
		for j := range list {
			if c := &list[j]; c.ID == credential {
				c.Status, c.DisabledReason, c.DisabledAt, c.CooldownUntil = routing.Enabled, "", time.Time{}, time.Time{}
				c.UpdatedAt = now
				s.Platforms[i].Credentials = list
				return nil
			}
		}
	}
	return fault.ErrNotFound
}
