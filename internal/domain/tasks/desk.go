package tasks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Wallets knows the wallets that calls are paid from, from memory.
type Wallets interface {
	Wallet(ctx context.Context, user id.ID, c money.Currency) (*wallet.Wallet, error)
}

// Desk is where asynchronous calls are accepted, taken up by workers, and ended. Whatever it says was done is durable: the
// task, its money, its events and its job change in one transaction. Source: DESIGN section 11, decision 0022.
type Desk struct {
	DeskOptions

	hub hub

	mu      sync.Mutex
	running map[id.ID]context.CancelCauseFunc // of this node
}

// DeskOptions are what a desk is made of; all are required.
type DeskOptions struct {
	Store   WorkStore
	Queue   Queue
	Wallets Wallets
	Bus     *event.Bus
	Now     clock.Clock
	// Node is the name under which this process takes tasks; no two processes that live at one time share one.
	Node string
	// Alone says that no other process takes tasks of this database.
	Alone bool
	// Lease is for how long a node has a task without saying that it still lives.
	Lease time.Duration
}

// NewDesk returns a desk.
func NewDesk(o DeskOptions) *Desk {
	return &Desk{DeskOptions: o, running: map[id.ID]context.CancelCauseFunc{}}
}

// Known returns the task that an idempotency key stands for; false: it stands for nothing yet. Code: ErrRepeat, when it stands
// for another request.
func (d *Desk) Known(ctx context.Context, r *Replay) (Task, bool, error) {
	found, err := d.Store.ReplayByClaim(ctx, r.Claim, d.Now())
	switch {
	case errors.Is(err, fault.ErrNotFound):
		return Task{}, false, nil
	case err != nil:
		return Task{}, false, fault.ErrUnavail.Because(err)
	case found.Fingerprint != r.Fingerprint:
		return Task{}, false, ErrRepeat
	}
	t, err := d.Store.TaskByID(ctx, r.UserID, found.TaskID)
	return t, err == nil, err
}

// Accept makes a call a task that will be run, and returns it. When it returns without an error the task, the hold, the job and
// the first events are durable. Of calls with one idempotency key the first is accepted, and repeated is true for the others.
// Codes: ErrRepeat, insufficient_balance, wallet_disabled, billing_unavailable, unavailable.
func (d *Desk) Accept(ctx context.Context, a *Acceptance) (t Task, repeated bool, err error) {
	purse, err := d.Wallets.Wallet(ctx, a.Work.UserID, a.Work.Currency)
	if err != nil {
		return Task{}, false, err
	}
	a.Task.Async, a.Task.Status = true, Queued
	err = purse.Pledge(ctx, a.Work.Amount, func() error { return d.write(ctx, a) })
	if errors.Is(err, ErrRepeat) {
		return d.Known(ctx, a.Replay)
	}
	return a.Task, false, err
}

// write accepts in one transaction. Where its end is not known, the task tells whether it was committed.
func (d *Desk) write(ctx context.Context, a *Acceptance) error {
	ctx = context.WithoutCancel(ctx) // the caller may leave, which must not make the end unknown
	err := d.Store.InTx(ctx, func(t tx.Tx) error { return d.writeTx(ctx, t, a) })
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && !f.Is(fault.ErrUnavail) {
		return err
	}
	if _, missing := d.Store.TaskByID(ctx, a.Task.UserID, a.Task.ID); missing == nil {
		return nil
	}
	return fault.ErrUnavail.Because(err)
}

func (d *Desk) writeTx(ctx context.Context, t tx.Tx, a *Acceptance) error {
	if err := d.Store.WorkInsert(ctx, t, a); err != nil {
		return err
	}
	if err := d.tell(ctx, t, &a.Task, "task.accepted", Initial, nil); err != nil {
		return err
	}
	if err := d.tell(ctx, t, &a.Task, "task.queued", Queued, nil); err != nil {
		return err
	}
	return d.enqueue(ctx, t, &a.Task)
}

// enqueue has a worker woken for the task.
func (d *Desk) enqueue(ctx context.Context, t tx.Tx, v *Task) (err error) {
	if v.JobID, err = d.Queue.Enqueue(ctx, t, v.ID); err != nil {
		return err
	}
	return d.Store.TaskMove(ctx, t, v)
}

// tell writes the next event of a task; who follows it hears of it after the commit.
func (d *Desk) tell(ctx context.Context, t tx.Tx, v *Task, name string, s Status, facts map[string]any) error {
	return d.tellProgress(ctx, t, v, name, s, -1, facts)
}

func (d *Desk) tellProgress(
	ctx context.Context, t tx.Tx, v *Task, name string, s Status, percent int64, facts map[string]any,
) error {
	now := d.Now()
	e := &Event{ID: id.At(now), TaskID: v.ID, Type: name, Status: s, Progress: percent, At: now}
	if facts != nil {
		e.Payload = payload(facts)
	}
	t.AfterCommit(func() { d.hub.signal(v.ID) })
	return d.Store.EventInsert(ctx, t, e)
}

// Cancel ends a task that has not been sent to an upstream, at once and without a charge. One that has is asked to end: what
// its upstream delivered by then is charged. A zero user may cancel everybody's.
// Codes: not_found, task_ended, task_not_cancelable.
func (d *Desk) Cancel(ctx context.Context, by event.Actor, user, task id.ID) (Task, error) {
	v, err := d.Store.TaskByID(ctx, user, task)
	switch {
	case err != nil:
		return Task{}, err
	case v.Status.Final():
		return Task{}, ErrEnded
	case !v.Async:
		return Task{}, ErrSync
	}
	if _, err := d.Wallets.Wallet(ctx, v.UserID, v.Currency); err != nil { // before the database ends a pledge on it
		return Task{}, err
	}
	var w Work
	ended := false
	err = d.Store.InTx(ctx, func(t tx.Tx) (err error) {
		if w, err = d.Store.WorkLock(ctx, t, task); errors.Is(err, fault.ErrNotFound) {
			return ErrEnded
		}
		if err != nil {
			return err
		}
		if err := d.announce(ctx, t, by, &v); err != nil {
			return err
		}
		if ended = !w.Live && w.Sent == nil; ended {
			return d.endTx(ctx, t, &w, d.canceled(&v))
		}
		w.Canceling = true
		return d.Store.WorkUpdate(ctx, t, &w, d.keeping(&w))
	})
	if err != nil {
		return Task{}, err
	}
	if ended {
		d.redeem(ctx, &w, 0)
	} else {
		d.interrupt(task, ErrCanceled)
	}
	return d.Store.TaskByID(ctx, user, task)
}

// keeping is the lease that an update leaves as long as it was meant to be.
func (d *Desk) keeping(w *Work) time.Duration {
	if w.Live {
		return d.Lease
	}
	return 0
}

func (d *Desk) announce(ctx context.Context, t tx.Tx, by event.Actor, v *Task) error {
	return d.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "task", Action: "task.canceled", TargetType: "task", TargetID: v.ID.String(),
		TargetTenantID: v.TenantID, TargetUserID: v.UserID,
		Before: map[string]any{"status": v.Status}, After: map[string]any{"canceling": true},
	})
}

// canceled is a task that ends before anything was sent.
func (d *Desk) canceled(v *Task) *Settlement {
	s := &Settlement{Task: *v}
	s.Task.Status, s.Task.ErrorCode, s.Task.ErrorMessage = Canceled, "canceled", "The task was canceled."
	s.Task.FinishedAt = d.Now()
	s.Task.UpdatedAt = s.Task.FinishedAt
	return s
}

// endTx writes how a task ended, and its last event.
func (d *Desk) endTx(ctx context.Context, t tx.Tx, w *Work, s *Settlement) error {
	if err := d.Store.WorkEnd(ctx, t, w, s); err != nil {
		return err
	}
	facts := map[string]any{}
	if s.Task.ErrorCode != "" {
		facts["error"] = map[string]any{"code": s.Task.ErrorCode, "message": s.Task.ErrorMessage}
	}
	if s.Task.Charged > 0 {
		facts["charged"] = map[string]any{"amount": s.Task.Charged.Text(s.Task.Currency), "currency": s.Task.Currency}
	}
	percent := int64(-1)
	if s.Task.Status == Succeeded {
		percent = 100
	}
	return d.tellProgress(ctx, t, &s.Task, "task."+s.Task.Status.Word(), s.Task.Status, percent, facts)
}

// redeem lets memory know what the database has ended.
func (d *Desk) redeem(ctx context.Context, w *Work, captured money.Amount) {
	if purse, err := d.Wallets.Wallet(ctx, w.UserID, w.Currency); err == nil { // it is in memory
		purse.Redeem(w.Amount, captured)
	}
}
