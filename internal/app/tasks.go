package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/jobs"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/protocols"
)

const (
	// taskLease is for how long a node has a task without saying that it lives, and beatEvery how often it says so.
	taskLease = 30 * time.Second
	beatEvery = 2 * time.Second
	// rescueEvery is how often tasks are looked for whose node is gone.
	rescueEvery = 5 * time.Second
)

// connectTasks makes the desk where calls are accepted as tasks, the queue that wakes workers, and the worker.
func (a *App) connectTasks(ctx context.Context) (err error) {
	node, err := a.nodeName()
	if err != nil {
		return err
	}
	a.jobs, err = jobs.Open(ctx, jobs.Options{
		URL: a.cfg.Database.URL.Reveal(), Path: a.data.file("gantry.db"), Workers: a.cfg.Tasks.Workers, Node: cmp.Or(node, "node"),
		Log: a.log,
	}, a)
	if err != nil {
		return err
	}
	a.desk = tasks.NewDesk(tasks.DeskOptions{
		Store: a.store.Tasks(), Queue: a.jobs, Wallets: a.book, Bus: &a.bus, Now: a.now, Node: node, Alone: node == "", Lease: taskLease,
	})
	a.worker = relay.NewWorker(relay.WorkerOptions{
		Relay: a.relay, Desk: a.desk, Actors: a.directory, Operations: protocols.Runnable(), Total: a.cfg.Tasks.Timeout,
		Patience: a.cfg.Tasks.Patience,
	})
	a.connectBatches()
	return a.desk.Begin(ctx)
}

// RunTask implements jobs.Runner.
func (a *App) RunTask(ctx context.Context, task id.ID) (time.Duration, error) {
	later, err := a.worker.RunTask(ctx, task)
	if err != nil {
		a.log.Warn("task not run", "task", task.String(), "error", err)
	}
	return later, err
}

// startTasks lets workers run tasks, those first that an earlier process has left.
func (a *App) startTasks(ctx context.Context) error {
	if err := a.worker.Remember(ctx); err != nil {
		return err
	}
	a.rescueTasks(ctx)
	if err := a.jobs.Start(ctx); err != nil {
		return err
	}
	go every(ctx, beatEvery, a.beatTasks)
	go every(ctx, rescueEvery, a.rescueTasks)
	return nil
}

func (a *App) beatTasks(ctx context.Context) {
	if err := errors.Join(a.desk.Beat(ctx), a.worker.TidyTasks(ctx)); err != nil && ctx.Err() == nil {
		a.log.Warn("tasks not kept", "error", err)
	}
}

func (a *App) rescueTasks(ctx context.Context) {
	rescued, err := a.desk.Rescue(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("tasks not rescued", "error", err)
	}
	if rescued > 0 {
		a.log.Warn("tasks rescued", "count", rescued)
	}
}

// stopTasks takes up no task any more and lets those that run come to their end; what is left when ctx ends is interrupted.
func (a *App) stopTasks(ctx context.Context) {
	stop := context.AfterFunc(ctx, a.desk.Stop)
	defer stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Shutdown.Timeout+settleTimeout)
	defer cancel()
	if err := a.jobs.Stop(limit); err != nil {
		a.log.Warn("workers not stopped", "error", err)
	}
}

// acceptor is the relay as surfaces see it that answer with tasks.
type acceptor struct{ a *App }

// Accept implements gateway.Acceptor.
func (v acceptor) Accept(w http.ResponseWriter, req *http.Request, op relay.Operation) (relay.Accepted, error) {
	return v.a.relay.Accept(v.a.desk, w, req, op, callerOf(req))
}

// Serve implements gateway.Acceptor.
func (v acceptor) Serve(w http.ResponseWriter, req *http.Request, op relay.Operation) {
	v.a.relay.Serve(w, req, op, callerOf(req))
}

// taskOperations are the operations that can be answered by a task, by their kind.
func taskOperations() map[inference.Kind]relay.Operation {
	out := map[inference.Kind]relay.Operation{}
	for _, op := range protocols.Asynchronous() {
		out[op.Format.Kind()] = op
	}
	return out
}
