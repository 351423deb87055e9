package app

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console"
	"github.com/gantry-ai/gantry/internal/surface/gateway"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/surface/protocols"
	"github.com/gantry-ai/gantry/internal/surface/reference"
	"github.com/gantry-ai/gantry/web"
)

// Handler serves every surface that is enabled.
func (a *App) Handler(context.Context) (http.Handler, error) {
	g := a.gatewaySurface()
	c := a.consoleSurface()
	f := faces{
		protocols: face{a.cfg.Surfaces.Protocols, func(r chi.Router) {
			protocols.Mount(r, protocols.Options{
				Relay: a.relay, Keys: a.directory, Caller: callerOf, Accept: g.Accept, Take: acceptor{a}.Accept,
				Tasks: a.store.Tasks(), Desk: a.desk, Shelf: a.shelf,
				Files: a.files, Batches: a.batches, Made: made{a.media.library}, MaxFile: a.cfg.Files.MaxBytes, Now: a.now, Log: a.log,
				Ephemerals: a.ephemerals,
			})
		}},
		gateway: face{a.cfg.Surfaces.Gateway, a.timely(g.Mount)}, console: face{a.cfg.Surfaces.Console, a.timely(c.Mount)},
	}
	documents, err := f.contracts()
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(httpx.Edge(a.cfg.TrustedProxies))
	for _, face := range []face{f.protocols, f.gateway, f.console} {
		mount(r, face.at, face.routes)
	}
	a.mountFiles(r, g.Refuse)
	reference.New(reference.Options{Contracts: documents, Log: a.log}).Mount(r)
	// What is not found is said in the way of the surface that the path belongs to.
	allowed, allowedConsole := g.MethodNotAllowed(r), c.MethodNotAllowed(r)
	r.NotFound(func(w http.ResponseWriter, req *http.Request) {
		byOwner(req.URL.Path, protocols.NotFound, c.NotFound, g.NotFound)(w, req)
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		byOwner(req.URL.Path, protocols.MethodNotAllowed(r), allowedConsole, allowed)(w, req)
	})
	return httpx.Shortcut(r)
}

func byOwner(path string, ofProtocols, ofConsole, otherwise http.HandlerFunc) http.HandlerFunc {
	switch {
	case protocols.Owns(path):
		return ofProtocols
	case console.Owns(path):
		return ofConsole
	}
	return otherwise
}

// mount puts a surface where the configuration says: at its own paths, behind a prefix, or on a host of its own.
func mount(r chi.Router, c config.Surface, routes func(chi.Router)) {
	if !c.Enabled {
		return
	}
	place := func(r chi.Router) {
		if c.Prefix != "" {
			r.Route(c.Prefix, routes)
			return
		}
		routes(r)
	}
	if c.Host == "" {
		place(r)
		return
	}
	r.Group(func(r chi.Router) {
		r.Use(onHost(c.Host))
		place(r)
	})
}

// hostName is the name in a Host header, without the port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// onHost lets only requests for a host pass.
func onHost(host string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if hostName(req.Host) != host {
				protocols.NotFound(w, req)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

func (a *App) gatewaySurface() *gateway.Surface {
	return gateway.New(gateway.Options{
		Identity: a.identity, Routing: a.routing, Catalog: a.catalog, Catalogue: a.catalogue, Access: a.access, Pricing: a.pricing,
		Runtime: runtimeState{a}, Proxy: a.networkProxy(), Limits: a.limiting.guard().CallerLimits, Wallets: a.wallets, Tasks: a.store.Tasks(),
		Follow: a.desk.Follow, Relay: acceptor{a}, Operations: taskOperations(), Audit: a.store.Audit(),
		Snapshot: a.relay.Snapshot, Now: a.now, Ready: a.ready, Asset: simulationAsset, Renew: a.media.links.Renew, Env: "production", Log: a.log,
	})
}

func (a *App) consoleSurface() *console.Surface {
	o := console.Options{
		Identity: a.identity, Routing: a.routing, Catalog: a.catalog, Tasks: a.store.Tasks(), Desk: a.desk, Ledger: a.wallets,
		Wallets: a.wallets, Events: a.store.Routing(), Snapshot: a.relay.Snapshot, Explain: a.relay.Explain, Adapters: a.connectable,
		Prober: prober{a}, Version: a.version, Simulation: a.cfg.Simulation.Enabled, Now: a.now, Log: a.log,
	}
	if a.signIn != nil {
		o.Provider = a.signIn
	}
	if files, ok := web.Files(); ok {
		o.Files = files
	}
	return console.New(o)
}

var errDraining = errors.New("the process is about to stop")

// ready says why the process cannot serve: it is about to stop, the database does not answer, or charges cannot be
// written.
func (a *App) ready(ctx context.Context) error {
	if a.draining.active() {
		return errDraining
	}
	return errors.Join(a.store.Ping(ctx), a.journal.Ready())
}

func callerOf(req *http.Request) relay.Caller {
	return relay.Caller{RequestID: httpx.RequestID(req), Address: httpx.Address(req), Secure: httpx.Secure(req)}
}
