package pricing

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// WorstCase is the most that a call can cost whose quantities are at most those of in: what is held before it is sent.
// Where more of anything never costs less it is Amount; where that need not be (a cheaper tier above a limit, a formula)
// it looks at the limits. Everything else that decides the price, dimensions, time and discounts, is as in says.
//
// With Split, each token may be of the dearest class of its family. Since every class is rounded on a line of its own,
// half a unit for each is added. Codes as Amount.
func (s *Schedule) WorstCase(in *Inputs) (money.Amount, error) {
	var q inference.Quantities
	err := s.quantities(&q, &in.Usage)
	if err != nil {
		return 0, err
	}
	w := worst{Schedule: s, in: in, q: &q}
	var room [maxFactors]money.Factor
	if w.discount, err = money.Multiply(s.appendProduct(room[:0], in.Discounts)); err != nil {
		return 0, ErrOverflow.Because(err)
	}
	if in.Split {
		for _, parent := range []inference.Resource{inference.TextInput, inference.TextOutput} {
			if err := w.split(parent); err != nil {
				return 0, err
			}
		}
	}
	for r := range inference.NumResources {
		if q[r] == 0 || (in.Split && isToken(r)) {
			continue
		}
		amount, err := w.most(r, q[r])
		if err != nil {
			return 0, err
		}
		if err := w.add(amount); err != nil {
			return 0, err
		}
	}
	return w.sum, nil
}

// worst adds up a worst case.
type worst struct {
	*Schedule
	in       *Inputs
	q        *inference.Quantities
	discount money.Product
	sum      money.Amount
}

func (w *worst) add(amount money.Amount) error {
	sum, err := w.sum.Add(amount)
	if err != nil {
		return ErrOverflow.Because(err)
	}
	w.sum = sum
	return nil
}

// most is the most that up to a quantity of one resource can cost.
func (w *worst) most(r inference.Resource, quantity int64) (money.Amount, error) {
	rt := &w.rates[r]
	switch {
	case rt.rule == nil:
		return 0, w.unpriced(r)
	case rt.flat:
		return w.charge(part{quantity: quantity, price: rt.price}, &w.discount)
	}
	q := *w.q
	if w.in.Split {
		if err := spread(&q); err != nil {
			return 0, err
		}
	}
	m, err := newMeters(w.q, w.in.Dimensions)
	if err != nil {
		return 0, err
	}
	m.all = q
	parts, err := rt.calc.worst(m.of(r, quantity))
	if err != nil {
		return 0, err
	}
	lines, err := w.appendCharged(nil, r, parts, w.in, w.named(w.in.Discounts))
	if err != nil {
		return 0, err
	}
	return total(lines)
}

// spread gives every class of tokens the whole of its family.
func spread(q *inference.Quantities) error {
	whole := *q
	for r := range inference.NumResources {
		if !isToken(r) {
			continue
		}
		var err error
		if q[r], err = familyTotal(&whole, families[r]); err != nil {
			return err
		}
	}
	return nil
}

// skips reports whether a family's own class is left out for want of a price.
func (w *worst) skips(parent inference.Resource) bool {
	if !w.in.PricedOnly {
		return false
	}
	for r := range inference.NumResources {
		if families[r] == parent && w.rates[r].rule != nil {
			return true
		}
	}
	return false
}

// split adds the most that a family's tokens can cost, however they divide into classes: of rules that are linear the
// dearest, of others each.
func (w *worst) split(parent inference.Resource) error {
	whole, err := familyTotal(w.q, parent)
	if err != nil || whole == 0 {
		return err
	}
	var dearest money.Amount
	lines := money.Amount(0)
	for r := range inference.NumResources {
		if families[r] != parent || w.folds[r] != r || (w.rates[r].rule == nil && (r != parent || w.skips(parent))) {
			continue
		}
		amount, err := w.most(r, whole)
		if err != nil {
			return err
		}
		if rt := &w.rates[r]; rt.rule != nil && !rt.calc.linear() {
			if err := w.add(amount); err != nil {
				return err
			}
			continue
		}
		dearest, lines = max(dearest, amount), lines+1
	}
	if dearest > 0 {
		if err := w.add(lines / 2); err != nil {
			return err
		}
	}
	return w.add(dearest)
}
