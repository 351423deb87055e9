package app

import (
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/surface/gateway"
)

// proxyVariables name the proxy of all calls, as http.ProxyFromEnvironment reads them; upstreams are asked by https first
// of all.
var proxyVariables = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

// globalProxy is the proxy through which upstreams are reached that have none of their own. Its user and password are not
// shown.
func globalProxy(env func(string) string) gateway.NetworkProxy {
	for _, name := range proxyVariables {
		if address := env(name); address != "" {
			return gateway.NetworkProxy{Address: shownProxy(address), Source: "env"}
		}
	}
	return gateway.NetworkProxy{Source: "none"}
}

func shownProxy(address string) string {
	if !strings.Contains(address, "://") {
		address = "http://" + address // as the standard library takes it
	}
	u, err := url.Parse(address)
	if err != nil {
		return "" // it may hold a password where nobody expects it
	}
	if u.User != nil {
		u.User = url.User("--masked--")
	}
	return u.String()
}
