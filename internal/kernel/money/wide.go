package money

import (
	"math/big"
	"math/bits"
)

// chargeWide is Charge for products beyond 128 bits. Factors are not negative.
func chargeWide(c Currency, quantity int64, price Price, factors []Factor) (Amount, error) {
	var room, halfRoom [16]uint64                         // enough for a dozen factors without a visit to the heap
	hi, lo := bits.Mul64(uint64(quantity), uint64(price)) //nolint:gosec // neither is negative
	n, half := limbs(append(room[:0], lo, hi)), limbs(append(halfRoom[:0], pow10[priceExponent-c.Exponent()]/2))
	for _, f := range factors {
		if f != One {
			n, half = n.times(uint64(f)), half.times(uint64(One)) //nolint:gosec // not negative
		}
	}
	n = n.plus(half)
	n.divide(pow10[priceExponent-c.Exponent()])
	for _, f := range factors {
		if f != One {
			n.divide(uint64(One))
		}
	}
	return n.amount()
}

// limbs is a natural number in base 2^64, the lowest digit first.
type limbs []uint64

func (n limbs) times(f uint64) limbs {
	var carry uint64
	for i, digit := range n {
		hi, lo := bits.Mul64(digit, f)
		var c uint64
		n[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return append(n, carry)
}

func (n limbs) plus(m limbs) limbs {
	var carry uint64
	for i := range n {
		var digit uint64
		if i < len(m) {
			digit = m[i]
		}
		n[i], carry = bits.Add64(n[i], digit, carry)
	}
	return append(n, carry)
}

// divide leaves the quotient and drops the remainder.
func (n limbs) divide(d uint64) {
	var rest uint64
	for i := len(n) - 1; i >= 0; i-- {
		n[i], rest = bits.Div64(rest, n[i], d)
	}
}

func (n limbs) amount() (Amount, error) {
	for _, digit := range n[1:] {
		if digit != 0 {
			return 0, ErrOverflow
		}
	}
	if n[0] > maxAmount {
		return 0, ErrOverflow
	}
	return Amount(n[0]), nil //nolint:gosec // at most maxAmount
}

// ChargeUnits is Charge for a number of units that need not be whole, such as what a formula yields.
// Errors: ErrNegative, ErrOverflow.
func (p *Product) ChargeUnits(c Currency, units *big.Rat, price Price) (Amount, error) {
	if units.Sign() < 0 || price < 0 {
		return 0, ErrNegative
	}
	n := new(big.Int).Mul(units.Num(), big.NewInt(int64(price)))
	d := new(big.Int).SetUint64(pow10[priceExponent-c.Exponent()])
	d.Mul(d, units.Denom())
	one := big.NewInt(int64(One))
	for _, f := range p.factors {
		n.Mul(n, big.NewInt(int64(f)))
		d.Mul(d, one)
	}
	n.Lsh(n, 1).Add(n, d).Quo(n, d.Lsh(d, 1))
	if !n.IsInt64() {
		return 0, ErrOverflow
	}
	return Amount(n.Int64()), nil
}
