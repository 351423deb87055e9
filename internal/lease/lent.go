package lease

import (
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// lent is a lease as its node knows it. What it was granted only ever falls, and it falls here before the authority is
// told: a message that is lost, late or repeated can make money unusable for a while, but never usable twice.
type lent struct {
	id        id.ID
	granted   money.Amount
	used      money.Amount // by calls that ended
	held      money.Amount // by calls under way
	open      int64
	unsettled int64     // calls that ended and whose settlement is not durable yet
	deadline  time.Time // from then on nothing is spent of it
	lastUse   time.Time
	exact     bool // made for one call
	retiring  bool // takes no more calls
	reduced   bool // a trim said that it holds what calls under way need and no more
	telling   bool // a trim is under way
	untold    bool // a trim failed
}

func (l *lent) rest() money.Amount { return l.granted - l.used - l.held }

// fits reports whether a call may be held on the lease.
func (l *lent) fits(now time.Time, amount money.Amount) bool {
	return !l.retiring && now.Before(l.deadline) && l.rest() >= amount
}

func (l *lent) hold(now time.Time, amount money.Amount) {
	l.held += amount
	l.open++
	l.lastUse = now
}

// end ends a hold. What a call costs beyond it is taken as far as the lease has it.
func (l *lent) end(now time.Time, held, amount money.Amount) (captured money.Amount) {
	l.held -= held
	l.open--
	captured = min(amount, max(held, l.rest()))
	if !now.Before(l.deadline) {
		captured = min(amount, held)
	}
	l.used += captured
	if captured > 0 {
		l.unsettled++
	}
	return captured
}

// done reports whether all calls have ended and are settled.
func (l *lent) done() bool { return l.open == 0 && l.unsettled == 0 }

// trims reports whether the authority must be told something.
func (l *lent) trims() bool {
	return l.retiring && !l.telling && (l.done() || l.untold || (!l.exact && (l.rest() > 0 || !l.reduced)))
}

// trim returns what the authority must be told, if anything.
func (l *lent) trim() (Trim, bool) {
	if !l.trims() {
		return Trim{}, false
	}
	l.granted, l.reduced, l.telling, l.untold = l.used+l.held, true, true, false
	return Trim{Lease: l.id, To: l.granted, Close: l.done()}, true
}
