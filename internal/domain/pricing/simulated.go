package pricing

import "github.com/gantry-ai/gantry/internal/kernel/money"

// Simulated returns the same schedule, and its successors, in simulated money, one for one.
func (s *Schedule) Simulated() *Schedule {
	c := *s
	c.Currency = money.SIM
	if c.next != nil {
		c.next = c.next.Simulated()
	}
	return &c
}
