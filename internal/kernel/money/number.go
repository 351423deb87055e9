package money

import (
	"bytes"
	"encoding/json"
)

// Number is a decimal as it stands in JSON: a number whose text is kept, so that it never passes through a float.
// The empty Number is written as 0. Contracts' money fields use it (x-go-type).
type Number string

// MarshalJSON writes the text as a JSON number.
func (n Number) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("0"), nil
	}
	if _, _, _, err := splitDecimal(string(n)); err != nil {
		return nil, err
	}
	return []byte(n), nil
}

// UnmarshalJSON reads a JSON number and keeps its text; null leaves n as it is. Error: ErrSyntax.
func (n *Number) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var num json.Number
	if len(b) == 0 || b[0] == '"' || json.Unmarshal(b, &num) != nil {
		return ErrSyntax
	}
	*n = Number(num)
	return nil
}

// NumberOf returns the amount as a JSON number.
func NumberOf(a Amount, c Currency) Number { return Number(a.Text(c)) }

// Amount reads the number as an amount of c. Errors: those of Parse.
func (n Number) Amount(c Currency) (Amount, error) { return Parse(string(n), c) }
