package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listProviders(w http.ResponseWriter, call *httpx.Call) error {
	providers, err := s.Catalog.Providers(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiCatalogProviderListResponse{Items: make([]api.StoreCatalogProvider, len(providers))}
	for i := range providers {
		out.Items[i] = showProvider(&providers[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showProvider(p *catalog.Provider) api.StoreCatalogProvider {
	return api.StoreCatalogProvider{
		Id: p.ID.String(), ProviderKey: p.Key, Code: p.Code, DisplayName: p.DisplayName, ProviderType: p.Type,
		IconPath: p.IconPath, DefaultBaseUrl: p.DefaultBaseURL, DefaultAuthType: p.DefaultAuthType, Source: p.Source,
		Status: p.Status, CapabilitySchema: object(p.CapabilitySchema), Metadata: object(p.Metadata),
		DefaultRateLimitPolicy: object(p.DefaultRateLimitPolicy), CreatedAt: httpx.Time(p.CreatedAt),
		UpdatedAt: httpx.Time(p.UpdatedAt),
	}
}

func (s *Surface) listBaseModels(w http.ResponseWriter, call *httpx.Call) error {
	models, err := s.Catalog.BaseModels(call.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showBaseModels(models))
}

func showBaseModel(m *catalog.BaseModel) api.StoreBaseModel {
	return api.StoreBaseModel{
		Id: m.ID.String(), ProviderKey: m.ProviderKey, CanonicalModelKey: m.CanonicalKey,
		ProviderModelName: m.ProviderModelName, ModelAlias: m.Alias, ModelType: typeNames(m.Types), CatalogType: m.CatalogType,
		Capabilities: object(m.Capabilities), BaseBillingConfig: object(m.BaseBillingConfig),
		PricingRuleSetId: m.PricingRuleSetID.String(), PricingVersion: int(m.PricingVersion),
		DefaultRateLimitPolicy: object(m.DefaultRateLimitPolicy), RuntimePolicySetId: m.RuntimePolicySetID.String(),
		RuntimePolicyOverride: object(m.RuntimePolicyOverride), DefaultSnapshot: object(m.DefaultSnapshot),
		CustomizedAt: httpx.Time(m.CustomizedAt), Status: m.Status, Metadata: object(m.Metadata),
		CreatedAt: httpx.Time(m.CreatedAt), UpdatedAt: httpx.Time(m.UpdatedAt),
	}
}
