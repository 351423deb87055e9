package pricing

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/pricing/formula"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// CalculatorFormula prices by an expression: its value is the number of natural units that are charged at basePrice.
const CalculatorFormula = "formula"

const maxQuantity = math.MaxInt64

// FormulaConfig is the formulaConfig of a formula rule. The language is that of package formula. Its meters are the
// names of all resources, with the call's quantities; quantity, that of the rule's own resource; input_tokens,
// output_tokens and tokens, the sums of the token classes; and the dimensions that dimensionSchema declares as boolean,
// integer or number.
type FormulaConfig struct {
	Expr string `json:"expr"`
}

// sums are the meters beside the resources, in this order after them.
var sums = []string{"quantity", "input_tokens", "output_tokens", "tokens"}

type expression struct {
	program *formula.Program
	price   money.Price
	schema  schema
	names   []string // of the dimensions, in the order of their meters
}

func newFormula(r *Rule, s schema) (calculator, error) {
	var c FormulaConfig
	if err := strictAs(ErrConfig, r.Config, &c, "formulaConfig"); err != nil {
		return nil, err
	}
	if strings.TrimSpace(c.Expr) == "" {
		return nil, ErrConfig.Saying("The formula is missing.").At("formulaConfig.expr")
	}
	e := &expression{price: r.Price, schema: s}
	available, err := e.available()
	if err != nil {
		return nil, err
	}
	if e.program, err = formula.Parse(c.Expr, available); err != nil {
		return nil, errFormula(err)
	}
	if r.Price == 0 {
		return nil, ErrPrice.Saying("A formula is multiplied by basePrice, so it must not be zero.").At("basePrice")
	}
	return e, e.try(r, available)
}

// errFormula tells where a formula is wrong.
func errFormula(err error) error {
	code, offset := ErrConfig, 0
	if f, ok := errors.AsType[*formula.Error](err); ok {
		if offset = f.Offset; f.Limit {
			code = ErrLimit
		}
	}
	return code.Because(err).Saying("The formula is not valid: "+err.Error()+".").At("formulaConfig.expr").
		With("position", offset+1)
}

// available are the meters that a formula of this rule may use.
func (e *expression) available() ([]formula.Meter, error) {
	var out []formula.Meter
	for r := range inference.NumResources {
		out = append(out, formula.Meter{Name: r.String(), Low: new(big.Rat), High: big.NewRat(maxQuantity, 1)})
	}
	for _, name := range sums {
		out = append(out, formula.Meter{Name: name, Low: new(big.Rat), High: big.NewRat(maxQuantity, 1)})
	}
	for _, name := range e.schema.names() {
		d := e.schema[name]
		if d.kind == kindString {
			continue
		}
		if slices.ContainsFunc(out, func(m formula.Meter) bool { return m.Name == name }) {
			return nil, ErrSchema.Saying("This is the name of a meter already.").At("dimensionSchema." + name)
		}
		e.names = append(e.names, name)
		out = append(out, formula.Meter{Name: name, Bool: d.kind == kindBoolean, Low: d.low, High: d.high})
	}
	return out, nil
}

// samples are the quantities that a formula is tried with when it is saved.
var samples = []int64{0, 1, 999, 1_000_000}

// try calculates the formula on a grid of samples, so that one which overflows in daily use cannot be saved.
func (e *expression) try(r *Rule, available []formula.Meter) error {
	for _, base := range samples {
		for i := -1; i < len(available); i++ {
			if i >= 0 && !e.program.Uses(i) {
				continue
			}
			if err := e.tryAt(r, sample(available, base, i)); err != nil {
				return ErrConfig.Because(err).At("formulaConfig.expr").
					Saying(fmt.Sprintf("The formula overflows when quantities are about %d.", base))
			}
		}
	}
	return nil
}

// sample gives all meters a value, but that at index odd (-1: none) the greatest of the samples.
func sample(available []formula.Meter, value int64, odd int) []*big.Rat {
	of := make([]*big.Rat, len(available))
	for i, m := range available {
		v := big.NewRat(value, 1)
		if i == odd {
			v = big.NewRat(slices.Max(samples), 1)
		}
		of[i] = within(v, m.Low, m.High)
	}
	return of
}

func within(v, low, high *big.Rat) *big.Rat {
	if v.Cmp(low) < 0 {
		return low
	}
	if v.Cmp(high) > 0 {
		return high
	}
	return v
}

func (e *expression) tryAt(r *Rule, of []*big.Rat) error {
	v, err := e.program.Value(of)
	if err == nil {
		var whole money.Product
		_, err = whole.ChargeUnits(r.Currency, v, e.price)
	}
	return err
}

func (*expression) linear() bool { return false }

func (e *expression) quotes() []part { return []part{{price: e.price, basis: e.program.String()}} }

func (e *expression) parts(m *meters) ([]part, error) {
	of, err := e.values(m)
	if err != nil {
		return nil, err
	}
	v, err := e.program.Value(of)
	if err != nil {
		return nil, ErrOverflow.Because(err)
	}
	return e.part(m, v), nil
}

func (e *expression) part(m *meters, units *big.Rat) []part {
	return []part{{quantity: m.quantity, price: e.price, units: units, basis: CalculatorFormula}}
}

// values are the meters that the formula uses; others stay nil.
func (e *expression) values(m *meters) ([]*big.Rat, error) {
	of := make([]*big.Rat, int(inference.NumResources)+len(sums)+len(e.names))
	counted := slices.Concat(m.all[:], []int64{m.quantity, m.input, m.output, m.input + m.output})
	for i, n := range counted {
		if e.program.Uses(i) {
			of[i] = big.NewRat(n, 1)
		}
	}
	for i, name := range e.names {
		if at := len(counted) + i; e.program.Uses(at) {
			text, err := e.schema.value(name, m.dims)
			if err != nil {
				return nil, err
			}
			of[at] = e.schema[name].number(text)
		}
	}
	return of, nil
}

// worst is the upper bound of the value while each quantity is anything up to that of m; dimensions are as they are.
func (e *expression) worst(m *meters) ([]part, error) {
	of, err := e.values(m)
	if err != nil {
		return nil, err
	}
	ranges := make([]formula.Range, len(of))
	for i, v := range of {
		ranges[i] = formula.Range{Low: new(big.Rat), High: v}
		if i >= len(of)-len(e.names) {
			ranges[i].Low = v
		}
	}
	bound, err := e.program.Bound(ranges)
	if err != nil {
		return nil, ErrOverflow.Because(err)
	}
	return e.part(m, bound.High), nil
}
