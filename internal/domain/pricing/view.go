package pricing

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// BasePrice is the price for one Unit as an exact decimal: what was entered.
func (r *Rule) BasePrice() string {
	text, _ := r.Price.Text(max(1, r.Unit.Size())) // it was entered for this unit, so it is a decimal
	return text
}

// inputsOf are rules as people would enter them.
func inputsOf(rules []Rule) []RuleInput {
	out := make([]RuleInput, len(rules))
	for i := range rules {
		r := &rules[i]
		out[i] = RuleInput{
			Key: r.Key, DisplayName: r.DisplayName, Resource: r.Resource.String(), Unit: r.Unit,
			BasePrice: money.Number(r.BasePrice()), Currency: r.Currency, Calculator: r.Calculator, Priority: r.Priority,
			BaseWeight: r.BaseWeight, DynamicWeight: r.DynamicWeight, DimensionSchema: r.DimensionSchema, Config: r.Config,
			Status: r.Status, Metadata: r.Metadata,
		}
	}
	return out
}

// setView is how a set stands in the audit log: whole, so that a version can be told after the set is gone.
type setView struct {
	Key         string          `json:"ruleSetKey"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Category    string          `json:"category,omitempty"`
	Currency    money.Currency  `json:"currency"`
	Default     bool            `json:"isDefault"`
	Version     int64           `json:"version"`
	EffectiveAt time.Time       `json:"effectiveAt,omitzero"`
	Status      string          `json:"status"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Rules       []RuleInput     `json:"rules"`
}

func viewOf(v *RuleSet) setView {
	return setView{
		v.Key, v.Name, v.Description, v.Category, v.Currency, v.Default, v.Version, v.EffectiveAt, v.Status, v.Metadata,
		inputsOf(v.Rules),
	}
}
