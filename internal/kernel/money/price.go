package money

import "math"

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

// ParsePrice reads a decimal price for a number of units, a power of ten: ("2.50", 1_000_000) is 2.50 per million.
// Errors: ErrSyntax, ErrNegative, ErrPrecision, ErrOverflow.
func ParsePrice(text string, per int64) (Price, error) {
	zeros := 0
	for p := per; p >= 10 && p%10 == 0; p /= 10 {
		zeros++
	}
	if per < 1 || pow10[zeros] != uint64(per) {
		return 0, ErrSyntax
	}
	v, err := parseScaled(text, priceExponent-zeros)
	if err == nil && v < 0 {
		err = ErrNegative
	}
	return Price(v), err
}

// Text returns the shortest exact decimal of the price for a number of units. Error: ErrOverflow.
func (p Price) Text(per int64) (string, error) {
	zeros := 0
	for q := per; q >= 10 && q%10 == 0; q /= 10 {
		zeros++
	}
	if per < 1 || pow10[zeros] != uint64(per) {
		return "", ErrSyntax
	}
	return formatScaled(int64(p), priceExponent-zeros), nil
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
