package relay

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// fallBack makes the targets of the route's fallback those of the call; false when there is none, or none that was not
// tried. It is asked when every target of a route has failed, or is at its limits, before anything was delivered. A
// fallback may have one of its own; rules that forward are not asked again.
func (c *call) fallBack() bool {
	if c.ask.Simulation || c.continues() {
		return false // there is one engine, or one account, and it was tried
	}
	for c.fallbacks < maxForwards {
		f := c.route.forwarding(c.principal)
		if f == nil || f.fallback == nil || !f.fallback.route.Types.Has(c.op.Format.Kind().ModelType()) {
			return false
		}
		c.fallbacks++
		c.take(f.fallback.route)
		if next := c.untried(f.fallback, wire.API(c.op.Format)); len(next) > 0 {
			if len(c.attempts) > 0 && c.attempts[c.deciding].Verdict == verdictExhausted {
				c.attempts[c.deciding].Verdict = verdictFallback
			}
			c.failed = c.plan.candidates(c.failed, nil, false)
			c.purpose = causeFallback
			c.planOver(newLane(next, wire.API(c.op.Format)), c.plan.runner)
			return true
		}
	}
	return false
}

// untried are the fallback's targets that the call was not sent to.
func (c *call) untried(f *fallback, api inference.API) []*Target {
	var out []*Target
	for _, t := range f.route.Targets {
		if !t.offers(api) || !c.permits(t, api.Kind) || f.platform != (id.ID{}) && t.Platform.ID != f.platform {
			continue
		}
		tried := slices.ContainsFunc(c.attempts, func(a tasks.Attempt) bool {
			return a.PlatformModelID == t.Model.ID && a.CredentialID == t.CredentialID
		})
		if !tried {
			out = append(out, t)
		}
	}
	return out
}
