package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Quote is what a request would cost if it were made now and used what it asks for.
type Quote struct {
	Currency money.Currency
	Lines    []pricing.Line
	Amount   money.Amount
	Model    string // what would serve it first, as its upstream names it
}

// quotedOutput is how many output tokens are assumed of a request that sets no limit.
const quotedOutput = 1024

// Quote prices a request by what would serve it first, with the function that bills it. Input tokens are estimated; for
// output the request's own limit counts. Codes: model_not_found, price_*, and those of the format.
func (s *Snapshot) Quote(who Asker, f wire.Format, body []byte) (Quote, error) {
	p, now := who.Principal, who.At
	ask, err := f.Peek(body)
	if err != nil {
		return Quote{}, err
	}
	t, alias, err := s.first(who, f, body, &ask)
	if err != nil {
		return Quote{}, err
	}
	if body, ask, _, err = t.shaped(f, body, &ask); err != nil {
		return Quote{}, err
	}
	schedule := t.Schedule.At(now)
	if schedule == nil {
		return Quote{}, pricing.ErrNoRules.Because(t.PriceError)
	}
	in := pricing.Inputs{At: now, Dimensions: dimensionsOf(schedule, body, &ask)}
	if caller, ok := p.Terms.(*terms); ok {
		in.Discounts = caller.discounts(alias)
	}
	in.Usage.Estimated = true
	in.Usage.Quantities[inference.TextInput] = f.InputTokens(body, &ask)
	if producesText(f.Kind()) {
		in.Usage.Quantities[inference.TextOutput] = t.quotedOutput(&ask) * ask.Choices
	} else {
		askedUnits(f.Kind(), &ask, &in.Usage)
		in.Usage = chargeable(f.Kind(), schedule, in.Usage)
	}
	out := Quote{Currency: schedule.Currency, Model: t.Model.ProviderModelName}
	out.Lines, out.Amount, err = schedule.Bill(&in)
	return out, err
}

// first is the target that a request would be sent to first, and the route's name: what the next request's plan would
// choose, without changing anything. Where nothing can be tried now, it is what is tried first at other times.
func (s *Snapshot) first(who Asker, format wire.Format, body []byte, ask *wire.Ask) (*Target, string, error) {
	f := forwarder{principal: who.Principal, from: who.From, at: who.At, format: format, body: body, ask: ask}
	route, l, err := s.lead(&f, wire.API(format))
	if err != nil || len(l.choices) == 0 {
		return nil, "", errModel.At("model")
	}
	return s.firstOf(l, who, ask), route.Alias, nil
}

// firstOf is what of a lane, which is not empty, a request would be sent to first.
func (s *Snapshot) firstOf(l *lane, who Asker, ask *wire.Ask) *Target {
	l = l.clone()
	trial := plan{from: who.From}
	trial.set(l, s.runner, who.Principal, ask, 0, l.turn.Add(1), who.At)
	t := trial.firstPermitted()
	if trial.begin(&rehearsal{clock: who.At}) == nil {
		t = trial.current
	}
	return t
}

func (t *Target) quotedOutput(ask *wire.Ask) int64 {
	switch {
	case ask.MaxOutput > 0:
		return ask.MaxOutput
	case t.MaxOutput > 0:
		return min(t.MaxOutput, quotedOutput)
	}
	return quotedOutput
}
