package relay

import (
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Offer is a model as a caller may use it.
type Offer struct {
	Route *Route
	// Sources are the platform models that the caller may use, in the order in which they are tried. A name that rules alone
	// serve has none.
	Sources []Source
	// Discounts are the caller's.
	Discounts []pricing.NamedFactor
}

// Source is a platform model of an offer.
type Source struct {
	*Target // with the first of its keys

	Keys int // how many it can be asked with
	// Rule is the access rule that lets the caller in; zero when none names the model.
	Rule id.ID
	// Gate says whether the source can be tried now, with the key that stands best; Until when it can be again.
	Gate  routing.Gate
	Until time.Time
}

// Offers lists what a caller may ask for, in the order of the names: what its key names, what access rules permit, and
// what exists for its tenant.
func (s *Snapshot) Offers(who *Asker) []Offer {
	var out []Offer
	for _, r := range s.Routes() {
		if o, ok := r.offer(who); ok {
			out = append(out, o)
		}
	}
	return out
}

func (r *Route) offer(who *Asker) (Offer, bool) {
	p, now := who.Principal, who.At
	if !p.AllowsModel(r.Alias) || !r.IsFor(p) {
		return Offer{}, false
	}
	o := Offer{Route: r}
	if t, ok := p.Terms.(*terms); ok {
		o.Discounts = t.discounts(r.Alias)
	}
	for i, t := range r.Targets {
		if i > 0 && r.Targets[i-1].Model == t.Model { // another key
			if n := len(o.Sources); n > 0 && o.Sources[n-1].Model == t.Model {
				o.Sources[n-1].consider(t, now)
			}
			continue
		}
		if d := who.Use(t); d.Allowed {
			src := Source{Target: t, Keys: 1, Rule: d.Rule}
			src.Gate, src.Until = t.standing(now)
			o.Sources = append(o.Sources, src)
		}
	}
	return o, r.virtual || len(o.Sources) > 0
}

// consider looks at one more key of the source.
func (s *Source) consider(key *Target, now time.Time) {
	s.Keys++
	if g, until := key.standing(now); g < s.Gate || g == s.Gate && until.Before(s.Until) {
		s.Gate, s.Until = g, until
	}
}

// standing is the state of everything that the target needs.
func (t *Target) standing(now time.Time) (routing.Gate, time.Time) {
	g, until := t.modelUnit.Gate(now)
	g, until = worse(g, until, t.platformUnit, now)
	return worse(g, until, t.keyUnit, now)
}

// Rates are the caller's prices at a source, of what a model of its types can consume; none when it cannot be priced.
func (o *Offer) Rates(s *Source, now time.Time) []pricing.Rate {
	schedule := s.Schedule.At(now)
	if schedule == nil {
		return nil
	}
	// A default set prices everything that there is.
	return slices.DeleteFunc(schedule.Rates(o.Discounts...), func(r pricing.Rate) bool {
		return !slices.ContainsFunc(s.Types, func(t inference.ModelType) bool { return t.Uses(r.Resource) })
	})
}

// Factors are what the caller's price at a source is multiplied by: the route's, then the caller's.
func (o *Offer) Factors(s *Source, now time.Time) []pricing.NamedFactor {
	if schedule := s.Schedule.At(now); schedule != nil {
		return append(slices.Clip(schedule.Factors()), o.Discounts...)
	}
	return nil
}
