package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
)

// resume goes on with a task whose worker died after it had begun to submit a job. lost is true when it cannot be known
// whether there is a job; then the task fails and nothing is charged. again is true when there is none, and the call can be
// made as if it never had been.
func (c *call) resume(sent *tasks.Sent) (lost, again bool, err error) {
	if err := c.resolve(); err != nil && fault.From(err).Status < 500 {
		return true, false, nil
	}
	t := c.targetOf(&sent.Attempt)
	if t == nil {
		return true, false, nil
	}
	s, ok := c.submitter(t)
	if !ok {
		return true, false, nil
	}
	job := provider.Job{ID: sent.RemoteID, State: provider.JobRunning}
	if job.ID == "" {
		var found bool
		if job, found, err = c.find(s, sent.Key, errInterrupted); err != nil {
			return true, false, nil //nolint:nilerr // who cannot tell now is not asked again: money is not kept waiting
		}
		if !found {
			return false, true, nil
		}
		if err := c.job.job.Submitted(c.job.ctx, job.ID, job.Raw); err != nil {
			return false, false, err
		}
	}
	return false, false, c.resumeJob(t, s, job, sent)
}

// resumeJob follows a job that an earlier worker submitted.
func (c *call) resumeJob(t *Target, s provider.Submitter, job provider.Job, sent *tasks.Sent) error {
	if c.guard != nil {
		if err := c.callerLimits(); err != nil {
			return err
		}
	}
	c.limited.promised = true
	if err := c.reserveFor(t); err != nil {
		return err
	}
	c.maxOutput = sent.MaxOutput
	c.attempts = append(append([]tasks.Attempt(nil), sent.Earlier...), sent.Attempt)
	c.deciding = len(c.attempts) - 1
	a := &c.attempts[c.deciding]
	c.limited.tried = true
	o := c.followJob(s, job, a)
	if o.Category != inference.OK {
		c.note(a, o)
		a.Verdict = verdictStop
		c.giveUp(o)
	}
	return nil
}

// targetOf finds where an attempt was sent, by the configuration as it is now; nil when that is gone.
func (c *call) targetOf(a *tasks.Attempt) *Target {
	is := func(t *Target) bool { return t.Model.ID == a.PlatformModelID && t.CredentialID == a.CredentialID }
	if c.plan.lane != nil {
		for _, choice := range c.plan.lane.choices {
			for _, t := range choice.keys {
				if is(t) {
					return t
				}
			}
		}
	}
	for _, r := range c.snapshot.Load().routes {
		for _, t := range r.Targets {
			if is(t) {
				return t
			}
		}
	}
	return nil
}
