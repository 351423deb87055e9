package identity

import (
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// limiter counts failures by key within a window, in memory. A try is counted before it is made and taken back when it
// succeeds, so that tries in parallel cannot slip past.
type limiter struct {
	mu      sync.Mutex
	now     clock.Clock
	limit   int
	window  time.Duration
	maxKeys int
	tries   map[string]tries
}

type tries struct {
	count int
	since time.Time
}

func newLimiter(now clock.Clock, limit int, window time.Duration) *limiter {
	return &limiter{now: now, limit: limit, window: window, maxKeys: 65_536, tries: map[string]tries{}}
}

// take counts a try. Code: rate_limit with the wait.
func (l *limiter) take(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	t, ok := l.tries[key]
	if !ok || now.Sub(t.since) >= l.window {
		l.makeRoom(now)
		t = tries{since: now}
	}
	if t.count >= l.limit {
		return ErrTooManyTries.After(t.since.Add(l.window).Sub(now))
	}
	t.count++
	l.tries[key] = t
	return nil
}

// counts reports whether a try of the key is counted at the moment.
func (l *limiter) counts(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.tries[key]
	return ok && t.count > 0 && l.now().Sub(t.since) < l.window
}

// forget clears a key after a success.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tries, key)
}

// giveBack takes one counted try back.
func (l *limiter) giveBack(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.tries[key]; ok && t.count > 0 {
		t.count--
		l.tries[key] = t
	}
}

// makeRoom drops what is over, and anything at all when that is not enough: the map must stay bounded.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.tries) < l.maxKeys {
		return
	}
	for key, t := range l.tries {
		if now.Sub(t.since) >= l.window || len(l.tries) >= l.maxKeys {
			delete(l.tries, key)
		}
	}
}

func accountKey(account, ip string) string { return strings.ToLower(account) + "\x00" + ip }
