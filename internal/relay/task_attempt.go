package relay

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/provider"
)

// exchangeTask sends a task's call and keeps the answer. That it is sent is written down before: a worker that dies meanwhile
// leaves behind that nobody may send it again.
func (c *call) exchangeTask(d *deadline, t *Target, a *tasks.Attempt, call *provider.Call) provider.Outcome {
	if s, ok := c.submitter(t); ok {
		return c.submit(d, s, a, call)
	}
	s := &tasks.Sent{Attempt: *a, Earlier: c.attempts[:len(c.attempts)-1], MaxOutput: c.maxOutput}
	if o, written := c.job.sending(s); !written {
		return o
	}
	return c.roundTrip(d, t, a, call)
}

// sending writes down that an attempt is sent; false: it must not be, and the outcome ends the run.
func (b *running) sending(s *tasks.Sent) (provider.Outcome, bool) {
	err := b.job.Sending(b.ctx, s)
	if err == nil {
		return provider.Outcome{}, true
	}
	if errors.Is(err, tasks.ErrCanceled) {
		b.job.Interrupt(tasks.ErrCanceled)
	}
	return notSent, false
}
