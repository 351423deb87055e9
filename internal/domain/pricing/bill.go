package pricing

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// maxFactors is how many discounts fit on the stack; more work too.
const maxFactors = 12

// Amount is what a call costs, without its lines: for marks and what else needs the sum alone. Where all rules are plain
// prices it does not allocate. Codes: price_unpriced, price_dimension, price_overflow.
func (s *Schedule) Amount(in *Inputs) (money.Amount, error) {
	q, err := s.quantities(&in.Usage)
	if err != nil {
		return 0, err
	}
	var room [maxFactors]money.Factor
	product := s.appendProduct(room[:0], in.Discounts)
	var sum money.Amount
	for r := range inference.NumResources {
		if q[r] == 0 {
			continue
		}
		amount, err := s.amount(r, q[r], &q, in, product)
		if err != nil {
			return 0, err
		}
		if sum, err = sum.Add(amount); err != nil {
			return 0, ErrOverflow.Because(err)
		}
	}
	return sum, nil
}

// amount is the sum of one resource's lines.
func (s *Schedule) amount(
	r inference.Resource, quantity int64, q *inference.Quantities, in *Inputs, product []money.Factor,
) (money.Amount, error) {
	rt := &s.rates[r]
	switch {
	case rt.rule == nil:
		return 0, s.unpriced(r)
	case rt.flat:
		return s.charge(part{quantity: quantity, price: rt.price}, product)
	}
	m, err := newMeters(q, in.Dimensions)
	if err != nil {
		return 0, err
	}
	parts, err := rt.calc.parts(m.of(r, quantity))
	if err != nil {
		return 0, err
	}
	return s.sum(rt, parts, in, product)
}

// sum charges the parts of a rate, each rounded on its own.
func (s *Schedule) sum(rt *rate, parts []part, in *Inputs, product []money.Factor) (money.Amount, error) {
	named, err := rt.factors(in)
	if err != nil {
		return 0, err
	}
	all := append(appendValues(nil, named), product...)
	var sum money.Amount
	for _, p := range parts {
		amount, err := s.charge(p, all)
		if err != nil {
			return 0, err
		}
		if sum, err = sum.Add(amount); err != nil {
			return 0, ErrOverflow.Because(err)
		}
	}
	return sum, nil
}

// Bill is what a call costs, line by line, and the sum of the lines. Codes as Amount.
func (s *Schedule) Bill(in *Inputs) ([]Line, money.Amount, error) {
	q, err := s.quantities(&in.Usage)
	if err != nil {
		return nil, 0, err
	}
	var room [maxFactors]money.Factor
	b := biller{Schedule: s, in: in, q: &q, named: s.named(in.Discounts), product: s.appendProduct(room[:0], in.Discounts)}
	b.lines = make([]Line, 0, used(&q))
	for r := range inference.NumResources {
		if q[r] != 0 {
			if err := b.add(r, q[r]); err != nil {
				return nil, 0, err
			}
		}
	}
	return b.lines, b.total, nil
}

// biller writes a bill.
type biller struct {
	*Schedule
	in      *Inputs
	q       *inference.Quantities
	named   []NamedFactor
	product []money.Factor
	lines   []Line
	total   money.Amount
}

func (b *biller) add(r inference.Resource, quantity int64) error {
	rt := &b.rates[r]
	switch {
	case rt.rule == nil:
		return b.unpriced(r)
	case rt.flat:
		return b.line(r, part{quantity: quantity, price: rt.price}, b.named, b.product)
	}
	m, err := newMeters(b.q, b.in.Dimensions)
	if err != nil {
		return err
	}
	parts, err := rt.calc.parts(m.of(r, quantity))
	if err != nil {
		return err
	}
	own, err := rt.factors(b.in)
	if err != nil {
		return err
	}
	named := append(own, b.named...)
	product := appendValues(nil, named)
	for _, p := range parts {
		if err := b.line(r, p, named, product); err != nil {
			return err
		}
	}
	return nil
}

// line charges a part and writes it down: the one place where lines are made.
func (b *biller) line(r inference.Resource, p part, named []NamedFactor, product []money.Factor) error {
	amount, err := b.charge(p, product)
	if err != nil {
		return err
	}
	if b.total, err = b.total.Add(amount); err != nil {
		return ErrOverflow.Because(err)
	}
	rule := b.rates[r].rule
	l := Line{
		Resource: r, Quantity: p.quantity, Unit: rule.Unit.shown(), Price: p.price, Factors: named, Currency: b.Currency,
		Amount: amount, RuleID: rule.ID, SetID: b.SetID, Version: b.Version, Basis: p.basis, Estimated: b.in.Usage.Estimated,
	}
	if p.units != nil {
		l.Units = p.units.RatString()
	}
	b.lines = append(b.lines, l)
	return nil
}

// charge is where quantity meets price, once for each part.
func (s *Schedule) charge(p part, product []money.Factor) (money.Amount, error) {
	var amount money.Amount
	var err error
	if p.units != nil {
		amount, err = money.ChargeUnits(s.Currency, p.units, p.price, product...)
	} else {
		amount, err = money.Charge(s.Currency, p.quantity, p.price, product...)
	}
	if err != nil {
		return 0, ErrOverflow.Because(err)
	}
	return amount, nil
}

// factors are the rate's own, by name: weights, then times. Code: price_dimension.
func (r *rate) factors(in *Inputs) ([]NamedFactor, error) {
	var out []NamedFactor
	for i := range r.weights {
		f, err := r.weights[i].of(in.Dimensions)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if r.times != nil {
		out = r.times.at(out, in.At)
	}
	return out, nil
}

// named are the discounts of all lines: the route's, then the caller's.
func (s *Schedule) named(callers []NamedFactor) []NamedFactor {
	if len(callers) == 0 {
		return s.factors
	}
	return append(s.factors[:len(s.factors):len(s.factors)], callers...)
}

func (s *Schedule) appendProduct(to []money.Factor, callers []NamedFactor) []money.Factor {
	return appendValues(append(to, s.product...), callers)
}

func appendValues(to []money.Factor, named []NamedFactor) []money.Factor {
	for i := range named {
		to = append(to, named[i].Value)
	}
	return to
}

func used(q *inference.Quantities) int {
	n := 0
	for _, v := range q {
		if v != 0 {
			n++
		}
	}
	return n
}
