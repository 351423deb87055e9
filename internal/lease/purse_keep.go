package lease

import (
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// retire has all shared leases take no more calls; what they do not need is returned.
func (p *purse) retire() {
	for _, l := range p.leases {
		l.retiring = true
	}
}

// recall returns what is not needed, because somebody asks for it.
func (p *purse) recall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retire()
	p.exact, p.level = true, 0
}

// returned says that money came back to the wallet: who waits may ask at once.
func (p *purse) returned() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retryAt = time.Time{}
}

// idle returns leases that were not used since a moment.
func (p *purse) idle(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.leases {
		if l.open == 0 && l.lastUse.Before(since) {
			l.retiring = true
		}
	}
}

// told says how trims went.
func (p *purse) told(now time.Time, trims []Trim, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.tellAt = now.Add(retryAfter)
	}
	for _, t := range trims {
		l := p.find(t.Lease)
		switch {
		case l == nil:
		case err != nil:
			l.telling, l.untold = false, true
		case t.Close:
			p.drop(l)
		default:
			l.telling = false
		}
	}
}

// renewable lists the leases to renew.
func (p *purse) renewable() []id.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make([]id.ID, len(p.leases))
	for i, l := range p.leases {
		ids[i] = l.id
	}
	return ids
}

// renewed takes in the answer to a renewal of some leases: those that are not kept are lost.
func (p *purse) renewed(sent time.Time, asked []id.ID, kept map[id.ID]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, lease := range asked {
		l := p.find(lease)
		switch {
		case l == nil:
		case kept[lease]:
			l.deadline = p.deadline(sent)
		case !l.telling: // a lease that is being closed is not there any more
			p.drop(l)
		}
	}
}

// abandon has the authority fence a lease, by not renewing it: what became of its settlements is not known.
func (p *purse) abandon(lease id.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.find(lease); l != nil {
		p.drop(l)
	}
}

func (p *purse) drop(l *lent) {
	p.leases = slices.DeleteFunc(p.leases, func(other *lent) bool { return other == l })
}

// spendable is what a hold may take, as far as this node knows, and when it last heard of it.
func (p *purse) spendable(now time.Time) (money.Amount, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := p.known
	for _, l := range p.leases {
		if l.fits(now, 1) {
			most = max(most, l.rest())
		}
	}
	return most, p.knownAt
}

// learn takes in what the authority said is spendable.
func (p *purse) learn(now time.Time, spendable money.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.knownAt = spendable, now
}

// holds returns how many holds are open and their sum.
func (p *purse) holds() (open int64, units money.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.leases {
		open, units = open+l.open, units+l.held
	}
	return open, units
}

// window sums what was held in the current and in the last stretch of time.
type window struct {
	began        time.Time
	sum, before  money.Amount
	most, former money.Amount
}

func (w *window) add(now time.Time, amount money.Amount) {
	w.turn(now)
	if sum, err := w.sum.Add(amount); err == nil {
		w.sum = sum
	}
	w.most = max(w.most, amount)
}

func (w *window) turn(now time.Time) {
	switch age := now.Sub(w.began); {
	case age < rateOver:
	case age < 2*rateOver:
		w.began, w.before, w.former, w.sum, w.most = w.began.Add(rateOver), w.sum, w.most, 0, 0
	default:
		*w = window{began: now}
	}
}

func (w *window) total(now time.Time) money.Amount   { w.turn(now); return max(w.sum, w.before) }
func (w *window) largest(now time.Time) money.Amount { w.turn(now); return max(w.most, w.former) }

// stirs reports whether there is anything for a worker to do; the caller holds the lock.
func (p *purse) stirs(now time.Time) bool {
	if len(p.waiting) > 0 || (!p.asking && p.low(now)) {
		return true
	}
	for _, l := range p.leases {
		if l.trims() {
			return true
		}
	}
	return false
}

// stir wakes the worker.
func (p *purse) stir() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// rests ends the worker if there is nothing to wait for, and says how long to wait otherwise.
func (p *purse) rests(now time.Time) (wait time.Duration, ends bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting) > 0:
		wait = p.retryAt.Sub(now)
	case p.stirs(now):
		wait = p.tellAt.Sub(now)
	default:
		p.busy = false
		return 0, true
	}
	return max(wait, time.Millisecond), false
}
