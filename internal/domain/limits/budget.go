package limits

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Budgets keeps what scopes have spent of their quotas in memory. The first request of a scope loads it; after that a
// reservation does no I/O. It is safe for concurrent use.
//
// A call counts in the period in which it began, here as in the database, so that a restart changes nothing.
type Budgets struct {
	usage  Usage
	flush  Flush
	now    clock.Clock
	notify func(any)
	seq    atomic.Uint64
	loaded atomic.Int64 // how many budgets are in memory
	shards [shards]budgetShard
}

const shards = 64

type budgetShard struct {
	mu      sync.RWMutex
	budgets map[budgetKey]*budget
}

type budgetKey struct {
	scope    Scope
	currency money.Currency
}

// budget is what one scope has used and reserved in one currency.
type budget struct {
	seq    uint64 // the order in which budgets are locked
	offset time.Duration
	ready  chan struct{} // closed when the load has ended
	ok     atomic.Bool   // it ended well

	mu      sync.Mutex
	gone    bool // dropped from memory: look again
	periods [numPeriods]tally
	touched time.Time
	err     error
	retry   time.Time // from when on a failed load may be tried again
}

// tally is one period's counters.
type tally struct {
	index          int64
	used, reserved money.Amount
	soft, hard     bool // announced
}

// BudgetOptions of Budgets.
type BudgetOptions struct {
	Usage Usage
	// Flush waits until what was captured before is in Usage; nil when it always is.
	Flush Flush
	Now   clock.Clock
	// Notify is told SoftReached and Exhausted; it must not block. nil: nobody is.
	Notify func(any)
}

// NewBudgets returns an empty memory.
func NewBudgets(o BudgetOptions) *Budgets {
	b := &Budgets{usage: o.Usage, flush: o.Flush, now: o.Now, notify: o.Notify}
	for i := range b.shards {
		b.shards[i].budgets = map[budgetKey]*budget{}
	}
	return b
}

// Reservation is what one call may spend, set aside in every quota that it counts in. It ends with exactly one Settle or
// Release; the zero value has nothing set aside.
type Reservation struct {
	budgets  *Budgets
	amount   money.Amount
	currency money.Currency
	at       time.Time
	claims   [maxScopes]claim
	n        int
	done     bool
}

// claim is a scope that the call counts in; budget is nil where it has no quota.
type claim struct {
	scope  Scope
	quota  *Quota
	budget *budget
	index  [numPeriods]int64
}

// Open reports whether the reservation has not ended yet.
func (r *Reservation) Open() bool { return r.budgets != nil && !r.done }

// lock takes the locks of all budgets in the order of their making, so that no two calls wait for each other. It reports
// false, with nothing locked, when one of them has been dropped meanwhile.
func (r *Reservation) lock() bool {
	held := r.ordered()
	for i, b := range held.all() {
		b.mu.Lock()
		if b.gone {
			for _, locked := range held.all()[:i+1] {
				locked.mu.Unlock()
			}
			return false
		}
	}
	return true
}

func (r *Reservation) unlock() {
	for i := range r.claims[:r.n] {
		if b := r.claims[i].budget; b != nil {
			b.mu.Unlock()
		}
	}
}

// ordering is a short sorted list that needs no allocation.
type ordering struct {
	budgets [maxScopes]*budget
	n       int
}

func (o *ordering) all() []*budget { return o.budgets[:o.n] }

func (r *Reservation) ordered() (o ordering) {
	for i := range r.claims[:r.n] {
		b := r.claims[i].budget
		if b == nil {
			continue
		}
		at := o.n
		for at > 0 && o.budgets[at-1].seq > b.seq {
			o.budgets[at] = o.budgets[at-1]
			at--
		}
		o.budgets[at] = b
		o.n++
	}
	return o
}

// refusal is why a request does not fit. The claim is its index: a pointer would put every reservation on the heap.
type refusal struct {
	refused bool
	claim   int
	period  Period
	wait    time.Duration
}

// check finds the bound that refuses the amount for the longest time.
func (r *Reservation) check() (worst refusal) {
	for i := range r.claims[:r.n] {
		c := &r.claims[i]
		if c.budget == nil {
			continue
		}
		for p := range numPeriods {
			bound := c.quota.Bounds[p]
			if !bound.Set || r.amount <= c.budget.periods[p].left(bound) {
				continue
			}
			wait := time.Duration(math.MaxInt64)
			if p != Total {
				wait = p.end(r.at, c.quota.Offset).Sub(r.at)
			}
			if !worst.refused || wait > worst.wait {
				worst = refusal{true, i, p, wait}
			}
		}
	}
	return worst
}

// left is what the bound still allows; at least 0, but -1 when even nothing is too much.
func (t *tally) left(b Bound) money.Amount {
	taken, err := t.used.Add(t.reserved)
	if err != nil || taken > b.Limit {
		return -1
	}
	return b.Limit - taken
}

// take reserves the amount in every period.
func (r *Reservation) take() {
	for i := range r.claims[:r.n] {
		c := &r.claims[i]
		if c.budget == nil {
			continue
		}
		for p := range c.budget.periods {
			t := &c.budget.periods[p]
			t.reserved += r.amount
			c.index[p] = t.index
		}
		c.budget.touched = r.at
	}
}

// roll begins the periods that at lies in. Periods never go back: what comes late counts in the present one.
func (t *budget) roll(at time.Time) {
	for p := range numPeriods {
		if index := p.index(at, t.offset); index > t.periods[p].index {
			t.periods[p] = tally{index: index}
		}
	}
}
