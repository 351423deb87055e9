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

// places lists the known currencies with their exponents. Those with 6 have such small units that nine places would
// leave too little room in 64 bits for the balance of a large wallet.
func (c Currency) places() (exponent int, known bool) {
	switch c {
	case USD, CNY, SIM, "EUR", "GBP", "HKD", "TWD", "SGD", "AUD", "CAD", "CHF":
		return 9, true
	case "JPY", "KRW", "IDR", "VND":
		return 6, true
	default:
		return 9, false
	}
}

// Known reports whether c can be booked.
func (c Currency) Known() bool { _, known := c.places(); return known }

// Exponent is the number of decimal places of one ledger unit; 9 for a currency that is not known.
func (c Currency) Exponent() int { exponent, _ := c.places(); return exponent }

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
	p, err := Multiply(factors)
	if err != nil {
		return 0, err
	}
	return p.Charge(c, quantity, price)
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
