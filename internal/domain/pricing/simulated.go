package pricing

import "github.com/gantry-ai/gantry/internal/kernel/money"

// Simulated returns the same schedule in simulated money, one for one.
func (s *Schedule) Simulated() *Schedule {
	c := *s
	c.Currency = money.SIM
	return &c
}
