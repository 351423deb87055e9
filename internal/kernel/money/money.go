// Package money does exact arithmetic on amounts of money.
//
// An Amount is an integer of 1e-9 of a currency's major unit (1e-6 for currencies with small units, see Exponent).
// A Price is an integer of 1e-15 major units per metered unit, a Factor an integer of 1e-9. Every operation is checked:
// overflow is an error, never a wrap, and a charge is rounded once. Source: docs/decisions, "Money is an integer".
package money

import (
	"errors"
	"math/bits"
)

// Currency is an ISO 4217 code, or SIM for simulated money.
type Currency string

// Currencies that Gantry itself names.
const (
	USD Currency = "USD"
	CNY Currency = "CNY"
	// SIM is what simulated calls are booked in; it can never meet real money.
	SIM Currency = "SIM"
)

// Amount is an amount in the ledger's unit of its currency, 10^-Exponent major units.
type Amount int64

// Money is an amount with its currency.
type Money struct {
	Currency Currency
	Units    Amount
}

// Errors of this package.
var (
	ErrOverflow  = errors.New("money: overflow")
	ErrSyntax    = errors.New("money: not a decimal number")
	ErrPrecision = errors.New("money: more decimal places than the unit holds")
	ErrNegative  = errors.New("money: negative")
	ErrCurrency  = errors.New("money: unknown currency")
)

// exponents lists the known currencies. Those with 6 have such small units that nine places would leave too little
// room in 64 bits for the balance of a large wallet.
var exponents = map[Currency]int{
	USD: 9, CNY: 9, SIM: 9, "EUR": 9, "GBP": 9, "HKD": 9, "TWD": 9, "SGD": 9, "AUD": 9, "CAD": 9, "CHF": 9,
	"JPY": 6, "KRW": 6, "IDR": 6, "VND": 6,
}

// Known reports whether c can be booked.
func (c Currency) Known() bool { _, ok := exponents[c]; return ok }

// Exponent is the number of decimal places of one ledger unit; 9 for a currency that is not known.
func (c Currency) Exponent() int {
	if e, ok := exponents[c]; ok {
		return e
	}
	return 9
}

// Add returns a + b. Error: ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	s := a + b
	if (a > 0 && b > 0 && s <= 0) || (a < 0 && b < 0 && s >= 0) {
		return 0, ErrOverflow
	}
	return s, nil
}

// Sub returns a - b. Error: ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	d := a - b
	if (b < 0 && d <= a) || (b > 0 && d >= a) {
		return 0, ErrOverflow
	}
	return d, nil
}

// Charge returns round_half_up(quantity × price × Π factors) in the ledger unit of c.
// Quantity, price and factors are not negative. Errors: ErrNegative, ErrOverflow.
func Charge(c Currency, quantity int64, price Price, factors ...Factor) (Amount, error) {
	if quantity < 0 || price < 0 {
		return 0, ErrNegative
	}
	hi, lo := bits.Mul64(uint64(quantity), uint64(price))
	divisor := pow10[priceExponent-c.Exponent()]
	for _, f := range factors {
		if f < 0 {
			return 0, ErrNegative
		}
		if f == One {
			continue
		}
		// Beyond 128 bits, or a divisor beyond 64, the wide arithmetic takes over; prices as people set them stay here.
		h, l := bits.Mul64(lo, uint64(f))
		if hi != 0 || divisor > pow10[19]/pow10[factorExponent] {
			return chargeWide(c, quantity, price, factors)
		}
		hi, lo, divisor = h, l, divisor*pow10[factorExponent]
	}
	return divideHalfUp(hi, lo, divisor)
}

// divideHalfUp returns the 128-bit number hi,lo divided by d, a half rounded up.
func divideHalfUp(hi, lo, d uint64) (Amount, error) {
	lo, carry := bits.Add64(lo, d/2, 0)
	hi, carry = bits.Add64(hi, 0, carry)
	if carry != 0 || hi >= d {
		return 0, ErrOverflow
	}
	q, _ := bits.Div64(hi, lo, d)
	if q > maxAmount {
		return 0, ErrOverflow
	}
	return Amount(q), nil
}
