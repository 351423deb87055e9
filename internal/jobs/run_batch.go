package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// RunBatch is the job of running a batch.
type RunBatch struct {
	Batch id.ID `json:"batch"`
}

// Kind implements river.JobArgs. It is stored.
func (RunBatch) Kind() string { return "run_batch" }

type runBatch struct {
	river.WorkerDefaults[RunBatch]

	run Runner
}

// Work implements river.Worker. It never fails: how far a batch has come is in the batch.
func (w *runBatch) Work(ctx context.Context, job *river.Job[RunBatch]) error {
	later, err := w.run.RunBatch(ctx, job.Args.Batch)
	if err != nil {
		later = again
	}
	if later > 0 {
		return river.JobSnooze(later)
	}
	return nil
}
