package pricing_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func rules(t *testing.T, raw string) []pricing.Rule {
	t.Helper()
	r, err := pricing.ParseConfig(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const chat = `{"currency":"USD","rules":[
	{"resourceType":"text_input","unit":"1m_tokens","basePrice":2.50},
	{"resourceType":"text_input_cached","unit":"1m_tokens","basePrice":1.25},
	{"resourceType":"text_output","unit":"1m_tokens","basePrice":10}]}`

func TestBill(t *testing.T) {
	t.Parallel()
	s, err := pricing.Compile(rules(t, chat), pricing.NamedFactor{Name: "platform", Value: 900_000_000})
	if err != nil {
		t.Fatal(err)
	}
	u := inference.Usage{}
	u.Quantities[inference.TextInput] = 1000
	u.Quantities[inference.TextInputCached] = 1
	u.Quantities[inference.TextReasoning] = 7
	lines, sum, err := s.Bill(&pricing.Inputs{Usage: u})
	if err != nil {
		t.Fatal(err)
	}
	// 1000 × 2.5e-6 × 0.9 = 0.00225; 1 × 1.25e-6 × 0.9 = 0.000001125; reasoning at the output price: 7 × 1e-5 × 0.9.
	want := []string{"0.00225", "0.000001125", "0.000063"}
	for i, l := range lines {
		if got := l.Amount.Text(money.USD); got != want[i] {
			t.Errorf("line %d is %s, want %s", i, got, want[i])
		}
	}
	if got := sum.Text(money.USD); got != "0.002314125" {
		t.Errorf("sum %s", got)
	}
	if amount, err := s.Amount(&pricing.Inputs{Usage: u}); err != nil || amount != sum {
		t.Errorf("Amount is %v, %v; the bill's sum is %v", amount, err, sum)
	}
}

func TestLinesSurviveStorage(t *testing.T) {
	t.Parallel()
	s, err := pricing.Compile(rules(t, chat), pricing.NamedFactor{Name: `group "VIP"`, Value: 123_456_789})
	if err != nil {
		t.Fatal(err)
	}
	u := inference.Usage{Estimated: true}
	u.Quantities[inference.TextOutput], u.Quantities[inference.TextReasoning] = 12345, 6
	for _, s := range []*pricing.Schedule{s, s.Simulated()} {
		lines, _, err := s.Bill(&pricing.Inputs{Usage: u})
		if err != nil {
			t.Fatal(err)
		}
		stored := pricing.AppendLines(nil, lines)
		var back []pricing.Line
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatalf("%v in %s", err, stored)
		}
		for i := range back {
			if back[i].Currency != s.Currency || back[i].Amount != lines[i].Amount {
				t.Errorf("stored %s of lines in %s", stored, s.Currency)
			}
		}
		if again := pricing.AppendLines(nil, back); string(again) != string(stored) {
			t.Errorf("stored %s, read and stored again %s", stored, again)
		}
	}
}

func TestNeverFreeByAccident(t *testing.T) {
	t.Parallel()
	s, err := pricing.Compile(rules(t, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"token","basePrice":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	u := inference.Usage{}
	u.Quantities[inference.TextOutput] = 1
	if _, _, err := s.Bill(&pricing.Inputs{Usage: u}); !errors.Is(err, pricing.ErrUnpriced) {
		t.Errorf("unpriced output: %v", err)
	}
	if _, err := pricing.Compile(nil); !errors.Is(err, pricing.ErrNoRules) {
		t.Errorf("no rules: %v", err)
	}
}

func TestPricePerCallCoversTokens(t *testing.T) {
	t.Parallel()
	s, err := pricing.Compile(rules(t, `{"currency":"CNY","rules":[{"resourceType":"request","unit":"request","basePrice":0.3}]}`))
	if err != nil {
		t.Fatal(err)
	}
	u := inference.Usage{}
	u.Quantities[inference.TextOutput] = 100
	lines, sum, err := s.Bill(&pricing.Inputs{Usage: u})
	if err != nil || len(lines) != 1 || sum.Text("CNY") != "0.3" {
		t.Errorf("%v lines, sum %v, %v", len(lines), sum, err)
	}
	if _, sum, err = s.Bill(&pricing.Inputs{}); err != nil || sum != 0 {
		t.Errorf("nothing consumed costs %v, %v", sum, err)
	}
}

func TestConfigNamesTheField(t *testing.T) {
	t.Parallel()
	for raw, path := range map[string]string{
		`{"currency":"USD","rules":[{"resourceType":"x","unit":"token","basePrice":1}]}`:             "rules[0].resourceType",
		`{"currency":"USD","rules":[{"resourceType":"image","unit":"dozen","basePrice":1}]}`:         "rules[0].unit",
		`{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":-1}]}`:        "rules[0].basePrice",
		`{"currency":"XXX","rules":[{"resourceType":"image","unit":"image","basePrice":1}]}`:         "currency",
		`{"currency":"USD","rules":[{"resourceType":"image","unit":"1k_tokens","basePrice":1e-13}]}`: "rules[0].basePrice",
	} {
		_, err := pricing.ParseConfig(json.RawMessage(raw))
		if f := fault.From(err); f == nil || f.Path != path {
			t.Errorf("%s: %v, want path %s", raw, err, path)
		}
	}
}
