package gateway

//go:generate go tool -modfile=../../../tools/oapi-codegen/go.mod oapi-codegen -config api/config.yaml ../../../contracts/easyai-gateway.openapi.yaml

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Wallets is what the surface asks of money; *wallet.Service is it.
type Wallets interface {
	Primary() money.Currency
	Accounts(ctx context.Context, users ...id.ID) ([]wallet.Account, error)
	Entries(ctx context.Context, q wallet.EntryQuery) (page.Page[wallet.Entry], error)
	SetBalance(ctx context.Context, by event.Actor, in wallet.SetBalance) (wallet.Adjustment, error)
}

// AuditLog is what the surface asks of the audit log; audit.Store is it.
type AuditLog interface {
	EntryList(ctx context.Context, q audit.Query) ([]audit.Entry, error)
}

// Tasks is what the surface asks of calls; tasks.Store is it.
type Tasks interface {
	TaskByID(ctx context.Context, user, task id.ID) (tasks.Task, error)
	TaskList(ctx context.Context, q tasks.Query) (page.Page[tasks.Task], error)
	EventList(ctx context.Context, task id.ID, after int64) ([]tasks.Event, error)
}

// Options are what the surface is built of; all are required.
type Options struct {
	Identity *identity.Service
	Routing  *routing.Service
	Catalog  *catalog.Service
	// Catalogue changes the catalogue.
	Catalogue *catalog.Editor
	Access    *access.Service
	Pricing   *pricing.Service
	Runtime   Runtime
	// Limits tells what limits a caller, whatever it calls.
	Limits  func(ctx context.Context, p *identity.Principal) ([]limits.Subject, error)
	Proxy   NetworkProxy
	Wallets Wallets
	Tasks   Tasks
	// Follow tells of news of a task, as far as this node writes them; see tasks.Desk.Follow.
	Follow func(task id.ID) (news <-chan struct{}, end func())
	// Relay takes up calls of Operations.
	Relay      Acceptor
	Operations map[inference.Kind]relay.Operation
	Audit      AuditLog
	// Renew makes a link to a file anew, and reports false for another address; nil: results are shown as they are stored.
	Renew func(link string) (string, bool)
	// Snapshot is what calls are routed by at the moment.
	Snapshot func() *relay.Snapshot
	// Ready says why the process cannot serve, nil when it can.
	Ready func(context.Context) error
	Now   clock.Clock
	// Asset returns a file of the simulation's by its name, and its media type.
	Asset func(name string) (body []byte, contentType string, ok bool)
	// Env names the kind of installation, such as "production", for /healthz.
	Env string
	Log *slog.Logger
}

// Surface answers the gateway's operations.
type Surface struct {
	Options
	server *httpx.Server
}

// New returns the surface.
func New(o Options) *Surface {
	s := &Surface{Options: o}
	s.server = &httpx.Server{Authenticate: o.Identity.Directory.Authenticate, Fail: fail, Log: o.Log}
	return s
}

// Mount adds the surface's routes to r.
func (s *Surface) Mount(r chi.Router) { s.server.Mount(r, s.Routes()) }

// Owns reports whether a path belongs to the surface, so that what is not found there is said in its envelope.
func Owns(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// NotFound answers a path of the surface that there is not.
func (s *Surface) NotFound(w http.ResponseWriter, req *http.Request) { s.server.NotFound(w, req) }

// Refuse answers with an error in the surface's envelope, for what is mounted beside it.
func (s *Surface) Refuse(w http.ResponseWriter, req *http.Request, err error) {
	s.server.Refuse(w, req, err)
}

// MethodNotAllowed answers a path that routes knows under other methods.
func (s *Surface) MethodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return s.server.MethodNotAllowed(routes)
}
