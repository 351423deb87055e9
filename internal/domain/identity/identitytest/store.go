// Package identitytest is a storage of identity in memory, and a ready service on it, for tests of whoever uses identity.
package identitytest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// Store implements identity.Store over maps.
type Store struct {
	memtx.Runner
	mu     sync.Mutex
	rows   rows
	number int64
	// KeyReads counts how often a key was looked up by its public part.
	KeyReads int
}

type rows struct {
	tenants  map[id.ID]identity.Tenant
	groups   map[id.ID]identity.Group
	users    map[id.ID]identity.User
	apps     map[id.ID]identity.App
	keys     map[id.ID]identity.APIKey
	sessions map[id.ID]identity.Session
	settings map[string][]byte
}

// NewStore returns an empty storage.
func NewStore() *Store {
	s := &Store{rows: rows{
		map[id.ID]identity.Tenant{},
		map[id.ID]identity.Group{},
		map[id.ID]identity.User{},
		map[id.ID]identity.App{},
		map[id.ID]identity.APIKey{},
		map[id.ID]identity.Session{},
		map[string][]byte{},
	}}
	s.Save = s.save
	return s
}

func (s *Store) save() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows
	saved := rows{
		maps.Clone(r.tenants), maps.Clone(r.groups), maps.Clone(r.users), maps.Clone(r.apps), maps.Clone(r.keys),
		maps.Clone(r.sessions), maps.Clone(r.settings),
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rows = saved
	}
}

// find returns the first row that matches, fault.ErrNotFound when there is none.
func find[T any](s *Store, in func(*rows) map[id.ID]T, match func(*T) bool) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range in(&s.rows) {
		if match(&v) {
			return v, nil
		}
	}
	var none T
	return none, fault.ErrNotFound
}

// insert numbers and keeps a row unless another has the same unique value.
func insert[T any](s *Store, in func(*rows) map[id.ID]T, key id.ID, number *int64, v *T, clash func(*T) string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range in(&s.rows) {
		if path := clash(&other); path != "" {
			return fault.ErrConflict.At(path)
		}
	}
	s.number++
	if number != nil {
		*number = s.number
	}
	in(&s.rows)[key] = *v
	return nil
}

func tenants(r *rows) map[id.ID]identity.Tenant   { return r.tenants }
func groups(r *rows) map[id.ID]identity.Group     { return r.groups }
func users(r *rows) map[id.ID]identity.User       { return r.users }
func apps(r *rows) map[id.ID]identity.App         { return r.apps }
func keys(r *rows) map[id.ID]identity.APIKey      { return r.keys }
func sessions(r *rows) map[id.ID]identity.Session { return r.sessions }

// TenantInsert implements identity.Store.
func (s *Store) TenantInsert(_ context.Context, _ tx.Tx, v *identity.Tenant) error {
	return insert(s, tenants, v.ID, &v.Number, v, func(o *identity.Tenant) string { return same(o.Key, v.Key, "key") })
}

// same returns path when two texts are equal regardless of letter case and not empty.
func same(a, b, path string) string {
	if a != "" && strings.EqualFold(a, b) {
		return path
	}
	return ""
}

// TenantByKey implements identity.Store.
func (s *Store) TenantByKey(_ context.Context, key string) (identity.Tenant, error) {
	return find(s, tenants, func(v *identity.Tenant) bool { return v.Key == key && v.Status != identity.Deleted })
}

// TenantByID implements identity.Store.
func (s *Store) TenantByID(_ context.Context, tenant id.ID) (identity.Tenant, error) {
	return find(s, tenants, func(v *identity.Tenant) bool { return v.ID == tenant && v.Status != identity.Deleted })
}

// GroupInsert implements identity.Store.
func (s *Store) GroupInsert(_ context.Context, _ tx.Tx, v *identity.Group) error {
	return insert(s, groups, v.ID, &v.Number, v, func(o *identity.Group) string {
		if o.TenantID != v.TenantID || o.Status == identity.Deleted {
			return ""
		}
		return same(o.Key, v.Key, "key")
	})
}

// GroupByKey implements identity.Store.
func (s *Store) GroupByKey(_ context.Context, tenant id.ID, key string) (identity.Group, error) {
	return find(s, groups, func(v *identity.Group) bool {
		return v.TenantID == tenant && v.Key == key && v.Status != identity.Deleted
	})
}

// GroupByID implements identity.Store.
func (s *Store) GroupByID(_ context.Context, group id.ID) (identity.Group, error) {
	return find(s, groups, func(v *identity.Group) bool { return v.ID == group && v.Status != identity.Deleted })
}

// UserInsert implements identity.Store.
func (s *Store) UserInsert(_ context.Context, _ tx.Tx, v *identity.User) error {
	return insert(s, users, v.ID, &v.Number, v, func(o *identity.User) string {
		if path := same(o.Username, v.Username, "username"); path != "" {
			return path
		}
		if path := same(o.Email, v.Email, "email"); path != "" {
			return path
		}
		if o.Source == v.Source && o.Status != identity.Deleted {
			return same(o.ExternalID, v.ExternalID, "externalId")
		}
		return ""
	})
}

// UserUpdate implements identity.Store.
func (s *Store) UserUpdate(_ context.Context, _ tx.Tx, v *identity.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.rows.users[v.ID]; !ok {
		return fault.ErrNotFound
	}
	s.rows.users[v.ID] = *v
	return nil
}

// UserByID implements identity.Store.
func (s *Store) UserByID(_ context.Context, user id.ID) (identity.User, error) {
	return find(s, users, func(v *identity.User) bool { return v.ID == user && v.Status != identity.Deleted })
}

// UserByAccount implements identity.Store.
func (s *Store) UserByAccount(_ context.Context, account string) (identity.User, error) {
	return find(s, users, func(v *identity.User) bool {
		return v.Status != identity.Deleted && (same(v.Username, account, "y") != "" || same(v.Email, account, "y") != "")
	})
}

// UserList implements identity.Store.
func (s *Store) UserList(_ context.Context, q identity.UserQuery) (page.Page[identity.User], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Collect(maps.Values(s.rows.users)), func(v identity.User) bool {
		return !selects(q, &v)
	})
	slices.SortFunc(all, func(a, b identity.User) int { return int(a.Number - b.Number) })
	total := int64(len(all))
	if !q.All {
		from := min(q.Page.Offset(), len(all))
		all = all[from:min(from+q.Page.Size, len(all))]
	}
	return page.Of(q.Page, all, total), nil
}

func selects(q identity.UserQuery, v *identity.User) bool {
	return v.Status != identity.Deleted && q.Realm.Holds(v.TenantID) && (q.Group.IsZero() || q.Group == v.GroupID) &&
		strings.Contains(v.Username+" "+v.Email+" "+v.DisplayName, q.Text)
}

// AdminExists implements identity.Store.
func (s *Store) AdminExists(context.Context, tx.Tx) (bool, error) {
	_, err := find(s, users, func(v *identity.User) bool {
		return v.Status != identity.Deleted && slices.Contains(v.Roles, identity.RoleAdmin)
	})
	return err == nil, nil
}

// AppInsert implements identity.Store.
func (s *Store) AppInsert(_ context.Context, _ tx.Tx, v *identity.App) error {
	return insert(s, apps, v.ID, &v.Number, v, func(*identity.App) string { return "" })
}

// AppDefault implements identity.Store.
func (s *Store) AppDefault(_ context.Context, user id.ID) (identity.App, error) {
	return find(s, apps, func(v *identity.App) bool { return v.UserID == user && v.Default })
}

// APIKeyInsert implements identity.Store.
func (s *Store) APIKeyInsert(_ context.Context, _ tx.Tx, v *identity.APIKey) error {
	return insert(s, keys, v.ID, &v.Number, v, func(o *identity.APIKey) string { return same(o.Public, v.Public, "public") })
}

// APIKeyUpdate implements identity.Store.
func (s *Store) APIKeyUpdate(_ context.Context, _ tx.Tx, v *identity.APIKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.rows.keys[v.ID]; !ok {
		return fault.ErrNotFound
	}
	s.rows.keys[v.ID] = *v
	return nil
}

// APIKeyByID implements identity.Store.
func (s *Store) APIKeyByID(_ context.Context, user, key id.ID) (identity.APIKey, error) {
	return find(s, keys, func(v *identity.APIKey) bool {
		return v.ID == key && v.UserID == user && v.Status != identity.Deleted
	})
}

// APIKeyByPublic implements identity.Store.
func (s *Store) APIKeyByPublic(_ context.Context, public string) (identity.APIKey, error) {
	s.mu.Lock()
	s.KeyReads++
	s.mu.Unlock()
	return find(s, keys, func(v *identity.APIKey) bool { return v.Public == public && v.Status != identity.Deleted })
}

// APIKeyList implements identity.Store.
func (s *Store) APIKeyList(_ context.Context, user id.ID) ([]identity.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.DeleteFunc(slices.Collect(maps.Values(s.rows.keys)), func(v identity.APIKey) bool {
		return v.UserID != user || v.Status == identity.Deleted
	})
	slices.SortFunc(out, func(a, b identity.APIKey) int { return int(a.Number - b.Number) })
	return out, nil
}

// APIKeysUsed implements identity.Store.
func (s *Store) APIKeysUsed(_ context.Context, at map[id.ID]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, when := range at {
		if v, ok := s.rows.keys[key]; ok && when.After(v.LastUsedAt) {
			v.LastUsedAt = when
			s.rows.keys[key] = v
		}
	}
	return nil
}

// SessionInsert implements identity.Store.
func (s *Store) SessionInsert(_ context.Context, _ tx.Tx, v *identity.Session) error {
	return insert(s, sessions, v.ID, nil, v, func(*identity.Session) string { return "" })
}

// SessionByID implements identity.Store.
func (s *Store) SessionByID(_ context.Context, session id.ID) (identity.Session, error) {
	return find(s, sessions, func(v *identity.Session) bool { return v.ID == session })
}

// SessionByHash implements identity.Store.
func (s *Store) SessionByHash(_ context.Context, hash []byte) (identity.Session, error) {
	return find(s, sessions, func(v *identity.Session) bool { return bytes.Equal(v.Hash, hash) })
}

// SessionRevoke implements identity.Store.
func (s *Store) SessionRevoke(_ context.Context, _ tx.Tx, session id.ID, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.rows.sessions[session]
	if !ok {
		return fault.ErrNotFound
	}
	v.RevokedAt = at
	s.rows.sessions[session] = v
	return nil
}

// SessionsForget implements identity.Store.
func (s *Store) SessionsForget(_ context.Context, _ tx.Tx, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, v := range s.rows.sessions {
		if n < limit && v.ExpiresAt.Before(before) {
			delete(s.rows.sessions, key)
			n++
		}
	}
	return n, nil
}

// Settings implements identity.Settings over the same maps.
type Settings struct{ store *Store }

// Settings returns the settings of the storage.
func (s *Store) Settings() *Settings { return &Settings{s} }

// Get implements identity.Settings.
func (s *Settings) Get(_ context.Context, _ tx.Tx, key string) ([]byte, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if v, ok := s.store.rows.settings[key]; ok {
		return v, nil
	}
	return nil, fault.ErrNotFound
}

// Put implements identity.Settings.
func (s *Settings) Put(_ context.Context, _ tx.Tx, key string, value []byte) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.rows.settings[key] = value
	return nil
}

// Delete implements identity.Settings.
func (s *Settings) Delete(_ context.Context, _ tx.Tx, key string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if _, ok := s.store.rows.settings[key]; !ok {
		return fault.ErrNotFound
	}
	delete(s.store.rows.settings, key)
	return nil
}
