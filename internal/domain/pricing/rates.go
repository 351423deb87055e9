package pricing

import (
	"math/big"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Rate is a price as people read it: of one Unit, after all factors of the schedule and the caller's, as an exact decimal.
type Rate struct {
	Resource inference.Resource
	Unit     Unit
	Price    string
	Currency money.Currency
	// Basis is when this price holds, as on bill lines, such as "context<=200000"; of a formula, its text. "" always.
	Basis string
	// Varies says that weights or times of the rule change the price, because they depend on the call.
	Varies bool
}

// Rates lists what has a rule of its own, in the order of the resources, with a line for each tier and combination. A unit
// costs in Bill, under the same discounts of the caller, what it is listed at here. Resources that are charged at another's
// price are left out.
func (s *Schedule) Rates(callers ...NamedFactor) []Rate {
	factors := s.named(callers)
	var out []Rate
	for r := range inference.NumResources {
		rt := &s.rates[r]
		if rt.rule == nil || rt.rule.Resource != r {
			continue
		}
		varies := len(rt.weights) > 0 || !rt.times.isEmpty()
		for _, p := range rt.calc.quotes() {
			price := unitPrice(p.price, rt.rule.Unit, factors)
			out = append(out, Rate{r, rt.rule.Unit, price, s.Currency, p.basis, varies})
		}
	}
	return out
}

const (
	pricePlaces  = 15 // of a price
	factorPlaces = 9  // of a factor
)

// unitPrice multiplies without rounding.
func unitPrice(p money.Price, u Unit, factors []NamedFactor) string {
	v := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(max(1, u.Size())))
	return decimal(multiplied(v, factors), pricePlaces+factorPlaces*len(factors))
}

// FactorText is the product of factors as an exact decimal; "1" of none.
func FactorText(factors []NamedFactor) string {
	return decimal(multiplied(big.NewInt(1), factors), factorPlaces*len(factors))
}

func multiplied(v *big.Int, factors []NamedFactor) *big.Int {
	for _, f := range factors {
		v.Mul(v, big.NewInt(int64(f.Value)))
	}
	return v
}

// decimal writes v × 10^-places.
func decimal(v *big.Int, places int) string {
	digits := v.String()
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-places], strings.TrimRight(digits[len(digits)-places:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
