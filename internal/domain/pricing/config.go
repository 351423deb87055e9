package pricing

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Config is a billing configuration as catalogues and platforms hold it: {currency, rules:[…]}.
type Config struct {
	Currency money.Currency `json:"currency"`
	Rules    []RuleInput    `json:"rules"`
}

// RuleInput is a rule as people enter it. BasePrice is for one Unit.
type RuleInput struct {
	Key             string          `json:"ruleKey,omitempty"` // the resource's name if absent
	DisplayName     string          `json:"displayName,omitempty"`
	Resource        string          `json:"resourceType"`
	Unit            Unit            `json:"unit"`
	BasePrice       money.Number    `json:"basePrice,omitempty"` // needed by unit and formula
	Currency        money.Currency  `json:"currency,omitempty"`  // that of the set if absent
	Calculator      string          `json:"calculatorType,omitempty"`
	Priority        int64           `json:"priority,omitempty"`
	BaseWeight      json.RawMessage `json:"baseWeight,omitempty"`
	DynamicWeight   json.RawMessage `json:"dynamicWeight,omitempty"`
	DimensionSchema json.RawMessage `json:"dimensionSchema,omitempty"`
	Config          json.RawMessage `json:"formulaConfig,omitempty"`
	Status          string          `json:"status,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
}

// Limits of rules.
const (
	maxRules    = 200
	maxKey      = 128
	maxName     = 256
	maxDocument = 64 << 10
)

// ParseConfig reads a billing configuration; empty, null and {} give no rules.
// Codes: those of RuleInput, with the path of the field.
func ParseConfig(raw json.RawMessage) ([]Rule, error) {
	var shape struct {
		Currency money.Currency    `json:"currency"`
		Rules    []json.RawMessage `json:"rules"`
	}
	if err := strictAs(ErrPrice, raw, &shape, ""); err != nil {
		return nil, err
	}
	c := Config{Currency: shape.Currency, Rules: make([]RuleInput, len(shape.Rules))}
	for i, r := range shape.Rules {
		if err := strictAs(ErrPrice, r, &c.Rules[i], fmt.Sprintf("rules[%d]", i)); err != nil {
			return nil, err
		}
	}
	return c.Compile()
}

// Compile checks the configuration and returns its rules. Codes: price_currency_mixed and those of RuleInput.
func (c *Config) Compile() ([]Rule, error) {
	rules := make([]Rule, 0, len(c.Rules))
	if len(c.Rules) > 0 && !c.Currency.Known() {
		return nil, ErrCurrencyMixed.Saying("The currency is not supported.").At("currency")
	}
	if len(c.Rules) > maxRules {
		return nil, ErrLimit.Saying("There are too many rules.").At("rules")
	}
	keys := map[string]bool{}
	for i := range c.Rules {
		path := fmt.Sprintf("rules[%d].", i)
		r, err := c.Rules[i].Compile(c.Currency)
		if err != nil {
			return nil, prefixed(path, err)
		}
		if r.Key, err = uniqueKey(keys, c.Rules[i].Key, r.Key); err != nil {
			return nil, prefixed(path, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// uniqueKey refuses a key that was given twice, and numbers keys that were not given.
func uniqueKey(taken map[string]bool, given, key string) (string, error) {
	if given != "" && taken[key] {
		return "", fault.ErrInvalid.Saying("Another rule of the set has this key.").At("ruleKey")
	}
	unique := key
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", key, n)
	}
	taken[unique] = true
	return unique, nil
}

// Compile checks a rule of a set in a currency. Paths of errors start at the rule. Codes: invalid_parameter,
// price_unit_unknown, price_resource_unknown, price_calculator_unknown, amount_invalid, amount_precision,
// price_dimension_invalid, price_weight_invalid, formula_invalid, formula_limit.
func (in *RuleInput) Compile(c money.Currency) (Rule, error) {
	if err := in.checkTexts(c); err != nil {
		return Rule{}, err
	}
	resource, known := inference.ParseResource(in.Resource)
	switch {
	case in.Unit.Size() > 0:
	case !known:
		return Rule{}, ErrResource.At("resourceType")
	default:
		return Rule{}, ErrUnit.At("unit")
	}
	price, err := in.price()
	if err != nil {
		return Rule{}, err
	}
	r := Rule{
		Key: in.Key, DisplayName: in.DisplayName, Resource: resource, Unit: in.Unit, Price: price, Currency: c,
		Calculator: in.Calculator, Priority: in.Priority, BaseWeight: in.BaseWeight, DynamicWeight: in.DynamicWeight,
		DimensionSchema: in.DimensionSchema, Config: in.Config, Status: in.Status, Metadata: in.Metadata,
	}
	if r.Key == "" {
		r.Key = in.Resource
	}
	if r.Calculator == "" {
		r.Calculator = CalculatorUnit
	}
	if _, err := newRate(&r); err != nil {
		return Rule{}, err
	}
	if !known {
		return Rule{}, ErrResource.At("resourceType")
	}
	if !in.Unit.measures(resource) {
		return Rule{}, ErrUnit.At("unit")
	}
	return r, nil
}

// checkTexts checks what needs no reading.
func (in *RuleInput) checkTexts(c money.Currency) error {
	switch {
	case in.Key != "" && !isKey(in.Key):
		return fault.ErrInvalid.Saying("A key consists of letters, digits and . _ - : /").At("ruleKey")
	case len(in.DisplayName) > maxName:
		return fault.ErrInvalid.Saying("The name is too long.").At("displayName")
	case in.Currency != "" && in.Currency != c:
		return fault.ErrInvalid.Saying("The rules of one set must share its currency.").At("currency")
	case in.Status != "" && in.Status != "active" && in.Status != "disabled":
		return fault.ErrInvalid.Saying("The status is active or disabled.").At("status")
	}
	for name, doc := range map[string]json.RawMessage{
		"baseWeight": in.BaseWeight, "dynamicWeight": in.DynamicWeight, "dimensionSchema": in.DimensionSchema,
		"formulaConfig": in.Config, "metadata": in.Metadata,
	} {
		if len(doc) > maxDocument {
			return ErrLimit.Saying("The object is too large.").At(name)
		}
	}
	if !isObject(in.Metadata) {
		return fault.ErrInvalid.Saying("This is to be an object.").At("metadata")
	}
	return nil
}

// price reads the base price. Calculators that have prices of their own do not need it.
func (in *RuleInput) price() (money.Price, error) {
	text := string(in.BasePrice)
	if text == "" && (in.Calculator == CalculatorTiered || in.Calculator == CalculatorMatrix) {
		text = "0"
	}
	price, err := money.ParsePrice(text, in.Unit.Size())
	if err != nil {
		return 0, errPrice(err).At("basePrice")
	}
	return price, nil
}

// prefixed puts a path before that of a fault.
func prefixed(path string, err error) error {
	f := fault.From(err)
	return f.At(path + f.Path)
}

func isKey(text string) bool {
	return text != "" && len(text) <= maxKey && !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("._-:/", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}
