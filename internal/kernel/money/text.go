package money

import (
	"math/bits"
	"strconv"
	"strings"
)

// Parse reads the exact decimal text of an amount, such as "12.5" or "-0.000042"; an exponent ("1e3") is accepted
// because JSON allows it. Errors: ErrSyntax, ErrPrecision, ErrOverflow.
func Parse(text string, c Currency) (Amount, error) {
	v, err := parseScaled(text, c.Exponent())
	return Amount(v), err
}

// Text returns the shortest exact decimal, such as "12.5"; never an exponent.
func (a Amount) Text(c Currency) string { return formatScaled(int64(a), c.Exponent()) }

// AppendText appends what Text returns, for code that must not allocate.
func (a Amount) AppendText(b []byte, c Currency) []byte {
	return appendScaled(b, int64(a), c.Exponent())
}

// String returns the amount with its currency, such as "12.5 USD".
func (m Money) String() string { return m.Units.Text(m.Currency) + " " + string(m.Currency) }

// parseScaled reads a decimal as an integer of 10^-places. Excess digits must be zeros.
func parseScaled(text string, places int) (int64, error) {
	negative, digits, exponent, err := splitDecimal(text)
	if err != nil {
		return 0, err
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, nil
	}
	shift := places + exponent
	if shift < 0 {
		cut := len(digits) + shift
		if cut < 0 || strings.Trim(digits[cut:], "0") != "" {
			return 0, ErrPrecision
		}
		digits, shift = digits[:cut], 0
	}
	if len(digits)+shift > 19 {
		return 0, ErrOverflow
	}
	n, err := strconv.ParseUint(digits+strings.Repeat("0", shift), 10, 64)
	switch {
	case err != nil || n > maxAmount+1 || (n > maxAmount && !negative):
		return 0, ErrOverflow
	case negative:
		return -int64(n), nil //nolint:gosec // two's complement: the least number is its own negative
	default:
		return int64(n), nil //nolint:gosec // at most maxAmount
	}
}

// splitDecimal takes a JSON number apart: its sign, its digits without the point, and the power of ten they stand for.
func splitDecimal(text string) (negative bool, digits string, exponent int, err error) {
	if len(text) == 0 || len(text) > 64 {
		return false, "", 0, ErrSyntax
	}
	s := text
	if s[0] == '-' {
		negative, s = true, s[1:]
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, convErr := strconv.Atoi(s[i+1:])
		if convErr != nil || e > 64 || e < -64 {
			return false, "", 0, ErrSyntax
		}
		exponent, s = e, s[:i]
	}
	whole, fraction, point := strings.Cut(s, ".")
	if !allDigits(whole) || (point && !allDigits(fraction)) {
		return false, "", 0, ErrSyntax
	}
	return negative, whole + fraction, exponent - len(fraction), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// formatScaled prints an integer of 10^-places.
func formatScaled(v int64, places int) string {
	var room [40]byte
	return string(appendScaled(room[:0], v, places))
}

// appendScaled appends what formatScaled prints.
func appendScaled(b []byte, v int64, places int) []byte {
	magnitude := uint64(v) //nolint:gosec // two's complement: negated below
	if v < 0 {
		magnitude = -magnitude
	}
	var whole, fraction uint64
	if places < 0 {
		hi, lo := bits.Mul64(magnitude, pow10[-places])
		if hi != 0 {
			return strconv.AppendInt(append(strconv.AppendInt(b, v, 10), 'e'), int64(-places), 10)
		}
		whole = lo
	} else {
		whole, fraction = magnitude/pow10[places], magnitude%pow10[places]
	}
	if v < 0 {
		b = append(b, '-')
	}
	b = strconv.AppendUint(b, whole, 10)
	if fraction == 0 {
		return b
	}
	b = append(b, '.')
	for i := places - 1; fraction > 0; i-- { // from the first digit on, so zeros at the end are never written
		b = append(b, byte('0'+fraction/pow10[i])) //nolint:gosec // one digit
		fraction %= pow10[i]
	}
	return b
}
