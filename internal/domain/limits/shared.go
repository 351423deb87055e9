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
// is the index of the claim that was refused for the longest time, -1 when all were granted.
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

// cluster asks a Shared, and says how much of each limit is this node's while it does not answer.
type cluster struct {
	shared Shared
	nodes  func() int
	now    clock.Clock
	away   atomic.Int64 // until when it is not asked, Unix nanoseconds
}

// awayFor is how long a Shared that failed is not asked again, so that not every request waits for it.
const awayFor = time.Second

// NewSharedLimiter returns a limiter whose limits hold over all nodes together. While shared is away each of nodes() nodes
// admits its part of every limit, at least 1; it never admits more than the whole limit.
func NewSharedLimiter(now clock.Clock, shared Shared, nodes func() int) *Limiter {
	l := NewLimiter(now)
	l.shared = &cluster{shared: shared, nodes: nodes, now: now}
	return l
}

// asked reports whether the shared counts can be asked, and by how many nodes limits are divided while they cannot.
func (c *cluster) asked() (ok bool, share int64) {
	if c.now().UnixNano() >= c.away.Load() {
		return true, 1
	}
	return false, int64(max(1, c.nodes()))
}

// admit asks for all claims of a request; away says that no answer came, and none is asked for a while.
func (c *cluster) admit(ctx context.Context, a *Admission, subjects []Subject, w *Weights) (away bool, err error) {
	claims := claimsOf(subjects, w)
	request := id.At(c.now())
	v, err := c.shared.Take(ctx, request, claims)
	if err != nil {
		if ctx.Err() != nil {
			return false, fault.ErrClientGone.Because(err)
		}
		c.away.Store(c.now().Add(awayFor).UnixNano())
		return true, nil
	}
	if v.Refused >= 0 {
		claim := &claims[v.Refused]
		return false, rateFault(claim.Scope, claim.Metric, v.Wait)
	}
	a.receipt = Receipt{Request: request, Claims: claims, Grants: v.Grants}
	a.Requests, a.Tokens = Level{}, Level{}
	for i := range claims {
		a.showShared(&claims[i], v.Grants[i].Left)
	}
	return false, nil
}

func claimsOf(subjects []Subject, w *Weights) []Claim {
	var claims []Claim
	for i := range subjects {
		s := &subjects[i]
		if s.Rate == nil {
			continue
		}
		if s.Rate.Concurrent > 0 {
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
func (a *Admission) showShared(c *Claim, left int64) {
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
	if l.Limit == 0 || left < l.Remaining {
		*l = Level{Limit: c.Limit, Remaining: left, Reset: c.Span}
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
		c.shared.Give(a.receipt.Request, corrections)
	}
}
