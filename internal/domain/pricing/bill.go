package pricing

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// maxFactors is how many discounts fit on the stack; more work too.
const maxFactors = 12

// Amount is what a call costs, without its lines: for marks and what else needs the sum alone. Where all rules are plain
// prices it does not allocate. Codes: price_unpriced, price_dimension, price_overflow.
func (s *Schedule) Amount(in *Inputs) (money.Amount, error) {
	var q inference.Quantities
	if err := s.quantities(&q, &in.Usage); err != nil {
		return 0, err
	}
	var room [maxFactors]money.Factor
	discount, err := money.Multiply(s.appendProduct(room[:0], in.Discounts))
	if err != nil {
		return 0, ErrOverflow.Because(err)
	}
	var sum money.Amount
	for r := range inference.NumResources {
		if q[r] == 0 {
			continue
		}
		amount, err := s.amount(r, &q, in, &discount)
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
	r inference.Resource, q *inference.Quantities, in *Inputs, discount *money.Product,
) (money.Amount, error) {
	if rt := &s.rates[r]; rt.flat {
		return s.charge(part{quantity: q[r], price: rt.price}, discount)
	}
	lines, err := s.appendParts(nil, r, q, in, s.named(in.Discounts))
	if err != nil {
		return 0, err
	}
	return total(lines)
}

// Bill is what a call costs, line by line, and the sum of the lines. Codes as Amount.
func (s *Schedule) Bill(in *Inputs) ([]Line, money.Amount, error) {
	return s.BillInto(nil, in)
}

// BillInto is Bill in the memory of lines, which are forgotten. It is for who bills one call again and again.
func (s *Schedule) BillInto(lines []Line, in *Inputs) ([]Line, money.Amount, error) {
	var q inference.Quantities
	if err := s.quantities(&q, &in.Usage); err != nil {
		return nil, 0, err
	}
	var room [maxFactors]money.Factor
	discount, err := money.Multiply(s.appendProduct(room[:0], in.Discounts))
	if err != nil {
		return nil, 0, ErrOverflow.Because(err)
	}
	named := s.named(in.Discounts)
	if lines = lines[:0]; cap(lines) < used(&q) {
		lines = make([]Line, 0, used(&q))
	}
	for r := range inference.NumResources {
		if q[r] == 0 {
			continue
		}
		if rt := &s.rates[r]; rt.flat {
			p := part{quantity: q[r], price: rt.price}
			var amount money.Amount
			if amount, err = s.charge(p, &discount); err == nil {
				lines = s.appendLine(lines, r, p, named, amount, in.Usage.Estimated)
				lines[len(lines)-1].written = &rt.written
			}
		} else {
			lines, err = s.appendParts(lines, r, &q, in, named)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	sum, err := total(lines)
	return lines, sum, err
}

// appendParts appends the lines of a resource whose price depends on the call.
func (s *Schedule) appendParts(
	lines []Line, r inference.Resource, q *inference.Quantities, in *Inputs, named []NamedFactor,
) ([]Line, error) {
	rt := &s.rates[r]
	if rt.rule == nil {
		return lines, s.unpriced(r)
	}
	m, err := newMeters(q, in.Dimensions)
	if err != nil {
		return nil, err
	}
	parts, err := rt.calc.parts(m.of(r, q[r]))
	if err != nil {
		return nil, err
	}
	return s.appendCharged(lines, r, parts, in, named)
}

// appendCharged appends a line for each part, under the rate's own factors and the discounts.
func (s *Schedule) appendCharged(
	lines []Line, r inference.Resource, parts []part, in *Inputs, named []NamedFactor,
) ([]Line, error) {
	own, err := s.rates[r].factors(in)
	if err != nil {
		return nil, err
	}
	named = append(own, named...)
	product, err := money.Multiply(appendValues(nil, named))
	if err != nil {
		return nil, ErrOverflow.Because(err)
	}
	for _, p := range parts {
		amount, err := s.charge(p, &product)
		if err != nil {
			return nil, err
		}
		lines = s.appendLine(lines, r, p, named, amount, in.Usage.Estimated)
	}
	return lines, nil
}

// appendLine writes a charged part down: the one place where lines are made.
func (s *Schedule) appendLine(
	lines []Line, r inference.Resource, p part, named []NamedFactor, amount money.Amount, estimated bool,
) []Line {
	rt, units := &s.rates[r], ""
	if p.units != nil {
		units = p.units.RatString()
	}
	return append(lines, Line{
		Resource: r, Quantity: p.quantity, Units: units, Unit: rt.shown, Price: p.price, Basis: p.basis, Factors: named,
		Currency: s.Currency, Amount: amount, RuleID: rt.rule.ID, SetID: s.SetID, Version: s.Version, Estimated: estimated,
	})
}

// total is the sum of lines. Code: price_overflow.
func total(lines []Line) (money.Amount, error) {
	var sum money.Amount
	for i := range lines {
		var err error
		if sum, err = sum.Add(lines[i].Amount); err != nil {
			return 0, ErrOverflow.Because(err)
		}
	}
	return sum, nil
}

// charge is where quantity meets price, once for each part.
func (s *Schedule) charge(p part, factors *money.Product) (money.Amount, error) {
	var amount money.Amount
	var err error
	if p.units != nil {
		amount, err = factors.ChargeUnits(s.Currency, p.units, p.price)
	} else {
		amount, err = factors.Charge(s.Currency, p.quantity, p.price)
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
	return r.times.at(out, in.At), nil
}

// named are the discounts of all lines: the route's, then the caller's.
func (s *Schedule) named(callers []NamedFactor) []NamedFactor {
	if len(callers) == 0 {
		return s.factors
	}
	return append(slices.Clip(s.factors), callers...)
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
