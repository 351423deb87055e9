package catalog

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// checkModel checks all but the snapshot.
func (e *Editor) checkModel(ctx context.Context, m *BaseModel) error {
	if err := firstError(
		checkKey("providerKey", m.ProviderKey), checkModelName("providerModelName", m.ProviderModelName, maxName),
		checkModelName("canonicalModelKey", m.CanonicalKey, maxLongKey), checkModelName("modelAlias", m.Alias, maxName),
		checkName("displayName", m.DisplayName), checkTypes(m.Types), checkOneOf("catalogType", m.CatalogType, System, Custom),
		checkOneOf("status", m.Status, Active, Disabled), e.checkCapabilities(m.Capabilities),
		checkMetadata("metadata", m.Metadata), e.checkDocuments(m),
	); err != nil {
		return err
	}
	return e.checkReferences(ctx, m)
}

func checkTypes(types []inference.ModelType) error {
	if len(types) == 0 {
		return invalid("modelType", "A model needs at least one type.")
	}
	return nil
}

func (e *Editor) checkCapabilities(raw json.RawMessage) error {
	c, err := ParseCapabilities("capabilities", raw)
	if err != nil || len(c.Params) == 0 {
		return err
	}
	return prefixed("capabilities.params", e.Rules.CheckParams(c.Params))
}

// checkDocuments checks what domains above the catalogue read.
func (e *Editor) checkDocuments(m *BaseModel) error {
	for _, d := range []struct {
		path  string
		raw   json.RawMessage
		check func(json.RawMessage) error
	}{
		{"baseBillingConfig", m.BaseBillingConfig, e.Rules.CheckBilling},
		{"defaultRateLimitPolicy", m.DefaultRateLimitPolicy, e.Rules.CheckRateLimit},
		{"runtimePolicyOverride", m.RuntimePolicyOverride, e.Rules.CheckRuntimePolicy},
	} {
		if err := checkDocument(d.path, d.raw); err != nil {
			return err
		}
		if err := prefixed(d.path, d.check(d.raw)); err != nil {
			return err
		}
	}
	return nil
}

// checkReferences refuses ids and keys that name nothing.
func (e *Editor) checkReferences(ctx context.Context, m *BaseModel) error {
	for _, r := range []struct {
		path   string
		set    id.ID
		exists func(context.Context, id.ID) (bool, error)
	}{
		{"pricingRuleSetId", m.PricingRuleSetID, e.Store.RuleSetExists},
		{"runtimePolicySetId", m.RuntimePolicySetID, e.Store.PolicySetExists},
	} {
		if r.set.IsZero() {
			continue
		}
		ok, err := r.exists(ctx, r.set)
		if err == nil && !ok {
			err = invalid(r.path, "There is no such set.")
		}
		if err != nil {
			return err
		}
	}
	known, err := NewService(e.Store).hasProvider(ctx, m.ProviderKey)
	if err == nil && !known {
		err = ErrProviderUnknown
	}
	return err
}
