package pricing

import (
	"cmp"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Schedule is what one route charges: for each resource the rule that prices it, and the discounts that always apply.
// It is immutable and safe for concurrent use.
type Schedule struct {
	Currency money.Currency
	// SetID and Version name the rule set that the rules are of; zero for rules of a billing configuration.
	SetID   id.ID
	Version int64
	rates   [inference.NumResources]rate
	factors []NamedFactor
	product []money.Factor
	perCall bool
	// folds says which classes of tokens are counted as another, because a rule that is not linear prices both.
	folds   [inference.NumResources]inference.Resource
	folding bool
	// dimensions says that a price depends on parameters of the call.
	dimensions bool
	since      time.Time
	next       *Schedule
}

// rate is a compiled rule; a nil rule means that the resource has no price.
type rate struct {
	rule    *Rule
	price   money.Price
	shown   Unit
	calc    calculator
	weights []weight
	times   *timetable
	flat    bool // a price alone, the same for every call
	written written
}

// Compile makes a schedule of rules in one currency. Among rules for one resource the higher priority wins, then the
// earlier one. Codes: price_no_rules, price_currency_mixed, price_calculator_unknown, and those of RuleInput.
func Compile(rules []Rule, factors ...NamedFactor) (*Schedule, error) {
	if len(rules) == 0 {
		return nil, ErrNoRules
	}
	s := &Schedule{Currency: rules[0].Currency, factors: factors}
	ordered := slices.Clone(rules)
	slices.SortStableFunc(ordered, func(a, b Rule) int { return cmp.Compare(b.Priority, a.Priority) })
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
	if !isActive(r.Status) || s.rates[r.Resource].rule != nil {
		return nil
	}
	if r.Currency != s.Currency {
		return ErrCurrencyMixed.At("rules[" + r.Key + "].currency")
	}
	compiled, err := newRate(r)
	if err != nil {
		return prefixed("rules["+r.Key+"].", err)
	}
	s.rates[r.Resource] = compiled
	s.dimensions = s.dimensions || !isEmpty(r.DimensionSchema)
	return nil
}

func isActive(status string) bool { return status == "" || status == "active" }

func newRate(r *Rule) (rate, error) {
	kind := r.Calculator
	if kind == "" {
		kind = CalculatorUnit
	}
	compile, ok := kinds[kind]
	if !ok {
		return rate{}, ErrCalculator.At("calculatorType")
	}
	dims, err := newSchema(r.DimensionSchema)
	if err != nil {
		return rate{}, err
	}
	out := rate{rule: r, price: r.Price, shown: r.Unit.shown()}
	if out.calc, err = compile(r, dims); err != nil {
		return rate{}, err
	}
	if out.weights, err = newWeights(r.BaseWeight, dims); err != nil {
		return rate{}, err
	}
	if out.times, err = newTimetable(r.DynamicWeight); err != nil {
		return rate{}, err
	}
	out.flat = kind == CalculatorUnit && len(out.weights) == 0 && out.times.isEmpty()
	out.written = write(&Line{Unit: out.shown, Price: r.Price, Currency: r.Currency, RuleID: r.ID})
	return out, nil
}

func (s *Schedule) substitute() {
	s.perCall = s.rates[inference.Request].rule != nil && !s.pricesTokens()
	own := s.rates
	for missing := range inference.NumResources {
		s.folds[missing] = missing
		for r, ok := missing, true; s.rates[missing].rule == nil && ok; {
			if r, ok = substitutes[r]; ok && own[r].rule != nil {
				s.rates[missing] = own[r]
				if !own[r].calc.linear() {
					s.folds[missing], s.folding = r, true
				}
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

// IsPerCall reports whether calls have a price and their tokens have none.
func (s *Schedule) IsPerCall() bool { return s.perCall }

// HasDimensions reports whether any price depends on parameters of the call: Inputs.Dimensions must hold them then.
func (s *Schedule) HasDimensions() bool { return s.dimensions }

// Price is the price of one natural unit before factors, as the rule states it; 0 when there is none.
func (s *Schedule) Price(r inference.Resource) money.Price { return s.rates[r].price }

// Factors are the discounts that always apply.
func (s *Schedule) Factors() []NamedFactor { return s.factors }

// quantities writes to q what is charged of a usage: a call that consumed anything at all also counts as one request, and
// classes that are folded count as those they are folded into. Code: price_overflow.
func (s *Schedule) quantities(q *inference.Quantities, u *inference.Usage) error {
	*q = u.Quantities
	if q[inference.Request] == 0 && s.rates[inference.Request].rule != nil && !u.IsZero() {
		q[inference.Request] = 1
	}
	if !s.folding {
		return nil
	}
	for r, into := range s.folds {
		if from := inference.Resource(r); into != from && q[from] != 0 {
			if q[from] < 0 || q[into] > maxQuantity-q[from] {
				return ErrOverflow
			}
			q[into], q[from] = q[into]+q[from], 0
		}
	}
	return nil
}

// unpriced refuses a resource that has no price, unless the price per call covers it.
func (s *Schedule) unpriced(r inference.Resource) error {
	if s.perCall && isToken(r) {
		return nil
	}
	return ErrUnpriced.With("resource", r.String())
}
