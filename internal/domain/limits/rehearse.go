package limits

import (
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// Rehearse returns a limiter that begins with what this node counts of the given scopes, and goes its own way from there:
// for finding out what would be admitted.
func (l *Limiter) Rehearse(now clock.Clock, scopes []Scope) *Limiter {
	out := NewLimiter(now)
	for _, scope := range scopes {
		s := l.shard(scope)
		s.mu.RLock()
		g := s.gauges[scope]
		s.mu.RUnlock()
		if g == nil {
			continue
		}
		g.mu.Lock()
		twin := &gauge{
			scope: scope, seq: out.seq.Add(1), open: g.open, concurrent: g.concurrent, counters: append([]counter(nil), g.counters...),
			touched: g.touched,
		}
		g.mu.Unlock()
		out.shard(scope).gauges[scope] = twin
	}
	return out
}
