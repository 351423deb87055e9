package relay

import (
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
)

// Asker is who asks for a model, from where and when: what access rules look at.
type Asker struct {
	Principal *identity.Principal
	// From is the caller's address; the zero value is nowhere.
	From netip.Addr
	At   time.Time
}

// Asker returns who asks now.
func (r *Relay) Asker(p *identity.Principal, from netip.Addr) *Asker { return &Asker{p, from, r.now()} }

// decide asks the access rules about a target. Where there are none it costs a comparison.
func (a *Asker) decide(t *Target, kind inference.Kind) access.Decision {
	if t.rules == nil {
		return access.Decision{Allowed: true}
	}
	p := a.Principal
	c := access.Caller{
		Key: p.KeyID, User: p.UserID, Group: p.GroupID, Tenant: p.TenantID, Level: access.Level(p.Roles), Address: a.From,
		At: a.At, Kind: kind,
	}
	if of, ok := p.Terms.(*terms); ok {
		c.Attributes = of.attributes
	}
	return t.rules.Decide(&c)
}

// MayAsk reports whether a model exists for the asker: whether it may use what serves the route for any operation, or rules
// lead on from it.
func (a *Asker) MayAsk(r *Route) bool {
	if !a.Principal.AllowsModel(r.Alias) || !r.IsFor(a.Principal) {
		return false
	}
	return len(r.Targets) == 0 || r.forwarding(a.Principal) != nil || a.mayUseAny(r)
}

func (a *Asker) mayUseAny(r *Route) bool {
	for _, t := range r.Targets {
		if a.Use(t).Allowed {
			return true
		}
	}
	return false
}

// Use decides whether the asker may use a target for one of the operations that it offers.
func (a *Asker) Use(t *Target) access.Decision {
	d := access.Decision{Allowed: t.rules == nil}
	for api := range t.apis() {
		if d.Allowed {
			break
		}
		d = a.decide(t, api.Kind)
	}
	return d
}

// permits says whether the request may use the target, and by which rule where one decided.
func (p *plan) permits(t *Target) access.Decision {
	if t.rules == nil {
		return access.Decision{Allowed: true}
	}
	who := Asker{p.principal, p.from, p.start}
	return who.decide(t, p.lane.kind)
}

// firstPermitted is a key of the first choice that the request may use; of the first of all where it may use none.
func (p *plan) firstPermitted() *Target {
	for _, c := range p.lane.choices {
		if p.permits(c.keys[0]).Allowed {
			return c.keys[0]
		}
	}
	return p.lane.choices[0].keys[0]
}

// mayUse reports whether the request may use any of what serves it.
func (f *forwarder) mayUse(l *lane) bool {
	who := Asker{f.principal, f.from, f.at}
	for _, c := range l.choices {
		if who.decide(c.keys[0], l.kind).Allowed {
			return true
		}
	}
	return false
}

// mayKnow reports whether the caller may hear that a route exists which nobody serves the operation of.
func (f *forwarder) mayKnow(r *Route) bool {
	who := Asker{f.principal, f.from, f.at}
	return len(r.Targets) == 0 || who.mayUseAny(r)
}

// permits reports whether the call may use a target.
func (c *call) permits(t *Target, kind inference.Kind) bool {
	who := Asker{c.principal, c.caller, c.start}
	return who.decide(t, kind).Allowed
}

// unreadable hears of a rule that cannot be read.
func (c *compiler) unreadable(r *access.Rule, err error) {
	c.Log.Error("access rule lets nobody in: its conditions", "rule", r.ID.String(), "error", err)
}
