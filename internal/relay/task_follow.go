package relay

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	// askTimeout bounds one question about a job.
	askTimeout = 30 * time.Second
	// Upstreams that do not say how often they want to be asked are asked as often as this; nobody is asked more often than
	// leastAsk, or less often than mostAsk.
	usualAsk = 2 * time.Second
	leastAsk = 100 * time.Millisecond
	mostAsk  = 30 * time.Second
	// maxUnanswered is how many questions in a row may fail.
	maxUnanswered = 10
	// progressStep is by how many percent a job must go on to be worth an event.
	progressStep = 10
)

// following is a job of an upstream's that a worker waits for.
type following struct {
	*call
	s          provider.Submitter
	job        provider.Job
	attempt    *tasks.Attempt
	told       int  // percent, as the caller knows it
	unanswered int  // questions in a row
	unstopped  bool // it was to be canceled and the upstream cannot do that
}

// followJob asks about a job until its end, and delivers what it made.
func (c *call) followJob(s provider.Submitter, job provider.Job, a *tasks.Attempt) provider.Outcome {
	f := &following{call: c, s: s, job: job, attempt: a}
	for !f.job.State.Final() {
		if o, over := f.wait(); over {
			return o
		}
		if o, over := f.look(); over {
			return o
		}
	}
	switch f.job.State {
	case provider.JobFailed:
		return f.job.Failure
	case provider.JobCanceled:
		if errors.Is(context.Cause(c.ctx()), tasks.ErrCanceled) {
			return callerLeft
		}
		return provider.Outcome{Category: inference.ServerError, Code: "upstream_job_canceled", Message: "The upstream canceled its job."}
	default:
		return f.deliver()
	}
}

// wait lets some time pass. It reports the outcome when there is nothing to wait for any more.
func (f *following) wait() (provider.Outcome, bool) {
	pause := f.job.PollAfter
	if pause == 0 {
		pause = usualAsk
	}
	left := f.start.Add(f.limits.Total).Sub(f.now())
	if left <= 0 {
		_ = f.stop() // one that cannot be stopped goes on without us
		return provider.Outcome{Category: inference.Timeout, Code: "upstream_timeout", Message: "The upstream did not finish in time."}, true
	}
	timer := time.NewTimer(min(max(pause, leastAsk), mostAsk, left))
	defer timer.Stop()
	done := f.ctx().Done()
	if f.unstopped {
		done = nil
	}
	select {
	case <-timer.C:
		return provider.Outcome{}, false
	case <-done:
	}
	if !errors.Is(context.Cause(f.ctx()), tasks.ErrCanceled) {
		return callerLeft, true // the job goes on, and another worker follows it
	}
	f.unstopped = f.stop() != nil
	return provider.Outcome{}, false
}

// stop asks the upstream to end the job.
func (f *following) stop() error {
	ctx, cancel := context.WithTimeout(f.call.job.ctx, askTimeout)
	defer cancel()
	return f.s.Cancel(ctx, f.job.ID)
}

// look asks how the job stands.
func (f *following) look() (provider.Outcome, bool) {
	ctx, cancel := context.WithTimeout(f.call.job.ctx, askTimeout)
	defer cancel()
	job, err := f.s.Query(ctx, f.job.ID)
	if err != nil {
		return f.unknown(err)
	}
	f.job, f.unanswered = job, 0
	if !job.State.Final() && job.Progress >= f.told+progressStep {
		f.told = job.Progress
		if f.call.job.job.Progress(f.call.job.ctx, int64(job.Progress)) != nil {
			return notSent, true
		}
	}
	return provider.Outcome{}, false
}

// unknown says what it means that a question failed: a job that is not there has failed, other questions are asked again.
func (f *following) unknown(err error) (provider.Outcome, bool) {
	e, ok := errors.AsType[*provider.Error](err)
	f.unanswered++
	if ok && e.Category == inference.NotFound || f.unanswered > maxUnanswered {
		f.log.Warn("job not followed", "task", f.taskID, "error", err)
		return provider.Outcome{
			Category: inference.Protocol, Code: "upstream_job_lost", Message: "The upstream does not know its job any more.",
		}, true
	}
	return provider.Outcome{}, false
}
