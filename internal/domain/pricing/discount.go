package pricing

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Discounts are the factors of DESIGN section 9. Zero means none; a factor above one is a surcharge.
type Discounts struct {
	Platform, PlatformModel money.Factor // the route's
	Group, Tenant, User     money.Factor // the caller's
}

// Named returns those that change anything, by name, in the order in which they apply and stand on the line.
func (d Discounts) Named() []NamedFactor {
	var out []NamedFactor
	for _, f := range []NamedFactor{
		{"platform", d.Platform}, {"platform_model", d.PlatformModel}, {"group", d.Group}, {"tenant", d.Tenant}, {"user", d.User},
	} {
		if f.Value != 0 && f.Value != money.One {
			out = append(out, f)
		}
	}
	return out
}

// Policy is the billingDiscountPolicy of a group, a tenant or a user: a factor for all models, and others for some.
type Policy struct {
	standard money.Factor
	models   map[string]money.Factor
}

const maxPolicyModels = 2000

// ParsePolicy reads {default, models:{alias:factor}}; empty, null and {} give no discount. Factors are more than 0 and at
// most 1000. Code: discount_invalid, with the path.
func ParsePolicy(raw json.RawMessage) (*Policy, error) {
	var in struct {
		Default *money.Number           `json:"default"`
		Models  map[string]money.Number `json:"models"`
	}
	if err := strictAs(ErrPolicy, raw, &in, ""); err != nil {
		return nil, err
	}
	if len(in.Models) > maxPolicyModels {
		return nil, ErrPolicy.Saying("There are too many models.").At("models")
	}
	p := &Policy{standard: money.One, models: make(map[string]money.Factor, len(in.Models))}
	var err *fault.Error
	if in.Default != nil {
		if p.standard, err = newFactor(*in.Default); err != nil {
			return nil, ErrPolicy.Because(err).At("default")
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(in.Models)) {
		if p.models[alias], err = newFactor(in.Models[alias]); err != nil {
			return nil, ErrPolicy.Because(err).At("models." + alias)
		}
	}
	return p, nil
}

// Factor is what a model's price is multiplied by; a nil Policy changes nothing.
func (p *Policy) Factor(alias string) money.Factor {
	if p == nil {
		return money.One
	}
	if f, ok := p.models[alias]; ok {
		return f
	}
	return p.standard
}
