package limits

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Shared counts windows for several nodes, by the rules of counter.go.
type Shared interface {
	// Take reserves all claims or none, in one round trip. An error means that the others could not be asked.
	Take(ctx context.Context, request id.ID, claims []Claim) (Verdict, error)
	// Give settles what was taken. It must not block: what is lost leaves the windows by itself.
	Give(request id.ID, corrections []Correction)
}

// Claim is a weight in one window of one scope. Of Concurrent there is no Span, and the weight is 1.
type Claim struct {
	Scope    Scope
	Metric   Metric
	Currency money.Currency
	Span     time.Duration
	Limit    int64
	Weight   int64
}

// Slices is how many parts shared windows are counted in.
const Slices = slices

// Partial reports whether less than the weight may be granted, as long as anything is left.
func (c *Claim) Partial() bool { return c.Metric == Tokens }

// Verdict is the answer to claims: for each the part of the window that it was booked in, and what was granted. Refused
// is the index of the claim that was refused for the longest time, -1 when all were granted; then nothing was granted, and
// Grants tell what is left.
type Verdict struct {
	Refused int
	Wait    time.Duration
	Grants  []Grant
}

// Grant is what a claim was given.
type Grant struct {
	Tick int64
	Took int64
	Left int64 // of the limit, after this
}

// Correction replaces what was taken in one part of a window by what was used.
type Correction struct {
	Claim  Claim
	Tick   int64
	Took   int64
	Actual int64
}

// Receipt is what was taken for one request in the shared windows.
type Receipt struct {
	Request id.ID
	Claims  []Claim
	Grants  []Grant
}

// Sharing says how the nodes of an installation hold limits together.
type Sharing struct {
	// Shared counts for all nodes; nil: nobody does, and each node admits its part of every limit.
	Shared Shared
	// Nodes is how many nodes are alive, this one included.
	Nodes func() int
	// Tell hears once that Shared went away, with the cause, and once that it is back, with nil; it must not block.
	// nil: nobody does.
	Tell func(error)
}

// cluster asks a Shared, and says how much of each limit is this node's while it does not answer.
type cluster struct {
	Sharing

	now       clock.Clock
	away      atomic.Int64 // until when it is not asked, Unix nanoseconds; 0: it answers
	wait      atomic.Int64 // how long it was left alone the last time
	fallbacks atomic.Int64
}

const (
	// awayFor is how long a Shared that failed is not asked again, so that not every request waits for it; it doubles
	// with every try in vain up to awayMost.
	awayFor  = time.Second
	awayMost = 15 * time.Second
)

// NewSharedLimiter returns a limiter whose limits hold over all nodes together. While s.Shared is away each of the nodes
// admits its part of every limit, at least 1; it never admits more than the whole limit.
func NewSharedLimiter(now clock.Clock, s Sharing) *Limiter {
	l := NewLimiter(now)
	l.shared = &cluster{Sharing: s, now: now}
	return l
}

// SharingState is how a limiter holds limits together with other nodes.
type SharingState struct {
	Shared    bool  // counts are shared
	Away      bool  // but whoever counts does not answer
	Fallbacks int64 // requests that were admitted or refused by the node's part since then or before
}

// SharingState returns how limits are held now.
func (l *Limiter) SharingState() SharingState {
	if l.shared == nil || l.shared.Shared == nil {
		return SharingState{}
	}
	return SharingState{Shared: true, Away: l.shared.away.Load() != 0, Fallbacks: l.shared.fallbacks.Load()}
}

// asked reports whether the shared counts can be asked, and by how many nodes limits are divided while they cannot. Where
// nobody answered the last time, one request at a time tries again; the others do not wait for what becomes of it.
func (c *cluster) asked() (ok bool, share int64) {
	if c.Shared == nil {
		return false, c.share()
	}
	until := c.away.Load()
	if until == 0 {
		return true, 1
	}
	now, wait := c.now().UnixNano(), min(2*c.wait.Load(), int64(awayMost))
	if now >= until && c.away.CompareAndSwap(until, now+wait) {
		c.wait.Store(wait)
		return true, 1
	}
	c.fallbacks.Add(1)
	return false, c.share()
}

func (c *cluster) share() int64 { return int64(max(1, c.Nodes())) }

// failed leaves the Shared alone for a while. A try in vain has moved that time already.
func (c *cluster) failed(err error) {
	c.fallbacks.Add(1)
	if c.away.CompareAndSwap(0, c.now().Add(awayFor).UnixNano()) {
		c.wait.Store(int64(awayFor))
		c.tell(err)
	}
}

func (c *cluster) succeeded() {
	if c.away.Load() != 0 && c.away.Swap(0) != 0 {
		c.tell(nil)
	}
}

func (c *cluster) tell(err error) {
	if c.Tell != nil {
		c.Tell(err)
	}
}

// admit asks for all claims of a request; away says that no answer came.
func (c *cluster) admit(ctx context.Context, a *Admission, subjects []Subject, w *Weights) (away bool, err error) {
	claims := claimsOf(subjects, w)
	request := id.At(c.now())
	v, err := c.Shared.Take(ctx, request, claims)
	if err != nil {
		c.vacate(request, claims)
		if ctx.Err() != nil {
			return false, fault.ErrClientGone.Because(err)
		}
		c.failed(err)
		return true, nil
	}
	c.succeeded()
	a.Requests, a.Tokens = Level{}, Level{}
	for i := range claims {
		reset := claims[i].Span
		if i == v.Refused {
			reset = v.Wait
		}
		a.showShared(&claims[i], v.Grants[i].Left, reset)
	}
	if v.Refused >= 0 {
		claim := &claims[v.Refused]
		return false, rateFault(claim.Scope, claim.Metric, v.Wait)
	}
	a.receipt = Receipt{Request: request, Claims: claims, Grants: v.Grants}
	return false, nil
}

// vacate gives places among requests under way back that may have been taken although the answer was lost. What windows
// may have counted leaves them by itself.
func (c *cluster) vacate(request id.ID, claims []Claim) {
	var places []Correction
	for i := range claims {
		if claims[i].Metric == Concurrent {
			places = append(places, Correction{Claim: claims[i]})
		}
	}
	if len(places) > 0 {
		c.Shared.Give(request, places)
	}
}

func claimsOf(subjects []Subject, w *Weights) []Claim {
	var claims []Claim
	for i := range subjects {
		s := &subjects[i]
		if s.Rate == nil {
			continue
		}
		if s.Rate.Concurrent > 0 && !w.Within {
			claims = append(claims, Claim{Scope: s.Scope, Metric: Concurrent, Limit: s.Rate.Concurrent, Weight: 1})
		}
		for j := range s.Rate.Windows {
			claims = append(claims, claimIn(s.Scope, &s.Rate.Windows[j], w))
		}
	}
	return claims
}

func claimIn(s Scope, win *Window, w *Weights) Claim {
	c := Claim{Scope: s, Metric: win.Metric, Span: win.Span, Limit: win.Limit, Weight: w.of(win.Metric)}
	if win.Metric == Amount {
		c.Currency, c.Limit = w.Currency, win.in(w.Currency)
	}
	return c
}

// showShared notes the tightest of the caller's limits.
func (a *Admission) showShared(c *Claim, left int64, reset time.Duration) {
	if !c.Scope.Kind.OfCaller() {
		return
	}
	l := &a.Requests
	switch c.Metric {
	case Requests:
	case Tokens:
		l = &a.Tokens
	default:
		return
	}
	if left = max(0, left); l.Limit == 0 || left < l.Remaining {
		*l = Level{Limit: c.Limit, Remaining: left, Reset: reset}
	}
}

// end settles a request in the shared windows.
func (c *cluster) end(a *Admission, caller, target *Weights) {
	corrections := make([]Correction, 0, len(a.receipt.Claims))
	for i, claim := range a.receipt.Claims {
		w := target
		if claim.Scope.Kind.OfCaller() {
			w = caller
		}
		g := a.receipt.Grants[i]
		actual := w.of(claim.Metric)
		if claim.Metric == Concurrent || actual != g.Took {
			corrections = append(corrections, Correction{Claim: claim, Tick: g.Tick, Took: g.Took, Actual: actual})
		}
	}
	if len(corrections) > 0 {
		c.Shared.Give(a.receipt.Request, corrections)
	}
}
