package routing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// NewModel describes a route as it is entered. Names and types that are left out come from the base model that BaseModelID
// or CanonicalModelKey names; without one, ProviderModelName and Types are required. Capabilities, prices and policies of
// the base model are not copied: they are looked up when routes are compiled, so that a change there is a change here.
type NewModel struct {
	PlatformID            id.ID
	BaseModelID           id.ID
	CanonicalModelKey     string
	Name                  string
	Alias                 string
	ProviderModelName     string
	DisplayName           string
	Types                 []string
	Capabilities          json.RawMessage
	CapabilityOverride    json.RawMessage
	BillingConfig         json.RawMessage
	BillingConfigOverride json.RawMessage
	Discount              money.Number
	PricingMode           string
	PricingRuleSetID      id.ID
	PermissionConfig      json.RawMessage
	RateLimitPolicy       json.RawMessage
	RetryPolicy           json.RawMessage
	RuntimePolicySetID    id.ID
	RuntimePolicyOverride json.RawMessage
	Enabled               *bool // nil: true
}

// model checks the description and makes the row.
func (s *Service) model(ctx context.Context, p *Platform, in NewModel) (PlatformModel, error) {
	if err := in.check(); err != nil {
		return PlatformModel{}, err
	}
	if err := firstError(
		s.checkParams("capabilities", in.Capabilities), s.checkParams("capabilityOverride", in.CapabilityOverride),
	); err != nil {
		return PlatformModel{}, err
	}
	base, err := s.base(ctx, in)
	if err != nil {
		return PlatformModel{}, err
	}
	if err := s.checkSets(ctx, in.PricingRuleSetID, in.RuntimePolicySetID); err != nil {
		return PlatformModel{}, err
	}
	return s.row(p, in, base)
}

// checkSets refuses ids that name no set; zero ids name none.
func (s *Service) checkSets(ctx context.Context, prices, policies id.ID) error {
	for _, r := range []struct {
		path   string
		set    id.ID
		exists func(context.Context, id.ID) (bool, error)
	}{
		{"pricingRuleSetId", prices, s.Store.RuleSetExists}, {"runtimePolicySetId", policies, s.Store.PolicySetExists},
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
	return nil
}

func (in *NewModel) check() error {
	_, billing := pricing.ParseConfig(in.BillingConfig)
	_, override := pricing.ParseConfig(in.BillingConfigOverride)
	return firstError(
		checkText("modelName", in.Name, maxAlias), checkText("providerModelName", in.ProviderModelName, maxAlias),
		checkText("displayName", in.DisplayName, maxAlias), checkText("pricingMode", in.PricingMode, maxName),
		capabilities("capabilities", in.Capabilities), capabilities("capabilityOverride", in.CapabilityOverride),
		prefixed("billingConfig", billing), prefixed("billingConfigOverride", override),
		check("permissionConfig", in.PermissionConfig, anyObject),
		check("rateLimitPolicy", in.RateLimitPolicy, rateLimitShape), check("retryPolicy", in.RetryPolicy, parsed(ParseRetry)),
		check("runtimePolicyOverride", in.RuntimePolicyOverride, overrideShape),
	)
}

// capabilities checks capabilities that were entered at path.
func capabilities(path string, raw json.RawMessage) error {
	_, err := catalog.ParseCapabilities(path, raw)
	return err
}

func (s *Service) base(ctx context.Context, in NewModel) (catalog.BaseModel, error) {
	if in.BaseModelID.IsZero() && in.CanonicalModelKey == "" {
		return catalog.BaseModel{}, nil
	}
	base, err := s.Catalog.BaseModel(ctx, in.BaseModelID, in.CanonicalModelKey)
	if !errors.Is(err, fault.ErrNotFound) {
		return base, err
	}
	if in.BaseModelID.IsZero() {
		return base, ErrBase.At("canonicalModelKey")
	}
	return base, ErrBase.At("baseModelId")
}

func (s *Service) row(p *Platform, in NewModel, base catalog.BaseModel) (PlatformModel, error) {
	discount, err := readDiscount("discountFactor", in.Discount)
	if err != nil {
		return PlatformModel{}, err
	}
	types, err := readTypes(in.Types, base.Types)
	if err != nil {
		return PlatformModel{}, err
	}
	upstream := first(in.ProviderModelName, base.ProviderModelName, in.Name)
	if upstream == "" {
		return PlatformModel{}, invalid("providerModelName", "A model needs the name that the provider knows it by.")
	}
	alias, err := readAlias(first(in.Alias, base.Alias, in.Name, upstream))
	if err != nil {
		return PlatformModel{}, err
	}
	now := s.Now()
	return PlatformModel{
		ID: id.At(now), PlatformID: p.ID, BaseModelID: base.ID, Name: first(in.Name, upstream), Alias: alias,
		ProviderModelName: upstream, DisplayName: first(in.DisplayName, base.DisplayName, alias), Types: types,
		Capabilities:          orEmpty(in.Capabilities),
		CapabilityOverride:    orEmpty(in.CapabilityOverride),
		BillingConfig:         orEmpty(in.BillingConfig),
		BillingConfigOverride: orEmpty(in.BillingConfigOverride), Discount: discount, PricingMode: in.PricingMode,
		PricingRuleSetID: in.PricingRuleSetID,
		PermissionConfig: orEmpty(in.PermissionConfig), RateLimitPolicy: orEmpty(in.RateLimitPolicy),
		RetryPolicy: orEmpty(in.RetryPolicy), RuntimePolicySetID: in.RuntimePolicySetID,
		RuntimePolicyOverride: orEmpty(in.RuntimePolicyOverride), Weight: 1,
		Enabled: in.Enabled == nil || *in.Enabled, Metadata: orEmpty(nil), CreatedAt: now, UpdatedAt: now,
	}, nil
}

// upstreamModel makes a route for a model that is known by its name at the upstream only.
func (s *Service) upstreamModel(ctx context.Context, p *Platform, name string) (PlatformModel, error) {
	in := NewModel{ProviderModelName: name, Name: name}
	if err := checkText("", name, maxAlias); err != nil {
		return PlatformModel{}, err
	}
	base, err := s.Catalog.Match(ctx, p.Provider, name)
	if errors.Is(err, fault.ErrNotFound) {
		in.Alias = name
		for _, t := range catalog.SuggestTypes(name) {
			in.Types = append(in.Types, string(t))
		}
		return s.row(p, in, catalog.BaseModel{})
	}
	if err != nil {
		return PlatformModel{}, err
	}
	return s.row(p, in, base)
}

// isAmong reports whether a route of the same platform leads the same name to the same model already. One name may lead to
// several models of a platform: they share its load by weight.
func (m *PlatformModel) isAmong(others []PlatformModel) bool {
	return slices.ContainsFunc(others, m.isSame)
}

// isSame reports whether another route of the same platform leads the same name to the same model.
func (m *PlatformModel) isSame(o PlatformModel) bool {
	return o.Alias == m.Alias && o.ProviderModelName == m.ProviderModelName
}

func readTypes(names []string, otherwise []inference.ModelType) ([]inference.ModelType, error) {
	if len(names) == 0 {
		if len(otherwise) == 0 {
			return nil, invalid("modelType", "A model needs at least one type.")
		}
		return otherwise, nil
	}
	return catalog.ReadTypes("modelType", names)
}

// readAlias wants what can stand in a request, a URL and a log line: no spaces, no control characters.
func readAlias(alias string) (string, error) {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if checkText("modelAlias", alias, maxAlias) != nil || strings.ContainsFunc(alias, bad) {
		return "", invalid("modelAlias", "An alias has at most 128 characters and no spaces.")
	}
	return alias, nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
