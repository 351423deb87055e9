package pricing

import (
	"math/big"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Rate is a price as people read it: of one Unit, after all factors of the schedule, as an exact decimal. Weights and
// times of its rule are not in it, because they depend on the call.
type Rate struct {
	Resource inference.Resource
	Unit     Unit
	Price    string
	Currency money.Currency
	// Basis is when this price holds, as on bill lines, such as "context<=200000"; of a formula, its text. "" always.
	Basis string
}

// Rates lists what has a rule of its own, in the order of the resources, with a line for each tier and combination. Resources that are charged at another's price
// are left out.
func (s *Schedule) Rates() []Rate {
	var out []Rate
	for r := range inference.NumResources {
		rt := &s.rates[r]
		if rt.rule == nil || rt.rule.Resource != r {
			continue
		}
		for _, p := range rt.calc.quotes() {
			out = append(out, Rate{r, rt.rule.Unit, s.unitPrice(p.price, rt.rule.Unit), s.Currency, p.basis})
		}
	}
	return out
}

// unitPrice multiplies without rounding: a price has 15 places, each factor 9 more.
func (s *Schedule) unitPrice(p money.Price, u Unit) string {
	const pricePlaces, factorPlaces = 15, 9
	v := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(max(1, u.Size())))
	places := pricePlaces
	for _, f := range s.factors {
		v.Mul(v, big.NewInt(int64(f.Value)))
		places += factorPlaces
	}
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
