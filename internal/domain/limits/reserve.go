package limits

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Reserve sets amount aside in the quotas of all subjects, or in none, and notes in r what it did; r is not open before, nor
// after a refusal. at is when the call began; amount ≥ 0, the most that it can cost. A quota in another currency is not concerned.
// Codes: quota_exceeded, limits_unavailable.
func (b *Budgets) Reserve(
	ctx context.Context, r *Reservation, at time.Time, subjects []Subject, c money.Currency, amount money.Amount,
) error {
	*r = Reservation{budgets: b, amount: amount, currency: c, at: at, done: true}
	if err := b.lockAll(ctx, r, subjects); err != nil {
		return err
	}
	refused := r.check()
	if !refused.refused {
		r.take()
		r.unlock()
		r.done = false
		return nil
	}
	return b.refuse(r, refused)
}

// refuse tells of a refusal, and gives the locks back.
func (b *Budgets) refuse(r *Reservation, why refusal) error {
	first, e := r.exhaust(why)
	r.unlock()
	if first {
		b.tell(e)
	}
	return quotaFault(r.claims[why.claim].scope.Kind, why.period, why.wait)
}

// Resume sets amount aside for a call that was admitted before, by an earlier process or for an upstream that works at it
// already, whether it is left or not: what was promised counts before what is asked for now. Codes: limits_unavailable.
func (b *Budgets) Resume(
	ctx context.Context, r *Reservation, at time.Time, subjects []Subject, c money.Currency, amount money.Amount,
) error {
	*r = Reservation{budgets: b, amount: amount, currency: c, at: at, done: true}
	if err := b.lockAll(ctx, r, subjects); err != nil {
		return err
	}
	r.take()
	r.unlock()
	r.done = false
	return nil
}

// Affordable returns the most that Reserve would grant; ok is false when no quota bounds the subjects.
// Codes: limits_unavailable.
func (b *Budgets) Affordable(
	ctx context.Context, at time.Time, subjects []Subject, c money.Currency,
) (left money.Amount, ok bool, err error) {
	if !concerned(subjects, c) {
		return 0, false, nil
	}
	r := Reservation{budgets: b, currency: c, at: at}
	if err := b.lockAll(ctx, &r, subjects); err != nil {
		return 0, false, err
	}
	defer r.unlock()
	for i := range r.claims[:r.n] {
		for p := range numPeriods {
			if r.claims[i].budget == nil || !r.claims[i].quota.Bounds[p].Set {
				continue
			}
			if here := max(0, r.claims[i].budget.periods[p].left(r.claims[i].quota.Bounds[p])); !ok || here < left {
				left, ok = here, true
			}
		}
	}
	return left, ok, nil
}

// concerned reports whether a subject has a quota in the currency.
func concerned(subjects []Subject, c money.Currency) bool {
	for i := range subjects {
		if q := subjects[i].Quota; q != nil && q.Currency == c {
			return true
		}
	}
	return false
}

// lockAll finds the budgets of the subjects, locks them and brings them to the present.
func (b *Budgets) lockAll(ctx context.Context, r *Reservation, subjects []Subject) error {
	for {
		r.n = 0
		for i := range subjects {
			s := &subjects[i]
			if r.n == maxScopes || s.ID.IsZero() {
				continue
			}
			c := &r.claims[r.n]
			*c = claim{scope: s.Scope}
			r.n++
			if s.Quota == nil || s.Quota.Currency != r.currency {
				continue
			}
			found, err := b.budget(ctx, s.Scope, s.Quota, r.at)
			if err != nil {
				return err
			}
			c.quota, c.budget = s.Quota, found
		}
		if !r.lock() {
			continue
		}
		for i := range r.claims[:r.n] {
			if held := r.claims[i].budget; held != nil {
				held.roll(r.at)
			}
		}
		return nil
	}
}

// Settle ends the reservation and books what the call cost, in every scope that it counts in. A reservation that has
// ended stays as it is.
func (r *Reservation) Settle(actual money.Amount) { r.end(actual) }

// Release ends the reservation and books nothing.
func (r *Reservation) Release() { r.end(0) }

func (r *Reservation) end(actual money.Amount) {
	if !r.Open() {
		return
	}
	r.done = true
	b := r.budgets
	for i := range r.claims[:r.n] {
		c := &r.claims[i]
		if c.budget == nil && (actual == 0 || b.loaded.Load() == 0) {
			continue
		}
		b.settle(r, c, actual)
	}
}

// settle ends one claim. A scope whose budget came into memory only after the call was admitted, or anew, is booked too.
func (b *Budgets) settle(r *Reservation, c *claim, actual money.Amount) {
	if c.budget != nil && c.budget.settle(r, c, actual, b) {
		return
	}
	if actual == 0 {
		return
	}
	if now := b.find(budgetKey{c.scope, r.currency}); now != nil {
		now.book(r.at, actual)
	}
}

// settle reports false when the budget has been dropped, and another is to be booked.
func (t *budget) settle(r *Reservation, c *claim, actual money.Amount, b *Budgets) bool {
	t.mu.Lock()
	if t.gone {
		t.mu.Unlock()
		return false
	}
	t.roll(r.at)
	var soft []SoftReached
	for p := range numPeriods {
		now := &t.periods[p]
		if now.index != c.index[p] {
			continue // the period in which the call began is over
		}
		now.reserved -= r.amount
		now.used += actual
		if bound := c.quota.Bounds[p]; bound.Soft > 0 && !now.soft && now.used >= bound.Soft {
			now.soft = true
			soft = append(soft, SoftReached{reached(c, p, now, r)})
		}
	}
	t.mu.Unlock()
	for _, e := range soft {
		b.tell(e)
	}
	return true
}

// book adds what a call cost that has no reservation here.
func (t *budget) book(at time.Time, actual money.Amount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return
	}
	t.roll(at)
	for p := range numPeriods {
		if p.index(at, t.offset) == t.periods[p].index {
			t.periods[p].used += actual
		}
	}
}
