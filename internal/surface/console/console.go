// Package console serves the web console and the operations that are its own.
package console

//go:generate go tool -modfile=../../../tools/oapi-codegen/go.mod oapi-codegen -config api/config.yaml ../../../contracts/console.openapi.yaml

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Tasks is what the surface asks of calls; tasks.Store is it.
type Tasks interface {
	TaskByID(ctx context.Context, user, task id.ID) (tasks.Task, error)
}

// Desk is what the surface asks of asynchronous tasks; *tasks.Desk is it.
type Desk interface {
	Cancel(ctx context.Context, by event.Actor, user, task id.ID) (tasks.Task, error)
}

// Ledger is what the surface asks of money; *wallet.Service is it.
type Ledger interface {
	// TransfersOf returns the transfers that refer to an object, the oldest first.
	TransfersOf(ctx context.Context, refType, refID string) ([]wallet.Transfer, error)
}

// Wallets is what the surface asks for changes of wallets; *wallet.Service is it.
type Wallets interface {
	Primary() money.Currency
	Accounts(ctx context.Context, users ...id.ID) ([]wallet.Account, error)
	Grant(ctx context.Context, by event.Actor, in wallet.GrantRequest) (wallet.Granted, error)
	Refund(ctx context.Context, by event.Actor, in wallet.RefundRequest) (wallet.Refunded, error)
	SetOverdraft(ctx context.Context, by event.Actor, in wallet.SetOverdraft) (wallet.Account, error)
}

// Events is what the surface asks of what policies did; routing.EventStore is it.
type Events interface {
	PolicyEventList(ctx context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error)
}

// Prober tries out an account at an upstream, step by step.
type Prober interface {
	// Probe runs the steps resolve, tls, auth, models and call in this order. A step that fails is in the result and no
	// error; model names what to call, "" means the first of the list.
	Probe(ctx context.Context, a routing.Account, model string) ProbeReport
}

// ProbeReport is what became of the steps, and the models that the upstream named.
type ProbeReport struct {
	Steps  []ProbeStep
	Models []string
}

// ProbeStep is one step. Message says what was seen, Advice what to do about a failure, in English and in Chinese; neither
// holds a secret.
type ProbeStep struct {
	Name     string
	OK       bool
	Skipped  bool
	Duration time.Duration
	Message  Words
	Advice   Words
}

// Words are a text in the languages of the console.
type Words struct{ EN, ZH string }

// Provider signs people in elsewhere.
type Provider interface {
	// Title is what people call it.
	Title() string
	// Begin returns where the browser goes, and what it keeps for Finish, sealed. Code: identity_provider_failed.
	Begin(ctx context.Context, next string) (location, kept string, err error)
	// Finish reads what the provider sent the browser back with; next is what Begin was given.
	// Codes: sign_in_expired, sign_in_refused, identity_provider_failed, tenant_unknown.
	Finish(ctx context.Context, kept string, query url.Values) (who identity.Person, next string, err error)
}

// Options are what the surface is built of; all but Provider and Files are required.
type Options struct {
	Identity *identity.Service
	Routing  *routing.Service
	Catalog  *catalog.Service
	Tasks    Tasks
	Desk     Desk
	Ledger   Ledger
	Wallets  Wallets
	Events   Events
	// Snapshot is what calls are routed by at the moment.
	Snapshot func() *relay.Snapshot
	// Explain tells what would become of a call.
	Explain func(*relay.Inquiry) (relay.Explanation, error)
	// Adapters are the kinds of upstreams that can be connected.
	Adapters func(context.Context) ([]provider.Description, error)
	Prober   Prober
	// Provider is where people can sign in as well; nil when there is none.
	Provider Provider
	Version  string
	// Simulation says that the simulation provider is there.
	Simulation bool
	// Files is the built console with index.html at its root; nil when this program was built without it.
	Files fs.FS
	Now   clock.Clock
	Log   *slog.Logger
}

// probesAtOnce bounds how many platforms are tested at the same time: each test opens connections.
const probesAtOnce = 4

// Surface answers the console's operations and serves its files.
type Surface struct {
	Options
	server *httpx.Server
	probes chan struct{}
	origin *http.CrossOriginProtection
}

// New returns the surface.
func New(o Options) *Surface {
	return &Surface{
		Options: o, probes: make(chan struct{}, probesAtOnce), origin: http.NewCrossOriginProtection(),
		server: &httpx.Server{Authenticate: o.Identity.Directory.Authenticate, Fail: fail, Log: o.Log},
	}
}

// Mount adds the surface's routes to r.
func (s *Surface) Mount(r chi.Router) {
	s.server.Mount(r, s.Routes())
	s.mountFiles(r)
}

// Owns reports whether a path belongs to the surface, so that what is not found there is said in its way.
func Owns(path string) bool {
	return strings.HasPrefix(path, "/api/console/") || strings.HasPrefix(path, "/console/")
}

// NotFound answers a path of the surface that there is not.
func (s *Surface) NotFound(w http.ResponseWriter, req *http.Request) { s.server.NotFound(w, req) }

// MethodNotAllowed answers a path that routes knows under other methods.
func (s *Surface) MethodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return s.server.MethodNotAllowed(routes)
}

// fail answers in the console's envelope.
func fail(w http.ResponseWriter, req *http.Request, f *fault.Error) {
	// The envelope is made of texts and a number: encoding it cannot fail.
	_ = httpx.WriteJSON(w, f.Status, api.Error{Error: api.ErrorBody{
		Code: f.Code, Message: f.Message, Status: f.Status, RequestId: httpx.RequestID(req), Path: f.Path,
	}})
}
