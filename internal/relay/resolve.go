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

// resolve finds what may serve the request.
func (c *call) resolve() error {
	s := c.snapshot.Load()
	route, l, err := s.lead(c.principal, c.op.Format.Kind(), &c.ask)
	if err != nil {
		return err
	}
	c.route = route
	if t, ok := c.principal.Terms.(*terms); ok {
		c.discounts = t.discounts(route.Alias)
	}
	if l.window > 0 && c.ask.InputBound > l.window && c.inputTokens == 0 {
		c.inputTokens = c.op.Format.InputTokens(c.body, &c.ask)
	}
	c.plan.total = c.limits.Total
	c.plan.set(l, s.runner, c.principal, &c.ask, c.inputTokens, l.turn.Add(1), c.start)
	return nil
}

// lead finds the route of a request and what of it offers the operation. Codes: model_not_found, unavailable.
func (s *Snapshot) lead(p *identity.Principal, kind inference.Kind, ask *wire.Ask) (*Route, *lane, error) {
	route := s.Route(ask.Model)
	if route == nil || !route.Types.Has(kind.ModelType()) || !p.AllowsModel(route.Alias) {
		message := "The model `" + shorten(ask.Model) + "` does not exist or you do not have access to it."
		return nil, nil, errModel.Saying(message).At("model")
	}
	l := route.lane(kind)
	if ask.Simulation {
		l = s.simulated(l, kind)
	}
	if len(l.choices) == 0 {
		return nil, nil, errNoUpstream.After(retryLater)
	}
	return route, l, nil
}

// set prepares a plan. The seed decides what is left to chance.
func (p *plan) set(
	l *lane, r *routing.Runner, who *identity.Principal, ask *wire.Ask, tokens int64, seed uint64, start time.Time,
) {
	p.lane, p.runner, p.principal, p.needs, p.tokens, p.seed, p.start = l, r, who, ask.Needs, tokens, seed, start
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
