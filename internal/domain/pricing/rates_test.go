package pricing_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestRatesAreExactAndAfterFactors(t *testing.T) {
	t.Parallel()
	config := `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":0.075},
		{"resourceType":"image","unit":"image","basePrice":4}]}`
	s, err := pricing.Compile(rules(t, config), pricing.NamedFactor{Name: "a", Value: money.One / 10 * 9},
		pricing.NamedFactor{Name: "b", Value: money.One / 2})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Rates()
	if len(got) != 2 || got[0] != (pricing.Rate{Resource: inference.TextInput, Unit: pricing.Per1M, Price: "0.03375", Currency: "USD"}) ||
		got[1].Price != "1.8" {
		t.Errorf("rates %+v", got)
	}
	plain, err := pricing.Compile(rules(t, config))
	if err != nil || plain.Rates()[0].Price != "0.075" || plain.Rates()[1].Price != "4" {
		t.Errorf("without factors: %+v, %v", plain.Rates(), err)
	}
}
