package relay

import (
	"cmp"
	"io"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Verdicts say what the relay did after an attempt.
const (
	verdictServed       = "served"
	verdictRetrySame    = "retry_same"
	verdictNextKey      = "next_key"
	verdictNextPlatform = "next_platform"
	verdictStop         = "stop"
	verdictExhausted    = "exhausted"
	verdictFallback     = "fallback"
	verdictCallerLeft   = "caller_left"
	verdictHedgedLost   = "hedged_lost"
)

// maxErrorBody is how much of an upstream's error is read.
const maxErrorBody = 64 << 10

// run tries candidates, and then those of the route's fallback, until one has delivered or the request must stop.
func (c *call) run() {
	if r := c.tryAll(c); r.Category != inference.OK && !r.delivered {
		c.giveUp(r.Outcome)
	}
}

// tryAll tries candidates in a world, and then those of fallbacks.
func (c *call) tryAll(w world) result {
	r := c.plan.run(w)
	for c.attempts[c.deciding].Verdict == verdictExhausted && c.fallBack() {
		if next, tried := c.elsewhere(w); tried {
			r = next
		}
	}
	return r
}

// elsewhere tries the candidates of a fallback. It reports false when none of them was sent anything.
func (c *call) elsewhere(w world) (result, bool) {
	if !c.plan.pay(w, false) {
		return result{}, false
	}
	if c.plan.begin(w) != nil {
		c.plan.unpay(w)
		return result{}, false
	}
	return c.plan.run(w), true
}

// stops reports whether the same request would fail everywhere. Source: DESIGN section 6, hardStopPolicy.
func stops(k inference.Category) bool {
	switch k {
	case inference.InvalidRequest, inference.ContentPolicy, inference.ContextLength, inference.Canceled:
		return true
	default:
		return false
	}
}

// try sends the call to a target once. When it succeeded or something was delivered, the call has been answered and settled.
func (c *call) try(t *Target) result {
	a := c.attempt(t)
	d := c.patience(t)
	defer d.stop()
	return c.tried(a, c.exchange(d, t, a))
}

// attempt begins the record of an attempt.
func (c *call) attempt(t *Target) *tasks.Attempt {
	c.target = t
	c.limited.tried = true
	c.deciding = len(c.attempts)
	c.attempts = append(c.attempts, tasks.Attempt{
		No: len(c.attempts) + 1, PlatformID: t.Platform.ID, PlatformName: t.Platform.Name, PlatformKey: t.Platform.Key, PlatformModelID: t.Model.ID,
		CredentialID: t.CredentialID, Provider: t.Platform.Provider, ModelAlias: t.Model.Alias,
		ProviderModelName: t.Model.ProviderModelName, Simulated: t.Simulated, StartedAt: c.now(),
	})
	return &c.attempts[c.deciding]
}

// patience is the deadline of an attempt that begins now.
func (c *call) patience(t *Target) *deadline {
	own := &t.Policies.Retry
	d := newDeadline(c.ctx(), c.start, c.limits.Total, c.now)
	d.bound(own.Total, own.Total)
	d.idle = cmp.Or(own.Idle, c.limits.Idle)
	d.arm(cmp.Or(own.FirstByte, c.limits.FirstByte))
	return d
}

// calling prepares what the target is sent.
func (c *call) calling(t *Target, a *tasks.Attempt) *provider.Call {
	c.begin(stepPrepare)
	defer c.end(stepPrepare)
	return c.prepare(t, a.No)
}

// tried ends an attempt.
func (c *call) tried(a *tasks.Attempt, o provider.Outcome) result {
	c.note(a, o)
	return result{
		Outcome: o, status: a.StatusCode, delivered: c.delivered, sent: a.StartedAt, ours: o.Code == wallet.ErrBilling.Code,
	}
}

// note completes the attempt's record.
func (c *call) note(a *tasks.Attempt, o provider.Outcome) {
	a.Duration = c.now().Sub(a.StartedAt)
	a.Category, a.ErrorCode, a.ErrorMessage = o.Category, o.Code, o.Message
	switch {
	case o.Category == inference.OK:
		a.Status = tasks.Succeeded
	case o.Category == inference.Canceled:
		a.Status = tasks.Canceled
	default:
		a.Status = tasks.Failed
		a.Retryable = !stops(o.Category)
	}
}

// exchange sends the call and delivers the answer if there is one.
func (c *call) exchange(d *deadline, t *Target, a *tasks.Attempt) provider.Outcome {
	call := c.calling(t, a)
	if c.job != nil {
		return c.exchangeTask(d, t, a, call)
	}
	return c.roundTrip(d, t, a, call)
}

// roundTrip sends a call that is ready and delivers the answer.
func (c *call) roundTrip(d *deadline, t *Target, a *tasks.Attempt, call *provider.Call) provider.Outcome {
	resp, err := t.Upstream.Send(c.traced(&d.ctx), call)
	translated(c.crossing, resp, c.ask.Stream)
	return c.receive(d, a, resp, err)
}

// receive delivers what came back from the call's target, if it is an answer.
func (c *call) receive(d *deadline, a *tasks.Attempt, resp *http.Response, err error) provider.Outcome {
	if err != nil {
		return c.broken(d, err, inference.Connect)
	}
	defer resp.Body.Close()
	c.noteAnswer(a, resp)
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		if err != nil && len(body) == 0 {
			return c.broken(d, err, inference.Protocol)
		}
		c.target.restate(resp)
		return c.target.Upstream.Classify(resp, body)
	}
	c.begin(stepDeliver)
	if c.ask.Stream {
		return c.deliverStream(d, resp, a)
	}
	if f, ok := c.op.Format.(wire.Passer); ok && c.tape == nil {
		return c.deliverPassing(f, d, resp, a)
	}
	return c.deliverWhole(d, resp, a)
}

// noteAnswer takes down what an upstream's answer begins with.
func (c *call) noteAnswer(a *tasks.Attempt, resp *http.Response) {
	a.StatusCode = resp.StatusCode
	a.UpstreamRequestID = shorten(cmp.Or(resp.Header.Get("X-Request-Id"), resp.Header.Get("Request-Id")))
}

// broken says what a failed read or send means: the caller left, a deadline passed, or the connection did not hold.
func (c *call) broken(d *deadline, err error, otherwise inference.Category) provider.Outcome {
	switch {
	case c.ctx().Err() != nil:
		return callerLeft
	case d.passed.Load():
		return provider.Outcome{Category: inference.Timeout, Code: "upstream_timeout", Message: "The upstream did not answer in time."}
	case otherwise == inference.Connect:
		c.log.Warn("upstream not reached", "request_id", c.requestID, "platform", c.target.Platform.Name, "error", err)
		return provider.Outcome{Category: inference.Connect, Code: "upstream_unreachable", Message: "The upstream could not be reached."}
	}
	return provider.Outcome{Category: otherwise, Code: "upstream_bad_response", Message: "The upstream's answer broke off."}
}
