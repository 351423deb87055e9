package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// NetworkProxy is the proxy that upstreams are reached through whose platform names none.
type NetworkProxy struct {
	// Address is shown to people: it holds no user name and no password. "" is none.
	Address string
	// Source is "config", "env" or "none".
	Source string
}

func (s *Surface) getNetworkProxy(w http.ResponseWriter, _ *httpx.Call) error {
	return httpx.WriteJSON(w, http.StatusOK, api.HttpapiNetworkProxyConfigResponse{
		GlobalHttpProxy: s.Proxy.Address, GlobalHttpProxySet: s.Proxy.Address != "", GlobalHttpProxySource: s.Proxy.Source,
	})
}
