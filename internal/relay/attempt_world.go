package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
)

// A call is the world of its plan.
var _ world = (*call)(nil)

func (c *call) time() time.Time { return c.now() }

func (c *call) enter(t *Target) error { return c.reserveFor(t) }

func (c *call) deserted() bool { return c.ctx().Err() != nil }

func (c *call) spend(same bool) bool {
	if same {
		return c.budget.spare()
	}
	return c.budget.spend(c.ctx())
}

func (c *call) repay(succeeded bool) { c.budget.repay(succeeded) }

func (c *call) decided(verdict string) {
	if verdict != verdictServed { // what delivered has said more than that
		c.attempts[c.deciding].Verdict = verdict
	}
}

// pause waits before another try.
func (c *call) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx().Done():
		return false
	}
}

// announce takes down what a policy did.
func (c *call) announce(change routing.Change, f *routing.Failure) {
	e := change.Event(c.now(), f, c.requestID)
	c.metrics.policyEvent(&e)
	if c.events != nil {
		c.events.Tell(e)
	}
}
