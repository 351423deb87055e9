package pricing

import "github.com/gantry-ai/gantry/internal/kernel/money"

// Config returns the rules that price calls, as people enter them: those in force, in the order of the resources. Discounts
// are not in it.
func (s *Schedule) Config() Config {
	c := Config{Currency: s.Currency, Rules: []RuleInput{}}
	for r := range s.rates {
		if rt := &s.rates[r]; rt.rule != nil && int(rt.rule.Resource) == r {
			c.Rules = append(c.Rules, rt.rule.input())
		}
	}
	return c
}

// input is what a rule was compiled of; what has a default is left out.
func (r *Rule) input() RuleInput {
	price, _ := r.Price.Text(max(1, r.Unit.Size())) // as every price that was entered for the unit
	in := RuleInput{
		Key: r.Key, DisplayName: r.DisplayName, Resource: r.Resource.String(), Unit: r.Unit, BasePrice: money.Number(price),
		Calculator: r.Calculator, Priority: r.Priority, BaseWeight: r.BaseWeight, DynamicWeight: r.DynamicWeight,
		DimensionSchema: r.DimensionSchema, Config: r.Config, Metadata: r.Metadata,
	}
	if in.Key == in.Resource {
		in.Key = ""
	}
	if in.Calculator == CalculatorUnit {
		in.Calculator = ""
	}
	return in
}
