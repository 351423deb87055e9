package pricing

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Schedule is what one route charges: for each resource the rule that prices it, and the discounts that always apply.
// It is immutable and safe for concurrent use.
type Schedule struct {
	Currency money.Currency
	SetID    id.ID
	Version  int64
	rates    [inference.NumResources]rate
	factors  []NamedFactor
	product  []money.Factor
	perCall  bool
}

// rate is a compiled rule; a nil rule means that the resource has no price.
type rate struct {
	rule  *Rule
	price money.Price
}

// substitutes names, for a resource without a price of its own, the resource at whose price it is charged, so that a
// cheaper class of tokens that nobody priced is never free by accident.
var substitutes = map[inference.Resource]inference.Resource{
	inference.TextInputCached:  inference.TextInput,
	inference.TextCacheWrite:   inference.TextInput,
	inference.TextCacheWrite1h: inference.TextCacheWrite,
	inference.ImageInput:       inference.TextInput,
	inference.AudioInput:       inference.TextInput,
	inference.TextReasoning:    inference.TextOutput,
	inference.ImageOutput:      inference.TextOutput,
	inference.AudioOutput:      inference.TextOutput,
}

// Compile makes a schedule of rules in one currency. Among rules for one resource the higher priority wins, then the
// earlier one. Codes: price_no_rules, price_currency_mixed, price_calculator_unknown.
func Compile(rules []Rule, factors ...NamedFactor) (*Schedule, error) {
	if len(rules) == 0 {
		return nil, ErrNoRules
	}
	s := &Schedule{Currency: rules[0].Currency, factors: factors}
	ordered := slices.Clone(rules)
	slices.SortStableFunc(ordered, func(a, b Rule) int { return int(b.Priority - a.Priority) })
	for i := range ordered {
		if err := s.add(&ordered[i]); err != nil {
			return nil, err
		}
	}
	s.substitute()
	for _, f := range factors {
		s.product = append(s.product, f.Value)
	}
	return s, nil
}

func (s *Schedule) add(r *Rule) error {
	if r.Status != "" && r.Status != "active" {
		return nil
	}
	if r.Currency != s.Currency {
		return ErrCurrencyMixed.At("rules[" + r.Key + "].currency")
	}
	if r.Calculator != "" && r.Calculator != CalculatorUnit {
		return ErrCalculator.At("rules[" + r.Key + "].calculatorType")
	}
	if s.rates[r.Resource].rule == nil {
		s.rates[r.Resource] = rate{rule: r, price: r.Price}
	}
	return nil
}

func (s *Schedule) substitute() {
	s.perCall = s.rates[inference.Request].rule != nil && !s.pricesTokens()
	for missing := range inference.NumResources {
		for r, ok := missing, true; s.rates[missing].rule == nil && ok; {
			if r, ok = substitutes[r]; ok {
				s.rates[missing] = s.rates[r]
			}
		}
	}
}

func (s *Schedule) pricesTokens() bool {
	return s.rates[inference.TextInput].rule != nil || s.rates[inference.TextOutput].rule != nil
}

// Prices reports whether the resource can be priced.
func (s *Schedule) Prices(r inference.Resource) bool {
	return s.rates[r].rule != nil || (s.perCall && isToken(r))
}

// Price is the price of one natural unit before factors; 0 when there is none.
func (s *Schedule) Price(r inference.Resource) money.Price { return s.rates[r].price }

// Factors are the discounts that always apply.
func (s *Schedule) Factors() []NamedFactor { return s.factors }

// isToken reports whether r counts tokens: a price per call covers those.
func isToken(r inference.Resource) bool { return r <= inference.AudioOutput }

// Amount is what a usage costs, without its lines: for holds and marks. It does not allocate.
// A call that consumed anything at all also counts as one request. Codes: price_unpriced, price_overflow.
func (s *Schedule) Amount(u *inference.Usage) (money.Amount, error) {
	var sum money.Amount
	for r := range inference.NumResources {
		amount, _, err := s.charge(r, u)
		if err != nil {
			return 0, err
		}
		if sum, err = sum.Add(amount); err != nil {
			return 0, ErrOverflow.Because(err)
		}
	}
	return sum, nil
}

// Bill is what a usage costs, line by line, and the sum of the lines. Codes as Amount.
func (s *Schedule) Bill(u *inference.Usage) ([]Line, money.Amount, error) {
	lines := make([]Line, 0, 4)
	var sum money.Amount
	for r := range inference.NumResources {
		amount, quantity, err := s.charge(r, u)
		if err != nil {
			return nil, 0, err
		}
		if quantity == 0 {
			continue
		}
		rule := s.rates[r].rule
		lines = append(lines, Line{
			Resource: r, Quantity: quantity, Unit: rule.Unit, Price: s.rates[r].price, Factors: s.factors,
			Currency: s.Currency, Amount: amount, RuleID: rule.ID, Estimated: u.Estimated,
		})
		if sum, err = sum.Add(amount); err != nil {
			return nil, 0, ErrOverflow.Because(err)
		}
	}
	return lines, sum, nil
}

// charge prices one resource of a usage: the one place where quantity meets price. The quantity is 0 when the resource
// makes no line.
func (s *Schedule) charge(r inference.Resource, u *inference.Usage) (money.Amount, int64, error) {
	quantity := u.Quantities[r]
	if r == inference.Request && quantity == 0 && s.rates[r].rule != nil && !u.IsZero() {
		quantity = 1
	}
	if quantity == 0 {
		return 0, 0, nil
	}
	if s.rates[r].rule == nil {
		if s.perCall && isToken(r) {
			return 0, 0, nil
		}
		return 0, 0, ErrUnpriced.With("resource", r.String())
	}
	amount, err := money.Charge(s.Currency, quantity, s.rates[r].price, s.product...)
	if err != nil {
		return 0, 0, ErrOverflow.Because(err)
	}
	return amount, quantity, nil
}
