package app

import (
	"context"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/transport"
	"github.com/gantry-ai/gantry/internal/relay"
)

// pollEvery is how soon a node hears of a change made on another, if no notification reached it. Source: DESIGN section 2.
const pollEvery = time.Second

// reload compiles the configuration in the database and makes it what requests are routed by.
func (a *App) reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	// The version is read first: a change that comes meanwhile makes another one, which the next poll sees.
	src := relay.Sources{
		Now: a.now(), Clock: a.now, Codecs: codecs(), EmbeddingCodecs: embeddingCodecs(), Unseal: a.unseal, Transport: a.transportFor, Log: a.log,
	}
	var err error
	if src.Version, err = a.store.Routing().ConfigVersion(ctx); err != nil {
		return err
	}
	if src.Platforms, err = a.store.Routing().PlatformList(ctx); err != nil {
		return err
	}
	if src.Models, err = a.store.Routing().ModelList(ctx, noPlatform); err != nil {
		return err
	}
	if src.BaseModels, err = a.store.Catalog().BaseModelList(ctx); err != nil {
		return err
	}
	if src.ModelRoutes, err = a.store.Routing().ModelRouteList(ctx, noTenant); err != nil {
		return err
	}
	if src.DefaultTenant, err = a.defaultTenant(ctx); err != nil {
		return err
	}
	if src.AccessRules, err = a.store.Access().RuleList(ctx, nil, access.Query{}); err != nil {
		return err
	}
	if src.RuleSets, err = a.store.Pricing().RuleSetsSince(ctx, src.Now.Add(-pricing.Recently)); err != nil {
		return err
	}
	if src.PolicySets, src.Runner, err = a.loadPolicies(ctx); err != nil {
		return err
	}
	src.Health = &a.health
	if src.Adapters, err = a.adaptersByProvider(ctx); err != nil {
		return err
	}
	a.byProvider.Store(&src.Adapters)
	s := relay.Compile(src)
	if err := a.prepareAccounts(ctx, s); err != nil {
		return err
	}
	a.relay.Use(s)
	a.health.Keep(src.Platforms, src.Models)
	a.proxies.keep(src.Platforms)
	a.limiting.book.Renew(src.Version)
	return nil
}

// defaultTenant is the tenant whose routes are for all that have none of their own.
func (a *App) defaultTenant(ctx context.Context) (id.ID, error) {
	t, err := a.store.Identity().TenantByKey(ctx, identity.DefaultTenantKey)
	return t.ID, err
}

// prepareAccounts makes sure that every currency in use has the accounts that settling a call needs.
func (a *App) prepareAccounts(ctx context.Context, s *relay.Snapshot) error {
	for _, c := range s.Currencies() {
		if err := a.accounts.Prepare(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// poll hears what other nodes changed, and reloads when the configuration has another version than the one in use.
func (a *App) poll(ctx context.Context) {
	if err := a.hearIdentityNews(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("changes of other nodes not heard", "error", err)
	}
	version, err := a.store.Routing().ConfigVersion(ctx)
	if err == nil && version != a.relay.Snapshot().Version {
		err = a.reload(ctx)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Error("configuration not reloaded", "error", err)
	}
}

// adaptersByProvider maps every provider of the catalogue to the adapter that speaks to it, and remembers what the catalogue
// says of them.
func (a *App) adaptersByProvider(ctx context.Context) (map[string]provider.Adapter, error) {
	out := maps.Clone(a.adapters)
	providers, err := a.store.Catalog().ProviderList(ctx)
	if err != nil {
		return nil, err
	}
	of := make(map[string]catalog.Provider, len(providers))
	for i := range providers {
		p := &providers[i]
		if adapter, ok := a.adapters[p.Type]; ok {
			out[p.Key], of[p.Key] = adapter, *p
		}
	}
	a.providers.Store(&of)
	return out, nil
}

// unseal opens a platform's credential.
func (a *App) unseal(c *routing.Credential) (map[string]secret.String, error) {
	return routing.Unseal(a.credentials, c)
}

// newUpstreams makes the connections to all upstreams. Where a proxy is named for a host, the standard library's transport
// goes through it.
func newUpstreams(c config.Relay) *transport.Transport {
	return transport.New(transport.Options{Connect: c.ConnectTimeout, Proxy: globalProxy(c), Fallback: newTransport(c)})
}

// newTransport makes connections through proxies. Bodies are passed on as they are, so nothing is unpacked on the way.
func newTransport(c config.Relay) *http.Transport {
	dialer := &net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: globalProxy(c), DialContext: dialer.DialContext, TLSHandshakeTimeout: c.ConnectTimeout,
		MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
	}
}
