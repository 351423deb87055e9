package relay

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// errModel says that a model is unknown to the caller, whether it does not exist or may not be used.
var errModel = fault.New(http.StatusNotFound, "model_not_found", "The model does not exist or you do not have access to it.")

// resolve finds the routes by which the request may be served, in the order in which they will be tried.
func (c *call) resolve() error {
	s := c.snapshot.Load()
	kind := c.op.Format.Kind()
	route := s.Route(c.ask.Model)
	if route != nil && c.mayAsk(route) {
		route = c.forward(route)
	} else {
		route = nil
	}
	if route == nil || !route.Types.Has(kind.ModelType()) {
		return errModel.Saying("The model `" + shorten(c.ask.Model) + "` does not exist or you do not have access to it.").At("model")
	}
	c.take(route)
	c.targets = route.order(kind)
	if c.ask.Simulation {
		c.targets = s.simulated(c.targets, kind)
	}
	if len(c.targets) == 0 && !c.fallBack() {
		return fault.ErrUnavail.Saying("No upstream can serve this model now.").After(retryLater)
	}
	return nil
}

// routeInfo is why the request went where it went, as the task keeps it.
type routeInfo struct {
	Requested  string           `json:"requested"`
	Served     string           `json:"served"`
	Cause      string           `json:"cause"`
	Forwarded  []forwardStep    `json:"forwarded,omitempty"`
	Candidates []routeCandidate `json:"candidates"`
}

type routeCandidate struct {
	PlatformID   string `json:"platformId"`
	PlatformName string `json:"platformName"`
	Model        string `json:"model"`
	Priority     int64  `json:"effectivePriority"`
	Gate         string `json:"gate"`
	Chosen       bool   `json:"chosen"`
}

// explain tells why the call went to where it was tried last. Being served elsewhere is a failover only if an attempt
// failed before.
func (c *call) explain() routeInfo {
	info := routeInfo{Requested: c.ask.Model, Cause: c.cause(), Forwarded: c.forwarded}
	if c.target != nil {
		info.Served = c.target.Model.ProviderModelName
	}
	for _, t := range c.limited.full {
		info.Candidates = append(info.Candidates, routeCandidate{
			PlatformID: t.Platform.ID.String(), PlatformName: t.Platform.Name, Model: t.Model.ProviderModelName,
			Priority: t.Platform.EffectivePriority(), Gate: "rate_limited",
		})
	}
	for _, targets := range [...][]*Target{c.failed, c.targets} {
		for _, t := range targets {
			info.Candidates = append(info.Candidates, routeCandidate{
				PlatformID: t.Platform.ID.String(), PlatformName: t.Platform.Name, Model: t.Model.ProviderModelName,
				Priority: t.Platform.EffectivePriority(), Gate: "open", Chosen: t == c.target && c.statuses == tasks.Succeeded,
			})
		}
	}
	return info
}

// cause is why the call went to where it was tried last.
func (c *call) cause() string {
	switch {
	case c.purpose != "":
		return c.purpose
	case c.target == nil:
		return "direct"
	case len(c.attempts) > 1 && c.attempts[0].PlatformModelID != c.target.Model.ID:
		return "failover"
	case len(c.forwarded) > 0:
		return causeForward
	case c.target.Model.ProviderModelName != c.ask.Model:
		return "alias"
	}
	return "direct"
}

// shorten keeps a caller's text from making a message unreadable.
func shorten(s string) string {
	const most = 128
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
