package relay

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// TokenCount is how many tokens the input of a request is.
type TokenCount struct {
	Tokens int64
	// Estimated says that Gantry counted, because the upstream could not be asked.
	Estimated bool
}

// countTimeout is how long an upstream may take to count. Callers ask often, and the estimate is at hand.
const countTimeout = 10 * time.Second

// CountTokens counts the input of a request as what would serve it first counts it, and leaves nothing behind but the
// request in the caller's windows: it is free. op.Format need not read whole requests. A failure has been answered when it
// reports false.
func (r *Relay) CountTokens(w http.ResponseWriter, req *http.Request, op Operation, from Caller) (TokenCount, bool) {
	c := newCall(r, w, req, op, from)
	out, err := c.countTokens()
	if err != nil {
		c.fail(err)
		c.answerFailure()
		return out, false
	}
	return out, true
}

func (c *call) countTokens() (out TokenCount, err error) {
	if err := c.admit(); err != nil {
		return out, err
	}
	if err := c.resolve(); err != nil {
		return out, err
	}
	if err := c.countedRequest(); err != nil {
		return out, err
	}
	who := Asker{c.principal, c.caller, c.start}
	c.target = c.snapshot.Load().firstOf(c.plan.lane, who, &c.ask)
	if n, err := c.countUpstream(c.target); err == nil {
		return TokenCount{Tokens: n}, nil
	} else if e, ok := errors.AsType[*provider.Error](err); ok && stops(e.Category) {
		return out, faultOf(e.Outcome)
	}
	return TokenCount{Tokens: c.countInput(), Estimated: true}, nil
}

// countedRequest counts the request in the caller's windows. Code: rate_limit.
func (c *call) countedRequest() error {
	if c.guard == nil {
		return nil
	}
	if err := c.callerLimits(); err != nil {
		return err
	}
	one := limits.Weights{Requests: 1}
	a, err := c.guard.Windows.Admit(c.ctx(), c.limited.subjects[:c.limited.caller], one)
	c.limited.admission = a
	c.showLimits()
	if err == nil {
		c.limited.admission.End(one, limits.Weights{})
	}
	return err
}

var errNoCounter = errors.New("relay: the upstream does not count")

// countUpstream asks a target. Its failures say nothing about how it serves requests, so nobody is told of them.
func (c *call) countUpstream(t *Target) (int64, error) {
	counter, ok := t.Upstream.(provider.TokenCounter)
	if !ok || t.Dialects[c.op.Format.Kind()] != c.op.Format.Dialect() {
		return 0, errNoCounter
	}
	ctx, cancel := context.WithTimeout(c.ctx(), countTimeout)
	defer cancel()
	var change wire.Change
	if t.Model.ProviderModelName != c.ask.Model {
		change.Model = t.Model.ProviderModelName
	}
	return counter.CountTokens(ctx, &provider.Call{
		Kind: inference.Messages, Model: t.Model.ProviderModelName, Body: c.op.Format.Edit(nil, c.body, &c.ask, change),
		ContentType: "application/json", Header: c.headersFor(t), RequestID: c.requestID, Attempt: 1,
	})
}
