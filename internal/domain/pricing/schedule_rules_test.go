package pricing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func schedule(tb testing.TB, config string, factors ...pricing.NamedFactor) *pricing.Schedule {
	tb.Helper()
	parsed, err := pricing.ParseConfig(json.RawMessage(config))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := pricing.Compile(parsed, factors...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

const pictures = `{"currency":"USD","rules":[{"resourceType":"image","unit":"image","calculatorType":"matrix",
	"dimensionSchema":{"size":{"enum":["1k","2k","4k"],"default":"1k"},"hd":{"type":"boolean"}},
	"formulaConfig":{"prices":[{"when":{"size":"1k","hd":false},"price":1},{"when":{"size":"2k","hd":true},"price":2}]}}]}`

// TestCombinationsWithoutPrice are refused before anything is sent, with the dimension at fault.
func TestCombinationsWithoutPrice(t *testing.T) {
	t.Parallel()
	s := schedule(t, pictures)
	for name, c := range map[string]struct {
		dims      pricing.Dimensions
		dimension string
		value     string
	}{
		"not told":           {pricing.Dimensions{}, "hd", ""},
		"no such value":      {pricing.Dimensions{"hd": "maybe"}, "hd", "maybe"},
		"no such size":       {pricing.Dimensions{"hd": "true", "size": "8k"}, "size", "8k"},
		"no such pair":       {pricing.Dimensions{"hd": "true", "size": "1k"}, "size", "1k"},
		"never priced value": {pricing.Dimensions{"hd": "false", "size": "4k"}, "size", "4k"},
	} {
		in := pricing.Inputs{Dimensions: c.dims}
		in.Usage.Quantities[inference.Image] = 1
		for way, price := range map[string]func(*pricing.Inputs) (money.Amount, error){"Amount": s.Amount, "WorstCase": s.WorstCase} {
			_, err := price(&in)
			f := fault.From(err)
			if !errors.Is(err, pricing.ErrDimension) || f.Details["dimension"] != c.dimension || f.Details["value"] != c.value {
				t.Errorf("%s: %s: %v, %v", name, way, err, f)
			}
		}
	}
}

func TestWeightsAndDimensionsOfFormulasAreAskedFor(t *testing.T) {
	t.Parallel()
	const schema = `"dimensionSchema":{"fps":{"type":"number","minimum":1,"maximum":60}}`
	for name, rule := range map[string]string{
		"weight":  `"basePrice":1,"baseWeight":{"fps":{"*":2}},` + schema,
		"formula": `"basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"quantity * fps"},` + schema,
	} {
		s := schedule(t, `{"currency":"USD","rules":[{"resourceType":"video_second","unit":"second",`+rule+`}]}`)
		for _, value := range []string{"", "0", "61", "1e1", "-1", "24.0000000001", "x"} {
			in := pricing.Inputs{Dimensions: pricing.Dimensions{"fps": value}}
			in.Usage.Quantities[inference.VideoSecond] = 2
			if _, _, err := s.Bill(&in); !errors.Is(err, pricing.ErrDimension) {
				t.Errorf("%s at %q fps: %v", name, value, err)
			}
		}
		in := pricing.Inputs{Dimensions: pricing.Dimensions{"fps": "23.976"}}
		in.Usage.Quantities[inference.VideoSecond] = 2
		want := map[string]string{"weight": "4", "formula": "47.952"}[name]
		if sum, err := s.Amount(&in); err != nil || sum.Text(money.USD) != want {
			t.Errorf("%s: %s, %v; want %s", name, sum.Text(money.USD), err, want)
		}
	}
}

func TestReasoningIsFoldedIntoFormulas(t *testing.T) {
	t.Parallel()
	s := schedule(t, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"token","basePrice":0},
		{"resourceType":"text_output","unit":"token","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"ceil(text_output / 10)"}}]}`)
	var in pricing.Inputs
	in.Usage.Quantities[inference.TextOutput], in.Usage.Quantities[inference.TextReasoning] = 5, 6
	lines, sum, err := s.Bill(&in)
	if err != nil || len(lines) != 1 || lines[0].Quantity != 11 || sum.Text(money.USD) != "2" {
		t.Errorf("%+v, %v, %v", lines, sum, err)
	}
}

func TestOverflowIsRefused(t *testing.T) {
	t.Parallel()
	const most = 1<<63 - 1
	for name, c := range map[string]struct {
		config string
		q      inference.Quantities
	}{
		"amount":  {chat, inference.Quantities{inference.TextOutput: most}},
		"sum":     {`{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":9000},{"resourceType":"search","unit":"request","basePrice":9000}]}`, inference.Quantities{inference.Image: 1e6, inference.Search: 1e6}},
		"context": {`{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"tiers":[{"price":1e-9}]}}]}`, inference.Quantities{inference.TextInput: most, inference.TextInputCached: most}},
		"folding": {`{"currency":"USD","rules":[{"resourceType":"text_output","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"by":"volume","tiers":[{"price":1e-9}]}}]}`, inference.Quantities{inference.TextOutput: most, inference.TextReasoning: 1}},
		"formula": {`{"currency":"USD","rules":[{"resourceType":"text_output","unit":"token","basePrice":0.001,"calculatorType":"formula","formulaConfig":{"expr":"quantity * quantity / 1000"}}]}`, inference.Quantities{inference.TextOutput: most / 2}},
	} {
		s := schedule(t, c.config)
		in := pricing.Inputs{Usage: inference.Usage{Quantities: c.q}}
		_, _, billed := s.Bill(&in)
		_, summed := s.Amount(&in)
		_, held := s.WorstCase(&in)
		in.Split = true
		_, split := s.WorstCase(&in)
		for _, err := range []error{billed, summed, held, split} {
			if !errors.Is(err, pricing.ErrOverflow) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDiscountsStandOnTheLineInOrder(t *testing.T) {
	t.Parallel()
	d := pricing.Discounts{Platform: 900_000_000, PlatformModel: 800_000_000, Group: 700_000_000, Tenant: money.One, User: 1_100_000_000}
	callers := pricing.Discounts{Group: d.Group, Tenant: d.Tenant, User: d.User}.Named()
	s := schedule(t, `{"currency":"USD","rules":[{"resourceType":"characters","unit":"1m_characters","basePrice":15,"dynamicWeight":{"discountFactor":0.5}}]}`,
		pricing.Discounts{Platform: d.Platform, PlatformModel: d.PlatformModel}.Named()...)
	in := pricing.Inputs{Discounts: callers}
	in.Usage.Quantities[inference.Characters] = 1_000_000
	lines, sum, err := s.Bill(&in)
	if err != nil {
		t.Fatal(err)
	}
	want := []pricing.NamedFactor{
		{Name: "discount", Value: 500_000_000},
		{Name: "platform", Value: 900_000_000},
		{Name: "platform_model", Value: 800_000_000},
		{Name: "group", Value: 700_000_000},
		{Name: "user", Value: 1_100_000_000},
	}
	if diff := cmp.Diff(want, lines[0].Factors); diff != "" {
		t.Error(diff)
	}
	if got := sum.Text(money.USD); got != "4.158" { // 15 × 0.5 × 0.9 × 0.8 × 0.7 × 1.1
		t.Errorf("sum %s", got)
	}
	if diff := cmp.Diff([]pricing.NamedFactor{{Name: "platform", Value: 900_000_000}, {Name: "platform_model", Value: 800_000_000}}, s.Factors()); diff != "" {
		t.Errorf("the schedule's own factors changed: %s", diff)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	p, err := pricing.ParsePolicy(json.RawMessage(`{"default":0.9,"models":{"gpt-5":0.5,"qwen":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	for alias, want := range map[string]money.Factor{"gpt-5": 500_000_000, "qwen": money.One, "other": 900_000_000} {
		if got := p.Factor(alias); got != want {
			t.Errorf("%s: %s", alias, got.Text())
		}
	}
	for _, raw := range []string{"", "{}", "null"} {
		if p, err := pricing.ParsePolicy(json.RawMessage(raw)); err != nil || p.Factor("x") != money.One {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if (*pricing.Policy)(nil).Factor("x") != money.One {
		t.Error("no policy changes the price")
	}
	for raw, path := range map[string]string{
		`{"default":0}`: "default", `{"default":-1}`: "default", `{"default":1001}`: "default", `{"default":"1"}`: "default",
		`{"models":{"a":0}}`: "models.a", `{"models":{"a":1e-10}}`: "models.a", `{"groups":{}}`: "groups", `[]`: "",
	} {
		_, err := pricing.ParsePolicy(json.RawMessage(raw))
		if f := fault.From(err); !errors.Is(err, pricing.ErrPolicy) || (f.Path != path && raw != `{"default":"1"}`) {
			t.Errorf("%s: %v, want path %s", raw, err, path)
		}
	}
}

// versions of one set: the first for ever, the second from 2026 on, the third disabled, the fourth from 2027 on.
func versions(set id.ID) []pricing.RuleSet {
	price := func(p money.Price) []pricing.Rule {
		return []pricing.Rule{{Resource: inference.Image, Unit: pricing.PerImage, Price: p, Currency: money.USD}}
	}
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	return []pricing.RuleSet{
		{ID: set, Version: 4, Currency: money.USD, EffectiveAt: year(2027), Rules: price(4e15)},
		{ID: set, Version: 1, Currency: money.USD, Rules: price(1e15)},
		{ID: set, Version: 3, Currency: money.USD, EffectiveAt: year(2026), Status: "disabled", Rules: price(3e15)},
		{ID: set, Version: 2, Currency: money.USD, EffectiveAt: year(2026), Status: "active", Default: true, Rules: price(2e15)},
	}
}

func TestVersionInForce(t *testing.T) {
	t.Parallel()
	set := id.At(time.Unix(1, 0))
	b := pricing.NewBook(versions(set))
	if !b.Has(set) || b.Default() != set || b.DefaultFor(money.USD) != set || !b.DefaultFor(money.CNY).IsZero() {
		t.Error("the set is not the default one")
	}
	start := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	s, err := b.Schedule(set, start)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int64{
		start: 1, time.Date(2025, 12, 31, 23, 59, 59, 999, time.UTC): 1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC): 2,
		time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC): 2, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC): 4,
	} {
		for _, chain := range []*pricing.Schedule{s, s.Simulated()} {
			in := pricing.Inputs{At: at}
			in.Usage.Quantities[inference.Image] = 1
			lines, _, err := chain.At(at).Bill(&in)
			if err != nil || lines[0].Version != want || lines[0].SetID != set || int64(lines[0].Amount) != want*1e9 {
				t.Errorf("%s: %+v, %v", at, lines, err)
			}
		}
		if v := b.InForce(set, at); v == nil || v.Version != want {
			t.Errorf("%s: in force is %+v", at, v)
		}
	}
}

func TestVersionsToCome(t *testing.T) {
	t.Parallel()
	set := id.At(time.Unix(1, 0))
	b := pricing.NewBook(versions(set)[:1])
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s, err := b.Schedule(set, now)
	if err != nil || s.At(now) != nil || b.InForce(set, now) != nil {
		t.Errorf("a version to come prices calls of today: %v", err)
	}
	if s.At(now.AddDate(1, 0, 0)) == nil {
		t.Error("the version never takes effect")
	}
	if (*pricing.Schedule)(nil).At(now) != nil {
		t.Error("no schedule became one")
	}
	if _, err := b.Schedule(id.ID{}, now); !errors.Is(err, pricing.ErrNoRules) {
		t.Errorf("no set: %v", err)
	}
	mixed := versions(set)
	mixed[0].Rules[0].Currency = money.CNY
	if _, err := pricing.NewBook(mixed).Schedule(set, time.Time{}); !errors.Is(err, pricing.ErrCurrencyMixed) {
		t.Errorf("versions in two currencies: %v", err)
	}
}

func TestPriority(t *testing.T) {
	t.Parallel()
	s := schedule(t, `{"currency":"USD","rules":[
		{"resourceType":"image","unit":"image","basePrice":1,"priority":-9223372036854775808},
		{"resourceType":"image","unit":"image","basePrice":2,"priority":9223372036854775807,"status":"disabled"},
		{"resourceType":"image","unit":"image","basePrice":3,"priority":5},{"resourceType":"image","unit":"image","basePrice":4,"priority":5}]}`)
	if got := s.Price(inference.Image); got != 3e15 || !s.Prices(inference.Image) || s.Prices(inference.Search) {
		t.Errorf("price %d", got)
	}
}

func TestRatesOfCalculators(t *testing.T) {
	t.Parallel()
	s := schedule(t, `{"currency":"CNY","rules":[
		{"resourceType":"audio_second","unit":"minute","basePrice":0.006},
		{"resourceType":"text_input","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":32000,"price":0.8},{"price":1.2}]}},
		{"resourceType":"text_output","unit":"1m_tokens","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"quantity * 2"}},
		{"resourceType":"image","unit":"image","calculatorType":"matrix","dimensionSchema":{"hd":{"type":"boolean"}},
			"formulaConfig":{"prices":[{"when":{"hd":true},"price":0.4},{"when":{"hd":false},"price":0.2}]}}]}`)
	var got []string
	for _, r := range s.Rates() {
		got = append(got, strings.TrimSpace(r.Resource.String()+" "+r.Price+"/"+string(r.Unit)+" "+r.Basis))
	}
	want := []string{
		"text_input 0.8/1m_tokens context<=32000", "text_input 1.2/1m_tokens context>32000", "text_output 1/1m_tokens quantity * 2",
		"image 0.4/image hd=true", "image 0.2/image hd=false", "audio_second 0.006/minute",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
