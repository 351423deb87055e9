package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
)

// maxUnmarked is how many output tokens may be delivered past the last durable mark: what a crash can cost the operator
// for one stream. Where a mark takes its time a new one is begun at half of it, so that a stream at a steady pace never
// waits. An event with more tokens than that goes out whole. Source: MONEY section 4, step 5.
const maxUnmarked = 64

// marks are what the journal knows of a stream that is being delivered. Counts are output tokens.
type marks struct {
	delivered int64
	durable   int64
	pending   int64 // of the mark under way
	ticket    journal.Ticket
	waiting   bool // a mark is under way
	begun     bool // the first mark is durable
}

// firstMark takes down the cost of the input as soon as the upstream has answered. The first byte waits for it, and it
// becomes durable while the upstream thinks of its first token.
func (c *call) firstMark() marks {
	c.inputTokens = c.markedInput()
	return marks{ticket: c.mark(0), waiting: true}
}

// behind reports whether so much may not be delivered before another mark is durable.
func (m *marks) behind(next int64) bool { return next-m.durable > maxUnmarked }

// allow returns once so much may be delivered that next output tokens are out. Code: billing_unavailable.
func (m *marks) allow(c *call, next int64) error {
	if m.waiting && (!m.begun || m.ticket.Done() || m.behind(next)) {
		if err := m.await(c); err != nil {
			return err
		}
	}
	if m.behind(next) && m.delivered > m.durable {
		m.begin(c)
		return m.await(c)
	}
	return nil
}

// sent notes that tokens are out, and has the journal know of it in time.
func (m *marks) sent(c *call, tokens int64) {
	m.delivered = tokens
	if !m.waiting && m.delivered-m.durable >= maxUnmarked/2 && !c.journal.Prompt() {
		m.begin(c)
	}
}

func (m *marks) begin(c *call) {
	m.ticket, m.pending, m.waiting = c.mark(m.delivered), m.delivered, true
}

func (m *marks) await(c *call) error {
	err := waitFor(m.ticket, c.limits.Settle)
	m.durable, m.waiting, m.begun = m.pending, false, true
	return err
}

// mark takes down what the input and so many output tokens cost. It is never more than what is held, so that it can be
// captured whatever happens.
func (c *call) mark(output int64) journal.Ticket {
	if c.marking == nil {
		c.marking = &marking{}
	}
	m := c.marking
	c.priceBy(&m.inputs)
	c.markedUsage(&m.Usage, output)
	m.inputs.Usage = m.Usage
	m.TaskID, m.Amount, m.Lines = c.taskID, 0, m.Lines[:0]
	lines, amount, err := c.schedule.BillInto(m.lines, &m.inputs)
	if err == nil && amount <= c.held {
		m.Amount, m.Lines, m.lines = amount, pricing.AppendLines(m.Lines, lines), lines
	}
	return c.journal.Mark(&m.Mark)
}

// marking is the memory of a call's marks, of which a long stream makes many. None of it is on the stack: streams that are open
// keep the stack that their marks take.
type marking struct {
	journal.Mark

	inputs pricing.Inputs
	lines  []pricing.Line
}

// markedUsage is what a mark charges.
func (c *call) markedUsage(u *inference.Usage, output int64) {
	if c.turn != nil {
		*u = c.turn.soFar()
		return
	}
	*u = inference.Usage{Estimated: true}
	u.Quantities[inference.TextInput] = c.inputTokens
	u.Quantities[inference.TextOutput] = output
	if kind := c.op.Format.Kind(); !producesText(kind) {
		*u = c.markedPieces(kind, *u)
	}
}
