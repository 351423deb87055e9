package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Why a running task is interrupted, as context.Cause tells it.
var (
	// ErrCanceled: somebody canceled it.
	ErrCanceled = errors.New("tasks: canceled")
	// ErrStopping: the process is about to end.
	ErrStopping = errors.New("tasks: the process stops")
	// ErrGone: another node has it.
	ErrGone = errors.New("tasks: another node has it")
)

// Job is one worker's hold on a task. Its methods fail with ErrFenced when another worker has the task.
type Job struct {
	desk *Desk
	Task Task
	Work Work
}

// Take gives the task to this node. Codes: ErrEnded, ErrTaken.
func (d *Desk) Take(ctx context.Context, task id.ID) (*Job, error) {
	j := &Job{desk: d}
	var err error
	if j.Task, err = d.Store.TaskByID(ctx, id.ID{}, task); err != nil {
		return nil, err
	}
	if _, err := d.Wallets.Wallet(ctx, j.Task.UserID, j.Task.Currency); err != nil { // before the database ends a pledge on it
		return nil, err
	}
	err = d.Store.InTx(ctx, func(t tx.Tx) (err error) {
		j.Work, err = d.Store.WorkLock(ctx, t, task)
		switch {
		case errors.Is(err, fault.ErrNotFound):
			return ErrEnded
		case err != nil:
			return err
		case j.Work.Live:
			return ErrTaken
		}
		return j.takeTx(ctx, t)
	})
	return j, err
}

func (j *Job) takeTx(ctx context.Context, t tx.Tx) error {
	d := j.desk
	j.Work.Node, j.Work.Live = d.Node, true
	j.Work.Run++
	if err := d.Store.WorkUpdate(ctx, t, &j.Work, d.Lease); err != nil {
		return err
	}
	return j.move(ctx, t, Running, "task.running", map[string]any{"run": j.Work.Run})
}

// move changes the task's state and tells of it.
func (j *Job) move(ctx context.Context, t tx.Tx, s Status, name string, facts map[string]any) error {
	j.Task.Status, j.Task.UpdatedAt = s, j.desk.Now()
	if s == Running && j.Task.StartedAt.IsZero() {
		j.Task.StartedAt = j.Task.UpdatedAt
	}
	if err := j.desk.Store.TaskMove(ctx, t, &j.Task); err != nil {
		return err
	}
	return j.desk.tell(ctx, t, &j.Task, name, s, facts)
}

// own runs f in a transaction that nobody else can take the task in.
func (j *Job) own(ctx context.Context, f func(t tx.Tx, w *Work) error) error {
	return j.desk.Store.InTx(ctx, func(t tx.Tx) error {
		w, err := j.desk.Store.WorkLock(ctx, t, j.Task.ID)
		if errors.Is(err, fault.ErrNotFound) || err == nil && w.Run != j.Work.Run {
			return ErrFenced
		}
		if err != nil {
			return err
		}
		return f(t, &w)
	})
}

// Sending writes down that an attempt is about to be sent. An upstream hears of nothing that this did not write.
func (j *Job) Sending(ctx context.Context, s *Sent) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error {
		if w.Canceling {
			return ErrCanceled
		}
		w.Sent = s
		if err := j.desk.Store.WorkUpdate(ctx, t, w, j.desk.Lease); err != nil {
			return err
		}
		j.Work.Sent = s
		return nil
	})
}

// Unsent takes note that the upstream never heard of the attempt.
func (j *Job) Unsent(ctx context.Context) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error {
		w.Sent = nil
		j.Work.Sent = nil
		return j.desk.Store.WorkUpdate(ctx, t, w, j.desk.Lease)
	})
}

// Submitted writes down the upstream's name of the job that an attempt has started.
func (j *Job) Submitted(ctx context.Context, remote string, raw json.RawMessage) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error {
		w.Sent.RemoteID = remote
		if err := j.desk.Store.WorkUpdate(ctx, t, w, j.desk.Lease); err != nil {
			return err
		}
		j.Work.Sent = w.Sent
		j.Task.RemoteTaskID, j.Task.RemotePayload = remote, raw
		return j.move(ctx, t, Running, "task.progress", map[string]any{"attempt": w.Sent.Attempt.No, "submitted": true})
	})
}

// Progress tells how far an upstream is, in percent.
func (j *Job) Progress(ctx context.Context, percent int64) error {
	return j.own(ctx, func(t tx.Tx, _ *Work) error {
		return j.desk.tellProgress(ctx, t, &j.Task, "task.progress", Running, percent, nil)
	})
}

// Grow holds more money for the task. Codes: insufficient_balance, wallet_disabled, billing_unavailable.
func (j *Job) Grow(ctx context.Context, by money.Amount) error {
	purse, err := j.desk.Wallets.Wallet(ctx, j.Work.UserID, j.Work.Currency)
	if err != nil {
		return err
	}
	err = purse.Pledge(ctx, by, func() error {
		return j.own(ctx, func(t tx.Tx, w *Work) error { return j.desk.Store.WorkGrow(ctx, t, w, by) })
	})
	if err == nil {
		j.Work.Amount += by
	}
	return err
}

// Return gives the task back, to be run again later: nothing of it is at an upstream that a later run could not find.
func (j *Job) Return(ctx context.Context, why string) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error {
		if err := j.desk.Store.WorkUpdate(ctx, t, w, 0); err != nil {
			return err
		}
		return j.move(ctx, t, Queued, "task.queued", map[string]any{"reason": why})
	})
}

// Leave gives a task back whose upstream goes on with it; whoever takes it next asks the upstream. A worker is woken at once.
func (j *Job) Leave(ctx context.Context) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error {
		if err := j.desk.Store.WorkUpdate(ctx, t, w, 0); err != nil {
			return err
		}
		return j.desk.enqueue(ctx, t, &j.Task)
	})
}

const (
	// endTries bounds how often the end of a task is written again when the database does not take it.
	endTries = 8
	endPause = 100 * time.Millisecond
)

// End ends the task: state, charge, result, events and what is held change together. When the database cannot be reached it
// is tried again for a while; what cannot be written is found, and refunded, by whoever takes the task next.
func (j *Job) End(ctx context.Context, s *Settlement) error {
	s.Task.JobID, s.Task.Async = j.Task.JobID, true
	pause := endPause
	for try := 0; ; try++ {
		err := j.end(ctx, s)
		if errors.Is(err, ErrFenced) && try > 0 && j.ended(ctx, s) {
			err = nil // by the try before, whose answer was lost
		}
		if err == nil {
			j.desk.redeem(ctx, &j.Work, s.Captured())
			return nil
		}
		if errors.Is(err, ErrFenced) || try == endTries {
			return err
		}
		<-time.After(pause)
		pause *= 2
	}
}

func (j *Job) end(ctx context.Context, s *Settlement) error {
	return j.own(ctx, func(t tx.Tx, w *Work) error { return j.desk.endTx(ctx, t, w, s) })
}

// ended reports whether the task stands as the settlement says.
func (j *Job) ended(ctx context.Context, s *Settlement) bool {
	v, err := j.desk.Store.TaskByID(ctx, id.ID{}, j.Task.ID)
	return err == nil && v.Status == s.Task.Status && v.FinishedAt.UnixMicro() == s.Task.FinishedAt.UnixMicro()
}
