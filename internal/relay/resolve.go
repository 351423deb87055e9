package relay

import (
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
)

// errModel says that a model is unknown to the caller, whether it does not exist or may not be used.
var errModel = fault.New(http.StatusNotFound, "model_not_found", "The model does not exist or you do not have access to it.")

func unknownModel(name string) error {
	return errModel.Saying("The model `" + shorten(name) + "` does not exist or you do not have access to it.").At("model")
}

// resolve finds what may serve the request.
func (c *call) resolve() error {
	s := c.snapshot.Load()
	f := forwarder{
		principal: c.principal, format: c.op.Format, body: c.body, ask: &c.ask, decide: c.decide, deciding: c.purpose == causeDecision,
		from: c.caller, at: c.start,
	}
	route, l, err := s.lead(&f, wire.API(c.op.Format))
	if err != nil {
		return err
	}
	c.forwarded = f.steps
	c.take(route)
	if err := c.attachFiles(); err != nil {
		return err
	}
	if l.window > 0 && c.ask.InputBound > l.window*max(1, c.ask.Inputs) && c.inputTokens == 0 {
		c.inputTokens = c.op.Format.InputTokens(c.body, &c.ask)
	}
	c.planOver(l, s.runner)
	if len(l.choices) == 0 && !c.fallBack() {
		return errNoUpstream.After(retryLater)
	}
	return nil
}

// planOver plans to go over a lane.
func (c *call) planOver(l *lane, r *routing.Runner) {
	l = c.accountOf(l)
	c.plan = plan{total: c.limits.Total, from: c.caller}
	c.plan.set(l, r, c.principal, &c.ask, c.inputTokens, l.turn.Add(1), c.start)
	if c.fallbacks == 0 && c.job == nil { // nobody waits for a task, and only one attempt of it is written down
		c.plan.hedge = r.Failover.Hedge.Of(c.op.Format.Kind())
	}
}

// lead follows the rules from the requested model to the route that is to serve the request, and returns what of it offers
// the operation, which may be nothing. Code: model_not_found.
func (s *Snapshot) lead(f *forwarder, api inference.API) (*Route, *lane, error) {
	route := s.Route(f.ask.Model)
	if route != nil && f.mayAsk(route) {
		route = f.lead(route)
	} else {
		route = nil
	}
	if route == nil || !route.serves(api) {
		return nil, nil, unknownModel(f.ask.Model)
	}
	l := route.lane(api)
	if !f.explaining && (l.guarded && !f.mayUse(l) || len(l.choices) == 0 && !f.mayKnow(route)) {
		return nil, nil, unknownModel(f.ask.Model)
	}
	if f.ask.Simulation {
		l = s.simulated(l, api)
	}
	return route, l, nil
}

// set prepares a plan. The seed decides what is left to chance.
func (p *plan) set(
	l *lane, r *routing.Runner, who *identity.Principal, ask *wire.Ask, tokens int64, seed uint64, start time.Time,
) {
	p.lane, p.runner, p.principal, p.needs, p.seed, p.start = l, r, who, ask.Needs, seed, start
	p.tokens = tokens / max(1, ask.Inputs) // of one input, which is what has to fit
	if ask.StickyKey != "" {
		p.sticky = hashText(ask.StickyKey)
	}
}

// shorten keeps a caller's text from making a message unreadable.
func shorten(s string) string {
	const most = 128
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
