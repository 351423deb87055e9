package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// The steps of a call that are timed, by the names of DESIGN section 4. Attempts are timed by themselves.
const (
	stepAdmit = iota
	stepResolve
	stepReserve
	stepPrepare
	stepDeliver
	stepSettle
	stepRecord
	numSteps
)

var stepNames = [numSteps]string{"admit", "resolve", "reserve", "prepare", "deliver", "settle", "record"}

// laps are when the steps of a call ended; zero where one was not reached. Where nobody will be told they stay zero and
// cost nothing.
type laps struct {
	timed bool
	ended [numSteps]time.Time
	began [numSteps]time.Time // where it is not the end of the step before
}

// begin notes that a step begins now, end that it ends.
func (c *call) begin(step int) {
	if c.laps.timed {
		c.laps.began[step] = c.now()
	}
}

func (c *call) end(step int) {
	if c.laps.timed {
		c.laps.ended[step] = c.now()
	}
}

// Step is one step of a call.
type Step struct {
	Name     string
	From, To time.Time
}

// Story is what became of a call, for logs and traces. It holds no body, key or credential.
type Story struct {
	RequestID string
	TaskID    id.ID
	Kind      inference.Kind
	Stream    bool
	Simulated bool
	// Asked is the model that the caller named, Model the route's name for it, Upstream the upstream's.
	Asked, Model, Upstream string
	// Platform is the key, and Provider the provider, of the platform that was tried last; Cause says why the call went
	// there: direct, alias, failover. Empty when none was.
	Platform, Provider, Cause string
	UserID, TenantID, KeyID   id.ID
	MaxOutput                 int64 // tokens of output that the upstream was allowed; 0: not known
	Start, End                time.Time
	TTFT                      time.Duration // from Start; 0: nothing was delivered
	Steps                     []Step        // in the order of their beginning
	Attempts                  []tasks.Attempt
	Status                    int
	Outcome                   string // why it was charged: usage, estimated, cut, client_gone; empty when it was not
	Usage                     inference.Usage
	Held, Charged, Overrun    money.Amount
	Currency                  money.Currency // empty when nothing was held
	Failure                   *fault.Error   // nil: none
	Full                      int            // candidates that were left out because they were at their limits
}

// story tells what became of the call.
func (c *call) story() *Story {
	s := &Story{
		RequestID: c.requestID, TaskID: c.taskID, Kind: c.op.Format.Kind(), Stream: c.ask.Stream, Asked: c.ask.Model,
		MaxOutput: c.maxOutput, Start: c.start, End: c.now(), TTFT: c.ttft, Steps: c.steps(), Attempts: c.attempts,
		Status: c.status, Outcome: string(c.outcome), Usage: c.metered.Usage, Held: c.held, Charged: c.charged, Overrun: c.overrun,
		Failure: c.failure, Full: c.plan.atLimits(),
	}
	if c.ask.MaxOutput > 0 {
		s.MaxOutput = c.ask.MaxOutput
	}
	if p := c.principal; p != nil {
		s.UserID, s.TenantID, s.KeyID = p.UserID, p.TenantID, p.KeyID
	}
	if c.purse != nil {
		s.Currency = c.purse.Currency
	}
	if c.route != nil {
		s.Model = c.route.Alias
	}
	if t := c.target; t != nil {
		s.Platform, s.Provider, s.Simulated, s.Upstream = t.Platform.Key, t.Platform.Provider, t.Simulated, t.Model.ProviderModelName
		s.Cause = c.cause()
	}
	return s
}

// steps are the steps that were reached. One that was not ended, ended with the call.
func (c *call) steps() []Step {
	if !c.laps.timed {
		return nil
	}
	out := make([]Step, 0, numSteps)
	before := c.start
	for step, name := range stepNames {
		from, to := c.laps.began[step], c.laps.ended[step]
		if to.IsZero() {
			continue
		}
		if from.IsZero() {
			from = before
		}
		out = append(out, Step{name, from, to})
		before = to
	}
	return out
}
