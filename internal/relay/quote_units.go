package relay

import (
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/units"
)

// QuoteUnits prices a request of any kind by what it asks for: images, seconds, characters, searches or tokens. It is for
// operations whose requests need not come in the format that upstreams speak, and names what would serve them first.
// Codes: model_not_found, price_*, invalid_parameter with the path.
func (s *Snapshot) QuoteUnits(who Asker, asked *units.Asked) (Quote, error) {
	p, now := who.Principal, who.At
	t, alias, err := s.firstFor(who, asked)
	if err != nil {
		return Quote{}, err
	}
	schedule := t.Schedule.At(now)
	if schedule == nil {
		return Quote{}, pricing.ErrNoRules.Because(t.PriceError)
	}
	if asked.Simulation && !t.Simulated {
		schedule = schedule.Simulated()
	}
	in := pricing.Inputs{At: now, Dimensions: asked.Dimensions}
	if caller, ok := p.Terms.(*terms); ok {
		in.Discounts = caller.discounts(alias)
	}
	if in.Usage, err = asked.Usage(schedule.Prices, t.MaxOutput); err != nil {
		return Quote{}, err
	}
	out := Quote{Currency: schedule.Currency, Model: t.Model.ProviderModelName}
	out.Lines, out.Amount, err = schedule.Bill(&in)
	return out, err
}

// firstFor is the target that a request would be sent to first, and the route's name. Where no upstream of the route is
// reached for the operation in this way, it is the first of a fitting type: prices do not depend on how it is reached.
func (s *Snapshot) firstFor(who Asker, asked *units.Asked) (*Target, string, error) {
	ask := wire.Ask{Model: asked.Model, Simulation: asked.Simulation, Choices: asked.Count}
	f := forwarder{principal: who.Principal, from: who.From, at: who.At, ask: &ask, text: asked.Text, characters: asked.Characters(), read: true}
	route, l, err := s.lead(&f, inference.API{Kind: asked.Kind, Dialect: asked.Kind.Home()})
	if err != nil {
		return nil, "", err
	}
	if len(l.choices) > 0 {
		return s.firstOf(l, who, &ask), route.Alias, nil
	}
	typ := asked.Kind.ModelType()
	if at := slices.IndexFunc(route.Targets, func(t *Target) bool { return t.Types.Has(typ) && who.Use(t).Allowed }); at >= 0 {
		return route.Targets[at], route.Alias, nil
	}
	return nil, "", errModel.At("model")
}

// dimensionsOf are the parameters of a request that its price may depend on, what its format makes of them first; nil where no
// price does.
func dimensionsOf(s *pricing.Schedule, body []byte, ask *wire.Ask) pricing.Dimensions {
	if !s.HasDimensions() {
		return nil
	}
	out := pricing.Dimensions{}
	maps.Copy(out, units.Dimensions(body))
	maps.Copy(out, ask.Dimensions)
	delete(out, classDimension) // what is cheaper is not the caller's to say
	return out
}

// ClassBatch is the service class of calls that somebody makes for the caller when there is time. classDimension is the
// dimension by which they may be priced otherwise; calls of no class have none.
const (
	ClassBatch     = "batch"
	classDimension = "service_class"
)

// priceDimensions are the parameters that the call's price may depend on; nil where no price does.
func (c *call) priceDimensions() pricing.Dimensions {
	out := dimensionsOf(c.schedule, c.body, &c.ask)
	if out != nil && c.class != "" {
		out[classDimension] = c.class
	}
	return out
}
