package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// answers are the categories by which an upstream shows that it is well: what was wrong is the request.
var answers = routing.CategoriesOf(
	inference.OK, inference.InvalidRequest, inference.ContentPolicy, inference.ContextLength)

// release ends an attempt: the target is not busy with it any more, its health hears of the outcome, and the retry budget
// of how a retry went.
func (p *plan) release(w world, r *result) {
	p.vacate()
	if p.spent {
		p.spent = false
		w.repay(r.Category == inference.OK)
	}
	switch {
	case answers.Has(r.Category):
		p.well(w, r)
	case r.Category == inference.Canceled || r.ours:
		p.unprobe() // nothing was found out
	default:
		p.ill(w, r)
	}
}

// alive hears that the target's answer has begun: nobody needs to wait for its end to know that it is well.
func (p *plan) alive(w world) {
	if p.spent {
		p.spent = false
		w.repay(true)
	}
	if p.probes != [3]bool{} {
		p.well(w, &result{Outcome: ok, sent: w.time()})
	}
}

// abandon ends a plan wherever it stands, so that nothing counts a request that is gone.
func (p *plan) abandon(w world) {
	p.leave(w)
	if p.race != nil {
		p.turn(1 - p.race.at)
		p.leave(w)
	}
}

// leave ends the request's stay at the current target.
func (p *plan) leave(w world) {
	p.vacate()
	p.unprobe()
	p.unpay(w)
}

// well opens again what was closed.
func (p *plan) well(w world, r *result) {
	for i, u := range p.current.units() {
		if g, _ := u.Gate(r.sent); g == routing.Open && !p.probes[i] {
			u.Serve()
			continue
		}
		if change, ok := u.Succeed(w.time(), r.sent, p.probes[i]); ok {
			w.announce(change, nil)
		}
	}
	p.probes = [3]bool{}
}

// ill counts a failure by all rules that it matches. A probe that no rule of its unit took for a failure found out
// nothing.
func (p *plan) ill(w world, r *result) {
	f := routing.Failure{
		Category: r.Category, Status: r.status, Code: r.Code, Message: r.Message, RetryAfter: r.RetryAfter,
	}
	for _, rules := range [...][]routing.Rule{p.current.Policies.Disable, p.current.Policies.Degrade, p.runner.Demote} {
		for i := range rules {
			if rules[i].Match.Matches(&f) {
				p.apply(w, &rules[i], &f)
			}
		}
	}
	p.unprobe()
}

func (p *plan) apply(w world, rule *routing.Rule, f *routing.Failure) {
	u := p.current.unit(rule.Target)
	probe := false
	if rule.Step == 0 {
		for i, of := range p.current.units() {
			if of == u {
				probe = p.probes[i]
				p.probes[i] = false
			}
		}
	}
	if change, ok := u.Fail(rule, f, w.time(), probe); ok {
		w.announce(change, f)
	}
}
