package app

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/surface/gateway"
)

// proxyFunc says which proxy a request goes through whose platform names none.
type proxyFunc = func(*http.Request) (*url.URL, error)

// globalProxy is the configured proxy, or what the environment says. Loopback addresses are reached directly, as they
// are with the environment's: what listens there is on this machine and not behind the proxy.
func globalProxy(c config.Relay) proxyFunc {
	u, err := url.Parse(c.ProxyURL.Reveal())
	if c.ProxyURL.IsZero() || err != nil { // the configuration was checked
		return http.ProxyFromEnvironment
	}
	return func(req *http.Request) (*url.URL, error) {
		if isLoopback(req.URL.Hostname()) {
			return nil, nil
		}
		return u, nil
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// shownProxy is the proxy in force and where it was set, for people.
func shownProxy(c config.Relay, env func(string) string) gateway.NetworkProxy {
	if !c.ProxyURL.IsZero() {
		return gateway.NetworkProxy{Address: withoutUser(c.ProxyURL.Reveal()), Source: "config"}
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if address := env(name); address != "" {
			return gateway.NetworkProxy{Address: withoutUser(address), Source: "env"}
		}
	}
	return gateway.NetworkProxy{Source: "none"}
}

// withoutUser is a proxy's address without user and password. What cannot be read is not shown at all.
func withoutUser(address string) string {
	if !strings.Contains(address, "://") {
		address = "http://" + address // as the standard library reads it
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "set"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func (a *App) networkProxy() gateway.NetworkProxy { return shownProxy(a.cfg.Relay, os.Getenv) }
