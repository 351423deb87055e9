// Package accesstest is a storage of access rules in memory, for tests of whoever uses them.
package accesstest

import (
	"cmp"
	"context"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// Store implements access.Store over a list.
type Store struct {
	memtx.Runner
	Rules []access.Rule
	// Version is raised by every change.
	Version int64
	// Subject finds a subject by type and id, Resource a resource; nil: there are none.
	Subject  func(access.SubjectType, id.ID) (access.Subject, bool)
	Resource func(access.ResourceType, id.ID) bool

	number int64
}

// NewStore returns an empty storage.
func NewStore() *Store {
	s := &Store{}
	s.Save = func() func() {
		rules, version := slices.Clone(s.Rules), s.Version
		return func() { s.Rules, s.Version = rules, version }
	}
	return s
}

// RuleInsert implements access.Store.
func (s *Store) RuleInsert(_ context.Context, _ tx.Tx, v *access.Rule) error {
	if slices.ContainsFunc(s.Rules, func(r access.Rule) bool { return twins(&r, v) }) {
		return fault.ErrConflict.At("resourceId")
	}
	s.number++
	v.Number = s.number
	s.Rules = append(s.Rules, *v)
	return nil
}

// twins reports whether two rules may not be there both.
func twins(a, b *access.Rule) bool {
	return a.ID != b.ID && a.TenantID == b.TenantID && a.Own == b.Own && a.SubjectType == b.SubjectType &&
		a.SubjectID == b.SubjectID && a.ResourceType == b.ResourceType && a.ResourceID == b.ResourceID && a.Effect == b.Effect
}

// RuleUpdate implements access.Store.
func (s *Store) RuleUpdate(_ context.Context, _ tx.Tx, v *access.Rule) error {
	at := slices.IndexFunc(s.Rules, func(r access.Rule) bool { return r.ID == v.ID })
	switch {
	case at < 0:
		return fault.ErrNotFound
	case slices.ContainsFunc(s.Rules, func(r access.Rule) bool { return twins(&r, v) }):
		return fault.ErrConflict.At("resourceId")
	}
	s.Rules[at] = *v
	return nil
}

// RuleDelete implements access.Store.
func (s *Store) RuleDelete(_ context.Context, _ tx.Tx, rule id.ID) error {
	at := slices.IndexFunc(s.Rules, func(r access.Rule) bool { return r.ID == rule })
	if at < 0 {
		return fault.ErrNotFound
	}
	s.Rules = slices.Delete(slices.Clone(s.Rules), at, at+1)
	return nil
}

// RuleList implements access.Store.
func (s *Store) RuleList(_ context.Context, _ tx.Tx, q access.Query) ([]access.Rule, error) {
	out := slices.DeleteFunc(slices.Clone(s.Rules), func(r access.Rule) bool {
		return !q.ID.IsZero() && r.ID != q.ID || !q.Tenant.IsZero() && r.TenantID != q.Tenant ||
			!q.SubjectID.IsZero() && (r.SubjectType != q.SubjectType || r.SubjectID != q.SubjectID) ||
			!q.Owner.IsZero() && (!r.Own || r.OwnerID != q.Owner)
	})
	slices.SortFunc(out, func(a, b access.Rule) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// SubjectFind implements access.Store.
func (s *Store) SubjectFind(_ context.Context, _ tx.Tx, v access.Subject) (access.Subject, error) {
	if s.Subject == nil {
		return v, fault.ErrNotFound
	}
	found, ok := s.Subject(v.Type, v.ID)
	if !ok || !v.TenantID.IsZero() && v.TenantID != found.TenantID || !v.OwnerID.IsZero() && v.OwnerID != found.OwnerID {
		return v, fault.ErrNotFound
	}
	return found, nil
}

// ResourceExists implements access.Store.
func (s *Store) ResourceExists(_ context.Context, _ tx.Tx, kind access.ResourceType, resource id.ID) (bool, error) {
	return s.Resource != nil && s.Resource(kind, resource), nil
}

// ConfigChanged implements access.Store.
func (s *Store) ConfigChanged(context.Context, tx.Tx) error { s.Version++; return nil }
