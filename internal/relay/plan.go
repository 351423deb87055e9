package relay

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Gates are why a candidate was not tried. Source: the console's contract, TaskRoute.
const (
	gatePassed     = "passed"
	gateAccess     = "access"
	gateCapability = "capability"
	gateCooldown   = "cooldown"
	gateDisabled   = "disabled"
	gateLimits     = "limits"
)

// plan takes one request from candidate to candidate. It decides and does nothing: what happens is its world's, so that
// explaining a request and serving it is the same code. It is not safe for concurrent use. Two plans with equal lanes,
// seeds and worlds make equal decisions.
type plan struct {
	lane      *lane
	runner    *routing.Runner
	principal *identity.Principal
	from      netip.Addr // of the caller
	needs     wire.Needs
	tokens    int64  // of input, as far as it is known; 0: do not look at windows
	sticky    uint64 // of the conversation; 0: none
	seed      uint64
	start     time.Time
	total     time.Duration // of the whole request; 0: as long as the caller waits

	seat
	attempts int
	wait     time.Duration
	done     [maxInline]*Target
	tried    []*Target
	full     []*choice
	gates    []gated
	hedge    *routing.Hedge // nil: the first attempt is alone
	race     *race          // nil: one attempt is under way
}

// seat is where a request stands at one target.
type seat struct {
	current *Target
	of      *choice  // of current
	tries   int      // at current
	chosen  standing // of current, when it was chosen
	probes  [3]bool  // which of current's units this request probes
	entered bool     // current is counted as busy
	spent   bool     // the attempt under way was paid by the retry budget
}

// maxInline is how many targets a plan remembers without allocating.
const maxInline = 4

// standing is how a candidate stood among the others.
type standing struct{ priority, load, weight int64 }

// gated is a candidate that was left out. target is nil where all keys were.
type gated struct {
	of     *choice
	target *Target
	gate   string
	reason string
	until  time.Time
}

// world is where a plan's decisions are carried out.
type world interface {
	time() time.Time
	// enter reserves what a target needs. Error: limits.ErrTarget when it is at its limits.
	enter(t *Target) error
	// try sends the request to the target.
	try(t *Target) result
	racing
	// deserted reports whether the caller does not wait any more.
	deserted() bool
	// pause waits and reports whether the caller still waits too.
	pause(d time.Duration) bool
	// spend takes the right to one more attempt, repay tells what became of it. The same target again is worth less than
	// another one, and so is a hedge: they do not take the last rights.
	spend(same bool) bool
	repay(succeeded bool)
	// announce hears what the plan changed about a unit's health.
	announce(c routing.Change, f *routing.Failure)
	// decided hears the verdict on the last attempt.
	decided(verdict string)
}

// result is what became of an attempt.
type result struct {
	provider.Outcome

	status    int
	delivered bool // the caller was sent something: there is no other attempt
	sent      time.Time
	ours      bool // the fault is Gantry's own and says nothing about the upstream
}

// begin finds the first candidate and enters it. Codes: those of enter, model_not_found, unsupported_input,
// upstream_rate_limit, and unavailable with the time at which the first candidate returns.
func (p *plan) begin(w world) error {
	p.tried = p.done[:0]
	p.fitWindows()
	var full, unsupported error
	for {
		if p.next(w, p.start, true) == nil {
			return cmp.Or(full, unsupported, p.unavailable(p.start))
		}
		err := w.enter(p.current)
		if err == nil {
			return nil
		}
		p.unprobe()
		switch {
		case errors.Is(err, limits.ErrTarget):
			full = soonest(full, err)
			p.pass(w, gateLimits)
		case errors.Is(err, errUnsupported):
			unsupported = err
			p.pass(w, gateCapability)
		default:
			return err
		}
	}
}

// soonest returns the refusal that ends first.
func soonest(a, b error) error {
	if a == nil || fault.From(b).RetryAfter < fault.From(a).RetryAfter {
		return b
	}
	return a
}

// run tries candidates until one has delivered or the request must stop, and returns the last result.
func (p *plan) run(w world) result {
	for {
		p.attempts++
		p.tries++
		p.occupy()
		r := p.try(w)
		p.release(w, &r)
		verdict := p.judge(w, &r)
		if verdict == "" {
			verdict = p.advance(w, &r)
		}
		w.decided(verdict)
		if ends(verdict) {
			p.unprobe()
			return r
		}
		if p.wait > 0 && !w.pause(p.wait) {
			p.unprobe()
			return result{Outcome: callerLeft}
		}
	}
}

func ends(verdict string) bool {
	return verdict != verdictRetrySame && verdict != verdictNextKey && verdict != verdictNextPlatform
}

// judge says whether the request ends here; "" says that it may go on. Nothing is retried once the caller was sent a byte,
// or has left.
func (p *plan) judge(w world, r *result) string {
	switch {
	case r.Category == inference.OK || r.delivered:
		return verdictServed
	case w.deserted():
		return verdictCallerLeft
	case p.runner.HardStop.Has(r.Category) || r.Category == inference.Canceled:
		return verdictStop
	case p.attempts >= p.runner.Failover.MaxAttempts || p.late(w.time()):
		return verdictExhausted
	}
	return ""
}

// advance chooses what is tried next: the same target, another key of it, or another platform. The retry budget may refuse
// all of them.
func (p *plan) advance(w world, r *result) string {
	now := w.time()
	if wait, ok := p.again(r, now); ok && p.pay(w, true) {
		p.wait = wait
		return verdictRetrySame
	}
	p.wait = 0
	p.tried = append(p.tried, p.current)
	if !p.runner.Failover.On.Has(r.Category) {
		return verdictExhausted
	}
	return p.goOn(w, r.Category, p.of, now)
}

// stale is how old a choice may be.
const stale = 100 * time.Millisecond

// goOn enters another target than that of from, which failed.
func (p *plan) goOn(w world, why inference.Category, from *choice, now time.Time) string {
	if !p.find(w, now, why, from) || !p.pay(w, false) {
		p.unprobe()
		return verdictExhausted
	}
	if later := w.time(); later.Sub(now) > stale { // paying meant to wait for others
		p.unprobe()
		if now = later; p.late(now) || !p.find(w, now, why, from) {
			p.unpay(w)
			return verdictExhausted
		}
	}
	for w.enter(p.current) != nil {
		p.unprobe()
		p.pass(w, gateLimits)
		if !p.find(w, now, why, from) {
			p.unpay(w)
			return verdictExhausted
		}
	}
	p.tries = 0
	if p.of == from {
		return verdictNextKey
	}
	return verdictNextPlatform
}

// late reports whether no other attempt may begin any more.
func (p *plan) late(now time.Time) bool {
	took, most := now.Sub(p.start), p.runner.Failover.MaxElapsed
	return most > 0 && took >= most || p.total > 0 && took >= p.total
}

// patience is how long an attempt that begins now may take; 0: as long as the caller waits.
func (p *plan) patience(own *routing.Retry, now time.Time) time.Duration {
	if p.total == 0 {
		return own.Total
	}
	left := max(p.total-now.Sub(p.start), time.Nanosecond)
	if own.Total > 0 {
		return min(own.Total, left)
	}
	return left
}

// again says whether the same target is tried once more, and after which pause. A target that its own failure closed is
// not, nor one that asks for more patience than its policy has.
func (p *plan) again(r *result, now time.Time) (time.Duration, bool) {
	retry := &p.current.Policies.Retry
	if p.tries >= retry.MaxAttempts || !retry.On.Has(r.Category) {
		return 0, false
	}
	if g, _ := p.current.gate(p.of, now); g != routing.Open {
		return 0, false
	}
	wait := retry.Backoff.Wait(p.tries, unit01(mix(p.seed, uint64(p.attempts)))) //nolint:gosec // a few
	if retry.RespectRetryAfter && r.RetryAfter > 0 {
		if r.RetryAfter > retry.Backoff.Max {
			return 0, false
		}
		wait = max(wait, r.RetryAfter)
	}
	return wait, !p.late(now.Add(wait))
}

// otherKey are the categories that may well be the key's fault alone.
var otherKey = routing.CategoriesOf(
	inference.Authentication, inference.Permission, inference.QuotaExhausted, inference.RateLimited)

// find makes another target than that of from current: a key of the same platform model first where the key is at fault, otherwise after
// all others.
func (p *plan) find(w world, now time.Time, why inference.Category, from *choice) bool {
	if otherKey.Has(why) || !p.runner.Failover.Enabled {
		if p.nextKey(w, from, now) != nil || !p.runner.Failover.Enabled {
			return p.current != nil
		}
	}
	if p.nextOf(w, now, from) != nil {
		return true
	}
	return p.nextKey(w, from, now) != nil
}

// pay takes what one more attempt costs of the retry budget.
func (p *plan) pay(w world, same bool) bool {
	p.spent = p.spent || w.spend(same)
	return p.spent
}

// unpay gives it back: there was no attempt.
func (p *plan) unpay(w world) {
	if p.spent {
		w.repay(true)
		p.spent = false
	}
}

// pass leaves out what could not be entered: of what is at its limits, the key where keys have limits of their own, and
// otherwise all keys.
func (p *plan) pass(w world, gate string) {
	t, c := p.current, p.of
	unit, g := t.modelUnit, gated{of: c, gate: gate}
	if c.keyLimits && gate == gateLimits {
		p.tried, unit, g.target = append(p.tried, t), t.keyUnit, t
	} else {
		p.full = append(p.full, c)
	}
	if len(p.gates) < maxGates {
		p.gates = append(p.gates, g)
	}
	if gate != gateLimits {
		return
	}
	if change, ok := unit.Exclude(w.time()); ok {
		w.announce(change, nil)
	}
}

// fitWindows decides whether the request's length is a gate: where it is too long for everybody by our estimate, the
// upstream counts better.
func (p *plan) fitWindows() {
	for _, c := range p.lane.choices {
		if p.gateOf(c) == "" {
			return
		}
	}
	p.tokens = 0
}

// gateOf is why a choice cannot serve the request at all; "" when it can.
func (p *plan) gateOf(c *choice) string {
	t := c.keys[0]
	if !p.permits(t).Allowed {
		return gateAccess
	}
	if p.needs&c.lacks != 0 || p.tokens > 0 && t.ContextWindow > 0 && p.tokens > t.ContextWindow {
		return gateCapability
	}
	return ""
}

// unavailable says why no candidate can be tried.
func (p *plan) unavailable(now time.Time) error {
	var first time.Time
	capable, permitted := false, false
	for _, c := range p.lane.choices {
		switch p.gateOf(c) {
		case gateAccess:
			continue
		case gateCapability:
			permitted = true
			continue
		}
		permitted, capable = true, true
		for _, t := range c.keys {
			if g, until := t.gate(c, now); g != routing.Open && (first.IsZero() || until.Before(first)) {
				first = until
			}
		}
	}
	switch {
	case len(p.lane.choices) > 0 && !permitted:
		return errModel.At("model")
	case len(p.lane.choices) > 0 && !capable:
		return errIncapable
	case first.IsZero():
		return errNoUpstream.After(retryLater)
	}
	return errNoUpstream.After(max(time.Second, first.Sub(now)))
}

var (
	errNoUpstream = fault.ErrUnavail.Saying("No upstream can serve this model now.")
	errIncapable  = fault.New(http.StatusBadRequest, "unsupported_input",
		"The model does not take what the request holds: images, or tools.").At("model")
)
