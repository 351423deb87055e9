package app

import (
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/tracing"
)

// proxies are the transports of platforms that are reached through a proxy: one for each address, shared by all that name
// it. The zero value is empty.
type proxies struct {
	mu sync.Mutex
	by map[string]*http.Transport
	of map[id.ID]string // the address that a platform has now
}

// transportFor returns what makes a platform's calls. A platform whose proxy cannot be told is not called past it.
func (a *App) transportFor(p *routing.Platform) http.RoundTripper {
	address, err := routing.OpenProxy(a.credentials, p)
	if err != nil {
		a.log.Error("proxy not opened", "platform", p.Name, "error", err)
		return unreachable{}
	}
	if address.IsZero() {
		return a.outbound
	}
	through := a.proxies.transport(p.ID, address, func() http.RoundTripper {
		return proxied(newTransport(a.cfg.Relay), address)
	})
	if a.tracer != nil && a.cfg.Tracing.Propagate {
		return tracing.Propagate(through)
	}
	return through
}

func (x *proxies) transport(platform id.ID, address secret.String, open func() http.RoundTripper) http.RoundTripper {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.by == nil {
		x.by, x.of = map[string]*http.Transport{}, map[id.ID]string{}
	}
	if t := x.by[address.Reveal()]; t != nil {
		x.of[platform] = address.Reveal()
		return t
	}
	opened, ok := open().(*http.Transport)
	if !ok {
		return unreachable{}
	}
	x.by[address.Reveal()], x.of[platform] = opened, address.Reveal()
	return opened
}

// keep forgets the transports that none of the platforms names any more. Calls under way end; then their connections do.
func (x *proxies) keep(platforms []routing.Platform) {
	x.mu.Lock()
	defer x.mu.Unlock()
	named, of := map[string]bool{}, map[id.ID]string{}
	for i := range platforms {
		p := &platforms[i]
		if c, err := routing.ParseConfig(p.Config); err != nil || c.ProxyURL == "" || p.Status != routing.Enabled {
			continue
		}
		if address, ok := x.of[p.ID]; ok {
			named[address], of[p.ID] = true, address
		}
	}
	for address, t := range x.by {
		if !named[address] {
			t.CloseIdleConnections()
			delete(x.by, address)
		}
	}
	x.of = of
}

// proxied sends a transport's connections through a proxy; without an address it is as it was.
func proxied(t *http.Transport, address secret.String) http.RoundTripper {
	if address.IsZero() {
		return t
	}
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return unreachable{}
	}
	t.Proxy = http.ProxyURL(u)
	return t
}

// unreachable stands for a proxy that cannot be told.
type unreachable struct{}

var errProxy = errors.New("app: the platform's proxy is not known")

// RoundTrip implements http.RoundTripper.
func (unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, errProxy }
