package lease

import (
	"fmt"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// simBooks is the authority of the simulation: the same rules as the SQL, on one wallet, in memory.
type simBooks struct {
	terms       Terms
	posted      money.Amount
	held        money.Amount
	out         money.Amount // folded
	toppedUp    money.Amount
	exact       bool
	leases      []*simLease
	byID        map[id.ID]*simLease
	settlements map[id.ID]*simSettlement
	unfolded    []*simSettlement
	// hasty makes the mistake that the simulation must find: a fence that gives back what marks have spent.
	hasty bool
}

type simLease struct {
	id              id.ID
	epoch           int64
	granted         money.Amount
	settled         money.Amount
	expires         time.Time
	active, own     bool
	claimed         money.Amount // what settlements claim of it, folded or not
	settlementsOpen []*simSettlement
}

type simSettlement struct {
	lease        *simLease
	mark, amount money.Amount
	final, cut   bool
}

func (s *simSettlement) claim() money.Amount {
	if s.final {
		return s.amount
	}
	return s.mark
}

func newSimBooks(terms Terms) *simBooks {
	return &simBooks{terms: terms, byID: map[id.ID]*simLease{}, settlements: map[id.ID]*simSettlement{}}
}

func (b *simBooks) topUp(amount money.Amount) {
	b.posted, b.toppedUp = b.posted+amount, b.toppedUp+amount
}

func (b *simBooks) grant(now time.Time, epoch, nodes int64, a *Ask) (o Offer) {
	out, unreturned := false, false
	for _, l := range b.leases {
		out = out || l.active && l.granted > l.settled
		unreturned = unreturned || l.active && !l.own && l.expires.After(now.Add(b.terms.TTL-2*b.terms.Renew))
	}
	plan := Decide(State{Spendable: b.posted - b.held, Nodes: nodes, Exact: b.exact}, *a)
	b.exact = plan.Exact
	o = Offer{Exact: plan.Exact, Outstanding: out, Unreturned: unreturned}
	if b.lend(now, epoch, a.Lease, plan.Shared, false) {
		o.Granted, o.Outstanding = plan.Shared, true
	}
	for i, h := range a.Holds {
		held := plan.Exact && plan.Held[i] && b.lend(now, epoch, h.Lease, h.Amount, true)
		o.Held = append(o.Held, held)
		o.Outstanding = o.Outstanding || held
	}
	o.Spendable = b.posted - b.held
	return o
}

func (b *simBooks) lend(now time.Time, epoch int64, lease id.ID, amount money.Amount, own bool) bool {
	if amount <= 0 || b.posted-b.held < amount {
		return false
	}
	b.held += amount
	l := &simLease{id: lease, epoch: epoch, granted: amount, expires: now.Add(b.terms.TTL), active: true, own: own}
	b.leases = append(b.leases, l)
	b.byID[lease] = l
	return true
}

func (b *simBooks) renew(now time.Time, epoch int64, ids []id.ID) (out []Renewed) {
	for _, lease := range ids {
		if l := b.byID[lease]; l != nil && l.active && l.epoch == epoch {
			l.expires = now.Add(b.terms.TTL)
			out = append(out, Renewed{Lease: lease, Recalled: b.exact && !l.own})
		}
	}
	return out
}

func (b *simBooks) trim(epoch int64, trims []Trim) {
	for _, t := range trims {
		l := b.byID[t.Lease]
		if l == nil || !l.active || l.epoch != epoch {
			continue
		}
		if t.To < l.granted {
			b.held -= l.granted - t.To
			l.granted = t.To
		}
		l.active, l.own = !t.Close, true
	}
}

// settle returns whether the settlement is refused.
func (b *simBooks) settle(epoch int64, v Settlement) (fenced bool) {
	l := b.byID[v.Lease]
	s := b.settlements[v.Hold]
	if s != nil && (s.final || !v.Final && s.mark > v.Mark) || l == nil || !l.active || l.epoch != epoch {
		own := s != nil && s.lease.id == v.Lease && l.epoch == epoch && !s.cut
		return !own || s.final && v.Final && s.amount != v.Amount || !s.final && v.Final
	}
	if s == nil {
		s = &simSettlement{lease: l}
		b.settlements[v.Hold] = s
		l.settlementsOpen = append(l.settlementsOpen, s)
	}
	l.claimed -= s.claim()
	s.mark, s.amount, s.final = v.Mark, v.Amount, v.Final
	l.claimed += s.claim()
	if s.final {
		b.unfolded = append(b.unfolded, s)
	}
	return false
}

func (b *simBooks) fold() {
	for _, s := range b.unfolded {
		s.lease.settled += s.amount
		b.held -= s.amount
		b.posted -= s.amount
		b.out += s.amount
	}
	b.unfolded = b.unfolded[:0]
}

// fence takes back leases that nobody renewed.
func (b *simBooks) fence(now time.Time) {
	for _, l := range b.leases {
		if !l.active || now.Before(l.expires.Add(b.terms.Grace)) {
			continue
		}
		l.active = false
		for _, s := range l.settlementsOpen {
			if !s.final {
				s.final, s.cut, s.amount = true, true, s.mark
				b.unfolded = append(b.unfolded, s)
			}
		}
		if !b.hasty {
			b.fold()
		}
		b.held -= l.granted - l.settled
		l.granted = l.settled
	}
}

// check states the invariants of money.
func (b *simBooks) check() error {
	var lent money.Amount
	for _, l := range b.leases {
		lent += l.granted - l.settled
		if l.claimed > l.granted || l.settled > l.granted {
			return fmt.Errorf("a lease of %d has settlements of %d, %d of them folded", l.granted, l.claimed, l.settled)
		}
	}
	spendable := b.posted - b.held
	switch {
	case lent != b.held:
		return fmt.Errorf("leases have %d, the wallet holds %d", lent, b.held)
	case spendable < 0:
		return fmt.Errorf("spendable is %d", spendable)
	case lent+spendable+b.out != b.toppedUp:
		return fmt.Errorf("Σ granted − settled %d + spendable %d + posted out %d ≠ Σ top-ups %d", lent, spendable, b.out, b.toppedUp)
	}
	return nil
}

// forget drops leases that ended and are folded, so that checking stays cheap.
func (b *simBooks) forget() {
	kept := b.leases[:0]
	for _, l := range b.leases {
		if l.active || l.granted != l.settled {
			kept = append(kept, l)
		}
	}
	b.leases = kept
}
