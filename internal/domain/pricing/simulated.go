package pricing

import "github.com/gantry-ai/gantry/internal/kernel/money"

// Simulated returns the same schedule, and its successors, in simulated money, one for one.
func (s *Schedule) Simulated() *Schedule {
	c := *s
	c.Currency = money.SIM
	for r := range c.rates {
		if rt := &c.rates[r]; rt.rule != nil {
			rt.written = write(&Line{Unit: rt.shown, Price: rt.rule.Price, Currency: money.SIM, RuleID: rt.rule.ID})
		}
	}
	if c.next != nil {
		c.next = c.next.Simulated()
	}
	return &c
}
