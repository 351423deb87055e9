package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// createModelOfPlatform takes the platform from the path, whatever the body says.
func (s *Surface) createModelOfPlatform(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	var in api.StoreCreatePlatformModelInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	in.PlatformId = platform.String()
	return s.addModel(w, call, &in)
}

func (s *Surface) createModel(w http.ResponseWriter, call *httpx.Call) error {
	var in api.StoreCreatePlatformModelInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	if in.PlatformId == "" {
		return fault.ErrInvalid.Saying("The platform is required.").At("platformId")
	}
	return s.addModel(w, call, &in)
}

func (s *Surface) addModel(w http.ResponseWriter, call *httpx.Call, in *api.StoreCreatePlatformModelInput) error {
	n, err := readModel(in)
	if err != nil {
		return err
	}
	m, err := s.Routing.CreateModel(call.Context(), call.Actor(), n)
	if err != nil {
		return err
	}
	world, err := s.surroundings(call)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, s.showModels(world, []routing.PlatformModel{m})[0])
}

func readModel(in *api.StoreCreatePlatformModelInput) (routing.NewModel, error) {
	n := routing.NewModel{
		CanonicalModelKey: in.CanonicalModelKey, Name: in.ModelName, Alias: in.ModelAlias,
		ProviderModelName: in.ProviderModelName, DisplayName: in.DisplayName, Types: in.ModelType,
		Capabilities: in.Capabilities, CapabilityOverride: in.CapabilityOverride, BillingConfig: in.BillingConfig,
		BillingConfigOverride: in.BillingConfigOverride, Discount: in.DiscountFactor, PricingMode: in.PricingMode,
		PermissionConfig: in.PermissionConfig, RateLimitPolicy: in.RateLimitPolicy, RetryPolicy: in.RetryPolicy,
		RuntimePolicyOverride: in.RuntimePolicyOverride, Enabled: in.Enabled,
	}
	var errs [4]error
	n.PlatformID, errs[0] = bodyID("platformId", in.PlatformId)
	n.BaseModelID, errs[1] = bodyID("baseModelId", in.BaseModelId)
	n.PricingRuleSetID, errs[2] = bodyID("pricingRuleSetId", in.PricingRuleSetId)
	n.RuntimePolicySetID, errs[3] = bodyID("runtimePolicySetId", in.RuntimePolicySetId)
	for _, err := range errs {
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// replaceModels makes the list of the body the platform's. A body without a list is refused: it would take all away.
func (s *Surface) replaceModels(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	var in api.HttpapiReplacePlatformModelsRequest
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	if in.Models == nil {
		return fault.ErrInvalid.Saying("The list is required; an empty one removes all models.").At("models")
	}
	list, err := readModels(in.Models)
	if err != nil {
		return err
	}
	models, err := s.Routing.ReplaceModels(call.Context(), call.Actor(), platform, list)
	if err != nil {
		return err
	}
	return s.answerModels(w, call, models)
}

func readModels(in []api.StoreCreatePlatformModelInput) ([]routing.NewModel, error) {
	out := make([]routing.NewModel, len(in))
	for i := range in {
		in[i].PlatformId = "" // the path wins
		var err error
		if out[i], err = readModel(&in[i]); err != nil {
			f := fault.From(err)
			return nil, f.At(indexed("models", i) + "." + f.Path)
		}
	}
	return out, nil
}

func (s *Surface) deleteModel(w http.ResponseWriter, call *httpx.Call) error {
	model, err := pathID(call, "modelID")
	if err != nil {
		return err
	}
	if err := s.Routing.DeleteModel(call.Context(), call.Actor(), model); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// setDynamicPriority sets a platform's priority for now; reset wins over a value.
func (s *Surface) setDynamicPriority(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	var in api.HttpapiUpdatePlatformDynamicPriorityRequest
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	priority := wide(in.DynamicPriority)
	if in.Reset != nil && *in.Reset {
		priority = nil
	} else if priority == nil {
		return fault.ErrInvalid.Saying("A priority is required, or reset.").At("dynamicPriority")
	}
	p, err := s.Routing.SetDynamicPriority(call.Context(), call.Actor(), platform, priority)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showPlatform(&p))
}
