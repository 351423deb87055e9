package relay

import (
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// FaultKind is what is supposed to happen at an upstream: an outcome category, a status that upstreams answer with, or one
// of the words below.
type FaultKind string

// Words for faults, beside categories and statuses.
const (
	FaultDown   FaultKind = "down"     // not reached
	FaultLimits FaultKind = "rpm_full" // at its rate limit with us
)

// statusFaults are what statuses usually mean. Adapters know better; an explanation supposes.
var statusFaults = map[FaultKind]struct {
	status   int
	category inference.Category
}{
	"400": {400, inference.InvalidRequest}, "401": {401, inference.Authentication}, "402": {402, inference.QuotaExhausted},
	"403": {403, inference.Permission}, "404": {404, inference.NotFound}, "408": {408, inference.Timeout},
	"429": {429, inference.RateLimited}, "500": {500, inference.ServerError}, "502": {502, inference.ServerError},
	"503": {503, inference.Overloaded}, "504": {504, inference.Timeout}, "529": {529, inference.Overloaded},
	FaultDown: {0, inference.Connect}, "": {200, inference.OK},
}

// Known reports whether there is such a fault.
func (k FaultKind) Known() bool {
	if _, ok := statusFaults[k]; ok && k != "" {
		return true
	}
	for _, c := range inference.Categories {
		if string(c) == string(k) {
			return c != inference.OK
		}
	}
	return k == FaultLimits
}

func (k FaultKind) result() result {
	if f, ok := statusFaults[k]; ok {
		return result{Outcome: provider.Outcome{Category: f.category}, status: f.status, delivered: f.category == inference.OK}
	}
	return result{Outcome: provider.Outcome{Category: inference.Category(k)}}
}

// Fault supposes a fault at a platform, a platform model or a credential; zero ids mean any.
type Fault struct {
	Platform, Model, Credential id.ID
	Kind                        FaultKind
}

// faultOf is the first fault that is about the target; "" when it serves.
func (r *rehearsal) faultOf(t *Target) FaultKind {
	is := func(want, got id.ID) bool { return want.IsZero() || want == got }
	for _, f := range r.faults {
		if is(f.Platform, t.Platform.ID) && is(f.Model, t.Model.ID) && is(f.Credential, t.CredentialID) {
			return f.Kind
		}
	}
	return ""
}

// Inquiry asks what would become of a request.
type Inquiry struct {
	Principal *identity.Principal
	// From is where the request is supposed to come from; the zero value is nowhere.
	From netip.Addr
	Kind inference.Kind
	// Ask is the request's shape: model, stream, needs, sticky key, limits.
	Ask wire.Ask
	// InputTokens is how long the input is supposed to be; 0: short.
	InputTokens int64
	Faults      []Fault
	// Seed replaces that of the next request, to look at one that was; 0: that of the next request.
	Seed uint64
}

// Explanation is what would become of a request.
type Explanation struct {
	Route *Route
	Seed  uint64
	// Candidates are all, as they stand before anything happens.
	Candidates []Candidate
	// Steps are the attempts in order.
	Steps []ForeseenAttempt
	// Verdict is the last step's, or "refused".
	Verdict string
	// Refusal is why the caller is answered an error; nil when it is served.
	Refusal *fault.Error
}

// Candidate is one target and how it stands.
type Candidate struct {
	Target *Target
	// Gate is "passed", or what keeps the target from being tried first; Reason says more, Until when it opens.
	Gate     string
	Reason   string
	Until    time.Time
	Priority int64
	Load     int64 // in quarters of what may be under way
	Weight   int64 // of the platform model
	Share    int64 // of the key among the platform's
	Chosen   bool  // is tried first
	// Rule is the access rule that decided whether the caller may use the target; zero: none is about it.
	Rule id.ID
}

// ForeseenAttempt is one attempt that would be made.
type ForeseenAttempt struct {
	Target   *Target
	Category inference.Category // what triggered what follows
	Status   int
	Verdict  string
	// Wait is the pause after it.
	Wait time.Duration
}

// verdictRefused is the verdict on a request that no upstream is sent.
const verdictRefused = "refused"

// Explain says what would become of a request, and changes nothing. It runs the plan that requests run, on a copy of the
// health and with outcomes that are supposed. Codes: model_not_found, unavailable.
func (r *Relay) Explain(q *Inquiry) (Explanation, error) {
	s, now := r.snapshot.Load(), r.now()
	f := forwarder{principal: q.Principal, from: q.From, at: now, ask: &q.Ask, tokens: q.InputTokens, explaining: true}
	route, l, err := s.lead(&f, inference.API{Kind: q.Kind, Dialect: q.Kind.Home()})
	if err != nil {
		return Explanation{}, err
	}
	if len(l.choices) == 0 {
		return Explanation{}, errNoUpstream.After(retryLater)
	}
	l = l.clone()
	w := &rehearsal{clock: now, limits: r.limits, faults: q.Faults, credit: r.budget.units.Load() + 1}
	r.rehearseLimits(w, l, q)
	p := plan{from: q.From}
	seed := l.turn.Add(1)
	if q.Seed != 0 {
		seed = q.Seed
	}
	p.total, w.plan = r.limits.Total, &p
	p.set(l, s.runner, q.Principal, &q.Ask, q.InputTokens, seed, now)
	p.hedge = s.runner.Failover.Hedge.Of(q.Kind)
	w.stake = stakeOf(q, now)
	out := Explanation{Route: route, Seed: seed}
	out.Candidates = p.standings(w)
	err = p.begin(w)
	for i := range out.Candidates {
		out.Candidates[i].Chosen = out.Candidates[i].Target == p.current
	}
	if err != nil {
		out.Verdict, out.Refusal = verdictRefused, fault.From(err)
		return out, nil
	}
	last := p.run(w)
	out.Steps = w.steps
	out.Verdict = w.steps[w.deciding].Verdict
	if out.Verdict != verdictServed {
		out.Refusal = faultOf(last.Outcome)
	}
	return out, nil
}

// rehearseLimits lets the rehearsal go on from what the targets' windows hold now.
func (r *Relay) rehearseLimits(w *rehearsal, l *lane, q *Inquiry) {
	if r.guard == nil {
		return
	}
	var scopes []limits.Scope
	for _, c := range l.choices {
		for _, t := range c.keys {
			for _, s := range t.Limits {
				scopes = append(scopes, s.Scope)
			}
		}
	}
	w.windows = r.guard.Windows.Rehearse(w.time, scopes)
	w.weights = limits.Weights{Requests: 1, Tokens: q.InputTokens + q.Ask.MaxOutput*max(1, q.Ask.Choices)}
}

// standings are all candidates as they stand before anything happens.
func (p *plan) standings(w *rehearsal) []Candidate {
	var out []Candidate
	for _, c := range p.lane.choices {
		for _, t := range c.keys {
			v := Candidate{
				Target: t, Priority: c.effective(w.clock), Load: c.load(), Weight: c.weight, Share: c.share(t),
				Rule: p.permits(t).Rule,
			}
			v.Gate, v.Reason, v.Until = p.gateNow(c, t, w)
			out = append(out, v)
		}
	}
	return out
}

// gateNow is what keeps a target from being tried.
func (p *plan) gateNow(c *choice, t *Target, w *rehearsal) (gate, reason string, until time.Time) {
	if gate = p.gateOf(c); gate != "" {
		return gate, p.reasonOf(c, gate), until
	}
	if g := closedBy(gated{}, w.clock, t.platformUnit, t.modelUnit, t.keyUnit); g.gate != "" {
		return g.gate, g.reason, g.until
	}
	defer w.leave()
	if w.enter(t) != nil {
		return gateLimits, "at its rate limit", until
	}
	return gatePassed, "", until
}

func (p *plan) reasonOf(c *choice, gate string) string {
	switch {
	case gate == gateAccess:
		return "an access rule denies it"
	case p.needs&c.lacks&wire.NeedsImages != 0:
		return "takes no images"
	case p.needs&c.lacks&wire.NeedsTools != 0:
		return "has no tools"
	}
	return "the input is longer than its context window"
}
