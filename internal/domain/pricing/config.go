package pricing

import (
	"encoding/json"
	"fmt"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Config is a billing configuration as catalogues and platforms hold it: {currency, rules:[…]}.
type Config struct {
	Currency money.Currency `json:"currency"`
	Rules    []RuleInput    `json:"rules"`
}

// RuleInput is a rule as people enter it. BasePrice is for one Unit.
type RuleInput struct {
	Resource  string       `json:"resourceType"`
	Unit      Unit         `json:"unit"`
	BasePrice money.Number `json:"basePrice"`
	Priority  int64        `json:"priority,omitempty"`
}

// ParseConfig reads a billing configuration; empty, null and {} give no rules.
// Codes: price_* with the path of the field.
func ParseConfig(raw json.RawMessage) ([]Rule, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, ErrPrice.Because(err)
	}
	return c.Compile()
}

// Compile checks the configuration and returns its rules.
func (c *Config) Compile() ([]Rule, error) {
	rules := make([]Rule, 0, len(c.Rules))
	if len(c.Rules) > 0 && !c.Currency.Known() {
		return nil, ErrCurrencyMixed.Saying("The currency is not supported.").At("currency")
	}
	for i, in := range c.Rules {
		r, err := in.rule(c.Currency, fmt.Sprintf("rules[%d].", i))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (in *RuleInput) rule(c money.Currency, path string) (Rule, error) {
	resource, ok := inference.ParseResource(in.Resource)
	if !ok {
		return Rule{}, ErrResource.At(path + "resourceType")
	}
	if in.Unit.Size() == 0 {
		return Rule{}, ErrUnit.At(path + "unit")
	}
	price, err := money.ParsePrice(string(in.BasePrice), in.Unit.Size())
	if err != nil {
		return Rule{}, ErrPrice.Because(err).At(path + "basePrice")
	}
	return Rule{
		Key: in.Resource, Resource: resource, Unit: in.Unit, Price: price, Currency: c, Priority: in.Priority,
		Calculator: CalculatorUnit,
	}, nil
}
