package pricing

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// RuleSetInput is a rule set as people enter it. Source: store.PricingRuleSetInput of the gateway contract.
type RuleSetInput struct {
	Key         string          `json:"ruleSetKey"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Category    string          `json:"category,omitempty"`
	Currency    money.Currency  `json:"currency"`
	Status      string          `json:"status,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Rules       []RuleInput     `json:"rules"`
	// EffectiveAt is when the set takes effect; zero for at once.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
}

// Compile checks the input and returns the set it makes, without ids, version and times of change. What it returns can be
// compiled to a Schedule. Codes: invalid_parameter, price_currency_mixed and those of RuleInput, with the path.
func (in *RuleSetInput) Compile() (RuleSet, error) {
	if err := in.check(); err != nil {
		return RuleSet{}, err
	}
	c := Config{Currency: in.Currency, Rules: in.Rules}
	rules, err := c.Compile()
	if err != nil {
		return RuleSet{}, err
	}
	set := RuleSet{
		Key: in.Key, Name: in.Name, Description: in.Description, Category: in.Category, Currency: in.Currency,
		Status: in.Status, Metadata: in.Metadata, EffectiveAt: in.EffectiveAt, Rules: rules,
	}
	if set.Status == "" {
		set.Status = "active"
	}
	for i := range set.Rules {
		if set.Rules[i].Status == "" {
			set.Rules[i].Status = "active"
		}
	}
	return set, nil
}

func (in *RuleSetInput) check() error {
	switch {
	case !isKey(in.Key):
		return fault.ErrInvalid.Saying("A key is needed, of letters, digits and . _ - : /").At("ruleSetKey")
	case strings.TrimSpace(in.Name) == "":
		return fault.ErrInvalid.Saying("A name is needed.").At("name")
	case len(in.Name) > maxName:
		return fault.ErrInvalid.Saying("The name is too long.").At("name")
	case len(in.Description) > maxDocument:
		return fault.ErrInvalid.Saying("The description is too long.").At("description")
	case len(in.Category) > maxName:
		return fault.ErrInvalid.Saying("The category is too long.").At("category")
	case in.Status != "" && in.Status != "active" && in.Status != "disabled":
		return fault.ErrInvalid.Saying("The status is active or disabled.").At("status")
	case len(in.Metadata) > maxDocument:
		return ErrLimit.Saying("The object is too large.").At("metadata")
	case !isObject(in.Metadata):
		return fault.ErrInvalid.Saying("This is to be an object.").At("metadata")
	case len(in.Rules) == 0:
		return fault.ErrInvalid.Saying("A set has at least one rule.").At("rules")
	default:
		return nil
	}
}

// isObject reports whether an open object is one; nothing and null are none and are fine.
func isObject(raw json.RawMessage) bool {
	return isEmpty(raw) || bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}
