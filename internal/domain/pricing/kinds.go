package pricing

import (
	"math/big"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// kinds are the calculators, one file each. A calculator is read from a rule when the rule is saved and when it is used.
var kinds = map[string]func(r *Rule, s schema) (calculator, error){
	CalculatorUnit:    newUnit,
	CalculatorTiered:  newTiered,
	CalculatorMatrix:  newMatrix,
	CalculatorFormula: newFormula,
}

// calculator says as what a quantity is charged.
type calculator interface {
	// parts are what the quantity is charged as, one for each line. Codes: price_dimension, price_overflow.
	parts(m *meters) ([]part, error)
	// worst are the parts of the dearest call whose quantities are at most those of m. They are those of parts wherever
	// more of anything never costs less.
	worst(m *meters) ([]part, error)
	// linear reports whether, at the highest price, two quantities cost as much apart as together.
	linear() bool
	// quotes are the prices as a price list shows them; quantities are 0.
	quotes() []part
}

// part is a quantity at a price.
type part struct {
	quantity int64
	price    money.Price
	units    *big.Rat // what is charged instead of the quantity; nil: the quantity
	basis    string   // why this price, such as "context<=200000"
}

// meters are what a calculator may look at.
type meters struct {
	resource inference.Resource
	quantity int64 // of the resource, more than 0
	all      inference.Quantities
	input    int64 // all input tokens of the call: the length of its context
	output   int64
	dims     Dimensions
}

// newMeters copies what it is given, so that a caller's Inputs stay on its stack. Code: price_overflow.
func newMeters(q *inference.Quantities, dims Dimensions) (*meters, error) {
	input, err := familyTotal(q, inference.TextInput)
	if err != nil {
		return nil, err
	}
	output, err := familyTotal(q, inference.TextOutput)
	return &meters{all: *q, input: input, output: output, dims: dims}, err
}

// of are the same meters for one resource.
func (m meters) of(r inference.Resource, quantity int64) *meters {
	m.resource, m.quantity = r, quantity
	return &m
}
