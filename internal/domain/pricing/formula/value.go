package formula

import "math/big"

var (
	zero = new(big.Rat)
	one  = big.NewRat(1, 1)
)

func truth(b bool) *big.Rat {
	if b {
		return one
	}
	return zero
}

// value calculates the node. No operand is ever changed: constants and meters are shared.
func (n *node) value(of []*big.Rat) (*big.Rat, error) {
	switch n.kind {
	case constant:
		return n.number, nil
	case meter:
		return of[n.index], nil
	case choice:
		return n.choose(of)
	case tier:
		return n.tiered(of)
	default:
	}
	operands := make([]*big.Rat, len(n.operands))
	for i, o := range n.operands {
		var err error
		if operands[i], err = o.value(of); err != nil {
			return nil, err
		}
	}
	return n.apply(operands)
}

func (n *node) choose(of []*big.Rat) (*big.Rat, error) {
	c, err := n.operands[0].value(of)
	if err != nil {
		return nil, err
	}
	if c.Sign() != 0 {
		return n.operands[1].value(of)
	}
	return n.operands[2].value(of)
}

// tiered is the value that belongs to the first limit which is not exceeded, else the last.
func (n *node) tiered(of []*big.Rat) (*big.Rat, error) {
	x, err := n.operands[0].value(of)
	if err != nil {
		return nil, err
	}
	last := len(n.operands) - 1
	for i := 1; i < last; i += 2 {
		if x.Cmp(n.operands[i].number) <= 0 {
			return n.operands[i+1].value(of)
		}
	}
	return n.operands[last].value(of)
}

// apply calculates a node of its operands' values.
func (n *node) apply(x []*big.Rat) (*big.Rat, error) {
	switch n.kind {
	case negate:
		return new(big.Rat).Neg(x[0]), nil
	case add:
		return sized(new(big.Rat).Add(x[0], x[1]))
	case subtract:
		return sized(new(big.Rat).Sub(x[0], x[1]))
	case multiply:
		return sized(new(big.Rat).Mul(x[0], x[1]))
	case divide:
		if x[1].Sign() == 0 {
			return nil, n.divides()
		}
		return sized(new(big.Rat).Quo(x[0], x[1]))
	case ceiling:
		return ceil(x[0]), nil
	case least, greatest:
		best := x[0]
		for _, v := range x[1:] {
			if c := v.Cmp(best); (c < 0) == (n.kind == least) && c != 0 {
				best = v
			}
		}
		return best, nil
	default:
		return truth(n.holds(x[0].Cmp(x[1]))), nil
	}
}

// holds reports whether a comparison is true of two numbers that compare as c.
func (n *node) holds(c int) bool {
	switch n.kind {
	case less:
		return c < 0
	case lessEqual:
		return c <= 0
	case greater:
		return c > 0
	case greaterEqual:
		return c >= 0
	case equal:
		return c == 0
	default:
		return c != 0
	}
}

func (n *node) divides() error {
	return &Error{Offset: n.at, Message: "the divisor can be zero; write max(1, …) around it"}
}

// ceil rounds up to a whole number. Euclidean division leaves a remainder that is not negative.
func ceil(x *big.Rat) *big.Rat {
	q, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return new(big.Rat).SetInt(q)
}

func sized(v *big.Rat) (*big.Rat, error) {
	if v.Num().BitLen() > MaxBits || v.Denom().BitLen() > MaxBits {
		return nil, ErrOverflow
	}
	return v, nil
}
