package relay

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// submitter returns the target's upstream when it runs such calls as jobs of its own.
func (c *call) submitter(t *Target) (provider.Submitter, bool) {
	s, ok := t.Upstream.(provider.Submitter)
	return s, ok && s.Jobs(c.op.Format.Kind())
}

// submit starts a job at an upstream and follows it to its end. The key under which it is submitted is written down before,
// and the upstream's name of the job before anything else is asked: no other worker submits it again.
func (c *call) submit(d *deadline, s provider.Submitter, a *tasks.Attempt, call *provider.Call) provider.Outcome {
	call.IdempotencyKey = rand.Text()
	note := &tasks.Sent{
		Attempt: *a, Earlier: c.attempts[:len(c.attempts)-1], MaxOutput: c.maxOutput, Job: true, Key: call.IdempotencyKey,
	}
	if o, written := c.job.sending(note); !written {
		return o
	}
	job, err := s.Submit(c.traced(&d.ctx), call)
	if err != nil && doubtful(err) {
		var found bool
		if job, found, err = c.find(s, call.IdempotencyKey, err); err == nil && !found {
			return provider.Outcome{Category: inference.Connect, Code: "not_submitted", Message: "The upstream did not get the call."}
		}
	}
	if err != nil {
		return submitFailed(err)
	}
	if err := c.job.job.Submitted(c.job.ctx, job.ID, job.Raw); err != nil {
		return notSent
	}
	return c.followJob(s, job, a)
}

// notSent ends a run whose steps could not be written down. What becomes of the task is decided by what is.
var notSent = provider.Outcome{Category: inference.Canceled, Code: "not_sent", Message: "The call was not sent."}

// doubtful reports whether the upstream may have a job although its submit failed.
func doubtful(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return true
	}
	switch e.Category {
	case inference.Connect, inference.Timeout, inference.Canceled, inference.Protocol:
		return true
	default:
		return false
	}
}

// find looks up a job whose submit got no answer. Where the upstream cannot tell, the error stays: the run must end.
func (c *call) find(s provider.Submitter, key string, lost error) (provider.Job, bool, error) {
	finder, ok := s.(provider.Finder)
	if !ok {
		return provider.Job{}, false, lost
	}
	ctx, cancel := context.WithTimeout(c.job.ctx, askTimeout)
	defer cancel()
	return finder.Find(ctx, key)
}

// submitFailed says what a failed submit means. One in doubt ends the run: trying again could start a second job.
func submitFailed(err error) provider.Outcome {
	if e, ok := errors.AsType[*provider.Error](err); ok && !doubtful(err) {
		return e.Outcome
	}
	return notSent
}
