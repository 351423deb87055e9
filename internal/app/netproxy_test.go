package app

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/gateway"
)

func TestGlobalProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want gateway.NetworkProxy
	}{
		{nil, gateway.NetworkProxy{Source: "none"}},
		{map[string]string{"http_proxy": "10.0.0.1:3128"}, gateway.NetworkProxy{Address: "http://10.0.0.1:3128", Source: "env"}},
		{
			map[string]string{"HTTPS_PROXY": "http://user:word@proxy:1", "HTTP_PROXY": "http://other:2"},
			gateway.NetworkProxy{Address: "http://--masked--@proxy:1", Source: "env"},
		},
		{map[string]string{"HTTPS_PROXY": "user:wo\x7frd@proxy:1"}, gateway.NetworkProxy{Source: "env"}},
	} {
		if got := globalProxy(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.env, got, c.want)
		}
	}
}
