package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
)

// routeInfo is why the request went where it went, as the task keeps it.
type routeInfo struct {
	Requested string `json:"requested"`
	Served    string `json:"served"`
	Cause     string `json:"cause"`
	// Seed decided what was left to chance: with it, explaining the request gives the same order.
	Seed       uint64           `json:"seed,omitempty"`
	Candidates []routeCandidate `json:"candidates"`
}

type routeCandidate struct {
	PlatformID      string `json:"platformId"`
	PlatformName    string `json:"platformName"`
	PlatformModelID string `json:"platformModelId"`
	CredentialID    string `json:"credentialId,omitempty"`
	Model           string `json:"model"`
	Priority        int64  `json:"effectivePriority"`
	Load            int64  `json:"load,omitempty"`
	Weight          int64  `json:"weight,omitempty"`
	Gate            string `json:"gate"`
	Reason          string `json:"reason,omitempty"`
	// Until is when the gate opens; nil: nobody knows.
	Until  *time.Time `json:"until,omitempty"`
	Chosen bool       `json:"chosen"`
}

// maxCandidates bounds how many candidates a task names.
const maxCandidates = 32

// explain tells why the call went to where it was tried last.
func (c *call) explain() routeInfo {
	info := routeInfo{Requested: c.ask.Model, Cause: "direct", Candidates: []routeCandidate{}}
	if c.target != nil {
		info.Served, info.Cause = c.target.Model.ProviderModelName, c.cause()
	}
	if c.plan.lane == nil {
		return info
	}
	info.Seed = c.plan.seed
	info.Candidates = c.plan.candidates(c.target, c.statuses == tasks.Succeeded)
	return info
}

// cause is why the call was served by what served it. Being served elsewhere is a failover only if an attempt failed
// before; where several stood equal, it was balancing.
func (c *call) cause() string {
	switch {
	case len(c.attempts) > 1 && c.attempts[0].PlatformModelID != c.target.Model.ID:
		return "failover"
	case c.plan.equals() > 1:
		return "balancing"
	case c.target.Model.ProviderModelName != c.ask.Model:
		return "alias"
	}
	return "direct"
}

// equals is how many candidates stood where the current one stands and passed all gates.
func (p *plan) equals() int {
	if p.lane == nil {
		return 0
	}
	n := 0
	for _, c := range p.lane.choices {
		if c.priority == p.chosen.priority && !p.leftOut(c) {
			n++
		}
	}
	return n
}

func (p *plan) leftOut(c *choice) bool {
	for i := range p.gates {
		if p.gates[i].of == c && p.gates[i].target == nil {
			return true
		}
	}
	return false
}

// candidates are those that were left out, with their gates, and those that passed.
func (p *plan) candidates(at *Target, served bool) []routeCandidate {
	out := make([]routeCandidate, 0, min(maxCandidates, len(p.lane.choices)+len(p.gates)))
	for i := range p.gates {
		if g := &p.gates[i]; len(out) < maxCandidates {
			out = append(out, g.show(p.start))
		}
	}
	for _, c := range p.lane.choices {
		if p.leftOut(c) || len(out) == maxCandidates {
			continue
		}
		t := c.keys[0]
		if at != nil && at.Model == t.Model {
			t = at
		}
		v := t.show(c.effective(p.start))
		v.Gate, v.Weight = gatePassed, c.weight
		if v.Chosen = t == at && served; t == at {
			v.Load = p.chosen.load
		}
		out = append(out, v)
	}
	return out
}

func (g *gated) show(now time.Time) routeCandidate {
	t := g.of.keys[0]
	if g.target != nil {
		t = g.target
	}
	v := t.show(g.of.effective(now))
	if g.target == nil {
		v.CredentialID = ""
	}
	v.Gate, v.Reason, v.Weight = g.gate, g.reason, g.of.weight
	if !g.until.IsZero() {
		v.Until = &g.until
	}
	return v
}

func (t *Target) show(priority int64) routeCandidate {
	return routeCandidate{
		PlatformID: t.Platform.ID.String(), PlatformName: t.Platform.Name, PlatformModelID: t.Model.ID.String(),
		CredentialID: t.CredentialID.String(), Model: t.Model.ProviderModelName, Priority: priority,
	}
}
