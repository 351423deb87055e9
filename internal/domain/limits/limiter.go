package limits

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Limiter keeps calls within rate limits. It is safe for concurrent use; the zero value is not.
//
// Where no scope of a request has a limit, admitting it costs nothing and allocates nothing.
type Limiter struct {
	now    clock.Clock
	shared *cluster // nil: this node is alone
	seq    atomic.Uint64
	shards [shards]gaugeShard
}

type gaugeShard struct {
	mu     sync.RWMutex
	gauges map[Scope]*gauge
}

// gauge is what one scope has under way and in its windows.
type gauge struct {
	scope Scope
	seq   uint64 // the order in which gauges are locked

	mu         sync.Mutex
	gone       bool  // dropped from memory: look again
	open       int64 // requests under way
	concurrent int64 // the limit of the last admission, to show
	counters   []counter
	touched    int64 // Unix nanoseconds
}

// NewLimiter returns a limiter that counts on this node alone.
func NewLimiter(now clock.Clock) *Limiter {
	l := &Limiter{now: now}
	for i := range l.shards {
		l.shards[i].gauges = map[Scope]*gauge{}
	}
	return l
}

// Admission is a request's place in all its windows. It ends with exactly one End; the zero value has none.
type Admission struct {
	limiter *Limiter
	gauges  gauges
	grants  []grant
	receipt Receipt
	within  bool // see Weights
	done    bool
	// Requests and Tokens are the caller's tightest limits after this admission, to be shown; zero when there is none.
	Requests, Tokens Level
}

// Level is how far a limit is used.
type Level struct {
	Limit, Remaining int64
	Reset            time.Duration // until nothing is used
}

// grant is what was reserved in one window.
type grant struct {
	gauge      *gauge
	counter    int
	tick, took int64
}

// gauges are those of one request, in the order of their locks. It needs no allocation.
type gauges struct {
	of    [maxScopes]*gauge
	rates [maxScopes]*RateLimit
	n     int
}

// Needs reports whether a subject has a window of the metric, so that nobody estimates what nobody counts.
func Needs(subjects []Subject, m Metric) bool {
	for i := range subjects {
		if r := subjects[i].Rate; r != nil {
			for j := range r.Windows {
				if r.Windows[j].Metric == m {
					return true
				}
			}
		}
	}
	return false
}

// Admit reserves the weights in all windows of all subjects, or in none. The weights are the most that the request can
// take. Codes: rate_limit for a limit of the caller's, upstream_rate_limit for one of the target's, both with RetryAfter.
func (l *Limiter) Admit(ctx context.Context, subjects []Subject, w Weights) (Admission, error) {
	if !limited(subjects) {
		return Admission{}, nil
	}
	a := Admission{limiter: l}
	ask, share := false, int64(1)
	if l.shared != nil {
		ask, share = l.shared.asked()
	}
	// The node's own counts come first: what it has admitted alone may not exceed the whole either.
	if err := l.take(&a, subjects, &w, share); err != nil || !ask {
		return a, err
	}
	away, err := l.shared.admit(ctx, &a, subjects, &w)
	if err == nil && !away {
		return a, nil
	}
	a.give(Weights{}, Weights{})
	if err != nil {
		return Admission{Requests: a.Requests, Tokens: a.Tokens}, err
	}
	a = Admission{limiter: l}
	err = l.take(&a, subjects, &w, l.shared.share())
	return a, err
}

func limited(subjects []Subject) bool {
	for i := range subjects {
		if subjects[i].Rate != nil {
			return true
		}
	}
	return false
}

// take reserves on this node. share is by how many nodes limits are divided.
func (l *Limiter) take(a *Admission, subjects []Subject, w *Weights, share int64) error {
	for !l.lock(&a.gauges, subjects) {
	}
	defer a.gauges.unlock()
	now := l.now().UnixNano()
	if err := a.gauges.check(now, w, share); err != nil {
		a.limiter = nil // there is nothing to end
		a.levels(now, w, share)
		return err
	}
	a.reserve(now, w, share)
	return nil
}

// lock finds and locks the gauges of all subjects that have limits, in the order of their making, so that no two
// requests wait for each other. It reports false, with nothing locked, when one has been dropped meanwhile.
func (l *Limiter) lock(out *gauges, subjects []Subject) bool {
	out.n = 0
	for i := range subjects {
		if s := &subjects[i]; s.Rate != nil && out.n < maxScopes {
			out.insert(l.gauge(s.Scope), s.Rate)
		}
	}
	for i := range out.n {
		out.of[i].mu.Lock()
		if out.of[i].gone {
			for j := range i + 1 {
				out.of[j].mu.Unlock()
			}
			return false
		}
	}
	return true
}

func (o *gauges) unlock() {
	for i := range o.n {
		o.of[i].mu.Unlock()
	}
}

func (o *gauges) insert(g *gauge, r *RateLimit) {
	at := o.n
	for at > 0 && o.of[at-1].seq > g.seq {
		o.of[at], o.rates[at] = o.of[at-1], o.rates[at-1]
		at--
	}
	o.of[at], o.rates[at] = g, r
	o.n++
}

func (l *Limiter) shard(s Scope) *gaugeShard { return &l.shards[(s.ID[15]^byte(s.Kind))%shards] }

// gauge returns a scope's gauge, made when it is asked for first.
func (l *Limiter) gauge(scope Scope) *gauge {
	s := l.shard(scope)
	s.mu.RLock()
	g := s.gauges[scope]
	s.mu.RUnlock()
	if g != nil {
		return g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g = s.gauges[scope]; g == nil {
		g = &gauge{scope: scope, seq: l.seq.Add(1)}
		s.gauges[scope] = g
	}
	return g
}

// check finds the limit that refuses the weights for the longest time. A caller's own limit is told before a target's:
// no other target would change it.
func (o *gauges) check(now int64, w *Weights, share int64) error {
	var worst *fault.Error
	for i := range o.n {
		g, r := o.of[i], o.rates[i]
		m, wait := g.refuses(r, now, w, share)
		if m == 0 {
			continue
		}
		f := rateFault(g.scope, m, wait)
		if worst == nil || (f.Code == worst.Code && f.RetryAfter > worst.RetryAfter) || (f.Code == ErrRate.Code && worst.Code != ErrRate.Code) {
			worst = f
		}
	}
	if worst == nil {
		return nil
	}
	return worst
}

// freeSoon is what a caller is told to wait for a place among requests under way: nobody knows when one ends.
const freeSoon = time.Second

// refuses returns the metric whose limit refuses the weights for the longest time, 0 when all fit.
func (g *gauge) refuses(r *RateLimit, now int64, w *Weights, share int64) (refused Metric, wait time.Duration) {
	if r.Concurrent > 0 && !w.Within && g.open >= part(r.Concurrent, share) {
		refused, wait = Concurrent, freeSoon
	}
	for i := range r.Windows {
		win := &r.Windows[i]
		c := &g.counters[g.counter(win, w)]
		c.roll(now)
		limit := part(win.in(c.currency), share)
		if _, ok := c.grants(w.of(win.Metric), limit); ok {
			continue
		}
		if d := c.wait(now, w.of(win.Metric), limit); refused == 0 || d > wait {
			refused, wait = win.Metric, d
		}
	}
	return refused, wait
}

// part is one node's share of a limit, at least 1: a limit below the number of nodes must not refuse everything.
func part(limit, share int64) int64 {
	if share <= 1 {
		return limit
	}
	return max(1, limit/share)
}

// counter returns the index of a window's counter, made when it is asked for first.
func (g *gauge) counter(win *Window, w *Weights) int {
	key := windowKey{metric: win.Metric, span: win.Span}
	if win.Metric == Amount {
		key.currency = w.Currency
	}
	for i := range g.counters {
		if g.counters[i].windowKey == key {
			return i
		}
	}
	g.counters = append(g.counters, counter{windowKey: key})
	return len(g.counters) - 1
}

// reserve takes what check found to fit; the gauges are locked.
func (a *Admission) reserve(now int64, w *Weights, share int64) {
	windows := 0
	for i := range a.gauges.n {
		windows += len(a.gauges.rates[i].Windows)
	}
	a.grants, a.within = make([]grant, 0, windows), w.Within
	for i := range a.gauges.n {
		g, r := a.gauges.of[i], a.gauges.rates[i]
		if !w.Within {
			g.open++
		}
		g.touched, g.concurrent = now, r.Concurrent
		for j := range r.Windows {
			a.reserveIn(g, &r.Windows[j], now, w, share)
		}
	}
}

func (a *Admission) reserveIn(g *gauge, win *Window, now int64, w *Weights, share int64) {
	at := g.counter(win, w)
	c := &g.counters[at]
	c.limit = win.in(c.currency)
	limit := part(c.limit, share)
	took, _ := c.grants(w.of(win.Metric), limit)
	c.take(took)
	a.grants = append(a.grants, grant{g, at, c.tick, took})
	if g.scope.Kind.OfCaller() {
		a.show(c, limit, now)
	}
}

// levels notes how far the caller's limits are used when a request is refused.
func (a *Admission) levels(now int64, w *Weights, share int64) {
	for i := range a.gauges.n {
		g, r := a.gauges.of[i], a.gauges.rates[i]
		for j := range r.Windows {
			if c := &g.counters[g.counter(&r.Windows[j], w)]; g.scope.Kind.OfCaller() {
				a.show(c, part(r.Windows[j].in(c.currency), share), now)
			}
		}
	}
}

// show notes the tightest of the caller's limits.
func (a *Admission) show(c *counter, limit, now int64) {
	var l *Level
	switch c.metric {
	case Requests:
		l = &a.Requests
	case Tokens:
		l = &a.Tokens
	default:
		return
	}
	if left := max(0, c.left(limit)); l.Limit == 0 || left < l.Remaining {
		*l = Level{Limit: limit, Remaining: left, Reset: c.reset(now)}
	}
}

// Open reports whether the admission has not ended yet.
func (a *Admission) Open() bool { return a.limiter != nil && !a.done }

// End puts what the request took in the place of what was reserved: in the caller's windows and in the target's, which
// differ when a target was tried in vain. Zero weights give everything back. An admission that has ended stays as it is.
func (a *Admission) End(caller, target Weights) {
	if !a.Open() {
		return
	}
	a.done = true
	a.give(caller, target)
	if a.receipt.Claims != nil {
		a.limiter.shared.end(a, &caller, &target)
	}
}

// give settles on this node.
func (a *Admission) give(caller, target Weights) {
	for i := range a.gauges.n {
		g := a.gauges.of[i]
		w := &target
		if g.scope.Kind.OfCaller() {
			w = &caller
		}
		g.mu.Lock()
		if !a.within {
			g.open--
		}
		for j := range a.grants {
			if t := &a.grants[j]; t.gauge == g {
				c := &g.counters[t.counter]
				c.settle(t.tick, t.took, w.of(c.metric))
			}
		}
		g.mu.Unlock()
	}
}
