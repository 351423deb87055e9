package protocols_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/surface/protocols"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// quiet is a journal that is ready and keeps nothing.
type quiet struct{ relay.Journal }

func (quiet) Ready() error { return nil }

func (quiet) Append(*journal.Record) journal.Ticket { return journal.Ticket{} }

// none are Gantry's accounts where nothing is booked.
type none struct{}

func (none) ID(string, money.Currency) id.ID { return id.ID{} }

// poor are wallets that are empty.
type poor struct{}

func (poor) Wallet(context.Context, id.ID, money.Currency) (*wallet.Wallet, error) {
	return nil, wallet.ErrInsufficient
}

// open is a world whose relay has routes and whose people have no money: calls get as far as the model that they ask for.
func open(tb testing.TB) *surfacetest.World {
	tb.Helper()
	w := surfacetest.New(tb, identity.Config{})
	routed := relay.New(relay.Options{
		Keys: w.Directory, Journal: quiet{}, Wallets: poor{}, Accounts: none{}, Now: w.Clock.Now, Log: w.Log, Limits: relay.Limits{MaxBody: 1 << 20},
	})
	r := chi.NewRouter()
	r.Use(httpx.Edge(nil), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			routed.Use(w.Snapshot())
			next.ServeHTTP(rw, req)
		})
	})
	answers := &tasks.Shelf{Store: shelf{w}, Flush: func(context.Context) error { return nil }, Now: w.Clock.Now, Retention: map[inference.Kind]time.Duration{}}
	box, err := secret.NewBox(make([]byte, secret.KeySize), "realtime_secret")
	if err != nil {
		tb.Fatal(err)
	}
	protocols.Mount(r, protocols.Options{
		Ephemerals: identity.NewEphemerals(box, w.Directory.Acting, w.Clock.Now),
		Relay:      routed, Keys: w.Directory, Tasks: w.Tasks, Desk: desk{w}, Shelf: answers,
		Files: &files.Service{Store: fileStore{&memtx.Runner{}, w}, Contents: nothing{}, Now: w.Clock.Now, MaxBytes: 1 << 10, Retention: time.Hour}, MaxFile: 1 << 10, Batches: ran{w}, Made: films{},
		Now: w.Clock.Now, Log: w.Log,
		Caller: callerOf,
		Take: func(rw http.ResponseWriter, req *http.Request, op relay.Operation) (relay.Accepted, error) {
			return routed.Accept(nil, rw, req, op, callerOf(req)) // no model makes what is taken up
		},
	})
	w.Handler = r
	w.Populate()
	return w
}

func callerOf(req *http.Request) relay.Caller {
	return relay.Caller{RequestID: httpx.RequestID(req), Address: httpx.Address(req)}
}

// routes walks what is mounted.
func routes(t *testing.T) []string {
	t.Helper()
	return routesOf(t, open(t))
}

func routesOf(tb testing.TB, w *surfacetest.World) (out []string) {
	tb.Helper()
	mounted, ok := w.Handler.(chi.Router)
	if !ok {
		tb.Fatal("no router")
	}
	err := chi.Walk(mounted, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out = append(out, method+" "+route)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestPermissionMatrix holds who may do what against testdata/permissions.txt.
func TestPermissionMatrix(t *testing.T) {
	t.Parallel()
	m := surfacetest.Matrix{File: "testdata/permissions.txt", Routes: routes(t), Open: func(t *testing.T) *surfacetest.World { t.Helper(); return open(t) }}
	m.Check(t)
}
