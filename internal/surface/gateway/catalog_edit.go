package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) createProvider(w http.ResponseWriter, call *httpx.Call) error {
	var in catalog.ProviderInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	p, err := s.Catalogue.CreateProvider(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showProvider(&p))
}

// updateProvider leaves what is absent as it is. Source: contracts/INDEX E8.
func (s *Surface) updateProvider(w http.ResponseWriter, call *httpx.Call) error {
	provider, err := pathID(call, "providerID")
	if err != nil {
		return err
	}
	var in catalog.ProviderInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	p, err := s.Catalogue.UpdateProvider(call.Context(), call.Actor(), provider, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showProvider(&p))
}

func (s *Surface) deleteProvider(w http.ResponseWriter, call *httpx.Call) error {
	provider, err := pathID(call, "providerID")
	if err != nil {
		return err
	}
	if err := s.Catalogue.DeleteProvider(call.Context(), call.Actor(), provider); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Surface) createBaseModel(w http.ResponseWriter, call *httpx.Call) error {
	var in catalog.ModelInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	m, err := s.Catalogue.CreateModel(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showBaseModel(&m))
}

// updateBaseModel leaves what is absent as it is. Source: contracts/INDEX E8.
func (s *Surface) updateBaseModel(w http.ResponseWriter, call *httpx.Call) error {
	model, err := pathID(call, "baseModelID")
	if err != nil {
		return err
	}
	var in catalog.ModelInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	m, err := s.Catalogue.UpdateModel(call.Context(), call.Actor(), model, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showBaseModel(&m))
}

func (s *Surface) deleteBaseModel(w http.ResponseWriter, call *httpx.Call) error {
	model, err := pathID(call, "baseModelID")
	if err != nil {
		return err
	}
	if err := s.Catalogue.DeleteModel(call.Context(), call.Actor(), model); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Surface) resetBaseModel(w http.ResponseWriter, call *httpx.Call) error {
	model, err := pathID(call, "baseModelID")
	if err != nil {
		return err
	}
	m, err := s.Catalogue.ResetModel(call.Context(), call.Actor(), model)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showBaseModel(&m))
}

// resetBaseModels answers with the whole catalogue, as the list does.
func (s *Surface) resetBaseModels(w http.ResponseWriter, call *httpx.Call) error {
	models, err := s.Catalogue.ResetModels(call.Context(), call.Actor())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showBaseModels(models))
}

func showBaseModels(models []catalog.BaseModel) api.HttpapiBaseModelListResponse {
	out := api.HttpapiBaseModelListResponse{Items: make([]api.StoreBaseModel, len(models))}
	for i := range models {
		out.Items[i] = showBaseModel(&models[i])
	}
	return out
}
