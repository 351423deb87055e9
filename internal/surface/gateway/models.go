package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// surroundings are what the view of a platform model draws on.
type surroundings struct {
	platforms map[id.ID]*routing.Platform
	bases     map[id.ID]*catalog.BaseModel
}

func (s *Surface) surroundings(ctx context.Context) (surroundings, error) {
	out := surroundings{map[id.ID]*routing.Platform{}, map[id.ID]*catalog.BaseModel{}}
	platforms, err := s.Routing.Platforms(ctx)
	if err != nil {
		return out, err
	}
	for i := range platforms {
		out.platforms[platforms[i].ID] = &platforms[i]
	}
	bases, err := s.Catalog.BaseModels(ctx)
	for i := range bases {
		out.bases[bases[i].ID] = &bases[i]
	}
	return out, err
}

// showModel shows a route with the prices and capabilities that are in force, which may be the base model's.
func (w surroundings) showModel(m *routing.PlatformModel) api.StorePlatformModel {
	out := api.StorePlatformModel{
		Id: m.ID.String(), PlatformId: m.PlatformID.String(), BaseModelId: m.BaseModelID.String(), ModelName: m.Name,
		ModelAlias: m.Alias, ProviderModelName: m.ProviderModelName, DisplayName: m.DisplayName,
		ModelType: typeNames(m.Types), Capabilities: object(m.Capabilities), CapabilityOverride: object(m.CapabilityOverride),
		BillingConfig: object(m.BillingConfig), BillingConfigOverride: object(m.BillingConfigOverride),
		DiscountFactor: money.Number(m.Discount.Text()), PricingMode: m.PricingMode,
		PricingRuleSetId: m.PricingRuleSetID.String(), PermissionConfig: object(m.PermissionConfig),
		RateLimitPolicy: object(m.RateLimitPolicy), RetryPolicy: object(m.RetryPolicy),
		RuntimePolicySetId: m.RuntimePolicySetID.String(), RuntimePolicyOverride: object(m.RuntimePolicyOverride),
		Enabled: m.Enabled, CooldownUntil: httpx.Time(m.CooldownUntil), CreatedAt: httpx.Time(m.CreatedAt),
		UpdatedAt: httpx.Time(m.UpdatedAt),
	}
	if p := w.platforms[m.PlatformID]; p != nil {
		out.PlatformName, out.Provider = p.Name, p.Provider
	}
	if base := w.bases[m.BaseModelID]; base != nil {
		out.BillingConfig = filled(out.BillingConfig, base.BaseBillingConfig)
		out.Capabilities = filled(out.Capabilities, base.Capabilities)
	}
	return out
}

// filled returns instead for an object that says nothing.
func filled(v, instead json.RawMessage) json.RawMessage {
	if len(v) == 0 || string(v) == "{}" {
		return object(instead)
	}
	return v
}

func (s *Surface) listModels(w http.ResponseWriter, call *httpx.Call) error {
	models, err := s.Routing.Models(call.Context(), id.ID{})
	if err != nil {
		return err
	}
	world, err := s.surroundings(call.Context())
	if err != nil {
		return err
	}
	simulated := s.simulated()
	out := api.HttpapiPlatformModelListResponse{Items: make([]api.StorePlatformModel, len(models))}
	for i := range models {
		out.Items[i] = world.showModel(&models[i])
		out.Items[i].Simulated = simulated[models[i].ID]
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// simulated tells which of the routes in force reach nobody.
func (s *Surface) simulated() map[id.ID]bool {
	out := map[id.ID]bool{}
	for _, r := range s.Snapshot().Routes() {
		for _, t := range r.Targets {
			out[t.Model.ID] = t.Simulated
		}
	}
	return out
}

// asker is who calls, as the models see it that are called.
func (s *Surface) asker(call *httpx.Call) *relay.Asker {
	return &relay.Asker{Principal: call.Principal, From: httpx.Address(call.Request), At: s.Now()}
}

// callableModels lists what the caller may ask for: one item per route in force. Policies are the operator's business.
func (s *Surface) callableModels(w http.ResponseWriter, call *httpx.Call) error {
	world, err := s.surroundings(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiPlatformModelListResponse{Items: []api.StorePlatformModel{}}
	who := s.asker(call)
	for _, r := range s.Snapshot().Routes() {
		if !who.MayAsk(r) {
			continue
		}
		seen := map[id.ID]bool{} // a route has a target for each credential
		for _, t := range r.Targets {
			if seen[t.Model.ID] || !who.Use(t).Allowed {
				continue
			}
			seen[t.Model.ID] = true
			m := world.showModel(t.Model)
			m.Simulated, m.Capabilities = t.Simulated, marshal(t.Capabilities)
			m.PermissionConfig, m.RateLimitPolicy, m.RetryPolicy, m.RuntimePolicyOverride = nil, nil, nil, nil
			m.RuntimePolicySetId = ""
			out.Items = append(out.Items, m)
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}
