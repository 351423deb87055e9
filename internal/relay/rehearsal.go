package relay

import (
	"cmp"
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// rehearsal is a world in which nothing happens: outcomes are what faults say, and time passes when it is waited.
type rehearsal struct {
	clock  time.Time
	plan   *plan // that is rehearsed
	limits Limits
	faults []Fault
	// credit is what the retry budget has left.
	credit int64
	// windows are those of the targets, and go on from what they are; nil: nobody has limits.
	windows   *limits.Limiter
	weights   limits.Weights
	admission limits.Admission
	tried     bool // what was admitted was tried
	steps     []ForeseenAttempt
	deciding  int // the step that decides what follows
	stake     stake
	race      rehearsedRace
}

var _ world = (*rehearsal)(nil)

func (r *rehearsal) time() time.Time { return r.clock }

func (r *rehearsal) deserted() bool { return false }

func (r *rehearsal) pause(d time.Duration) bool {
	r.clock = r.clock.Add(d)
	if len(r.steps) > 0 {
		r.steps[r.deciding].Wait = d
	}
	return true
}

func (r *rehearsal) enter(t *Target) error {
	r.leave()
	if r.faultOf(t) == FaultLimits {
		return limits.ErrTarget.After(time.Second)
	}
	var err error
	r.admission, err = r.room(t)
	return err
}

// room takes a target's place in its windows.
func (r *rehearsal) room(t *Target) (limits.Admission, error) {
	if r.windows == nil {
		return limits.Admission{}, nil
	}
	w := r.weights
	if t.Schedule != nil {
		w.Currency = t.Schedule.Currency
	}
	return r.windows.Admit(context.Background(), t.Limits, w)
}

// leave ends what was admitted, as a call does that goes on to another target.
func (r *rehearsal) leave() {
	var took limits.Weights
	if r.tried {
		took.Requests = 1
	}
	r.admission.End(limits.Weights{}, took)
	r.race.room.End(limits.Weights{}, took)
	r.tried = false
}

func (r *rehearsal) try(t *Target) result {
	out, ends := r.begin(t)
	r.clock = ends
	return out
}

// begin notes an attempt, and says what becomes of it and when.
func (r *rehearsal) begin(t *Target) (out result, ends time.Time) {
	r.tried = true
	fault := r.faultOf(t)
	out, ends = fault.result(), r.clock
	out.sent = r.clock
	if out.Category == inference.Timeout {
		ends = ends.Add(r.patience(&t.Policies.Retry))
	}
	r.deciding = len(r.steps)
	r.steps = append(r.steps, ForeseenAttempt{Target: t, Category: out.Category, Status: out.status})
	return out, ends
}

// patience is how long an upstream that says nothing is waited for.
func (r *rehearsal) patience(own *routing.Retry) time.Duration {
	wait, total := cmp.Or(own.FirstByte, r.limits.FirstByte), r.plan.patience(own, r.clock)
	if total > 0 && (wait == 0 || total < wait) {
		return total
	}
	return wait
}

func (r *rehearsal) spend(same bool) bool {
	if need := int64(fifths); r.credit < need || same && r.credit < need+budgetKept*fifths {
		return false
	}
	r.credit -= fifths
	return true
}

func (r *rehearsal) repay(succeeded bool) {
	if succeeded {
		r.credit += fifths
	}
}

func (r *rehearsal) announce(routing.Change, *routing.Failure) {}

func (r *rehearsal) decided(verdict string) { r.steps[r.deciding].Verdict = verdict }

// clone copies a lane with its health, to try out what would happen.
func (l *lane) clone() *lane {
	units := map[*routing.Unit]*routing.Unit{}
	copied := func(u *routing.Unit) *routing.Unit {
		if units[u] == nil {
			units[u] = u.Clone()
		}
		return units[u]
	}
	out := &lane{kind: l.kind, guarded: l.guarded, window: l.window, choices: make([]*choice, len(l.choices))}
	out.turn.Store(l.turn.Load())
	for i, c := range l.choices {
		twin := &choice{
			strategy: c.strategy, weight: c.weight, priority: c.priority, platformRoom: c.platformRoom, modelRoom: c.modelRoom,
			keyLimits: c.keyLimits, lacks: c.lacks, keys: make([]*Target, len(c.keys)),
		}
		twin.turn.Store(c.turn.Load())
		for j, t := range c.keys {
			key := *t
			key.platformUnit, key.modelUnit, key.keyUnit = copied(t.platformUnit), copied(t.modelUnit), copied(t.keyUnit)
			twin.keys[j] = &key
		}
		out.choices[i] = twin
	}
	return out
}
