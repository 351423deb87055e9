package lease

import (
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

const (
	// maxAsk bounds how many waiting calls one ask speaks for.
	maxAsk = 64
	// rateOver is the time over which spending is measured.
	rateOver = 2 * time.Second
	// retryAfter is the wait before a refused ask is repeated, when nobody says that money came back.
	retryAfter = 25 * time.Millisecond
	// returnWithin is how much longer a refusal waits for a node that lives and has not answered a recall.
	returnWithin = 2 * time.Second
)

// purse is a wallet on one node: its leases and the calls that wait for one. It does no I/O and starts nothing, so the
// same code runs in a node and in the simulation.
type purse struct {
	wallet id.ID
	terms  Terms

	mu       sync.Mutex
	leases   []*lent // the oldest first
	waiting  []*waiter
	asking   bool
	exact    bool
	level    money.Amount // size of the newest shared lease
	known    money.Amount // spendable, as the authority last said
	knownAt  time.Time
	retryAt  time.Time // nothing is asked before
	tellAt   time.Time // nothing is told before
	spending window
	busy     bool          // a worker tends it
	wake     chan struct{} // stirs the worker
}

// waiter is a call that waits for its hold.
type waiter struct {
	amount money.Amount
	told   time.Time // when the authority first said that there is no money for it
	asked  id.ID
	lease  id.ID
	err    error
	done   chan struct{}
}

func newPurse(w id.ID, terms Terms, spendable money.Amount, now time.Time) *purse {
	return &purse{wallet: w, terms: terms, known: spendable, knownAt: now, wake: make(chan struct{}, 1)}
}

// hold takes amount from a lease, or returns a waiter.
func (p *purse) hold(now time.Time, amount money.Amount) (id.ID, *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spending.add(now, amount)
	if len(p.waiting) == 0 {
		if l := p.take(now, amount); l != nil {
			return l.id, nil
		}
	}
	w := &waiter{amount: amount, done: make(chan struct{})}
	p.waiting = append(p.waiting, w)
	return id.ID{}, w
}

// take holds amount on the oldest lease that has it. One that does not while a newer one does is retired.
func (p *purse) take(now time.Time, amount money.Amount) *lent {
	for i, l := range p.leases {
		if !l.fits(now, amount) {
			continue
		}
		l.hold(now, amount)
		for _, older := range p.leases[:i] {
			older.retiring = true
		}
		return l
	}
	return nil
}

// end ends a hold on a lease and returns what of amount the lease pays.
func (p *purse) end(now time.Time, lease id.ID, held, amount money.Amount) money.Amount {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.find(lease)
	if l == nil {
		return min(amount, held) // the lease is lost; the settlement will be refused
	}
	return l.end(now, held, amount)
}

// settled says that the settlement of a call that ended is durable.
func (p *purse) settled(lease id.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.find(lease); l != nil {
		l.unsettled--
	}
}

// next returns what there is to tell and to ask. Trims come before an ask, so that what they bring back counts.
func (p *purse) next(now time.Time) (trims []Trim, ask *Ask) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.tellAt) {
		trims = p.trims()
	}
	if len(trims) > 0 || p.asking || !p.due(now) {
		return trims, nil
	}
	p.asking = true
	a := &Ask{Wallet: p.wallet, Lease: id.At(now), Typical: p.spending.largest(now), Rate: p.spending.total(now)}
	for _, w := range p.waiting[:min(len(p.waiting), maxAsk)] {
		w.asked = id.At(now)
		a.Holds = append(a.Holds, Hold{w.asked, w.amount})
	}
	return nil, a
}

func (p *purse) trims() (trims []Trim) {
	for _, l := range p.leases {
		if t, due := l.trim(); due {
			trims = append(trims, t)
		}
	}
	return trims
}

// due reports whether something must be asked for: for calls that wait, or because the lease is half empty.
func (p *purse) due(now time.Time) bool {
	if len(p.waiting) > 0 {
		return !now.Before(p.retryAt)
	}
	return p.low(now)
}

func (p *purse) low(now time.Time) bool {
	if p.exact || p.level == 0 || p.spending.total(now) == 0 || now.Before(p.retryAt) {
		return false
	}
	var rest money.Amount
	for _, l := range p.leases {
		if l.fits(now, 1) {
			rest += l.rest()
		}
	}
	return rest < p.level/2
}

// offered takes in the answer to an ask that was sent at a moment before now.
func (p *purse) offered(sent, now time.Time, a *Ask, o Offer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking = false
	if err != nil {
		p.retryAt = now.Add(retryAfter)
		p.refuse(a, wallet.ErrBilling.Because(err), nil)
		return
	}
	p.known, p.knownAt, p.exact, p.retryAt = o.Spendable, now, o.Exact, time.Time{}
	p.level = o.Granted
	if o.Exact {
		p.retire()
	}
	if o.Granted > 0 {
		p.lend(sent, now, a.Lease, o.Granted)
	}
	p.serve(sent, now, a, o)
	switch {
	case o.Disabled:
		p.refuse(a, wallet.ErrDisabled, nil)
	case !o.Outstanding && o.Granted == 0:
		p.refuse(a, wallet.ErrInsufficient, nil)
	case o.Granted == 0:
		p.retryAt = now.Add(retryAfter)
		p.refuse(a, wallet.ErrInsufficient, p.patience(sent, now, o))
	}
}

func (p *purse) lend(sent, now time.Time, lease id.ID, amount money.Amount) *lent {
	l := &lent{id: lease, granted: amount, deadline: p.deadline(sent), lastUse: now}
	p.leases = append(p.leases, l)
	return l
}

// deadline is when to stop spending from what was granted or renewed by a message sent then.
func (p *purse) deadline(sent time.Time) time.Time { return sent.Add(p.terms.TTL - p.terms.Margin) }

// serve ends the wait of calls that have their hold now.
func (p *purse) serve(sent, now time.Time, a *Ask, o Offer) {
	own := map[id.ID]bool{}
	for i, h := range a.Holds {
		own[h.Lease] = i < len(o.Held) && o.Held[i]
	}
	still := p.waiting[:0]
	for _, w := range p.waiting {
		var l *lent
		if own[w.asked] {
			l = p.lend(sent, now, w.asked, w.amount)
			l.exact, l.retiring = true, true
			l.hold(now, w.amount)
		} else if len(still) == 0 {
			l = p.take(now, w.amount)
		}
		if l == nil {
			still = append(still, w)
			continue
		}
		w.lease = l.id
		close(w.done)
	}
	p.keep(still)
}

// patience tells of which calls a refusal does not stand yet: money that is out may come back. It stands when the
// authority said no to an ask that was sent long enough after its first no, with which the recall went out; how slow the
// database is does not count. What a node that lives has not answered a recall of is waited for longer: it is not needed
// there.
func (p *purse) patience(sent, now time.Time, o Offer) func(*waiter) bool {
	wait := p.terms.Recall
	if o.Unreturned {
		wait += returnWithin
	}
	for _, w := range p.waiting {
		if w.told.IsZero() {
			w.told = now
		}
	}
	return func(w *waiter) bool { return sent.Before(w.told.Add(wait)) }
}

// refuse ends the wait of calls that the ask spoke for, but of those that stay.
func (p *purse) refuse(a *Ask, err error, stays func(*waiter) bool) {
	spoken := map[id.ID]bool{}
	for _, h := range a.Holds {
		spoken[h.Lease] = true
	}
	still := p.waiting[:0]
	for _, w := range p.waiting {
		if !spoken[w.asked] || stays != nil && stays(w) {
			still = append(still, w)
			continue
		}
		w.err = err
		close(w.done)
	}
	p.keep(still)
}

func (p *purse) keep(still []*waiter) {
	clear(p.waiting[len(still):])
	p.waiting = still
}

func (p *purse) find(lease id.ID) *lent {
	for _, l := range p.leases {
		if l.id == lease {
			return l
		}
	}
	return nil
}
