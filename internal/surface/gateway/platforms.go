package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listPlatforms(w http.ResponseWriter, call *httpx.Call) error {
	platforms, err := s.Routing.PlatformsOf(call.Context(), call.Actor())
	if err != nil {
		return err
	}
	out := api.HttpapiPlatformListResponse{Items: make([]api.StorePlatform, len(platforms))}
	for i := range platforms {
		out.Items[i] = showPlatform(&platforms[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showPlatform(p *routing.Platform) api.StorePlatform {
	return api.StorePlatform{
		Id: p.ID.String(), Provider: p.Provider, PlatformKey: p.Key, Name: p.Name, InternalName: p.InternalName,
		BaseUrl: p.BaseURL, AuthType: p.AuthType, CredentialsPreview: marshal(p.CredentialsPreview()),
		Config: object(p.Config), Priority: int(p.Priority), DynamicPriority: pointer(p.DynamicPriority),
		EffectivePriority: int(p.EffectivePriority()), DefaultDiscountFactor: money.Number(p.Discount.Text()),
		DefaultPricingMode: p.PricingMode, PricingRuleSetId: p.PricingRuleSetID.String(),
		RateLimitPolicy: object(p.RateLimitPolicy), RetryPolicy: object(p.RetryPolicy), Status: string(p.Status),
		CooldownUntil: httpx.Time(p.CooldownUntil), CreatedAt: httpx.Time(p.CreatedAt), UpdatedAt: httpx.Time(p.UpdatedAt),
	}
}

func pointer(n *int64) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

func (s *Surface) createPlatform(w http.ResponseWriter, call *httpx.Call) error {
	in, err := readPlatform(call)
	if err != nil {
		return err
	}
	p, err := s.Routing.CreatePlatform(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showPlatform(&p))
}

func readPlatform(call *httpx.Call) (routing.NewPlatform, error) {
	var in api.StoreCreatePlatformInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return routing.NewPlatform{}, err
	}
	set, err := bodyID("pricingRuleSetId", in.PricingRuleSetId)
	return routing.NewPlatform{
		Provider: in.Provider, Key: in.PlatformKey, Name: in.Name, InternalName: in.InternalName, BaseURL: in.BaseUrl,
		AuthType: in.AuthType, Credentials: in.Credentials, Config: in.Config, Priority: wide(in.Priority),
		Discount: in.DefaultDiscountFactor, PricingMode: in.DefaultPricingMode, PricingRuleSetID: set,
		RateLimitPolicy: in.RateLimitPolicy, RetryPolicy: in.RetryPolicy, Status: in.Status,
	}, err
}

// replacePlatform overwrites all settings; credentials that are left out stay. Source: contracts/INDEX E8.
func (s *Surface) replacePlatform(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	in, err := readPlatform(call)
	if err != nil {
		return err
	}
	p, err := s.Routing.ReplacePlatform(call.Context(), call.Actor(), platform, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showPlatform(&p))
}

func (s *Surface) deletePlatform(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	if err := s.Routing.DeletePlatform(call.Context(), call.Actor(), platform); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	v := int64(*n)
	return &v
}
