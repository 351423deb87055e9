package limits

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// WindowState is how far one window is used, as operators see it. Of Concurrent, Reserved is what is under way.
type WindowState struct {
	Scope    Scope
	Metric   Metric
	Currency money.Currency // of Amount only
	Span     time.Duration
	Limit    int64 // that of the last admission
	Used     int64
	Reserved int64
	Start    time.Time
	Reset    time.Time // when nothing is used any more
	Updated  time.Time
}

// Windows lists the windows of this node that hold anything. A nil match takes all scopes.
func (l *Limiter) Windows(match func(Scope) bool) []WindowState {
	now := l.now()
	var out []WindowState
	l.each(func(g *gauge) {
		if match != nil && !match(g.scope) {
			return
		}
		out = g.states(out, now)
	})
	return out
}

// each calls f with every gauge, locked.
func (l *Limiter) each(f func(*gauge)) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.RLock()
		for _, g := range s.gauges {
			g.mu.Lock()
			f(g)
			g.mu.Unlock()
		}
		s.mu.RUnlock()
	}
}

func (g *gauge) states(out []WindowState, now time.Time) []WindowState {
	updated := time.Unix(0, g.touched).UTC()
	if g.concurrent > 0 && g.open > 0 {
		out = append(out, WindowState{
			Scope: g.scope, Metric: Concurrent, Limit: g.concurrent, Reserved: g.open, Start: now, Reset: now, Updated: updated,
		})
	}
	for i := range g.counters {
		c := &g.counters[i]
		c.roll(now.UnixNano())
		if c.used == 0 && c.reserved == 0 {
			continue
		}
		out = append(out, WindowState{
			Scope: g.scope, Metric: c.metric, Currency: c.currency, Span: c.span, Limit: c.limit, Used: c.used,
			Reserved: c.reserved, Start: now.Add(-c.span), Reset: now.Add(c.reset(now.UnixNano())), Updated: updated,
		})
	}
	return out
}

// Open is how many requests of a scope are under way.
func (l *Limiter) Open(scope Scope) int64 {
	s := l.shard(scope)
	s.mu.RLock()
	g := s.gauges[scope]
	s.mu.RUnlock()
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// Reset forgets what a scope has used in its windows; requests under way stay counted as such.
func (l *Limiter) Reset(scope Scope) {
	s := l.shard(scope)
	s.mu.RLock()
	g := s.gauges[scope]
	s.mu.RUnlock()
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.counters {
		c := &g.counters[i]
		for j := range c.cells {
			c.cells[j].used = 0
		}
		c.used, c.changed = 0, true
	}
}

// Sweep drops scopes with nothing under way and nothing in any window.
func (l *Limiter) Sweep() {
	now := l.now().UnixNano()
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for scope, g := range s.gauges {
			g.mu.Lock()
			if g.gone = g.empty(now); g.gone {
				delete(s.gauges, scope)
			}
			g.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

func (g *gauge) empty(now int64) bool {
	if g.open > 0 {
		return false
	}
	for i := range g.counters {
		c := &g.counters[i]
		c.roll(now)
		if c.used != 0 || c.reserved != 0 {
			return false
		}
	}
	return true
}

// WindowStore keeps long windows over a restart.
type WindowStore interface {
	// WindowsSave replaces what is kept of the given windows of a node, and drops what has passed.
	WindowsSave(ctx context.Context, node string, now time.Time, windows []SavedWindow) error
	// WindowsLoad returns what is kept of a node's windows and has not passed.
	WindowsLoad(ctx context.Context, node string, now time.Time) ([]SavedWindow, error)
}

// SavedWindow is a window as it is kept: what was used in each of its parts, by the part's number. What was reserved is
// not kept: requests that were under way at the end of a process took nothing.
type SavedWindow struct {
	Scope    Scope
	Metric   Metric
	Currency money.Currency
	Span     time.Duration
	Limit    int64
	Cells    []SavedCell
}

// SavedCell is what was used in one part of a window.
type SavedCell struct{ Tick, Used int64 }

// Until returns when the window holds nothing any more.
func (s *SavedWindow) Until() time.Time {
	var last int64
	for _, c := range s.Cells {
		last = max(last, c.Tick)
	}
	return time.Unix(0, (last+slices+1)*(int64(s.Span)/slices)).UTC()
}

// lasts reports whether the window is longer than a minute: shorter ones are over before a restart is.
func (c *counter) lasts() bool { return c.span > minute }

// Save keeps the long windows that changed since the last time. Should it fail, the next one keeps them.
func (l *Limiter) Save(ctx context.Context, store WindowStore, node string) error {
	now := l.now()
	var changed []SavedWindow
	l.each(func(g *gauge) {
		for i := range g.counters {
			if c := &g.counters[i]; c.changed && c.lasts() {
				c.roll(now.UnixNano())
				changed = append(changed, c.save(g.scope))
				c.changed = false
			}
		}
	})
	if len(changed) == 0 {
		return nil
	}
	err := store.WindowsSave(ctx, node, now, changed)
	if err != nil {
		l.markChanged()
	}
	return err
}

func (l *Limiter) markChanged() {
	l.each(func(g *gauge) {
		for i := range g.counters {
			g.counters[i].changed = true
		}
	})
}

func (c *counter) save(s Scope) SavedWindow {
	out := SavedWindow{Scope: s, Metric: c.metric, Currency: c.currency, Span: c.span, Limit: c.limit}
	for k := max(0, c.tick-slices); k <= c.tick; k++ {
		if used := c.cells[k%(slices+1)].used; used != 0 {
			out.Cells = append(out.Cells, SavedCell{k, used})
		}
	}
	return out
}

// Load puts what was saved back, before the first request is admitted.
func (l *Limiter) Load(ctx context.Context, store WindowStore, node string) error {
	now := l.now()
	saved, err := store.WindowsLoad(ctx, node, now)
	if err != nil {
		return err
	}
	for i := range saved {
		l.restore(&saved[i], now.UnixNano())
	}
	return nil
}

func (l *Limiter) restore(s *SavedWindow, now int64) {
	g := l.gauge(s.Scope)
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.counter(&Window{Metric: s.Metric, Span: s.Span}, &Weights{Currency: s.Currency})
	c := &g.counters[at]
	c.limit = s.Limit
	c.roll(now)
	for _, saved := range s.Cells {
		if saved.Tick < 0 || saved.Tick < c.tick-slices || saved.Tick > c.tick {
			continue
		}
		c.cells[saved.Tick%(slices+1)].used += saved.Used
		c.used += saved.Used
	}
}
