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

// surroundings are those of an administrator.
func (s *Surface) surroundings(call *httpx.Call) (surroundings, error) {
	out := surroundings{platforms: map[id.ID]*routing.Platform{}}
	platforms, err := s.Routing.PlatformsOf(call.Context(), call.Actor())
	if err != nil {
		return out, err
	}
	for i := range platforms {
		out.platforms[platforms[i].ID] = &platforms[i]
	}
	out.bases, err = s.bases(call.Context())
	return out, err
}

func (s *Surface) bases(ctx context.Context) (map[id.ID]*catalog.BaseModel, error) {
	models, err := s.Catalog.BaseModels(ctx)
	out := make(map[id.ID]*catalog.BaseModel, len(models))
	for i := range models {
		out[models[i].ID] = &models[i]
	}
	return out, err
}

// showModel shows a route with the prices and capabilities that are in force, which may be the base model's.
func (w surroundings) showModel(m *routing.PlatformModel) api.StorePlatformModel {
	return showModel(m, w.platforms[m.PlatformID], w.bases[m.BaseModelID])
}

// showModel shows a route; p and base may be nil.
func showModel(m *routing.PlatformModel, p *routing.Platform, base *catalog.BaseModel) api.StorePlatformModel {
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
	if p != nil {
		out.PlatformName, out.Provider = p.Name, p.Provider
	}
	if base != nil {
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
	models, err := s.Routing.ModelsOf(call.Context(), call.Actor())
	if err != nil {
		return err
	}
	return s.answerModels(w, call, models)
}

// answerModels answers with routes as administrators see them.
func (s *Surface) answerModels(w http.ResponseWriter, call *httpx.Call, models []routing.PlatformModel) error {
	world, err := s.surroundings(call)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, api.HttpapiPlatformModelListResponse{Items: s.showModels(world, models)})
}

func (s *Surface) showModels(world surroundings, models []routing.PlatformModel) []api.StorePlatformModel {
	inForce := s.inForce()
	out := make([]api.StorePlatformModel, len(models))
	for i := range models {
		out[i] = world.showModel(&models[i])
		if t := inForce[models[i].ID]; t != nil {
			s.showInForce(&out[i], t)
		}
	}
	return out
}

// inForce are the routes in force by the ids of their platform models, each with one of its keys.
func (s *Surface) inForce() map[id.ID]*relay.Target {
	out := map[id.ID]*relay.Target{}
	for _, r := range s.Snapshot().Routes() {
		for _, t := range r.Targets {
			out[t.Model.ID] = t
		}
	}
	return out
}

// showInForce adds what holds for a route in force. Where a set of prices does, its rules are the billing configuration.
func (s *Surface) showInForce(out *api.StorePlatformModel, t *relay.Target) {
	out.Simulated = t.Simulated
	if schedule := t.Schedule.At(s.Now()); schedule != nil && !schedule.SetID.IsZero() {
		out.BillingConfig = marshal(schedule.Config())
	}
}

// asker is who calls, as the models see it that are called.
func (s *Surface) asker(call *httpx.Call) *relay.Asker {
	return &relay.Asker{Principal: call.Principal, From: httpx.Address(call.Request), At: s.Now()}
}

// callableModels lists what the caller may ask for: one item per route in force that it may use. Policies are the
// operator's business.
func (s *Surface) callableModels(w http.ResponseWriter, call *httpx.Call) error {
	bases, err := s.bases(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiPlatformModelListResponse{Items: []api.StorePlatformModel{}}
	for _, o := range s.Snapshot().Offers(s.asker(call)) {
		for i := range o.Sources {
			out.Items = append(out.Items, s.showSource(&o.Sources[i], bases))
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (s *Surface) showSource(src *relay.Source, bases map[id.ID]*catalog.BaseModel) api.StorePlatformModel {
	m := showModel(src.Model, src.Platform, bases[src.Model.BaseModelID])
	s.showInForce(&m, src.Target)
	m.Capabilities = marshal(src.Capabilities)
	m.PermissionConfig, m.RateLimitPolicy, m.RetryPolicy, m.RuntimePolicyOverride = nil, nil, nil, nil
	m.RuntimePolicySetId = ""
	return m
}
