package relay

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Accepted is a call that was taken up as a task.
type Accepted struct {
	Task tasks.Task
	// Replayed says that the task is that of an earlier call with the same idempotency key.
	Replayed bool
	// Header tells how far the caller's limits are used.
	Header http.Header
}

// Desk is where accepted calls are kept; *tasks.Desk is it.
type Desk interface {
	Known(ctx context.Context, r *tasks.Replay) (tasks.Task, bool, error)
	Accept(ctx context.Context, a *tasks.Acceptance) (t tasks.Task, repeated bool, err error)
}

// ErrNoTasks says that this installation runs no asynchronous calls.
var ErrNoTasks = fault.ErrInvalid.Saying("Asynchronous calls are not available here.").At("X-Async")

// Accept takes a request through the steps before its first attempt and, instead of sending it, makes it a task that a worker
// runs: it refuses what would be refused, and holds what the task can cost. When it returns without an error the task is
// durable. The error is a *fault.Error. w is never written to.
func (r *Relay) Accept(desk Desk, w http.ResponseWriter, req *http.Request, op Operation, from Caller) (Accepted, error) {
	r.inflight.Add(1)
	defer r.inflight.Add(-1)
	books := &promises{real: r.journal, wallets: r.wallets}
	out := &unsent{answer{header: http.Header{}}, w}
	c := newCall(r.beside(books, books), out, req, op, from)
	c.taken = true
	c.principal, c.class = from.Acting, from.Class
	defer c.finish()
	c.traceSteps()
	v, err := c.accept(desk, books)
	v.Header = out.header
	if err != nil {
		c.refuse(err)
		return v, c.failure
	}
	if !v.Replayed {
		r.kept.put(v.Task.ID, &c.limited)
	}
	c.status = http.StatusAccepted
	return v, nil
}

func (c *call) accept(desk Desk, books *promises) (Accepted, error) {
	if err := c.admit(); err != nil {
		return Accepted{}, err
	}
	key, err := c.acceptKey()
	if err != nil {
		return Accepted{}, err
	}
	if key != nil {
		known, found, err := desk.Known(c.ctx(), key)
		if err != nil || found {
			return Accepted{Task: known, Replayed: found}, err
		}
	}
	sent := c.sent()
	for _, step := range [...]func() error{c.unstream, c.resolve, c.reserve} {
		if err := step(); err != nil {
			return Accepted{}, err
		}
	}
	a := &tasks.Acceptance{Task: books.open.Task, Work: c.work(&books.open, sent), Replay: key, Kept: c.acceptedPlace()}
	a.Task.Status, a.Task.Stream, a.Task.FinishedAt = tasks.Queued, false, time.Time{}
	task, repeated, err := desk.Accept(c.ctx(), a)
	return Accepted{Task: task, Replayed: repeated}, err
}

// acceptKey is the idempotency key of the call; nil without one. A repeat that waits for its answer is another request.
func (c *call) acceptKey() (*tasks.Replay, error) {
	if !isKeyed(c.req.Header) {
		return nil, nil //nolint:nilnil // there is none
	}
	key, err := idempotencyKey(c.req.Header)
	if err != nil {
		return nil, err
	}
	return &tasks.Replay{
		Claim:       tasks.ClaimOf(c.principal.UserID, c.req.URL.Path, key),
		Fingerprint: tasks.FingerprintOf(append(bytes.Clone(c.body), "\x00async"...)),
		TaskID:      c.taskID, UserID: c.principal.UserID, Status: http.StatusAccepted, CreatedAt: c.start,
		ExpiresAt: c.start.Add(c.retention),
	}, nil
}

// work is what the task needs to be run.
func (c *call) work(o *journal.Open, body []byte) tasks.Work {
	p := c.principal
	w := tasks.Work{
		TaskID: c.taskID, TenantID: p.TenantID, UserID: p.UserID, APIKeyID: p.KeyID, WalletID: o.WalletID,
		Currency: o.Task.Currency, Amount: o.Task.Held, Kind: c.op.Format.Kind(), Dialect: c.op.Format.Dialect(),
		Path: c.req.URL.Path, Body: body, CreatedAt: c.start, Address: c.caller.String(),
		Header: map[string]string{hostHeader: c.req.Host},
	}
	if c.secure {
		w.Header[secureHeader] = "https"
	}
	if v := c.req.Header.Get(simulationHeader); v != "" {
		w.Header[simulationHeader] = v
	}
	for name, values := range c.passed() {
		w.Header[name] = strings.Join(values, ",")
	}
	if c.class != "" {
		w.Header[classHeader] = c.class
	}
	return w
}

// Names under which it is kept where the caller reached us.
const (
	hostHeader   = "Host"
	secureHeader = "X-Forwarded-Proto"
	classHeader  = "X-Service-Class"
)

var streamKeys = jsonscan.NewKeys("stream", "stream_options")

// unstream makes a request that asks for a stream one that does not: nobody would read it.
func (c *call) unstream() error {
	if !c.ask.Stream {
		return nil
	}
	body, err := withoutStream(c.body)
	if err != nil {
		return fault.ErrBadJSON.Because(err)
	}
	c.body = body
	c.ask, err = c.op.Format.Peek(body)
	return err
}

func withoutStream(body []byte) ([]byte, error) {
	var spans [2]jsonscan.Field
	if _, _, err := streamKeys.Scan(body, spans[:]); err != nil {
		return nil, err
	}
	edits := []jsonscan.Edit{{Field: spans[0], Text: []byte("false")}}
	if spans[1].Found() {
		edits = append(edits, jsonscan.Edit{Field: jsonscan.Member(body, spans[1])})
	}
	return jsonscan.Apply(nil, body, edits...), nil
}

// beside returns a relay for one call whose money goes another way than that of calls whose caller waits; all else is r's.
func (r *Relay) beside(w Wallets, j Journal) *Relay {
	own := &Relay{
		keys: r.keys, wallets: w, journal: j, accounts: r.accounts, limits: r.limits, guard: r.guard, now: r.now, log: r.log,
		metrics: r.metrics, budget: r.budget, events: r.events, tracer: r.tracer, retention: r.retention, media: r.media, shelf: r.shelf, files: r.files,
	}
	own.snapshot.Store(r.snapshot.Load())
	return own
}

// unsent keeps what a call answers, while the caller's connection goes on to have its deadlines.
type unsent struct {
	answer
	conn http.ResponseWriter
}

// Unwrap implements what http.ResponseController asks for.
func (u *unsent) Unwrap() http.ResponseWriter { return u.conn }

// promises are the books of a call that is being accepted: it looks whether the money is there and takes none, and the journal
// hears of refusals alone. What is held is written down with the task.
type promises struct {
	real    Journal
	wallets Wallets
	open    journal.Open // of the target that the hold is for
}

// Wallet implements Wallets.
func (p *promises) Wallet(ctx context.Context, user id.ID, c money.Currency) (*wallet.Wallet, error) {
	purse, err := p.wallets.Wallet(ctx, user, c)
	if err != nil {
		return nil, err
	}
	return purse.Through(promise{purse}), nil
}

// Open implements Journal.
func (p *promises) Open(o *journal.Open) journal.Ticket {
	p.open = *o
	return journal.Ticket{}
}

// Mark implements Journal; nothing is delivered.
func (p *promises) Mark(*journal.Mark) journal.Ticket { return journal.Ticket{} }

// Append implements Journal: it takes down a refusal.
func (p *promises) Append(r *journal.Record) journal.Ticket {
	r.Task.Async = true
	return p.real.Append(r)
}

// Prompt implements Journal.
func (p *promises) Prompt() bool { return p.real.Prompt() }

// Ready implements Journal.
func (p *promises) Ready() error { return p.real.Ready() }

// promise lends what is there without setting it aside.
type promise struct{ *wallet.Wallet }

// Hold implements wallet.Lender. Among several nodes what this one knows of a wallet is not what there is: the database
// decides at the end.
func (p promise) Hold(amount money.Amount) (id.ID, error) {
	if !p.Leased() && p.Spendable() < amount {
		return id.ID{}, wallet.ErrInsufficient
	}
	return id.ID{}, nil
}

// End implements wallet.Lender.
func (promise) End(id.ID, money.Amount, money.Amount) money.Amount { return 0 }

// Holds implements wallet.Lender.
func (promise) Holds() (int64, money.Amount) { return 0, 0 }

// Recall implements wallet.Lender.
func (promise) Recall(context.Context) error { return nil }
