package pricing

import (
	"math/big"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Rate is a price as people read it: of one Unit, after all factors of the schedule, as an exact decimal.
type Rate struct {
	Resource inference.Resource
	Unit     Unit
	Price    string
	Currency money.Currency
}

// Rates lists what has a rule of its own, in the order of the resources. Resources that are charged at another's price
// are left out.
func (s *Schedule) Rates() []Rate {
	var out []Rate
	for r := range inference.NumResources {
		rule := s.rates[r].rule
		if rule == nil || rule.Resource != r {
			continue
		}
		out = append(out, Rate{r, rule.Unit, s.unitPrice(s.rates[r].price, rule.Unit), s.Currency})
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
