package limits

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
)

// Policies tells what limits a scope, from memory.
type Policies interface {
	// Of returns a scope's policy; the zero value when nothing limits it. Codes: limits_unavailable.
	Of(ctx context.Context, s Scope) (Policy, error)
}

// PolicyStore is what PolicyBook asks of storage.
type PolicyStore interface {
	// PolicyOf returns a scope's policies as they were entered, empty where there is none. A scope that is not there has
	// none.
	PolicyOf(ctx context.Context, s Scope) (rate, quota json.RawMessage, err error)
}

// PolicyBook keeps compiled policies in memory. A scope is read once; what changes is forgotten by Forget where it was
// changed, and by Renew on other nodes.
type PolicyBook struct {
	store   PolicyStore
	mu      sync.RWMutex
	known   map[Scope]Policy
	loads   singleflight.Group
	version atomic.Int64
	changes atomic.Uint64 // counts what was forgotten, so that a load that began before does not keep what it read
}

var _ Policies = (*PolicyBook)(nil)

// maxPolicies bounds the memory: a scope that was forgotten is read again.
const maxPolicies = 1 << 20

// NewPolicyBook returns an empty book.
func NewPolicyBook(s PolicyStore) *PolicyBook {
	return &PolicyBook{store: s, known: map[Scope]Policy{}}
}

// Of implements Policies. That a scope has no policy is remembered as well.
func (b *PolicyBook) Of(ctx context.Context, s Scope) (Policy, error) {
	b.mu.RLock()
	p, ok := b.known[s]
	b.mu.RUnlock()
	if ok {
		return p, nil
	}
	v, err, _ := b.loads.Do(loadKey(s), func() (any, error) {
		before := b.changes.Load()
		p, err := b.read(context.WithoutCancel(ctx), s)
		if err == nil {
			b.keep(s, p, before)
		}
		return p, err
	})
	if err != nil {
		return Policy{}, ErrUnavailable.Because(err).After(retryAfter)
	}
	return v.(Policy), nil //nolint:forcetypeassert // made above
}

func loadKey(s Scope) string { return s.Kind.String() + s.ID.String() }

func (b *PolicyBook) read(ctx context.Context, s Scope) (Policy, error) {
	rate, quota, err := b.store.PolicyOf(ctx, s)
	if err != nil {
		return Policy{}, err
	}
	return ParsePolicy(rate, quota)
}

// ParsePolicy compiles what limits a scope. Code: invalid_parameter.
func ParsePolicy(rate, quota []byte) (p Policy, err error) {
	if p.Rate, err = ParseRateLimit("rateLimitPolicy", rate); err != nil {
		return Policy{}, err
	}
	p.Quota, err = ParseQuota("quotaPolicy", quota)
	return p, err
}

func (b *PolicyBook) keep(s Scope, p Policy, before uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changes.Load() != before {
		return
	}
	if len(b.known) >= maxPolicies {
		clear(b.known)
	}
	b.known[s] = p
}

// Forget makes the next request of a scope read its policy again.
func (b *PolicyBook) Forget(s Scope) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes.Add(1)
	b.loads.Forget(loadKey(s))
	delete(b.known, s)
}

// Renew forgets everything when the configuration has another version than the last time.
func (b *PolicyBook) Renew(version int64) {
	if b.version.Swap(version) != version {
		b.Clear()
	}
}

// Clear forgets everything, for when news of a change tells no scope.
func (b *PolicyBook) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes.Add(1)
	clear(b.known)
}

// Texts compiles policies by their text, each text once: for principals, which carry those of their key. The zero value is
// ready.
type Texts struct {
	mu     sync.RWMutex
	rates  map[string]*RateLimit
	quotas map[string]*Quota
}

// maxTexts bounds the memory; keys share few texts.
const maxTexts = 4096

// Compile returns the policy that two texts make. A text that cannot be read refuses: it must not be no limit.
// Code: limits_unavailable.
func (t *Texts) Compile(rate, quota []byte) (p Policy, err error) {
	if len(rate) == 0 && len(quota) == 0 {
		return Policy{}, nil
	}
	t.mu.RLock()
	r, okRate := t.rates[string(rate)]
	q, okQuota := t.quotas[string(quota)]
	t.mu.RUnlock()
	if okRate && okQuota {
		return Policy{r, q}, nil
	}
	if p, err = ParsePolicy(rate, quota); err != nil {
		return Policy{}, ErrUnavailable.Because(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rates == nil || len(t.rates) >= maxTexts || len(t.quotas) >= maxTexts {
		t.rates, t.quotas = map[string]*RateLimit{}, map[string]*Quota{}
	}
	t.rates[string(rate)], t.quotas[string(quota)] = p.Rate, p.Quota
	return p, nil
}

// CheckRateLimit refuses a rateLimitPolicy that ParseRateLimit cannot read; path is where it stands.
// Code: invalid_parameter.
func CheckRateLimit(path string, raw json.RawMessage) error {
	_, err := ParseRateLimit(path, raw)
	return err
}

// CheckQuota refuses a quotaPolicy that ParseQuota cannot read. Code: invalid_parameter.
func CheckQuota(path string, raw json.RawMessage) error {
	_, err := ParseQuota(path, raw)
	return err
}
