package pricing_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// rounded is x times the factors in nano units, half up, or -1 beyond what an amount holds.
func rounded(x *big.Rat, factors ...int64) int64 {
	for _, f := range factors {
		x.Mul(x, big.NewRat(f, 1e9))
	}
	x.Mul(x, big.NewRat(1e9, 1)).Add(x, big.NewRat(1, 2))
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if !n.IsInt64() {
		return -1
	}
	return n.Int64()
}

// FuzzCalculators compares each calculator with rationals.
func FuzzCalculators(f *testing.F) {
	f.Add(int64(1000), int64(1000), int64(200), int64(100), int64(2500), int64(1), int64(900_000_000))
	f.Add(int64(math.MaxInt64/2), int64(1), int64(1), int64(1), int64(1), int64(math.MaxInt32), int64(1))
	f.Fuzz(func(t *testing.T, input, output, limit, more, a, b, factor int64) {
		input, output = input&(math.MaxInt64/2), output&(math.MaxInt64/2)
		limit, more = 1+limit&math.MaxInt32, 1+more&math.MaxInt32
		a, b, factor = 1+a&math.MaxInt32, 1+b&math.MaxInt32, 1+factor&math.MaxInt32
		pa, pb := money.Amount(a).Text(money.USD), money.Amount(b).Text(money.USD)
		for name, c := range map[string]struct {
			rule string
			want []*big.Rat
		}{
			"unit":      {fmt.Sprintf(`"basePrice":%s`, pa), []*big.Rat{times(output, a)}},
			"context":   {tiers("context", "whole", limit, limit+more, pa, pb, "0.5"), []*big.Rat{times(output, pick(input, limit, limit+more, a, b))}},
			"volume":    {tiers("volume", "whole", limit, limit+more, pa, pb, "0.5"), []*big.Rat{times(output, pick(output, limit, limit+more, a, b))}},
			"graduated": {tiers("volume", "graduated", limit, limit+more, pa, pb, "0.5"), slices3(output, limit, more, a, b)},
			"matrix": {
				fmt.Sprintf(`"calculatorType":"matrix","dimensionSchema":{"hd":{"type":"boolean"}},"formulaConfig":{"prices":[{"when":{"hd":true},"price":%s},{"when":{"hd":false},"price":%s}]}`, pa, pb),
				[]*big.Rat{times(output, b)},
			},
			"formula": {
				fmt.Sprintf(`"calculatorType":"formula","basePrice":%s,"formulaConfig":{"expr":"ceil(quantity / %d) + max(0, input_tokens - %d) / 7"}`, pa, limit, more),
				[]*big.Rat{blocks(output, limit, input, more, a)},
			},
		} {
			check(t, name, c.rule, input, output, factor, c.want)
		}
	})
}

func times(quantity, nano int64) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(quantity, 1), big.NewRat(nano, 1e9))
}

func pick(measure, first, second, a, b int64) int64 {
	switch {
	case measure <= first:
		return a
	case measure <= second:
		return b
	default:
		return 500_000_000
	}
}

func slices3(quantity, limit, more, a, b int64) []*big.Rat {
	out := []*big.Rat{times(min(quantity, limit), a)}
	if quantity > limit {
		out = append(out, times(min(quantity-limit, more), b))
	}
	if quantity-limit > more {
		out = append(out, times(quantity-limit-more, 500_000_000))
	}
	return out
}

func blocks(output, limit, input, more, a int64) *big.Rat {
	whole := (output / limit)
	if output%limit != 0 {
		whole++
	}
	units := new(big.Rat).Add(big.NewRat(whole, 1), big.NewRat(max(0, input-more), 7))
	return units.Mul(units, big.NewRat(a, 1e9))
}

func tiers(by, mode string, first, second int64, prices ...string) string {
	return fmt.Sprintf(`"calculatorType":"tiered","formulaConfig":{"by":%q,"mode":%q,"tiers":[{"upTo":%d,"price":%s},{"upTo":%d,"price":%s},{"price":%s}]}`,
		by, mode, first, prices[0], second, prices[1], prices[2])
}

// check compares the price of output with the exact one. Input is priced at zero.
func check(t *testing.T, name, rule string, input, output, factor int64, want []*big.Rat) {
	t.Helper()
	parsed, err := pricing.ParseConfig(json.RawMessage(`{"currency":"USD","rules":[
		{"resourceType":"text_input","unit":"token","basePrice":0},{"resourceType":"text_output","unit":"token",` + rule + `}]}`))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s, err := pricing.Compile(parsed, pricing.NamedFactor{Name: "platform", Value: money.Factor(factor)})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	in := pricing.Inputs{Dimensions: pricing.Dimensions{"hd": "false"}}
	in.Usage.Quantities[inference.TextInput], in.Usage.Quantities[inference.TextOutput] = input, output
	lines, sum, err := s.Bill(&in)
	exact := new(big.Int)
	for _, x := range want {
		part := rounded(x, factor)
		if part < 0 {
			exact = nil
			break
		}
		exact.Add(exact, big.NewInt(part))
	}
	switch {
	case output == 0:
	case exact == nil || !exact.IsInt64():
		if err == nil {
			t.Fatalf("%s: %d where the price overflows", name, sum)
		}
	case err != nil || int64(sum) != exact.Int64():
		t.Fatalf("%s: %d, %v; exactly %s", name, sum, err, exact)
	default:
		checkAgreement(t, name, s, in, lines, sum)
	}
}

// FuzzConfig reads anything as a billing configuration: what is accepted prices without panic and never below zero.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(chat), int64(1000), int64(7), "1080p")
	f.Add([]byte(`{"currency":"USD","rules":[{"resourceType":"text_output","unit":"token","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"max(1, quantity / 2)"}}]}`), int64(3), int64(0), "x")
	f.Add([]byte(`{"currency":"CNY","rules":[{"resourceType":"text_input","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":10,"price":1},{"price":2}]}}]}`), int64(11), int64(5), "")
	f.Add([]byte(`{"currency":"CNY","rules":[{"resourceType":"video_second","unit":"minute","calculatorType":"matrix","dimensionSchema":{"resolution":{"enum":["1080p"]}},"formulaConfig":{"prices":[{"when":{"resolution":"1080p"},"price":6}]},"baseWeight":{"resolution":{"*":2}},"dynamicWeight":{"discountFactor":0.5,"windows":[{"from":"22:00","to":"06:00","factor":2}]}}]}`), int64(11), int64(5), "1080p")
	f.Fuzz(func(t *testing.T, raw []byte, quantity, other int64, value string) {
		parsed, err := pricing.ParseConfig(raw)
		if err != nil || len(parsed) == 0 {
			return
		}
		s, err := pricing.Compile(parsed)
		if err != nil {
			t.Fatalf("accepted, but not compiled: %v", err)
		}
		in := pricing.Inputs{At: time.Unix(quantity, 0), Dimensions: pricing.Dimensions{"resolution": value}}
		for r := range inference.NumResources {
			if s.Prices(r) {
				in.Usage.Quantities[r] = []int64{quantity, other}[int(r)%2] & math.MaxInt64
			}
		}
		lines, sum, err := s.Bill(&in)
		if err != nil {
			return
		}
		if sum < 0 {
			t.Fatalf("a bill of %d", sum)
		}
		checkAgreement(t, "fuzzed", s, in, lines, sum)
		stored := pricing.AppendLines(nil, lines)
		var back []pricing.Line
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatalf("%v in %s", err, stored)
		}
		if again := pricing.AppendLines(nil, back); string(again) != string(stored) {
			t.Fatalf("stored %s, read and stored again %s", stored, again)
		}
	})
}
