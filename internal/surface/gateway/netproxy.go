package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// networkProxy shows the proxy that is in force for upstreams without one of their own.
func (s *Surface) networkProxy(w http.ResponseWriter, _ *httpx.Call) error {
	return httpx.WriteJSON(w, http.StatusOK, api.HttpapiNetworkProxyConfigResponse{
		GlobalHttpProxy: s.Proxy.Address, GlobalHttpProxySet: s.Proxy.Source != "none", GlobalHttpProxySource: s.Proxy.Source,
	})
}
