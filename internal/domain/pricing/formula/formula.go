// Package formula is the small language in which a price can be written: numbers, named meters, + - * /, comparisons,
// a choice (c ? a : b), min, max, ceil and tier. It has no loops, no strings and no way out. It calculates with exact
// rationals, and proves when a formula is read that it can neither divide by zero nor fall below zero.
// Source: docs/decisions, "A language of our own for price formulas".
package formula

import (
	"errors"
	"fmt"
	"math/big"
)

// Limits of a formula. MaxBits bounds every number that arises: beyond it the value is an overflow.
const (
	MaxText  = 4096
	MaxNodes = 200
	MaxDepth = 50
	MaxBits  = 1024
)

// ErrOverflow says that a number became too large to calculate with.
var ErrOverflow = errors.New("formula: overflow")

// Error is why a text is not a formula. Offset counts bytes from the start of the text.
type Error struct {
	Offset  int
	Message string
	// Limit says that the formula is too large, rather than wrong.
	Limit bool
}

// Error returns the message with its place.
func (e *Error) Error() string { return fmt.Sprintf("%s (at position %d)", e.Message, e.Offset+1) }

// Meter is a name that a formula may use, with the least and the greatest value that it can have. A Bool meter is 0 or 1
// and stands where a condition is asked for.
type Meter struct {
	Name      string
	Bool      bool
	Low, High *big.Rat
}

// Program is a formula that was read. It is immutable and safe for concurrent use.
type Program struct {
	root *node
	text string
	used []bool
}

// Parse reads a formula over meters and proves its bounds. The error is an *Error.
func Parse(text string, meters []Meter) (*Program, error) {
	p := &parser{lexer: lexer{text: text}, meters: meters, used: make([]bool, len(meters))}
	if len(text) > MaxText {
		return nil, &Error{Offset: MaxText, Message: fmt.Sprintf("a formula may have %d bytes", MaxText), Limit: true}
	}
	root, err := p.program()
	if err != nil {
		return nil, err
	}
	if err := prove(root, meters); err != nil {
		return nil, err
	}
	return &Program{root: root, text: text, used: p.used}, nil
}

// prove refuses a formula that could be negative or divide by zero somewhere within the meters' bounds.
func prove(root *node, meters []Meter) error {
	env := make([]Range, len(meters))
	for i, m := range meters {
		env[i] = Range{m.Low, m.High}
	}
	r, err := root.bound(env)
	if errors.Is(err, ErrOverflow) {
		return &Error{Message: "the value can become too large to calculate", Limit: true}
	}
	if err != nil {
		return err
	}
	if r.Low.Sign() < 0 {
		return &Error{Message: "the value can be negative; write max(0, …) around what can fall below zero"}
	}
	return nil
}

// Uses reports whether the formula asks for the meter at an index.
func (p *Program) Uses(meter int) bool { return p.used[meter] }

// String returns the text that was read.
func (p *Program) String() string { return p.text }

// Value is the formula's value, not negative; of are the meters' values in the order of Parse, within their bounds.
// Error: ErrOverflow.
func (p *Program) Value(of []*big.Rat) (*big.Rat, error) {
	v, err := p.root.value(of)
	if err == nil && v.Sign() < 0 {
		return nil, errors.New("formula: a meter is out of its bounds")
	}
	return v, err
}

// Bound is a range that holds every value that the formula takes while the meters are within theirs. It is as narrow as
// can be where each meter stands once. Error: ErrOverflow.
func (p *Program) Bound(of []Range) (Range, error) { return p.root.bound(of) }

// Range holds what is neither less than Low nor greater than High.
type Range struct{ Low, High *big.Rat }

// At is the range that holds one value.
func At(v *big.Rat) Range { return Range{v, v} }
