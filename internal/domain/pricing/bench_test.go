package pricing_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// aChat is a call with three lines, of a caller with two discounts, on a platform with one.
func aChat(tb testing.TB) (*pricing.Schedule, *pricing.Inputs) {
	tb.Helper()
	s := schedule(tb, chat, pricing.Discounts{Platform: 900_000_000}.Named()...)
	in := &pricing.Inputs{Discounts: pricing.Discounts{Group: 850_000_000, User: 1_100_000_000}.Named()}
	in.Usage.Quantities = inference.Quantities{inference.TextInput: 1234, inference.TextInputCached: 8192, inference.TextOutput: 567}
	return s, in
}

// TestAllocations counts what a neighbour would make too, and so does not run in parallel.
func TestAllocations(t *testing.T) {
	s, in := aChat(t)
	usage, discounts := in.Usage, in.Discounts
	var sum money.Amount
	for name, c := range map[string]struct {
		most  float64
		price func()
	}{
		"Amount": {0, func() { in := pricing.Inputs{Usage: usage, Discounts: discounts}; sum, _ = s.Amount(&in) }},
		"WorstCase": {0, func() {
			in := pricing.Inputs{Usage: usage, Discounts: discounts, Split: true}
			sum, _ = s.WorstCase(&in)
		}},
		"Bill": {2, func() { in := pricing.Inputs{Usage: usage, Discounts: discounts}; _, sum, _ = s.Bill(&in) }},
	} {
		if n := testing.AllocsPerRun(100, c.price); n > c.most || sum == 0 {
			t.Errorf("%s makes %v allocations", name, n)
		}
	}
}

func BenchmarkAmount(b *testing.B) {
	s, in := aChat(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Amount(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBill(b *testing.B) {
	s, in := aChat(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Bill(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBillWithoutDiscounts(b *testing.B) {
	s, in := aChat(b)
	in.Discounts = nil
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Bill(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWorstCase(b *testing.B) {
	s, in := aChat(b)
	in.Split = true
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.WorstCase(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormula(b *testing.B) {
	s := schedule(b, `{"currency":"CNY","rules":[{"resourceType":"text_output","unit":"1m_tokens","basePrice":1,"calculatorType":"formula",
		"formulaConfig":{"expr":"text_output * (input_tokens <= 32768 ? (text_output <= 200 ? 2 : 8) : 16)"}},
		{"resourceType":"text_input","unit":"1m_tokens","basePrice":0.8}]}`)
	in := &pricing.Inputs{}
	in.Usage.Quantities = inference.Quantities{inference.TextInput: 1234, inference.TextOutput: 567}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Bill(in); err != nil {
			b.Fatal(err)
		}
	}
}
