package money

import "math/bits"

// Product is a number of factors multiplied once, for the many lines that they apply to. The zero Product is one.
// It keeps the slice that it was made of.
type Product struct {
	factors []Factor
	// digits × 10^-places is the product, if it fits; otherwise narrow is false and the factors are multiplied anew.
	digits uint64
	places int
	narrow bool
}

// Multiply returns the product of factors. Error: ErrNegative.
func Multiply(factors []Factor) (Product, error) {
	p := Product{factors: factors, digits: 1, narrow: true}
	for _, f := range factors {
		if f < 0 {
			return Product{}, ErrNegative
		}
		if f == One {
			continue
		}
		digits, places := uint64(f), factorExponent
		for places > 0 && digits%10 == 0 {
			digits, places = digits/10, places-1
		}
		hi, lo := bits.Mul64(p.digits, digits)
		p.digits, p.places, p.narrow = lo, p.places+places, p.narrow && hi == 0
	}
	return p, nil
}

// Charge returns round_half_up(quantity × price × p) in the ledger unit of c. Quantity and price are not negative.
// Errors: ErrNegative, ErrOverflow.
func (p *Product) Charge(c Currency, quantity int64, price Price) (Amount, error) {
	if quantity < 0 || price < 0 {
		return 0, ErrNegative
	}
	hi, lo := bits.Mul64(uint64(quantity), uint64(price))
	divisor := priceExponent - c.Exponent()
	if len(p.factors) == 0 {
		return divideHalfUp(hi, lo, pow10[divisor])
	}
	// Beyond 128 bits, or a divisor beyond 64, the wide arithmetic takes over; prices as people set them stay here.
	if divisor += p.places; hi == 0 && p.narrow && divisor < len(pow10) {
		hi, lo = bits.Mul64(lo, p.digits)
		return divideHalfUp(hi, lo, pow10[divisor])
	}
	return chargeWide(c, quantity, price, p.factors)
}
