package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Begin begins a chat request for the model "m" as Serve does, up to the first target, and sends nothing.
func (r *Relay) Begin(conversation string) (*Target, error) {
	s, ask := r.snapshot.Load(), wire.Ask{Model: "m", StickyKey: conversation}
	who := &identity.Principal{}
	_, l, err := s.lead(&forwarder{principal: who, ask: &ask}, inference.API{Kind: inference.Chat, Dialect: inference.OpenAI})
	if err != nil {
		return nil, err
	}
	var p plan
	p.set(l, s.runner, who, &ask, 0, l.turn.Add(1), r.now())
	if err := p.begin(&rehearsal{clock: r.now()}); err != nil {
		return nil, err
	}
	p.unprobe()
	return p.current, nil
}

// PlanAllocations is what deciding about a request that is served at once does, for counting its allocations.
func (r *Relay) PlanAllocations() func() {
	s, who, ask := r.snapshot.Load(), &identity.Principal{}, wire.Ask{Model: "m", StickyKey: "c"}
	w := &rehearsal{clock: r.now(), steps: make([]ForeseenAttempt, 0, 1)}
	p := &plan{}
	return func() {
		*p = plan{}
		w.steps = w.steps[:0]
		f := forwarder{principal: who, ask: &ask}
		_, l, err := s.lead(&f, inference.API{Kind: inference.Chat, Dialect: inference.OpenAI})
		if err != nil {
			panic(err)
		}
		p.set(l, s.runner, who, &ask, 0, l.turn.Add(1), w.clock)
		if err := p.begin(w); err != nil {
			panic(err)
		}
		if p.run(w).Category != inference.OK {
			panic("not served")
		}
	}
}

// RetriesLeft is how many attempts the retry budget has.
func (r *Relay) RetriesLeft() int64 { return r.budget.left() }

// FillRetries gives the retry budget all that it can have.
func (r *Relay) FillRetries() { r.budget.units.Store(budgetMost * fifths) }

// InFlight is how many requests are under way at the target's model.
func (t *Target) InFlight() int64 { return t.modelUnit.InFlight() }

// RetriesUnderWay is how many attempts were paid by the retry budget and have not ended.
func (r *Relay) RetriesUnderWay() int {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	return r.budget.flying
}
