package relay

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// routeInfo is why the request went where it went, as the task keeps it.
type routeInfo struct {
	Requested string
	Served    string
	Cause     string
	// Seed decided what was left to chance: with it, explaining the request gives the same order.
	Seed uint64
	// Forwarded are the rules that led from the requested model to the one that served.
	Forwarded  []forwardStep
	Candidates []routeCandidate
}

// routeCandidate is one that was left out, with the gate, or that passed.
type routeCandidate struct {
	target   *Target
	key      bool // it is about one key
	priority int64
	load     int64
	weight   int64
	gate     string
	reason   string
	until    time.Time // zero: nobody knows
	chosen   bool
	rule     id.ID // the access rule that decided whether the caller may use it; zero: none
}

// maxCandidates bounds how many candidates a task names.
const maxCandidates = 32

// explain tells why the call went to where it was tried last.
func (c *call) explain() json.RawMessage {
	info := routeInfo{Requested: c.ask.Model, Cause: c.cause(), Forwarded: c.forwarded}
	if c.target != nil {
		info.Served = c.target.Model.ProviderModelName
	}
	var buffer [4]routeCandidate
	if c.plan.lane != nil {
		info.Seed = c.plan.seed
		info.Candidates = c.plan.candidates(append(buffer[:0], c.failed...), c.target, c.statuses == tasks.Succeeded)
	}
	return info.append(make([]byte, 0, 192+256*len(info.Candidates)))
}

// cause is why the call was served by what served it. Being served elsewhere is a failover only if an attempt failed
// before; where several stood equal, it was balancing.
func (c *call) cause() string {
	switch {
	case c.purpose != "":
		return c.purpose
	case c.target == nil:
		return "direct"
	case len(c.attempts) > 1 && c.attempts[0].PlatformModelID != c.target.Model.ID:
		if first := &c.attempts[0]; first.Verdict == verdictHedgedLost && first.Category == inference.Canceled {
			return causeHedge
		}
		return "failover"
	case len(c.forwarded) > 0:
		return causeForward
	case c.plan.equals() > 1:
		return "balancing"
	case c.target.Model.ProviderModelName != c.ask.Model:
		return "alias"
	}
	return "direct"
}

// causeHedge is the cause where the second of two attempts had something to deliver first.
const causeHedge = "hedge"

// equals is how many candidates stood where the chosen one did and passed all gates.
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

// leftOut reports whether all keys of a choice were left out.
func (p *plan) leftOut(c *choice) bool {
	keys := 0
	for i := range p.gates {
		switch g := &p.gates[i]; {
		case g.of != c:
		case g.target == nil:
			return true
		default:
			keys++
		}
	}
	return keys == len(c.keys)
}

// candidates appends those that were left out, and those that passed.
func (p *plan) candidates(out []routeCandidate, at *Target, served bool) []routeCandidate {
	for i := range p.gates {
		g := &p.gates[i]
		v := routeCandidate{
			target: g.of.keys[0], priority: g.of.effective(p.start), weight: g.of.weight, gate: g.gate, reason: g.reason,
			until: g.until, rule: p.permits(g.of.keys[0]).Rule,
		}
		if g.target != nil {
			v.target, v.key = g.target, true
		}
		out = append(out, v)
	}
	for _, c := range p.lane.choices {
		if len(out) >= maxCandidates {
			break
		}
		if !p.leftOut(c) {
			out = append(out, p.passed(c, at, served))
		}
	}
	return out
}

func (p *plan) passed(c *choice, at *Target, served bool) routeCandidate {
	v := routeCandidate{target: c.keys[0], priority: c.effective(p.start), weight: c.weight, gate: gatePassed}
	v.rule = p.permits(v.target).Rule
	if at != nil && at.Model == v.target.Model {
		v.target, v.key, v.chosen, v.load = at, true, served, p.chosen.load
	}
	return v
}

// append writes the JSON of the contract's TaskRoute. It is written by hand because every request has one.
func (r *routeInfo) append(b []byte) []byte {
	b = tasks.AppendTextMember(b, `{"requested":`, r.Requested)
	b = tasks.AppendTextMember(b, `,"served":`, r.Served)
	b = tasks.AppendTextMember(b, `,"cause":`, r.Cause)
	if r.Seed > 0 {
		b = strconv.AppendUint(append(b, `,"seed":`...), r.Seed, 10)
	}
	if len(r.Forwarded) > 0 {
		steps, _ := json.Marshal(r.Forwarded) //nolint:errchkjson // texts and numbers always have a form in JSON
		b = append(append(b, `,"forwarded":`...), steps...)
	}
	b = append(b, `,"candidates":[`...)
	for i := range r.Candidates {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.Candidates[i].append(b)
	}
	return append(b, "]}"...)
}

func (c *routeCandidate) append(b []byte) []byte {
	t := c.target
	b = tasks.AppendIDMember(b, `{"platformId":`, t.Platform.ID)
	b = tasks.AppendTextMember(b, `,"platformName":`, t.Platform.Name)
	b = tasks.AppendIDMember(b, `,"platformModelId":`, t.Model.ID)
	if c.key && !t.CredentialID.IsZero() {
		b = tasks.AppendIDMember(b, `,"credentialId":`, t.CredentialID)
	}
	b = tasks.AppendTextMember(b, `,"model":`, t.Model.ProviderModelName)
	b = tasks.AppendIntMember(b, `,"effectivePriority":`, c.priority)
	b = tasks.AppendIntMember(b, `,"load":`, c.load)
	b = tasks.AppendIntMember(b, `,"weight":`, c.weight)
	b = tasks.AppendTextMember(b, `,"gate":`, c.gate)
	if c.reason != "" {
		b = tasks.AppendTextMember(b, `,"reason":`, c.reason)
	}
	if !c.rule.IsZero() {
		b = tasks.AppendIDMember(b, `,"accessRuleId":`, c.rule)
	}
	if !c.until.IsZero() {
		b = append(clock.Append(append(b, `,"until":"`...), c.until), '"')
	}
	return append(strconv.AppendBool(append(b, `,"chosen":`...), c.chosen), '}')
}

// atLimits is how many candidates were left out because they were at their limits.
func (p *plan) atLimits() int {
	n := 0
	for i := range p.gates {
		if p.gates[i].gate == gateLimits {
			n++
		}
	}
	return n
}
