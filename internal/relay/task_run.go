package relay

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Actors know for whom a task is run, now that nobody shows a credential.
type Actors interface {
	// Acting returns the principal of a user, or of one of the user's keys. Codes: user_disabled, key_disabled,
	// invalid_api_key.
	Acting(ctx context.Context, user, key id.ID) (*identity.Principal, error)
}

// Worker runs the tasks that calls were accepted as, by the steps of the relay.
type Worker struct {
	relay  *Relay
	desk   *tasks.Desk
	actors Actors
	ops    map[opKey]Operation
	limits Limits
	wait   time.Duration
}

type opKey struct {
	kind    inference.Kind
	dialect inference.Dialect
}

// WorkerOptions are what a worker is made of; all are required.
type WorkerOptions struct {
	Relay      *Relay
	Desk       *tasks.Desk
	Actors     Actors
	Operations []Operation
	// Total bounds one run of a task.
	Total time.Duration
	// Patience is for how long after its acceptance a task waits for an upstream or a limit that would refuse it.
	Patience time.Duration
}

// NewWorker returns a worker.
func NewWorker(o WorkerOptions) *Worker {
	w := &Worker{
		relay: o.Relay, desk: o.Desk, actors: o.Actors, ops: map[opKey]Operation{}, limits: o.Relay.limits, wait: o.Patience,
	}
	w.limits.Total = o.Total
	for _, op := range o.Operations {
		w.ops[opKey{op.Format.Kind(), op.Format.Dialect()}] = op
	}
	return w
}

// RunTask runs a task to its end, unless another node does. later is when it is to be tried again; 0: there is nothing left to
// do. A task that cannot even be looked at is an error.
func (w *Worker) RunTask(ctx context.Context, task id.ID) (later time.Duration, err error) {
	w.relay.inflight.Add(1)
	defer w.relay.inflight.Add(-1)
	ctx, done := w.desk.Run(ctx, task)
	defer done()
	j, err := w.desk.Take(ctx, task)
	switch {
	case errors.Is(err, tasks.ErrEnded), errors.Is(err, fault.ErrNotFound):
		w.relay.kept.forget(task)
		return 0, nil
	case errors.Is(err, tasks.ErrTaken):
		return 0, nil // should its node be gone, the task is rescued when its lease ends
	case err != nil:
		return 0, err
	}
	return w.run(ctx, j)
}

func (w *Worker) run(ctx context.Context, j *tasks.Job) (time.Duration, error) {
	switch {
	case j.Work.Sent != nil && !j.Work.Sent.Job:
		return 0, w.lost(ctx, j)
	case j.Work.Canceling && j.Work.Sent == nil:
		return 0, w.end(ctx, j, fault.New(fault.ErrClientGone.Status, "canceled", "The task was canceled."))
	}
	c, b, err := w.call(ctx, j)
	if errors.Is(err, fault.ErrUnavail) {
		return retrySoon, j.Return(context.WithoutCancel(ctx), fault.ErrUnavail.Code)
	}
	if err != nil {
		return 0, w.end(ctx, j, fault.From(err))
	}
	defer c.finish()
	c.limited = w.relay.kept.take(j.Task.ID)
	c.traceSteps()
	if j.Work.Sent != nil {
		lost, again, err := c.resume(j.Work.Sent)
		switch {
		case lost:
			return 0, w.lost(ctx, j)
		case err != nil:
			return retrySoon, errors.Join(err, j.Leave(b.ctx))
		case !again:
			return b.later, b.err
		}
		if err := j.Unsent(b.ctx); err != nil {
			return 0, err
		}
	}
	return c.runTask(b, w.wait)
}

// call is the task as a call whose answer is kept.
func (w *Worker) call(ctx context.Context, j *tasks.Job) (*call, *running, error) {
	op, ok := w.ops[opKey{j.Work.Kind, j.Work.Dialect}]
	if !ok {
		return nil, nil, fault.ErrInternal.Saying("This version of the service does not know the operation.")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	for name, v := range j.Work.Header {
		if name != hostHeader && name != secureHeader {
			req.Header.Set(name, v)
		}
	}
	b := &running{job: j, real: w.relay.journal, wallets: w.relay.wallets, ctx: context.WithoutCancel(ctx)}
	own := w.relay.beside(b, b)
	own.limits = w.limits
	address, _ := netip.ParseAddr(j.Work.Address)
	req.Host = j.Work.Header[hostHeader]
	c := newCall(own, &answer{header: http.Header{}}, req, op, Caller{
		RequestID: j.Task.RequestID, Address: address, Secure: j.Work.Header[secureHeader] != "",
	})
	c.taskID, c.accepted, c.job, b.call = j.Task.ID, j.Task.CreatedAt, b, c
	if c.principal, err = w.actors.Acting(ctx, j.Work.UserID, j.Work.APIKeyID); err != nil {
		return nil, nil, err
	}
	c.body, c.taken, c.class = j.Work.Body, true, j.Work.Header[classHeader]
	if c.ask, err = op.Format.Peek(c.body); err != nil {
		return nil, nil, err
	}
	if err = c.openStored(); err != nil {
		return nil, nil, err
	}
	return c, b, c.unstream()
}

// runTask takes the call through the steps that are left.
func (c *call) runTask(b *running, patience time.Duration) (later time.Duration, err error) {
	for _, step := range [...]func() error{c.resolve, c.reserve} {
		err := step()
		if err == nil {
			continue
		}
		if wait, ok := worthWaiting(err); ok && c.now().Before(c.accepted.Add(patience)) && c.ctx().Err() == nil {
			return wait, b.job.Return(b.ctx, fault.From(err).Code)
		}
		c.refuse(err)
		return b.later, b.err
	}
	c.run()
	return b.later, b.err
}

// Waits of tasks that cannot be run at the moment.
const (
	leastWait = time.Second
	mostWait  = 30 * time.Second
)

// worthWaiting reports whether what refuses a task passes by itself soon, and when to look again.
func worthWaiting(err error) (time.Duration, bool) {
	f := fault.From(err)
	switch f.Code {
	case "quota_exceeded", "rate_limit", "upstream_rate_limit", fault.ErrUnavail.Code, "billing_unavailable", "limits_unavailable":
		return min(max(f.RetryAfter, leastWait), mostWait), true
	}
	return 0, false
}

// lost ends a task whose worker died after its call was sent: whether the upstream served it is not known, and asking again
// could make it serve it twice. Nothing was delivered, so nothing is charged.
func (w *Worker) lost(ctx context.Context, j *tasks.Job) error {
	return w.end(ctx, j, errInterrupted)
}

var errInterrupted = fault.New(http.StatusBadGateway, "interrupted",
	"The service stopped while the call was at its upstream. Nothing was charged; the task can be sent again.")

// end ends a task without a call.
func (w *Worker) end(ctx context.Context, j *tasks.Job, why *fault.Error) error {
	w.relay.kept.forget(j.Task.ID)
	now := w.relay.now()
	s := &tasks.Settlement{Task: j.Task}
	t := &s.Task
	t.Status, t.ErrorCode, t.ErrorMessage, t.HTTPStatus = tasks.Failed, why.Code, why.Message, why.Status
	if why.Code == "canceled" {
		t.Status = tasks.Canceled
	}
	t.FinishedAt, t.UpdatedAt, t.Held = now, now, j.Work.Amount
	if sent := j.Work.Sent; sent != nil {
		a := sent.Attempt
		a.Status, a.Category, a.ErrorCode, a.Verdict = tasks.Failed, inference.Connect, why.Code, verdictStop
		all := append(append([]tasks.Attempt(nil), sent.Earlier...), a)
		t.Attempts, t.AttemptCount = tasks.AppendAttempts(nil, all), len(all)
		t.PlatformID, t.PlatformModelID, t.Provider = a.PlatformID, a.PlatformModelID, a.Provider
		t.ResolvedModel, t.Simulated = a.ProviderModelName, a.Simulated
	}
	err := j.End(context.WithoutCancel(ctx), s)
	if errors.Is(err, tasks.ErrFenced) {
		return nil
	}
	return err
}
