// Package pricingtest is a storage of prices in memory, for tests.
package pricingtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// Store keeps rule sets in memory. Used says by how many each is named.
type Store struct {
	memtx.Runner
	Versions []pricing.RuleSet
	Used     map[id.ID]int64
}

var _ pricing.Store = (*Store)(nil)

// NewStore returns an empty storage.
func NewStore() *Store {
	s := &Store{Used: map[id.ID]int64{}}
	s.Save = func() func() {
		versions := slices.Clone(s.Versions)
		return func() { s.Versions = versions }
	}
	return s
}

// InTx implements pricing.Store.
func (s *Store) InTx(ctx context.Context, f func(tx.Tx) error) error { return s.Runner.InTx(ctx, f) }

// RuleSetInsert implements pricing.Store.
func (s *Store) RuleSetInsert(ctx context.Context, t tx.Tx, v *pricing.RuleSet) error {
	for i := range s.Versions {
		if s.Versions[i].Key == v.Key {
			return fault.ErrConflict.At("key")
		}
	}
	v.Number = int64(len(s.Versions)) + 1
	return s.RuleSetVersionInsert(ctx, t, v)
}

// RuleSetVersionInsert implements pricing.Store.
func (s *Store) RuleSetVersionInsert(_ context.Context, _ tx.Tx, v *pricing.RuleSet) error {
	for i := range s.Versions {
		if s.Versions[i].ID == v.ID && s.Versions[i].Version == v.Version {
			return fault.ErrConflict.At("version")
		}
	}
	for i := range v.Rules {
		v.Rules[i].RuleSetID = v.ID
	}
	s.Versions = append(s.Versions, *v)
	return nil
}

// RuleSetUpdate implements pricing.Store.
func (s *Store) RuleSetUpdate(_ context.Context, _ tx.Tx, v *pricing.RuleSet) error {
	for i := range s.Versions {
		if o := &s.Versions[i]; o.ID != v.ID && o.Key == v.Key {
			return fault.ErrConflict.At("key")
		}
	}
	for i := range s.Versions {
		if o := &s.Versions[i]; o.ID == v.ID {
			o.Key, o.Name, o.Description, o.Category = v.Key, v.Name, v.Description, v.Category
			o.Status, o.Metadata, o.UpdatedAt = v.Status, v.Metadata, v.UpdatedAt
		}
	}
	return nil
}

// RuleSetDelete implements pricing.Store.
func (s *Store) RuleSetDelete(_ context.Context, _ tx.Tx, set id.ID) error {
	s.Versions = slices.DeleteFunc(slices.Clone(s.Versions), func(v pricing.RuleSet) bool { return v.ID == set })
	return nil
}

// RuleSetUses implements pricing.Store.
func (s *Store) RuleSetUses(_ context.Context, _ tx.Tx, set id.ID) (int64, error) {
	return s.Used[set], nil
}

// RuleSetList implements pricing.Store.
func (s *Store) RuleSetList(context.Context) ([]pricing.RuleSet, error) {
	out := slices.Clone(s.Versions)
	slices.SortStableFunc(out, func(a, b pricing.RuleSet) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Version, b.Version))
	})
	return out, nil
}

// RuleSetsSince implements pricing.Store; it leaves nothing out.
func (s *Store) RuleSetsSince(ctx context.Context, _ time.Time) ([]pricing.RuleSet, error) {
	return s.RuleSetList(ctx)
}

// RuleSetVersions implements pricing.Store.
func (s *Store) RuleSetVersions(_ context.Context, set id.ID) ([]pricing.RuleSet, error) {
	var out []pricing.RuleSet
	for _, v := range s.Versions {
		if v.ID == set {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return nil, fault.ErrNotFound
	}
	return out, nil
}

// RuleSetByID implements pricing.Store; it returns the last version.
func (s *Store) RuleSetByID(ctx context.Context, set id.ID) (pricing.RuleSet, error) {
	versions, err := s.RuleSetVersions(ctx, set)
	if err != nil {
		return pricing.RuleSet{}, err
	}
	return versions[len(versions)-1], nil
}
