package identitytest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// list returns the rows that match, the oldest first.
func list[T any](s *Store, in func(*rows) map[id.ID]T, number func(*T) int64, match func(*T) bool) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.DeleteFunc(slices.Collect(maps.Values(in(&s.rows))), func(v T) bool { return !match(&v) })
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(number(&a), number(&b)) })
	return out
}

// replace keeps a row in the place of one that is there.
func replace[T any](s *Store, in func(*rows) map[id.ID]T, key id.ID, v *T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := in(&s.rows)[key]; !ok {
		return fault.ErrNotFound
	}
	in(&s.rows)[key] = *v
	return nil
}

// TenantUpdate implements identity.Store.
func (s *Store) TenantUpdate(_ context.Context, _ tx.Tx, v *identity.Tenant) error {
	_, err := find(s, tenants, func(o *identity.Tenant) bool {
		return o.ID != v.ID && o.Status != identity.Deleted && v.Status != identity.Deleted && o.Key == v.Key
	})
	if err == nil {
		return fault.ErrConflict.At("key")
	}
	return replace(s, tenants, v.ID, v)
}

// TenantLock implements identity.Store.
func (s *Store) TenantLock(_ context.Context, _ tx.Tx, r identity.Realm, tenant id.ID) (identity.Tenant, error) {
	return find(s, tenants, func(v *identity.Tenant) bool {
		return v.ID == tenant && v.Status != identity.Deleted && r.Holds(v.ID)
	})
}

// TenantByName implements identity.Store.
func (s *Store) TenantByName(ctx context.Context, name string) (identity.Tenant, error) {
	if v, err := s.TenantByKey(ctx, name); err == nil {
		return v, nil
	}
	return find(s, tenants, func(v *identity.Tenant) bool {
		return name != "" && v.ExternalID == name && v.Status != identity.Deleted
	})
}

// TenantByInvitation implements identity.Store.
func (s *Store) TenantByInvitation(_ context.Context, hash []byte) (identity.Tenant, error) {
	return find(s, tenants, func(v *identity.Tenant) bool {
		return bytes.Equal(v.InvitationHash, hash) && v.Status != identity.Deleted
	})
}

// TenantList implements identity.Store.
func (s *Store) TenantList(_ context.Context, r identity.Realm) ([]identity.Tenant, error) {
	return list(s, tenants, func(v *identity.Tenant) int64 { return v.Number }, func(v *identity.Tenant) bool {
		return v.Status != identity.Deleted && r.Holds(v.ID)
	}), nil
}

// GroupUpdate implements identity.Store.
func (s *Store) GroupUpdate(_ context.Context, _ tx.Tx, v *identity.Group) error {
	_, err := find(s, groups, func(o *identity.Group) bool {
		return o.ID != v.ID && o.TenantID == v.TenantID && o.Status != identity.Deleted && v.Status != identity.Deleted && o.Key == v.Key
	})
	if err == nil {
		return fault.ErrConflict.At("key")
	}
	return replace(s, groups, v.ID, v)
}

// GroupLock implements identity.Store.
func (s *Store) GroupLock(_ context.Context, _ tx.Tx, r identity.Realm, group id.ID) (identity.Group, error) {
	return find(s, groups, func(v *identity.Group) bool {
		return v.ID == group && v.Status != identity.Deleted && r.Holds(v.TenantID)
	})
}

// GroupList implements identity.Store.
func (s *Store) GroupList(_ context.Context, r identity.Realm) ([]identity.Group, error) {
	return list(s, groups, func(v *identity.Group) int64 { return v.Number }, func(v *identity.Group) bool {
		return v.Status != identity.Deleted && r.Holds(v.TenantID)
	}), nil
}

// UserLock implements identity.Store.
func (s *Store) UserLock(_ context.Context, _ tx.Tx, r identity.Realm, user id.ID) (identity.User, error) {
	return find(s, users, func(v *identity.User) bool {
		return v.ID == user && v.Status != identity.Deleted && r.Holds(v.TenantID)
	})
}

// UserByExternal implements identity.Store.
func (s *Store) UserByExternal(_ context.Context, source, externalID string) (identity.User, error) {
	return find(s, users, func(v *identity.User) bool {
		return externalID != "" && v.Source == source && v.ExternalID == externalID && v.Status != identity.Deleted
	})
}

// UserCount implements identity.Store.
func (s *Store) UserCount(_ context.Context, _ tx.Tx, q identity.UserQuery) (int, error) {
	found := list(s, users, func(v *identity.User) int64 { return v.Number }, func(v *identity.User) bool { return selects(q, v) })
	return len(found), nil
}

// AdminsLock implements identity.Store.
func (s *Store) AdminsLock(_ context.Context, _ tx.Tx, tenant id.ID) ([]id.ID, error) {
	found := list(s, users, func(v *identity.User) int64 { return v.Number }, func(v *identity.User) bool {
		return v.TenantID == tenant && v.Status == identity.Active && slices.Contains(v.Roles, identity.RoleAdmin)
	})
	out := make([]id.ID, len(found))
	for i := range found {
		out[i] = found[i].ID
	}
	return out, nil
}

// APIKeysDelete implements identity.Store.
func (s *Store) APIKeysDelete(_ context.Context, _ tx.Tx, user id.ID, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, v := range s.rows.keys {
		if v.UserID == user {
			v.Status, v.UpdatedAt = identity.Deleted, at
			s.rows.keys[key] = v
		}
	}
	return nil
}
