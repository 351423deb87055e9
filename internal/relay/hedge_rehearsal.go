package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// rehearsedRace are attempts of which the outcomes and their times are supposed.
type rehearsedRace struct {
	of   []foreseen
	room limits.Admission // at the second's target
}

// foreseen is an attempt that would be under way.
type foreseen struct {
	result

	step  int
	ends  time.Time
	heard bool
	taken bool
}

// stakeOf is what an inquiry's request is supposed to cost at most. Its discounts are left out: they are the same at all
// targets.
func stakeOf(q *Inquiry, now time.Time) stake {
	ask := q.Ask
	ask.InputBound = max(ask.InputBound, q.InputTokens)
	return stake{kind: q.Kind, ask: &ask, inputs: pricing.Inputs{At: now}}
}

func (r *rehearsal) dispatch(t *Target) {
	out, ends := r.begin(t)
	r.race.of = append(r.race.of, foreseen{result: out, step: r.deciding, ends: ends})
}

func (r *rehearsal) await(most time.Duration) (no int, ready bool) {
	no = r.nextNews()
	next := &r.race.of[no]
	if due := r.clock.Add(most); most > 0 && next.ends.After(due) {
		r.clock = due
		return -1, false
	}
	if next.ends.After(r.clock) {
		r.clock = next.ends
	}
	next.heard = true
	return no, next.Category == inference.OK
}

// nextNews is the attempt that ends first, of those that were not heard of.
func (r *rehearsal) nextNews() int {
	first := -1
	for i := range r.race.of {
		if f := &r.race.of[i]; !f.heard && (first < 0 || f.ends.Before(r.race.of[first].ends)) {
			first = i
		}
	}
	return first
}

func (r *rehearsal) enterBeside(t *Target) error {
	if r.faultOf(t) == FaultLimits {
		return limits.ErrTarget.After(time.Second)
	}
	if !r.covers(r.steps[r.deciding].Target, t) {
		return errUncovered
	}
	var err error
	r.race.room, err = r.room(t)
	return err
}

// covers reports whether what would be held for one target covers another. What wallets afford is not known here.
func (r *rehearsal) covers(first, second *Target) bool {
	s := &r.stake
	a, b := first.Schedule.At(s.inputs.At), second.Schedule.At(s.inputs.At)
	if a == nil || b == nil || a.Currency != b.Currency {
		return false
	}
	limit := first.outputAt(s.ask)
	held, err := s.at(first, a, limit)
	if err != nil {
		return false
	}
	worst, err := s.at(second, b, outputBeside(second, s.ask, limit))
	return err == nil && worst <= held
}

func (r *rehearsal) conclude(no int) result {
	f := &r.race.of[no]
	f.taken, r.deciding = true, f.step
	return f.result
}

func (r *rehearsal) drop(no int, verdict string) result {
	f := &r.race.of[no]
	step := &r.steps[f.step]
	step.Verdict = verdict
	if !f.taken {
		step.Category, step.Status = outrun.Category, 0
	}
	room := &r.admission
	if no > 0 {
		room = &r.race.room
	}
	room.End(limits.Weights{}, limits.Weights{Requests: 1})
	return result{Outcome: outrun, sent: f.sent}
}
