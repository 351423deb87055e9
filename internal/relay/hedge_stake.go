package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/wire"
)

// stake is what a request can cost at most, for comparing targets by it.
type stake struct {
	kind   inference.Kind
	ask    *wire.Ask
	inputs pricing.Inputs // the usage is filled in
}

// at is the most that the request can cost at a target with a limit of output tokens.
func (s *stake) at(t *Target, schedule *pricing.Schedule, output int64) (money.Amount, error) {
	most := s.inputs
	most.Split = true
	most.Usage.Quantities[inference.TextInput] = t.inputBound(s.ask)
	askedUnits(s.kind, s.ask, &most.Usage)
	if producesText(s.kind) {
		most.Usage.Quantities[inference.TextOutput] = output * max(1, s.ask.Choices)
	} else {
		most.Usage = chargeable(s.kind, schedule, most.Usage)
		most.PricedOnly = hasPieces(s.kind)
	}
	return schedule.WorstCase(&most)
}

// outputAt is the output limit of a request at a target: the caller's, or else the model's own.
func (t *Target) outputAt(ask *wire.Ask) int64 {
	switch {
	case ask.MaxOutput > 0:
		return ask.MaxOutput
	case t.MaxOutput > 0:
		return t.MaxOutput
	}
	return defaultMaxOutput
}

// inputBound is the most input tokens that a request can have: the bytes bound them, and so does the model's window for each of
// its inputs.
func (t *Target) inputBound(ask *wire.Ask) int64 {
	if t.ContextWindow > 0 {
		return min(ask.InputBound, t.ContextWindow*max(1, ask.Inputs))
	}
	return ask.InputBound
}
