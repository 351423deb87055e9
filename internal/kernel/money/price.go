package money

import (
	"math"
	"math/bits"
)

// Price is an amount of 1e-15 major units per metered unit: 0.01875 USD per million tokens is 18 750 000.
type Price int64

// Factor multiplies a price, in 1e-9: a discount of 10 % is 900 000 000.
type Factor int64

// One is the factor that changes nothing.
const One Factor = 1_000_000_000

const (
	priceExponent  = 15
	factorExponent = 9
	maxAmount      = math.MaxInt64
)

var pow10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// ParsePrice reads a decimal price for a number of units: ("2.50", 1_000_000) is 2.50 per million, ("0.006", 60) is
// 0.006 for sixty. A price that is not a whole number of 1e-15 for one unit is refused, never rounded.
// Errors: ErrSyntax, ErrNegative, ErrPrecision, ErrOverflow.
func ParsePrice(text string, per int64) (Price, error) {
	if per < 1 {
		return 0, ErrSyntax
	}
	zeros, rest := splitSize(per)
	v, err := parseScaled(text, priceExponent-zeros)
	switch {
	case err != nil:
		return 0, err
	case v < 0:
		return 0, ErrNegative
	case v%rest != 0:
		return 0, ErrPrecision
	}
	return Price(v / rest), nil
}

// Text returns the shortest exact decimal of the price for a number of units. Errors: ErrSyntax, ErrOverflow.
func (p Price) Text(per int64) (string, error) {
	var room [40]byte
	b, err := p.AppendText(room[:0], per)
	return string(b), err
}

// AppendText appends what Text returns, for code that must not allocate. After an error b is as it was.
func (p Price) AppendText(b []byte, per int64) ([]byte, error) {
	if per < 1 {
		return b, ErrSyntax
	}
	zeros, rest := splitSize(per)
	hi, lo := bits.Mul64(uint64(max(p, -p)), uint64(rest)) //nolint:gosec // the least Price is its own negative, and still its magnitude
	if hi != 0 || lo > maxAmount {
		return b, ErrOverflow
	}
	if p < 0 {
		return appendScaled(b, -int64(lo), priceExponent-zeros), nil
	}
	return appendScaled(b, int64(lo), priceExponent-zeros), nil
}

// splitSize takes a size apart into a power of ten and the rest: 60 is 10^1 × 6.
func splitSize(per int64) (zeros int, rest int64) {
	for ; per >= 10 && per%10 == 0; per /= 10 {
		zeros++
	}
	return zeros, per
}

// ParseFactor reads a decimal factor, such as "0.9". Errors: ErrSyntax, ErrNegative, ErrPrecision, ErrOverflow.
func ParseFactor(text string) (Factor, error) {
	v, err := parseScaled(text, factorExponent)
	if err == nil && v < 0 {
		err = ErrNegative
	}
	return Factor(v), err
}

// Text returns the shortest exact decimal.
func (f Factor) Text() string { return formatScaled(int64(f), factorExponent) }
