package pricing

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Quote is a line of a price list: what a unit costs before weights, times and discounts.
type Quote struct {
	Resource inference.Resource
	Unit     Unit // as the rule was entered
	Price    money.Price
	Currency money.Currency
	// Basis is when this price holds, as on bill lines; of a formula, its text. "" always.
	Basis string
}

// Text is the price of one Unit as an exact decimal.
func (q *Quote) Text() string {
	text, _ := q.Price.Text(max(1, q.Unit.Size()))
	return text
}

// Quotes are the prices of the resources that have a rule of their own, in the order of the resources.
func (s *Schedule) Quotes() []Quote {
	var out []Quote
	for r := range inference.NumResources {
		rt := &s.rates[r]
		if rt.rule == nil || rt.rule.Resource != r {
			continue
		}
		for _, p := range rt.calc.quotes() {
			out = append(out, Quote{Resource: r, Unit: rt.rule.Unit, Price: p.price, Currency: s.Currency, Basis: p.basis})
		}
	}
	return out
}
