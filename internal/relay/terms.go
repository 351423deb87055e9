package relay

import (
	"encoding/json"
	"fmt"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
)

// terms are a caller's discounts: its group's and its tenant's. The zero value gives none.
type terms struct {
	group, tenant *pricing.Policy
}

// PrepareTerms reads a caller's discounts, once for all its calls: the billingDiscountPolicy of its group, and that within
// the policies of its tenant. It is what identity.Directory.Prepare wants. Code: discount_invalid, with the path.
func PrepareTerms(h identity.Home) (any, error) {
	var policies struct {
		Discount json.RawMessage `json:"billingDiscountPolicy"`
	}
	if len(h.Tenant.Policies) > 0 {
		if err := json.Unmarshal(h.Tenant.Policies, &policies); err != nil {
			return nil, fmt.Errorf("policies of tenant %s: %w", h.Tenant.Key, err)
		}
	}
	var t terms
	var err error
	if t.group, err = pricing.ParsePolicy(h.Group.BillingDiscountPolicy); err != nil {
		return nil, err
	}
	if t.tenant, err = pricing.ParsePolicy(policies.Discount); err != nil {
		return nil, err
	}
	return &t, nil
}

// discounts are what the caller's price of a model is multiplied by, by name.
func (t *terms) discounts(alias string) []pricing.NamedFactor {
	return pricing.Discounts{Group: t.group.Factor(alias), Tenant: t.tenant.Factor(alias)}.Named()
}
