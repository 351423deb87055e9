// Package relay is the hot path: it takes a caller's request to an upstream and back, and leaves behind exactly one
// record with what it cost.
//
// A request passes the steps admit, resolve, reserve, prepare, attempt, deliver, settle and record, one file each, and
// touches no database on its way: keys, wallets, routes and prices are in memory. Source: DESIGN sections 2 and 4.
package relay

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Relay serves inference requests. It is safe for concurrent use.
type Relay struct {
	keys     Keys
	wallets  Wallets
	journal  Journal
	accounts Accounts
	snapshot atomic.Pointer[Snapshot]
	limits   Limits
	guard    *Guard
	now      clock.Clock
	log      *slog.Logger
	metrics  *Metrics
	budget   *retryBudget
	events   PolicyEvents
	tracer   Tracer
	replays  *replays // nil: idempotency keys mean nothing
	media    Media    // nil: nothing is kept
	shelf    Shelf    // nil: answers cannot be asked for again
	files    Files    // nil: names of files are passed on
	inflight atomic.Int64

	sessions  sessions      // that are open
	kept      kept          // of asynchronous calls
	retention time.Duration // of idempotency keys
}

// Keys knows who a credential stands for, from memory.
type Keys interface {
	Authenticate(ctx context.Context, authorization string) (*identity.Principal, error)
}

// Wallets knows the wallets that calls are paid from, from memory.
type Wallets interface {
	Wallet(ctx context.Context, user id.ID, c money.Currency) (*wallet.Wallet, error)
}

// Accounts knows Gantry's own accounts, from memory.
type Accounts interface {
	ID(code string, c money.Currency) id.ID
}

// Journal takes down what happens to a call; *journal.Journal is it.
type Journal interface {
	// Open must not keep o: it belongs to the next call when this one returns.
	Open(o *journal.Open) journal.Ticket
	Mark(m *journal.Mark) journal.Ticket
	Append(r *journal.Record) journal.Ticket
	// Prompt says that waiting for an entry takes no longer than a write, so that nothing is gained by asking early.
	Prompt() bool
	Ready() error
}

// PolicyEvents hears what routing policies did. It must not block.
type PolicyEvents interface{ Tell(e routing.PolicyEvent) }

// Limits are the bounds of a request's size and time. Zero durations mean no deadline.
type Limits struct {
	MaxBody int64
	// MaxMediaBody bounds requests that bring pictures along; 0 is MaxBody.
	MaxMediaBody int64
	FirstByte    time.Duration
	Idle         time.Duration
	Total        time.Duration
	// Stall is how long a caller may take to accept what it is sent; 0 means a minute.
	Stall time.Duration
	// Settle bounds the wait until a call's record is durable.
	Settle time.Duration
	// SessionIdle is how long a session may be silent, and SessionTotal how long it may last; 0 means 15 and 60 minutes.
	SessionIdle, SessionTotal time.Duration
	// RejectUnbounded refuses a call without an output limit instead of limiting it to what the wallet affords.
	RejectUnbounded bool
}

// Options of a Relay.
type Options struct {
	Keys     Keys
	Wallets  Wallets
	Accounts Accounts
	Journal  Journal
	Limits   Limits
	Guard    *Guard       // nil: nobody has quotas or rate limits
	Events   PolicyEvents // nil: nobody listens
	Now      clock.Clock
	Log      *slog.Logger
	Metrics  *Metrics
	Tracer   Tracer // nil: requests are not traced
	// Replay is how calls with an idempotency key are repeated; nil: the key means nothing.
	Replay *Replay
	// Media keeps what calls make; nil: answers stay as upstreams give them.
	Media Media
	// Shelf keeps answers that may be asked for again and continued; nil: none can be.
	Shelf Shelf
	// Files is what callers brought before, for requests that name it; nil: names are passed on as they are.
	Files Files
}

// New returns a relay without routes; Use gives it some.
func New(o Options) *Relay {
	r := &Relay{
		keys: o.Keys, wallets: o.Wallets, accounts: o.Accounts, journal: o.Journal, limits: o.Limits, now: o.Now,
		guard: o.Guard, log: o.Log, metrics: o.Metrics, tracer: o.Tracer, events: o.Events, budget: newRetryBudget(),
		media: o.Media, shelf: o.Shelf, files: o.Files,
	}
	if r.limits.Stall == 0 {
		r.limits.Stall = time.Minute
	}
	r.limits.SessionIdle = cmp.Or(r.limits.SessionIdle, sessionIdle)
	r.limits.SessionTotal = cmp.Or(r.limits.SessionTotal, sessionTotal)
	r.sessions.draining, r.sessions.cut = make(chan struct{}), make(chan struct{})
	if o.Replay != nil {
		r.replays, r.retention = newReplays(*o.Replay, o.Now), o.Replay.Retention
	}
	r.snapshot.Store(&Snapshot{})
	return r
}

// Use makes s what requests are routed by; requests under way keep what they have.
func (r *Relay) Use(s *Snapshot) { r.snapshot.Store(s) }

// Snapshot returns what requests are routed by now.
func (r *Relay) Snapshot() *Snapshot { return r.snapshot.Load() }

// InFlight is how many requests are under way.
func (r *Relay) InFlight() int64 { return r.inflight.Load() }

// Operation is what a surface mounts at a path.
type Operation struct {
	Format wire.Format
	// Scope is what an API key must allow.
	Scope identity.Scope
	// Deferred answers a call whose caller does not want to wait, as its body says; nil: such calls are refused.
	Deferred http.HandlerFunc
}

// Caller is what the surface knows of who calls: the id under which callers and logs know the request, and the address
// that it came from.
type Caller struct {
	RequestID string
	Address   netip.Addr
	Secure    bool // over HTTPS
	// Acting is for whom a task is accepted when nobody shows a credential; Class is its service class. Only Accept knows them.
	Acting *identity.Principal
	Class  string
}

// Chunker is an http.ResponseWriter that sends an answer in chunks which its writer frames, without a copy. A frame is the content
// of a chunk behind FrameSize bytes that Chunk fills in; the first takes the header along. To others a stream writes and flushes.
type Chunker interface {
	FrameSize() int
	Chunk(frame []byte) error
}

// Whole is a body of a request that may know that all of it is there: reading it takes no time, which therefore need not be bounded.
type Whole interface{ Whole() bool }

// Serve takes one request through all steps.
func (r *Relay) Serve(w http.ResponseWriter, req *http.Request, op Operation, from Caller) {
	r.inflight.Add(1)
	defer r.inflight.Add(-1)
	c := newCall(r, w, req, op, from)
	if r.replays != nil && isKeyed(req.Header) {
		c.serveKeyed()
		return
	}
	defer c.finish()
	c.traceSteps()
	err := c.prelude()
	switch {
	case errors.Is(err, errAside):
		c.aside()
	case err != nil:
		c.refuse(err)
	default:
		c.run()
	}
}

// prelude takes a call through the steps before its first attempt.
func (c *call) prelude() error {
	for step, do := range [...]func(*call) error{stepAdmit: (*call).admit, stepResolve: (*call).resolve, stepReserve: (*call).reserve} {
		err := do(c)
		c.end(step)
		if err != nil {
			return err
		}
	}
	return nil
}
