package relay

import (
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
)

// racing is what a world does so that two attempts of a request can be under way. They are numbered in the order in which
// they begin, from 0.
type racing interface {
	// dispatch begins an attempt at the target and does not wait for it.
	dispatch(t *Target)
	// await returns the next attempt that has something to deliver, or that has failed; -1 when there was none for so long.
	// 0 waits for as long as it takes.
	await(most time.Duration) (no int, ready bool)
	// enterBeside reserves what a target needs beside the one that the request is held for. Errors: limits.ErrTarget,
	// errUnsupported, and errUncovered where what is held does not cover it.
	enterBeside(t *Target) error
	// conclude makes an attempt the one that counts: what it has is delivered.
	conclude(no int) result
	// drop ends an attempt of two for good, whatever became of it, and gives back what its target needed.
	drop(no int, verdict string) result
}

// errUncovered says that a request can cost more at a second target than is held for the first.
var errUncovered = errors.New("relay: the hold does not cover a second attempt")

// race is a request at two targets. Whoever has something to deliver first wins. A failure leaves the other alone, so that
// no request fails that would have been served without a hedge.
type race struct {
	at    int // which attempt the plan's own seat is that of
	other seat
}

// try makes one attempt, or two of which one is left.
func (p *plan) try(w world) result {
	if p.hedge == nil || p.attempts > 1 {
		return w.try(p.current)
	}
	w.dispatch(p.current)
	if no, _ := w.await(p.hedge.After); no < 0 {
		if p.double(w) {
			return p.decideRace(w)
		}
		_, _ = w.await(0)
	}
	return w.conclude(0)
}

// double begins a second attempt beside the first, if there is another candidate that can be tried now. Another key of the
// same platform model is none: what the first waits for, it would wait for too.
func (p *plan) double(w world) bool {
	if !p.runner.Failover.Enabled || p.attempts >= p.runner.Failover.MaxAttempts || p.late(w.time()) || w.deserted() {
		return false
	}
	r := &race{other: p.seat}
	p.seat = seat{}
	if !p.seek(w, r.other.of) {
		p.unprobe()
		p.seat = r.other
		return false
	}
	p.race, r.at = r, 1
	p.attempts++
	p.tries++
	p.occupy()
	w.dispatch(p.current)
	return true
}

// seek joins the next candidate, paid by the retry budget. What was paid is not given back when the hedge wins: there are
// two attempts for one request all the same.
func (p *plan) seek(w world, but *choice) bool {
	if p.nextOf(w, w.time(), but) == nil || !w.spend(true) {
		return false
	}
	joined := p.joinNext(w, but)
	w.repay(!joined)
	return joined
}

// joinNext joins the current candidate, or the next that has room and can take the request. What the hold does not cover
// ends the search and shuts nobody out: failing over holds anew.
func (p *plan) joinNext(w world, but *choice) bool {
	for {
		err := w.enterBeside(p.current)
		switch {
		case err == nil:
			return true
		case errors.Is(err, limits.ErrTarget):
			p.unprobe()
			p.pass(w, gateLimits)
		case errors.Is(err, errUnsupported):
			p.unprobe()
			p.pass(w, gateCapability)
		default:
			return false
		}
		if p.nextOf(w, w.time(), but) == nil {
			return false
		}
	}
}

// decideRace waits for the first attempt that has something to deliver. The result is that of the attempt that is left, and
// so is the plan's seat.
func (p *plan) decideRace(w world) result {
	no, ready := w.await(0)
	if ready {
		p.lose(w, 1-no, w.drop(1-no, verdictHedgedLost))
		return p.last(w, no)
	}
	p.turn(no)
	r := w.conclude(no)
	switch {
	case w.deserted():
		p.lose(w, 1-no, w.drop(1-no, verdictCallerLeft))
	case no == 0 && p.runner.HardStop.Has(r.Category): // the hedge's own would say less: without it the first went on
		p.lose(w, 1-no, w.drop(1-no, verdictHedgedLost))
	default:
		w.drop(no, verdictHedgedLost)
		p.lose(w, no, r)
		_, _ = w.await(0)
		return p.last(w, 1-no)
	}
	p.finishRace(no)
	return r
}

// last takes the attempt that is left.
func (p *plan) last(w world, no int) result {
	p.finishRace(no)
	return w.conclude(no)
}

func (p *plan) finishRace(no int) {
	p.turn(no)
	p.race = nil
}

// lose ends an attempt of a race. Its target is not tried again.
func (p *plan) lose(w world, no int, r result) {
	p.turn(no)
	p.release(w, &r)
	p.unprobe()
	p.tried = append(p.tried, p.current)
}

// turn makes the seat of an attempt the plan's own.
func (p *plan) turn(no int) {
	if p.race.at != no {
		p.seat, p.race.other = p.race.other, p.seat
		p.race.at = no
	}
}
