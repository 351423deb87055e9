package app

import (
	"net/http"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/surface/gateway"
)

// TestTheProxyIsShownWithoutItsPassword: people learn which proxy is in force and where it was set, and no credentials.
func TestTheProxyIsShownWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configured string
		env        map[string]string
		want       gateway.NetworkProxy
	}{
		"none":               {"", nil, gateway.NetworkProxy{Source: "none"}},
		"configured":         {"socks5://ada:secret@proxy:1080", map[string]string{"HTTPS_PROXY": "http://other"}, gateway.NetworkProxy{Address: "socks5://proxy:1080", Source: "config"}},
		"by the environment": {"", map[string]string{"HTTP_PROXY": "http://one", "HTTPS_PROXY": "http://u:p@two:8080/?x=y"}, gateway.NetworkProxy{Address: "http://two:8080", Source: "env"}},
		"in lower case":      {"", map[string]string{"http_proxy": "three:3128"}, gateway.NetworkProxy{Address: "http://three:3128", Source: "env"}},
		"not readable":       {"", map[string]string{"http_proxy": "http://u:%zz@x"}, gateway.NetworkProxy{Address: "set", Source: "env"}},
	} {
		got := shownProxy(config.Relay{ProxyURL: secret.New(c.configured)}, func(k string) string { return c.env[k] })
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTheConfiguredProxyIsUsed(t *testing.T) {
	t.Parallel()
	proxy := globalProxy(config.Relay{ProxyURL: secret.New("http://u:p@proxy:3128")})
	for address, want := range map[string]string{
		"https://api.example/v1": "http://u:p@proxy:3128", "http://127.0.0.1:1/": "", "http://[::1]:1/": "", "http://localhost/": "",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		u, err := proxy(req)
		if got := ""; u != nil && u.String() != want || u == nil && got != want || err != nil {
			t.Errorf("%s goes through %v, want %q (%v)", address, u, want, err)
		}
	}
}
