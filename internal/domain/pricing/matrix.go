package pricing

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// CalculatorMatrix prices by the values of dimensions that dimensionSchema declares.
const CalculatorMatrix = "matrix"

const maxCells = 512

// MatrixConfig is the formulaConfig of a matrix rule: a price for each combination that can be bought. A call with
// another combination is refused.
type MatrixConfig struct {
	Prices []Cell `json:"prices"`
}

// Cell is the price of one combination. All cells of a rule name the same dimensions.
type Cell struct {
	When  map[string]scalar `json:"when"`
	Price money.Number      `json:"price"`
}

type matrix struct {
	schema schema
	names  []string // sorted
	cells  map[string]part
	order  []part // as entered
}

func newMatrix(r *Rule, s schema) (calculator, error) {
	var c MatrixConfig
	if err := strictAs(ErrConfig, r.Config, &c, "formulaConfig"); err != nil {
		return nil, err
	}
	switch {
	case len(c.Prices) == 0:
		return nil, ErrConfig.Saying("At least one price is needed.").At("formulaConfig.prices")
	case len(c.Prices) > maxCells:
		return nil, ErrLimit.Saying("There are too many prices.").At("formulaConfig.prices")
	}
	m := &matrix{schema: s, names: slices.Sorted(maps.Keys(c.Prices[0].When)), cells: map[string]part{}}
	for i := range c.Prices {
		if err := m.add(&c.Prices[i], r.Unit, fmt.Sprintf("formulaConfig.prices[%d].", i)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *matrix) add(c *Cell, u Unit, path string) error {
	if len(c.When) == 0 || !slices.Equal(m.names, slices.Sorted(maps.Keys(c.When))) {
		return ErrConfig.Saying("All prices of a matrix name the same dimensions, at least one.").At(path + "when")
	}
	values := make([]string, len(m.names))
	for i, name := range m.names {
		d, ok := m.schema[name]
		if !ok {
			return ErrConfig.Saying("The dimension is not declared in dimensionSchema.").At(path + "when." + name)
		}
		value, ok := d.read(string(c.When[name]))
		if !ok {
			return ErrConfig.Saying("The dimension cannot have this value.").At(path + "when." + name)
		}
		values[i] = value
	}
	price, err := money.ParsePrice(string(c.Price), u.Size())
	if err != nil {
		return errPrice(err).At(path + "price")
	}
	basis := m.label(values)
	if _, twice := m.cells[basis]; twice {
		return ErrConfig.Saying("This combination has a price already.").At(path + "when")
	}
	cell := part{price: price, basis: basis}
	m.cells[basis], m.order = cell, append(m.order, cell)
	return nil
}

// label is how a combination is found and shown: "audio=true,resolution=1080p".
func (m *matrix) label(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.names[i] + "=" + v)
	}
	return b.String()
}

func (m *matrix) parts(in *meters) ([]part, error) {
	values := make([]string, len(m.names))
	for i, name := range m.names {
		var err error
		if values[i], err = m.schema.value(name, in.dims); err != nil {
			return nil, err
		}
	}
	p, ok := m.cells[m.label(values)]
	if !ok {
		name, value := m.culprit(values)
		return nil, errDimension(name, value)
	}
	p.quantity = in.quantity
	return []part{p}, nil
}

// culprit is the first dimension whose value, given those before it, is in no cell.
func (m *matrix) culprit(values []string) (name, value string) {
	for i := range m.names {
		known := m.label(values[:i+1])
		if !slices.ContainsFunc(m.order, func(cell part) bool {
			return cell.basis == known || strings.HasPrefix(cell.basis, known+",")
		}) {
			return m.names[i], values[i]
		}
	}
	return "", ""
}

func (m *matrix) worst(in *meters) ([]part, error) { return m.parts(in) }

func (*matrix) linear() bool { return true }

func (m *matrix) quotes() []part { return m.order }
