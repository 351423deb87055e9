package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// proxyOf seals an address as the routing service does.
func proxyOf(t *testing.T, box *secret.Box, address string) routing.Platform {
	t.Helper()
	p := routing.Platform{ID: id.New(), Name: "p", Status: routing.Enabled}
	p.Config = json.RawMessage(`{"proxyUrl":"http://--masked--@proxy"}`)
	var err error
	if p.ProxySealed, err = box.Seal([]byte(address), "platform_proxy|"+p.ID.String()); err != nil {
		t.Fatal(err)
	}
	return p
}

func newProxyApp(t *testing.T) *App {
	t.Helper()
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, secret.KeySize), "credential")
	if err != nil {
		t.Fatal(err)
	}
	a := &App{credentials: box, log: slog.New(slog.DiscardHandler), upstreams: newUpstreams(config.Relay{ConnectTimeout: time.Second})}
	a.outbound = a.upstreams
	a.cfg.Relay.ConnectTimeout = time.Second
	t.Cleanup(func() { a.proxies.keep(nil) })
	return a
}

func TestCallsGoThroughThePlatformsProxy(t *testing.T) {
	t.Parallel()
	var seen []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.String()+" "+r.Header.Get("Proxy-Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	a := newProxyApp(t)
	p := proxyOf(t, a.credentials, "http://user:pass@"+strings.TrimPrefix(proxy.URL, "http://"))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://upstream.invalid/v1/models", nil)
	resp, err := a.transportFor(&p).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot || len(seen) != 1 || seen[0] != "http://upstream.invalid/v1/models Basic dXNlcjpwYXNz" {
		t.Errorf("%d, the proxy saw %q", resp.StatusCode, seen)
	}
}

func TestTransportsAreSharedByProxyAndClosedWhenUnused(t *testing.T) {
	t.Parallel()
	a := newProxyApp(t)
	direct := &routing.Platform{ID: id.New(), Status: routing.Enabled}
	one, two := proxyOf(t, a.credentials, "http://u:p@127.0.0.1:1"), proxyOf(t, a.credentials, "http://u:p@127.0.0.1:1")
	other := proxyOf(t, a.credentials, "socks5://127.0.0.1:2")
	if a.transportFor(direct) != http.RoundTripper(a.upstreams) {
		t.Error("a platform without a proxy has a transport of its own")
	}
	shared := a.transportFor(&one)
	if shared != a.transportFor(&two) || shared == a.transportFor(&other) || len(a.proxies.by) != 2 {
		t.Errorf("%d transports for two proxies", len(a.proxies.by))
	}
	a.proxies.keep([]routing.Platform{*direct, two})
	if len(a.proxies.by) != 1 || a.transportFor(&two) != shared {
		t.Errorf("%d transports are kept", len(a.proxies.by))
	}
	two.Status = routing.Disabled
	a.proxies.keep([]routing.Platform{two})
	if len(a.proxies.by) != 0 {
		t.Errorf("%d transports are kept for nobody", len(a.proxies.by))
	}
}

func TestPlatformIsNotCalledPastItsProxy(t *testing.T) {
	t.Parallel()
	a := newProxyApp(t)
	p := proxyOf(t, a.credentials, "http://u:p@127.0.0.1:1")
	p.ProxySealed = []byte("damaged")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", nil)
	if resp, err := a.transportFor(&p).RoundTrip(req); err == nil {
		_ = resp.Body.Close()
		t.Error("the platform was called without its proxy")
	}
}
