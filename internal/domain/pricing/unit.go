package pricing

// CalculatorUnit multiplies a quantity by a price. It has no configuration.
const CalculatorUnit = "unit"

// unit is the plain price. The schedule never calls it: such rules take the short way.
type unit struct{ price part }

func newUnit(r *Rule, _ schema) (calculator, error) {
	if !isEmpty(r.Config) {
		return nil, ErrConfig.Saying("The unit calculator has no configuration.").At("formulaConfig")
	}
	return unit{part{price: r.Price}}, nil
}

func (u unit) parts(m *meters) ([]part, error) {
	p := u.price
	p.quantity = m.quantity
	return []part{p}, nil
}

func (u unit) worst(m *meters) ([]part, error) { return u.parts(m) }

func (unit) linear() bool { return true }

func (u unit) quotes() []part { return []part{u.price} }
