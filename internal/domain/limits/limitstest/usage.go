// Package limitstest has a storage of limits in memory, for the tests of others.
package limitstest

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Store implements limits.Usage, limits.PolicyStore and limits.WindowStore. The zero value is empty.
type Store struct {
	mu       sync.Mutex
	calls    []call
	policies map[limits.Scope][2]json.RawMessage
	windows  map[string][]limits.SavedWindow
	loads    int
	fail     error
}

type call struct {
	scope    limits.Scope
	currency money.Currency
	at       time.Time
	amount   money.Amount
}

var (
	_ limits.Usage       = (*Store)(nil)
	_ limits.PolicyStore = (*Store)(nil)
	_ limits.WindowStore = (*Store)(nil)
)

// Capture books what a call that began at a time has cost its scopes.
func (s *Store) Capture(at time.Time, c money.Currency, amount money.Amount, scopes ...limits.Scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, scope := range scopes {
		s.calls = append(s.calls, call{scope, c, at, amount})
	}
}

// Fail makes reads fail with err until it is nil.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// Loads is how often usage or a policy was read.
func (s *Store) Loads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// QuotaUsed implements limits.Usage.
func (s *Store) QuotaUsed(_ context.Context, scope limits.Scope, c money.Currency, day, month time.Time) (used limits.Used, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	for _, v := range s.calls {
		if v.scope != scope || v.currency != c {
			continue
		}
		used.Total += v.amount
		if !v.at.Before(day) {
			used.Day += v.amount
		}
		if !v.at.Before(month) {
			used.Month += v.amount
		}
	}
	return used, s.fail
}

// Limit sets a scope's policies.
func (s *Store) Limit(scope limits.Scope, rate, quota string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policies == nil {
		s.policies = map[limits.Scope][2]json.RawMessage{}
	}
	s.policies[scope] = [2]json.RawMessage{json.RawMessage(rate), json.RawMessage(quota)}
}

// PolicyOf implements limits.PolicyStore.
func (s *Store) PolicyOf(_ context.Context, scope limits.Scope) (rate, quota json.RawMessage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	p := s.policies[scope]
	return p[0], p[1], s.fail
}

// WindowsSave implements limits.WindowStore.
func (s *Store) WindowsSave(_ context.Context, node string, now time.Time, windows []limits.SavedWindow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.windows == nil {
		s.windows = map[string][]limits.SavedWindow{}
	}
	if s.fail != nil {
		return s.fail
	}
	kept := append([]limits.SavedWindow(nil), windows...)
	for _, old := range s.windows[node] {
		if old.Until().After(now) && !replaced(windows, old) {
			kept = append(kept, old)
		}
	}
	s.windows[node] = kept
	return nil
}

func replaced(by []limits.SavedWindow, old limits.SavedWindow) bool {
	for _, v := range by {
		if v.Scope == old.Scope && v.Metric == old.Metric && v.Currency == old.Currency && v.Span == old.Span {
			return true
		}
	}
	return false
}

// WindowsLoad implements limits.WindowStore.
func (s *Store) WindowsLoad(_ context.Context, node string, _ time.Time) ([]limits.SavedWindow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.windows[node], s.fail
}
