package limits

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Usage is what Budgets asks of storage.
type Usage interface {
	// QuotaUsed returns what calls have cost a scope in one currency: ever, and those that began at or after day and month.
	QuotaUsed(ctx context.Context, s Scope, c money.Currency, day, month time.Time) (Used, error)
}

// Used is what a scope has spent.
type Used struct{ Total, Day, Month money.Amount }

// Flush waits until everything that was captured before is in storage.
type Flush func(ctx context.Context) error

// retryAfter is how long a failed load is not repeated: a database in trouble is left alone.
const retryAfter = time.Second

func (b *Budgets) shard(s Scope) *budgetShard { return &b.shards[(s.ID[15]^byte(s.Kind))%shards] }

func (b *Budgets) find(key budgetKey) *budget {
	s := b.shard(key.scope)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.budgets[key]
}

// budget returns a scope's budget, loaded once for all who ask at the same time.
func (b *Budgets) budget(ctx context.Context, scope Scope, q *Quota, at time.Time) (*budget, error) {
	key := budgetKey{scope, q.Currency}
	if t := b.find(key); t != nil && t.ok.Load() && t.offset == q.Offset {
		return t, nil
	}
	t, mine := b.claim(key, q, at)
	if mine {
		// The caller who started the load may leave; the others still want its result.
		b.load(context.WithoutCancel(ctx), key, t, q, at)
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
		return nil, fault.ErrClientGone.Because(ctx.Err())
	}
	if !t.ok.Load() {
		return nil, ErrUnavailable.Because(t.err).After(retryAfter)
	}
	return t, nil
}

// claim returns the budget of a key, and whether the caller is to load it. A budget whose days begin elsewhere than the
// policy now says is replaced.
func (b *Budgets) claim(key budgetKey, q *Quota, at time.Time) (t *budget, mine bool) {
	s := b.shard(key.scope)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.budgets[key]; t != nil {
		if t.offset == q.Offset && !t.failed(b.now()) {
			return t, false
		}
		s.drop(b, key, t)
	}
	t = &budget{seq: b.seq.Add(1), offset: q.Offset, ready: make(chan struct{}), touched: at}
	t.roll(at)
	s.budgets[key] = t
	b.loaded.Add(1)
	return t, true
}

// failed reports whether the load failed long enough ago to be tried again.
func (t *budget) failed(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil && !now.Before(t.retry)
}

// drop forgets a budget; the shard is locked.
func (s *budgetShard) drop(b *Budgets, key budgetKey, t *budget) {
	t.mu.Lock()
	t.gone = true
	t.mu.Unlock()
	delete(s.budgets, key)
	b.loaded.Add(-1)
}

// load reads what was used. What is settled while it reads is booked on top, and may have been read already: for that
// moment the budget errs on the side of the quota.
func (b *Budgets) load(ctx context.Context, key budgetKey, t *budget, q *Quota, at time.Time) {
	defer close(t.ready)
	used, err := b.read(ctx, key, at, q.Offset)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.err, t.retry = err, b.now().Add(retryAfter)
		return
	}
	for p, amount := range [numPeriods]money.Amount{used.Total, used.Day, used.Month} {
		tally, bound := &t.periods[p], q.Bounds[p]
		if tally.index != Period(p).index(at, q.Offset) {
			continue
		}
		tally.used += amount
		// What was passed before the load was announced when it was passed.
		tally.soft = bound.Soft > 0 && tally.used >= bound.Soft
		tally.hard = bound.Set && tally.used >= bound.Limit
	}
	t.ok.Store(true)
}

func (b *Budgets) read(ctx context.Context, key budgetKey, at time.Time, offset time.Duration) (Used, error) {
	if b.flush != nil {
		if err := b.flush(ctx); err != nil {
			return Used{}, err
		}
	}
	return b.usage.QuotaUsed(ctx, key.scope, key.currency, Day.start(at, offset), Month.start(at, offset))
}

// Sweep drops budgets without reservations that nobody has asked for since idle; their next use loads them again.
func (b *Budgets) Sweep(idle time.Time) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		for key, t := range s.budgets {
			if t.idle(idle) {
				s.drop(b, key, t)
			}
		}
		s.mu.Unlock()
	}
}

func (t *budget) idle(since time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return (t.ok.Load() || t.err != nil) && t.periods[Total].reserved == 0 && t.touched.Before(since)
}

// State is what one scope has used and reserved of one quota.
type State struct {
	Scope    Scope
	Currency money.Currency
	Used     [numPeriods]money.Amount
	Reserved [numPeriods]money.Amount
}

// State returns a scope's counters, brought to the present; ok is false when they are not in memory.
func (b *Budgets) State(scope Scope, c money.Currency) (out State, ok bool) {
	t := b.find(budgetKey{scope, c})
	if t == nil || !t.ok.Load() {
		return State{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roll(b.now())
	out = State{Scope: scope, Currency: c}
	for p := range t.periods {
		out.Used[p], out.Reserved[p] = t.periods[p].used, t.periods[p].reserved
	}
	return out, true
}

// Reserved returns the sum of what is reserved in all budgets: 0 at rest.
func (b *Budgets) Reserved() (sum money.Amount) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		for _, t := range s.budgets {
			t.mu.Lock()
			sum += t.periods[Total].reserved
			t.mu.Unlock()
		}
		s.mu.RUnlock()
	}
	return sum
}
