package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// RunTask is the job of running an asynchronous task.
type RunTask struct {
	Task id.ID `json:"task"`
}

// Kind implements river.JobArgs. It is stored.
func (RunTask) Kind() string { return "run_task" }

type runTask struct {
	river.WorkerDefaults[RunTask]

	run Runner
}

// Work implements river.Worker. It never fails: what went wrong is in the task, and what could not be looked at is looked at
// again.
func (w *runTask) Work(ctx context.Context, job *river.Job[RunTask]) error {
	later, err := w.run.RunTask(ctx, job.Args.Task)
	if err != nil {
		later = again
	}
	if later > 0 {
		return river.JobSnooze(later)
	}
	return nil
}
