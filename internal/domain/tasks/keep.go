package tasks

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Run returns a context for running a task, which ends with parent or when the task is to be interrupted; done ends it.
func (d *Desk) Run(parent context.Context, task id.ID) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(parent)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[task] = cancel
	return ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.running, task)
		cancel(nil)
	}
}

// interrupt ends a task's run on this node, if there is one.
func (d *Desk) interrupt(task id.ID, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel := d.running[task]; cancel != nil {
		cancel(cause)
	}
}

// Interrupt ends the run of the task.
func (j *Job) Interrupt(cause error) { j.desk.interrupt(j.Task.ID, cause) }

// Stop interrupts all runs on this node.
func (d *Desk) Stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cancel := range d.running {
		cancel(ErrStopping)
	}
}

// Running is how many tasks this node runs.
func (d *Desk) Running() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.running)
}

func (d *Desk) mine() []id.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.running))
}

// Begin gives up what an earlier process had that cannot live any more, so that it is taken again at once.
func (d *Desk) Begin(ctx context.Context) error {
	if d.Alone {
		return d.Store.WorkDrop(ctx, "")
	}
	return d.Store.WorkDrop(ctx, d.Node)
}

// Beat keeps the tasks that this node runs, and interrupts those that were canceled elsewhere. It is called several times
// within a lease.
func (d *Desk) Beat(ctx context.Context) error {
	mine := d.mine()
	if len(mine) == 0 {
		return nil
	}
	canceling, err := d.Store.WorkBeat(ctx, d.Node, mine, d.Lease)
	for _, task := range canceling {
		d.interrupt(task, ErrCanceled)
	}
	return err
}

// rescueBatch bounds how many tasks one rescue looks at.
const rescueBatch = 256

// Rescue has workers woken for tasks whose node is gone, and returns how many.
func (d *Desk) Rescue(ctx context.Context) (int, error) {
	lost, err := d.Store.WorkLost(ctx, rescueBatch)
	if err != nil {
		return 0, err
	}
	rescued := 0
	for _, task := range lost {
		did, err := d.rescue(ctx, task)
		if err != nil {
			return rescued, err
		}
		if did {
			rescued++
		}
	}
	return rescued, nil
}

func (d *Desk) rescue(ctx context.Context, task id.ID) (did bool, err error) {
	v, err := d.Store.TaskByID(ctx, id.ID{}, task)
	if err != nil {
		return false, err
	}
	err = d.Store.InTx(ctx, func(t tx.Tx) error {
		w, err := d.Store.WorkLock(ctx, t, task)
		if errors.Is(err, fault.ErrNotFound) || err == nil && w.Live {
			return nil // somebody was faster
		}
		if err != nil {
			return err
		}
		if err := d.Store.WorkUpdate(ctx, t, &w, 0); err != nil {
			return err
		}
		did = true
		return d.enqueue(ctx, t, &v)
	})
	return did, err
}

// Here returns what this node must remember, a page at a time: the works behind a task, without their bodies.
func (d *Desk) Here(ctx context.Context, after id.ID, limit int) ([]Work, error) {
	return d.Store.WorkHere(ctx, d.Node, after, limit)
}

// Elsewhere returns those of the tasks that this node does not need to remember.
func (d *Desk) Elsewhere(ctx context.Context, of []id.ID) ([]id.ID, error) {
	return d.Store.WorkElsewhere(ctx, d.Node, of)
}
