package relay

import (
	"encoding/json"
	"fmt"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
)

// terms are a caller's discounts, its group's and its tenant's, and what access rules may ask of its metadata. The zero
// value gives none and says nothing.
type terms struct {
	group, tenant *pricing.Policy
	attributes    access.Attributes
}

// PrepareTerms reads a caller's terms, once for all its calls: the billingDiscountPolicy of its group and that within the
// policies of its tenant; and the metadata of the user, then of the group, then of the tenant. It is what identity.Directory.Prepare wants. Code: discount_invalid, with the path.
func PrepareTerms(h identity.Home) (any, error) {
	var policies struct {
		Discount json.RawMessage `json:"billingDiscountPolicy"`
	}
	if len(h.Tenant.Policies) > 0 {
		if err := json.Unmarshal(h.Tenant.Policies, &policies); err != nil {
			return nil, fmt.Errorf("policies of tenant %s: %w", h.Tenant.Key, err)
		}
	}
	t := terms{attributes: access.ReadAttributes(h.User.Metadata, h.Group.Metadata, h.Tenant.Metadata)}
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
