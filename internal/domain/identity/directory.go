package identity

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

const (
	shards = 64
	// unknownTTL is how long a key that does not exist is remembered as such, and maxUnknown how many per shard.
	unknownTTL = 10 * time.Second
	maxUnknown = 1024
	// usedEvery is how exact LastUsedAt is; between, a used key costs one atomic read.
	usedEvery = 10 * time.Second
)

// Directory knows who holds a credential, from memory. What is not in memory is loaded once; what changes is forgotten
// when the change is committed, here by the service and on other nodes by whoever hears of it.
type Directory struct {
	store  Store
	tokens *Tokens
	now    clock.Clock
	seed   maphash.Seed
	shards [shards]shard
	loads  singleflight.Group
	// changes counts what was forgotten, so that a load that began before does not store what it read.
	changes atomic.Uint64
	bearers bearers
	used    usedKeys
	prepare func(Home) (any, error)
	foreign *trust // nil: tokens of this installation only
}

// Home is where a user belongs. Group is empty when there is none.
type Home struct {
	User   User
	Group  Group
	Tenant Tenant
}

// Prepare has f make the Terms of every principal that is loaded from then on, so that what follows from a user's home is
// computed once and not at every call. It is called before the directory is used.
func (d *Directory) Prepare(f func(Home) (any, error)) { d.prepare = f }

type shard struct {
	mu      sync.RWMutex
	keys    map[string]*keyEntry // by public part
	unknown map[string]time.Time // until when
}

// keyEntry is a key as it was when it was loaded. Its fields but used never change.
type keyEntry struct {
	principal Principal
	hash      [32]byte
	refusal   error // why the key cannot be used whatever the time
	expires   int64 // Unix nanoseconds; 0: never
	used      atomic.Int64
}

// NewDirectory returns an empty directory.
func NewDirectory(s Store, t *Tokens, now clock.Clock) *Directory {
	d := &Directory{store: s, tokens: t, now: now, seed: maphash.MakeSeed()}
	for i := range d.shards {
		d.shards[i].keys, d.shards[i].unknown = map[string]*keyEntry{}, map[string]time.Time{}
	}
	d.bearers.init()
	return d
}

// Key returns the holder of an API key. When the key is in memory it does no I/O and does not allocate.
// Codes: invalid_api_key, key_disabled, key_expired, user_disabled.
func (d *Directory) Key(ctx context.Context, token string) (*Principal, error) {
	public, ok := secret.PublicPart(token)
	if !ok {
		return nil, ErrKeyInvalid
	}
	s := d.shard(public)
	s.mu.RLock()
	e := s.keys[public]
	s.mu.RUnlock()
	if e == nil {
		var err error
		if e, err = d.load(ctx, s, public); err != nil {
			return nil, err
		}
	}
	return d.admit(e, token)
}

func (d *Directory) shard(public string) *shard {
	return &d.shards[maphash.String(d.seed, public)%shards]
}

// admit checks the secret first: who does not hold it learns nothing about the key.
func (d *Directory) admit(e *keyEntry, token string) (*Principal, error) {
	if !secret.Matches(token, e.hash[:]) {
		return nil, ErrKeyInvalid
	}
	if e.refusal != nil {
		return nil, e.refusal
	}
	now := d.now().UnixNano()
	if e.expires != 0 && now >= e.expires {
		return nil, ErrKeyExpired
	}
	if last := e.used.Load(); now-last >= int64(usedEvery) && e.used.CompareAndSwap(last, now) {
		d.used.note(e.principal.KeyID, now)
	}
	return &e.principal, nil
}

// load reads a key that is not in memory, once for all who ask at the same time.
func (d *Directory) load(ctx context.Context, s *shard, public string) (*keyEntry, error) {
	if s.isUnknown(public, d.now()) {
		return nil, ErrKeyInvalid
	}
	// public is a part of the caller's token; what is kept must not keep the rest of it in memory.
	public = string([]byte(public))
	v, err, _ := d.loads.Do(public, func() (any, error) {
		before := d.changes.Load()
		// The caller who started the load may leave; the others still want its result.
		e, err := d.read(context.WithoutCancel(ctx), public)
		d.keep(s, public, e, err, before)
		return e, err
	})
	if errors.Is(err, fault.ErrNotFound) {
		return nil, ErrKeyInvalid
	}
	if err != nil {
		return nil, err
	}
	return v.(*keyEntry), nil //nolint:forcetypeassert // what read returns
}

func (s *shard) isUnknown(public string, now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	until, ok := s.unknown[public]
	return ok && now.Before(until)
}

// keep stores what a load found, unless something was forgotten since it began.
func (d *Directory) keep(s *shard, public string, e *keyEntry, err error, before uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.changes.Load() != before:
	case err == nil:
		s.keys[public] = e
		delete(s.unknown, public)
	case errors.Is(err, fault.ErrNotFound):
		if len(s.unknown) >= maxUnknown {
			clear(s.unknown)
		}
		s.unknown[public] = d.now().Add(unknownTTL)
	}
}

func (d *Directory) read(ctx context.Context, public string) (*keyEntry, error) {
	key, err := d.store.APIKeyByPublic(ctx, public)
	if err != nil {
		return nil, err
	}
	user, err := d.store.UserByID(ctx, key.UserID)
	if err != nil {
		return nil, err
	}
	home, err := d.home(ctx, user)
	if err != nil {
		return nil, err
	}
	p, err := d.principal(&home)
	if err != nil {
		return nil, err
	}
	return keyEntryOf(p, &key, &home)
}

func keyEntryOf(p Principal, key *APIKey, home *Home) (*keyEntry, error) {
	scope, scopeErr := ParseScopes(key.Scopes)
	allow, allowErr := parsePrefixes("allowIps", key.AllowIPs)
	deny, denyErr := parsePrefixes("denyIps", key.DenyIPs)
	if err := firstError(scopeErr, allowErr, denyErr); err != nil {
		return nil, fault.ErrInternal.Because(err)
	}
	p.Source, p.KeyID, p.KeyName, p.KeyPrefix, p.AppID = SourceAPIKey, key.ID, key.Name, key.Prefix(), key.AppID
	p.Scope, p.Scopes, p.Models, p.Allow, p.Deny = scope, key.Scopes, key.Models, allow, deny
	p.ExpiresAt, p.RateLimitPolicy, p.QuotaPolicy = key.ExpiresAt, key.RateLimitPolicy, key.QuotaPolicy
	e := &keyEntry{principal: p, refusal: refusal(key, home)}
	copy(e.hash[:], key.Hash)
	if !key.ExpiresAt.IsZero() {
		e.expires = key.ExpiresAt.UnixNano()
	}
	return e, nil
}

func refusal(key *APIKey, home *Home) error {
	if key.Status != Active {
		return ErrKeyDisabled
	}
	return home.refusal()
}

// refusal is why nobody of this home may come in; nil when they may.
func (h *Home) refusal() error {
	switch {
	case h.User.Status != Active:
		return ErrUserDisabled
	case h.Tenant.Status != Active:
		return ErrTenantDisabled
	}
	return nil
}

// home reads where a user belongs. A disabled group gives no discount. Error: fault.ErrNotFound without the tenant.
func (d *Directory) home(ctx context.Context, user User) (Home, error) {
	h := Home{User: user}
	var err error
	if h.Tenant, err = d.store.TenantByID(ctx, user.TenantID); err != nil || user.GroupID.IsZero() {
		return h, err
	}
	if h.Group, err = d.store.GroupByID(ctx, user.GroupID); err != nil && !errors.Is(err, fault.ErrNotFound) {
		return h, err
	}
	if h.Group.Status != Active {
		h.Group.BillingDiscountPolicy = nil
	}
	return h, nil
}

// principal returns what all principals of a user have in common.
func (d *Directory) principal(h *Home) (p Principal, err error) {
	p = Principal{
		UserID: h.User.ID, TenantID: h.User.TenantID, GroupID: h.User.GroupID, TenantKey: h.Tenant.Key,
		GroupKey: h.Group.Key, Username: h.User.Username, Roles: h.User.Roles, Scope: ScopeAll,
	}
	if d.prepare != nil {
		p.Terms, err = d.prepare(*h)
	}
	return p, err
}

// InvalidateKey forgets a key, so that its next use reads it again. It looks through all keys in memory: for news from
// elsewhere, which name a key by its id.
func (d *Directory) InvalidateKey(key id.ID) {
	d.drop(func(p *Principal) bool { return p.KeyID == key })
}

// InvalidateUser forgets all keys and tokens of a user.
func (d *Directory) InvalidateUser(user id.ID) {
	d.drop(func(p *Principal) bool { return p.UserID == user })
	d.bearers.drop(func(p *Principal) bool { return p.UserID == user })
}

// InvalidateAll forgets everything, for when news may have been lost.
func (d *Directory) InvalidateAll() {
	d.drop(func(*Principal) bool { return true })
	d.bearers.drop(func(*Principal) bool { return true })
}

func (d *Directory) drop(match func(*Principal) bool) {
	d.changes.Add(1)
	for i := range d.shards {
		d.shards[i].drop(match, &d.loads)
	}
}

func (s *shard) drop(match func(*Principal) bool, loads *singleflight.Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.unknown)
	for public, e := range s.keys {
		if match(&e.principal) {
			delete(s.keys, public)
			loads.Forget(public)
		}
	}
}

// forget drops one key by its public part.
func (d *Directory) forget(public string) {
	d.changes.Add(1)
	s := d.shard(public)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, public)
	delete(s.unknown, public)
	d.loads.Forget(public)
}

// UsedKeys returns which keys were used since the last call, and when, for APIKeysUsed.
func (d *Directory) UsedKeys() map[id.ID]time.Time { return d.used.drain() }

// usedKeys collects marks of use between two drains.
type usedKeys struct {
	mu sync.Mutex
	at map[id.ID]time.Time
}

func (u *usedKeys) note(key id.ID, now int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[id.ID]time.Time{}
	}
	u.at[key] = time.Unix(0, now).UTC()
}

func (u *usedKeys) drain() map[id.ID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	at := u.at
	u.at = nil
	return at
}
