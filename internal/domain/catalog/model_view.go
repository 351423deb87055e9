package catalog

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// modelView is how a base model stands in the audit log.
type modelView struct {
	ProviderKey            string                `json:"providerKey"`
	CanonicalKey           string                `json:"canonicalModelKey"`
	ProviderModelName      string                `json:"providerModelName"`
	Alias                  string                `json:"modelAlias"`
	DisplayName            string                `json:"displayName"`
	Types                  []inference.ModelType `json:"modelType"`
	Capabilities           json.RawMessage       `json:"capabilities,omitempty"`
	BaseBillingConfig      json.RawMessage       `json:"baseBillingConfig,omitempty"`
	PricingRuleSetID       id.ID                 `json:"pricingRuleSetId,omitzero"`
	PricingVersion         int64                 `json:"pricingVersion"`
	DefaultRateLimitPolicy json.RawMessage       `json:"defaultRateLimitPolicy,omitempty"`
	RuntimePolicySetID     id.ID                 `json:"runtimePolicySetId,omitzero"`
	RuntimePolicyOverride  json.RawMessage       `json:"runtimePolicyOverride,omitempty"`
	Metadata               json.RawMessage       `json:"metadata,omitempty"`
	Status                 string                `json:"status"`
}

func viewModel(m *BaseModel) modelView {
	return modelView{
		m.ProviderKey, m.CanonicalKey, m.ProviderModelName, m.Alias, m.DisplayName, m.Types, m.Capabilities,
		m.BaseBillingConfig, m.PricingRuleSetID, m.PricingVersion, m.DefaultRateLimitPolicy, m.RuntimePolicySetID,
		m.RuntimePolicyOverride, m.Metadata, m.Status,
	}
}
