package relay

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/wire"
)

// settlement is a settled call whose record is on its way to the disk.
type settlement struct {
	ticket  journal.Ticket
	timeout time.Duration
	call    *call
}

// wait blocks until the charge is durable, so that what follows may be delivered. Code: billing_unavailable.
func (s settlement) wait() error {
	err := waitFor(s.ticket, s.timeout)
	s.call.end(stepRecord)
	return err
}

// waitFor waits for an entry of the journal. Code: billing_unavailable.
func waitFor(t journal.Ticket, limit time.Duration) error {
	if t.Push(); t.Done() {
		return t.Wait(context.Background())
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := t.Wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return wallet.ErrBilling.Because(err)
	}
	return err
}

// settle turns what was delivered into a charge, once: it ends the hold and writes the record.
func (c *call) settle(how outcome, m wire.Metered) settlement {
	c.end(stepDeliver)
	c.outcome = how
	c.metered = m
	c.statuses = tasks.Succeeded
	switch how {
	case outcomeClientGone:
		c.statuses = tasks.Canceled
	case outcomeCut:
		c.statuses = tasks.Failed
	case outcomeNone, outcomeServed, outcomeEstimated:
	}
	usage := c.usage(m)
	c.metered.Usage = usage
	inputs := c.inputs(chargeable(c.op.Format.Kind(), c.schedule, usage))
	lines, amount, err := c.schedule.Bill(&inputs)
	if err != nil {
		// Every resource that a served kind can use was priced at admission, and usage is bounded when it is read; should a
		// bill fail all the same, the customer pays no more than what was held, and it is loud.
		c.log.Error("bill failed", "request_id", c.requestID, "task", c.taskID, "error", err)
		lines, amount = nil, c.held
	}
	c.lines = lines
	c.charged, c.overrun = c.hold.Capture(amount)
	if c.overrun > 0 {
		c.log.Warn("usage above hold", "request_id", c.requestID, "task", c.taskID,
			"held", c.held.Text(c.purse.Currency), "overrun", c.overrun.Text(c.purse.Currency))
	}
	ticket := c.record()
	c.settleLimits()
	c.end(stepSettle)
	return settlement{ticket: ticket, timeout: c.limits.Settle, call: c}
}

// usage is what the call consumed: the upstream's own figures, or our count where it told none.
func (c *call) usage(m wire.Metered) inference.Usage {
	if m.Known {
		return m.Usage
	}
	u := inference.Usage{Estimated: true}
	c.inputTokens = max(c.countInput(), c.marked)
	u.Quantities[inference.TextInput] = c.inputTokens
	u.Quantities[inference.TextOutput] = m.OutputTokens
	return u
}
