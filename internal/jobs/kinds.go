package jobs

import "github.com/riverqueue/river"

// addWorkers lists the kinds of jobs.
func addWorkers(w *river.Workers, run Runner) {
	river.AddWorker(w, &runTask{run: run})
	river.AddWorker(w, &runBatch{run: run})
}
