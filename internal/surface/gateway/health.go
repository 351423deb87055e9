package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// health says that the process runs.
func (s *Surface) health(w http.ResponseWriter, _ *httpx.Call) error {
	return httpx.WriteJSON(w, http.StatusOK, api.HttpapiHealthResponse{
		Ok: true, Service: "gantry", Env: s.Env, IdentityMode: string(s.Identity.Mode()),
	})
}

// ready says that it can serve.
func (s *Surface) ready(w http.ResponseWriter, call *httpx.Call) error {
	if err := s.Ready(call.Context()); err != nil {
		return fault.ErrUnavail.Because(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, api.HttpapiReadyResponse{Ok: true})
}
