// Package app is the only place that knows everybody: it makes the parts, connects them, and starts and stops them.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/idp"
	"github.com/gantry-ai/gantry/internal/jobs"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/limitredis"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/provider/transport"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/tracing"
)

// App is one running installation.
type App struct {
	cfg    config.Config
	log    *slog.Logger
	stderr io.Writer
	now    clock.Clock
	bus    event.Bus
	reg    *prometheus.Registry

	data        *dataDir
	store       *store.Store
	credentials *secret.Box
	adapters    map[string]provider.Adapter
	places      map[string]int // of the adapters in provider/all: what is used most comes first
	byProvider  atomic.Pointer[map[string]provider.Adapter]
	providers   atomic.Pointer[map[string]catalog.Provider]
	upstreams   *transport.Transport
	outbound    http.RoundTripper // how adapters make calls: by upstreams, and with the trace where that is wanted
	tracer      *tracing.Tracer   // nil when requests are not traced
	proxies     proxies

	directory *identity.Directory
	identity  *identity.Service
	// ephemerals are keys for sessions.
	ephemerals *identity.Ephemerals
	signIn     *idp.OIDC // nil when people sign in here only
	catalog    *catalog.Service
	catalogue  *catalog.Editor
	routing    *routing.Service
	access     *access.Service
	pricing    *pricing.Service
	book       *wallet.Book
	wallets    *wallet.Service
	accounts   *wallet.OwnAccounts
	journal    callJournal
	node       *lease.Node // nil when this node is alone
	heard      string      // the last identity news
	meters     journalMeters
	limiting   *limiting
	redis      *limitredis.Shared // nil when limits are not shared
	nodes      atomic.Int64       // that are alive; 0 when this node is alone
	relay      *relay.Relay
	jobs       *jobs.Queue
	desk       *tasks.Desk
	worker     *relay.Worker
	media      *media
	shelf      *tasks.Shelf
	files      *files.Service
	batches    *batches.Service

	health       routing.Health
	policyEvents *routing.EventQueue
	// policyEventsRun says that somebody writes them, so that the end waits for the last ones.
	policyEventsRun bool

	version   string
	watch     func(ctx context.Context, statement string) // of the database's statements; nil: nobody
	reloading sync.Mutex
	draining  drain
}

// noPlatform asks the store for the models of all platforms, noTenant for the routes of all tenants.
var noPlatform, noTenant id.ID

// New makes an installation ready to serve: it opens the data directory and the database, migrates and seeds it, and
// compiles the routes. Close releases what it holds.
func New(ctx context.Context, cfg config.Config, stderr io.Writer, version string) (*App, error) {
	a := &App{
		cfg: cfg, version: version, stderr: stderr, log: newLogger(cfg.Log, stderr), now: clock.System, reg: prometheus.NewRegistry(),
		upstreams: newUpstreams(cfg.Relay),
	}
	return a, a.open(ctx)
}

// open does what New promises; after an error everything is released.
func (a *App) open(ctx context.Context) error {
	a.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{
		a.startTracing, a.openMeters, a.openData, a.openStore, a.connectDomains, a.seed, a.ensureAdmin, a.reload,
	} {
		if err := step(ctx); err != nil {
			a.Close(ctx)
			return err
		}
	}
	return nil
}

func (a *App) openData(context.Context) (err error) {
	a.data, err = openDataDir(a.cfg.Data)
	return err
}

func (a *App) openStore(ctx context.Context) (err error) {
	a.store, err = store.Open(ctx, store.Options{
		URL: a.cfg.Database.URL.Reveal(), Path: a.data.file("gantry.db"), MaxReaders: a.cfg.Database.MaxReaders, Clock: a.now,
		Logger: a.log, Watch: a.watch,
	})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := a.store.Migrate(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// connectDomains makes the domain services and the relay, and tells each of them whom it works with.
func (a *App) connectDomains(ctx context.Context) error {
	keys, err := a.loadKeys()
	if err != nil {
		return err
	}
	if a.credentials, err = secret.NewBox(keys.master, "credential"); err != nil {
		return err
	}
	apiKeys, err := secret.NewBox(keys.master, "api_key")
	if err != nil {
		return err
	}
	tokens, err := identity.NewTokens(a.now, keys.jwt)
	if err != nil {
		return err
	}
	if a.adapters, err = a.makeAdapters(); err != nil {
		return err
	}
	audit.Listen(&a.bus, a.store.Audit(), a.now)
	if err := a.startBooks(ctx); err != nil {
		return err
	}
	if err := a.connectWallets(); err != nil {
		return err
	}
	a.connectIdentity(tokens, apiKeys)
	ephemeral, err := secret.NewBox(keys.master, "realtime_secret")
	if err != nil {
		return err
	}
	a.ephemerals = identity.NewEphemerals(ephemeral, a.directory.Acting, a.now)
	if err := a.connectProviders(keys.master); err != nil {
		return err
	}
	if err := a.connectHealth(ctx); err != nil {
		return err
	}
	a.catalog = catalog.NewService(a.store.Catalog())
	a.routing = routing.NewService(routing.Parts{
		Store: a.store.Routing(), Catalog: a.catalog, Adapters: adapterBook{a.adapterOf, a.providerOf}, Bus: &a.bus,
		Box: a.credentials, Now: a.now, Params: paramRules{}, Health: &a.health, Events: a.policyEvents,
	})
	a.access = access.NewService(access.Parts{Store: a.store.Access(), Bus: &a.bus, Now: a.now, Operator: a.defaultTenant})
	a.catalogue = catalog.NewEditor(catalog.EditorParts{
		Store: a.store.Catalog(), Rules: routing.CatalogRules{Params: paramRules{}}, Bus: &a.bus, Now: a.now,
	})
	event.On(&a.bus, a.routing.OnCatalogChanged)
	a.pricing = pricing.NewService(pricing.Parts{Store: a.store.Pricing(), Bus: &a.bus, Now: a.now})
	if err := a.connectLimits(ctx); err != nil {
		return err
	}
	if err := a.openMedia(keys.master); err != nil {
		return err
	}
	a.connectFiles()
	a.connectRelay()
	a.registerGauges()
	event.On(&a.bus, a.onRoutingChanged)
	event.On(&a.bus, a.onAccessChanged)
	event.On(&a.bus, a.onPricesChanged)
	return a.connectTasks(ctx)
}

// startJournal makes good what an earlier process left behind, and only then lets calls in.
func (a *App) startJournal(ctx context.Context) error {
	j, report, err := journal.Start(ctx, journal.Options{
		Dir: journalDir(a.cfg), Disk: a.meters.disk(journalDisk()), Sink: a.meters.sink(journalSink(a.store.Journal())), Log: a.log,
		Ack: journal.Ack(a.cfg.Wallet.SettleAck), MaxBatch: a.cfg.Journal.MaxBatch, Linger: a.cfg.Journal.Linger,
	}, a.now)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if report != (journal.Report{}) {
		a.log.Warn("journal recovered", "applied", report.Applied, "charged_at_mark", report.Captured,
			"released", report.Released, "torn_bytes", report.Torn)
	}
	a.journal = j
	return nil
}

func (a *App) connectWallets() error {
	welcome, err := welcomeGrants(a.cfg.Wallet)
	if err != nil {
		return err
	}
	a.wallets = wallet.NewService(wallet.Options{
		Store: a.store.Wallet(), Book: a.book, Bus: &a.bus, Now: a.now, Primary: a.cfg.Wallet.Currency, Welcome: welcome,
		Flush: a.journal.Flush,
	})
	a.accounts = wallet.NewOwnAccounts(a.wallets)
	return nil
}

// welcomeGrants is what a new user is given, in simulated and in real money.
func welcomeGrants(c config.Wallet) ([]money.Money, error) {
	var out []money.Money
	for _, g := range []struct {
		name     string
		number   money.Number
		currency money.Currency
	}{{"simGrant", c.SimGrant, money.SIM}, {"signupGrant", c.SignupGrant, c.Currency}} {
		units, err := g.number.Amount(g.currency)
		if err != nil {
			return nil, fmt.Errorf("configuration: wallet.%s: %w", g.name, err)
		}
		out = append(out, money.Money{Currency: g.currency, Units: units})
	}
	return out, nil
}

func (a *App) connectIdentity(tokens *identity.Tokens, apiKeys *secret.Box) {
	a.directory = identity.NewDirectory(a.store.Identity(), tokens, a.now)
	a.directory.Prepare(relay.PrepareTerms)
	event.On(&a.bus, a.forgetHomes)
	event.On(&a.bus, a.onTenantChanged)
	a.identity = identity.NewService(identity.Config{
		Mode: identity.Mode(a.cfg.Auth.IdentityMode), Registration: identity.Registration(a.cfg.Auth.Registration),
		InvitationCode: a.cfg.Auth.InvitationCode, TokenTTL: a.cfg.Auth.TokenTTL,
	}, identity.Parts{
		Store: a.store.Identity(), Settings: a.store.Settings(), Bus: &a.bus, Now: a.now, Passwords: identity.NewPasswords(identity.DefaultPasswordCost),
		Tokens: tokens, Box: apiKeys, Welcome: a.wallets, Funds: a.wallets, Directory: a.directory,
		Policies: identity.PolicyChecks{
			Discount: pricing.CheckDiscount, Recharge: pricing.CheckRecharge, RateLimit: limits.CheckRateLimit,
			Quota: limits.CheckQuota, Overdraft: wallet.CheckOverdraft,
		},
	})
}

func (a *App) connectRelay() {
	c := a.cfg.Relay
	a.relay = relay.New(relay.Options{
		Keys: a.directory, Wallets: a.book, Accounts: a.accounts, Journal: a.journal, Now: a.now, Log: a.log,
		Metrics: relay.NewMetrics(a.reg), Tracer: a.follower(), Guard: a.limiting.guard(), Replay: a.replaying(),
		Events: a.policyEvents, Media: a.media, Shelf: a.shelving(), Files: a.files,
		Limits: relay.Limits{
			MaxBody: c.MaxBodyBytes, MaxMediaBody: c.MaxMediaBytes, FirstByte: c.FirstByteTimeout, Idle: c.IdleTimeout, Total: c.TotalTimeout,
			SessionIdle: c.SessionIdleTimeout, SessionTotal: c.SessionTimeout,
			Settle: settleTimeout, RejectUnbounded: c.OnUnbounded == "reject",
		},
	})
}

// onRoutingChanged and onAccessChanged compile the routes anew before the call that changed them returns.
func (a *App) onRoutingChanged(ctx context.Context, t tx.Tx, _ routing.Changed) error {
	return a.reloadAfter(ctx, t)
}

func (a *App) onAccessChanged(ctx context.Context, t tx.Tx, _ access.Changed) error {
	return a.reloadAfter(ctx, t)
}

func (a *App) reloadAfter(ctx context.Context, t tx.Tx) error {
	t.AfterCommit(func() {
		if err := a.reload(context.WithoutCancel(ctx)); err != nil {
			// The version poll tries again within two seconds.
			a.log.Error("configuration not reloaded", "error", err)
		}
	})
	return nil
}

// onPricesChanged tells the other nodes, and compiles the routes anew: prices are a part of them.
func (a *App) onPricesChanged(ctx context.Context, t tx.Tx, _ pricing.Changed) error {
	if err := a.store.Routing().ConfigChanged(ctx, t); err != nil {
		return err
	}
	return a.onRoutingChanged(ctx, t, routing.Changed{})
}

// makeAdapters makes one adapter of each kind.
func (a *App) makeAdapters() (map[string]provider.Adapter, error) {
	out := map[string]provider.Adapter{}
	a.places = map[string]int{}
	for _, adapter := range all.Adapters(all.Options{
		TokensPerSecond: a.cfg.Simulation.TokensPerSecond, SimulationJobs: a.store.Simulation(), Now: a.now,
	}) {
		name := adapter.Describe().Name
		if out[name] != nil {
			return nil, fmt.Errorf("two adapters are named %s", name)
		}
		out[name], a.places[name] = adapter, len(a.places)
	}
	return out, nil
}

// Close stops what New started and releases what it opened. Records that were taken down are written first.
func (a *App) Close(ctx context.Context) {
	if a.journal != nil {
		if err := a.journal.Close(ctx); err != nil {
			a.log.Error("journal not written to its end", "error", err)
		}
	}
	if a.node != nil {
		if err := a.node.Close(ctx); err != nil {
			a.log.Error("leases not returned", "error", err)
		}
	}
	if a.jobs != nil {
		a.jobs.Close()
	}
	a.upstreams.CloseIdleConnections()
	a.proxies.keep(nil)
	a.closeMedia()
	if a.limiting != nil {
		a.limiting.save(ctx)
	}
	a.closeHealth(ctx)
	if a.redis != nil {
		_ = a.redis.Close()
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("database not closed", "error", err)
		}
	}
	a.endTracing(ctx)
	if a.data != nil {
		_ = a.data.close()
	}
}
