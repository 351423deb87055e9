package formula

import "math/big"

// bound is interval arithmetic: a range that holds all values of the node while the meters are within theirs. Since
// every operation takes the extremes of its operands, the range is never too narrow.
func (n *node) bound(of []Range) (Range, error) {
	switch n.kind {
	case constant:
		return At(n.number), nil
	case meter:
		return of[n.index], nil
	default:
	}
	operands := make([]Range, len(n.operands))
	for i, o := range n.operands {
		var err error
		if operands[i], err = o.bound(of); err != nil {
			return Range{}, err
		}
	}
	switch n.kind {
	case choice:
		return chosen(operands[0], operands[1], operands[2]), nil
	case tier:
		return n.reachable(operands), nil
	case multiply:
		return n.corners(operands[0], operands[1])
	case divide:
		if operands[1].Low.Sign() <= 0 && operands[1].High.Sign() >= 0 {
			return Range{}, n.divides()
		}
		return n.corners(operands[0], operands[1])
	case less, lessEqual, greater, greaterEqual, equal, unequal:
		return n.decide(operands[0], operands[1]), nil
	default:
		return n.ends(operands)
	}
}

// ends applies an operation that rises with each operand to the lower and to the upper ends; what falls with an operand
// (a sign, a subtrahend) takes that one's ends the other way round.
func (n *node) ends(operands []Range) (Range, error) {
	low, high := make([]*big.Rat, len(operands)), make([]*big.Rat, len(operands))
	for i, r := range operands {
		low[i], high[i] = r.Low, r.High
		if n.kind == negate || (n.kind == subtract && i == 1) {
			low[i], high[i] = r.High, r.Low
		}
	}
	l, err := n.apply(low)
	if err != nil {
		return Range{}, err
	}
	h, err := n.apply(high)
	return Range{l, h}, err
}

// corners applies a product or a quotient to all four pairs of ends: its extremes are among them.
func (n *node) corners(a, b Range) (Range, error) {
	var out Range
	for _, x := range []*big.Rat{a.Low, a.High} {
		for _, y := range []*big.Rat{b.Low, b.High} {
			v, err := n.apply([]*big.Rat{x, y})
			if err != nil {
				return Range{}, err
			}
			out = out.with(At(v))
		}
	}
	return out, nil
}

// decide is 1 or 0 where a comparison has one outcome throughout, else the range of both.
func (n *node) decide(a, b Range) Range {
	always := n.holds(a.Low.Cmp(b.High)) && n.holds(a.High.Cmp(b.Low))
	never := !n.holds(a.Low.Cmp(b.High)) && !n.holds(a.High.Cmp(b.Low))
	apart := a.High.Cmp(b.Low) < 0 || a.Low.Cmp(b.High) > 0
	single := a.Low.Cmp(a.High) == 0 && b.Low.Cmp(b.High) == 0
	if n.kind == equal || n.kind == unequal {
		// The ends say nothing of what lies between: ranges that overlap may be equal somewhere and differ elsewhere.
		always, never = always && (apart || single), never && (apart || single)
	}
	switch {
	case always:
		return At(one)
	case never:
		return At(zero)
	default:
		return Range{zero, one}
	}
}

func chosen(condition, yes, no Range) Range {
	switch {
	case condition.Low.Sign() != 0:
		return yes
	case condition.High.Sign() == 0:
		return no
	default:
		return yes.with(no)
	}
}

// reachable joins the tiers that some value of the first operand falls into.
func (n *node) reachable(operands []Range) Range {
	x, last := operands[0], len(operands)-1
	var out Range
	for i := 1; i < last; i += 2 {
		if x.Low.Cmp(n.operands[i].number) <= 0 {
			out = out.with(operands[i+1])
		}
		if x.High.Cmp(n.operands[i].number) <= 0 {
			return out
		}
	}
	return out.with(operands[last])
}

// with is the smallest range that holds both; the zero Range holds nothing.
func (r Range) with(o Range) Range {
	if r.Low == nil {
		return o
	}
	if o.Low.Cmp(r.Low) < 0 {
		r.Low = o.Low
	}
	if o.High.Cmp(r.High) > 0 {
		r.High = o.High
	}
	return r
}
