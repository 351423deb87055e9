package pricing_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// dimensions of all generated rules.
const dimensionSchema = `{"resolution":{"type":"string","enum":["480p","720p","1080p"],"default":"720p"},"audio":{"type":"boolean","default":false},"fps":{"type":"integer","minimum":1,"maximum":60,"default":24}}`

// formulas that are hard to bound: they jump, fall, divide, and depend on what they do not price.
var formulas = []string{
	"quantity", "quantity / 3", "ceil(quantity / 1000)", "max(0, quantity - 1000)", "min(quantity, 5000)",
	"quantity * (input_tokens <= 2000 ? 3 : 1)", "quantity * tier(tokens, 100, 5, 3000, 2, 1)",
	"quantity * 10 / max(1, output_tokens)", "quantity > 4000 ? 1 : quantity", "quantity * fps / 24",
	"audio ? quantity * 2 : quantity", "text_output * (text_output <= 200 ? 9 : 2)", "max(quantity, 10000 / max(1, quantity))",
}

// drawRule makes a rule for a resource, as JSON. Monotone rules never cost less for more.
func drawRule(t *rapid.T, r inference.Resource, kinds []string, monotone bool) string {
	unit := map[bool]string{true: "1k_tokens", false: "request"}[r <= inference.AudioOutput]
	price := func(label string) string {
		return money.Amount(rapid.Int64Range(0, 5_000_000_000).Draw(t, label)).Text(money.USD)
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	head := fmt.Sprintf(`"resourceType":%q,"unit":%q,"calculatorType":%q,"dimensionSchema":%s`, r.String(), unit, kind, dimensionSchema)
	if rapid.Bool().Draw(t, "weighted") {
		head += `,"baseWeight":{"resolution":{"1080p":2.5,"*":0.7}},"dynamicWeight":{"timezone":"+08:00","windows":[{"from":"22:00","to":"06:00","factor":0.3}]}`
	}
	switch kind {
	case "tiered":
		prices := []string{price("a"), price("b"), price("c")}
		config := drawTiers(t, prices, monotone)
		return "{" + head + `,"formulaConfig":` + config + "}"
	case "matrix":
		return "{" + head + fmt.Sprintf(`,"formulaConfig":{"prices":[
			{"when":{"resolution":"480p","audio":true},"price":%s},{"when":{"resolution":"720p","audio":true},"price":%s},
			{"when":{"resolution":"1080p","audio":true},"price":%s},{"when":{"resolution":"480p","audio":false},"price":%s},
			{"when":{"resolution":"720p","audio":false},"price":%s},{"when":{"resolution":"1080p","audio":false},"price":%s}]}}`,
			price("a"), price("b"), price("c"), price("d"), price("e"), price("f"))
	case "formula":
		return "{" + head + fmt.Sprintf(`,"basePrice":0.0125,"formulaConfig":{"expr":%q}}`, rapid.SampledFrom(formulas).Draw(t, "formula"))
	default:
		return "{" + head + `,"basePrice":` + price("price") + "}"
	}
}

func drawTiers(t *rapid.T, prices []string, monotone bool) string {
	by := rapid.SampledFrom([]string{`"by":"context"`, `"by":"volume"`, `"by":"volume","mode":"graduated"`}).Draw(t, "by")
	if monotone && !strings.Contains(by, "graduated") {
		slices.SortFunc(prices, func(a, b string) int { return amountOf(a).Cmp(amountOf(b)) })
	}
	first := rapid.Int64Range(1, 3000).Draw(t, "first limit")
	return fmt.Sprintf(`{%s,"tiers":[{"upTo":%d,"price":%s},{"upTo":%d,"price":%s},{"price":%s}]}`,
		by, first, prices[0], first+rapid.Int64Range(1, 3000).Draw(t, "second limit"), prices[1], prices[2])
}

func amountOf(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}

// drawConfig makes rules for some resources, always for text input and output and for searches.
func drawConfig(t *rapid.T, kinds []string, monotone bool) string {
	var out []string
	for r := range inference.NumResources {
		if measured := r <= inference.AudioOutput || r == inference.Request || r == inference.Search; !measured {
			continue
		}
		if r == inference.TextInput || r == inference.TextOutput || r == inference.Search || rapid.Bool().Draw(t, r.String()) {
			out = append(out, drawRule(t, r, kinds, monotone))
		}
	}
	return `{"currency":"USD","rules":[` + strings.Join(out, ",") + `]}`
}

// drawInputs makes a call; quantities are small enough to meet the limits of tiers often.
func drawInputs(t *rapid.T) pricing.Inputs {
	in := pricing.Inputs{
		At: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "at"), 0), Discounts: drawDiscounts(t),
		Dimensions: pricing.Dimensions{
			"resolution": rapid.SampledFrom([]string{"480p", "720p", "1080p"}).Draw(t, "resolution"),
			"audio":      rapid.SampledFrom([]string{"true", "false"}).Draw(t, "audio"),
			"fps":        rapid.SampledFrom([]string{"1", "24", "60"}).Draw(t, "fps"),
		},
	}
	for r := range inference.NumResources {
		if r <= inference.AudioOutput || r == inference.Search {
			in.Usage.Quantities[r] = rapid.Int64Range(0, 5000).Draw(t, "quantity of "+r.String())
		}
	}
	return in
}

func drawDiscounts(t *rapid.T) []pricing.NamedFactor {
	factor := rapid.Map(rapid.Int64Range(1, 3e9), func(v int64) money.Factor { return money.Factor(v) })
	return pricing.Discounts{
		Group: factor.Draw(t, "group"), Tenant: factor.Draw(t, "tenant"), User: factor.Draw(t, "user"),
	}.Named()
}

func drawSchedule(t *rapid.T, config string) *pricing.Schedule {
	parsed, err := pricing.ParseConfig(json.RawMessage(config))
	if err != nil {
		t.Fatalf("%v in %s", err, config)
	}
	s, err := pricing.Compile(parsed, pricing.Discounts{Platform: 900_000_000}.Named()...)
	if err != nil {
		t.Fatalf("%v in %s", err, config)
	}
	return s
}

func bill(t *rapid.T, s *pricing.Schedule, in pricing.Inputs) ([]pricing.Line, money.Amount) {
	lines, sum, err := s.Bill(&in)
	if err != nil {
		t.Fatal(err)
	}
	if sum < 0 {
		t.Fatalf("a bill of %d", sum)
	}
	return lines, sum
}

// P5: the price is monotone in each quantity.
func TestMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t, drawConfig(t, []string{"unit", "tiered", "matrix"}, true))
		in := drawInputs(t)
		_, before := bill(t, s, in)
		r := rapid.SampledFrom([]inference.Resource{
			inference.TextInput, inference.TextInputCached, inference.TextOutput, inference.TextReasoning, inference.Search,
		}).Draw(t, "resource")
		in.Usage.Quantities[r] += rapid.Int64Range(1, 5000).Draw(t, "more")
		if _, after := bill(t, s, in); after < before {
			t.Fatalf("more of %s costs %d instead of %d", r, after, before)
		}
	})
}

// P5: the price is additive over lines: each resource costs the same alone, and the lines sum up to the bill.
func TestAdditive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t, drawConfig(t, []string{"unit", "matrix"}, false))
		in := drawInputs(t)
		lines, sum := bill(t, s, in)
		var apart, written money.Amount
		for i := range lines {
			written += lines[i].Amount
		}
		for r, q := range in.Usage.Quantities {
			one := in
			one.Usage = inference.Usage{}
			one.Usage.Quantities[r] = q
			for _, l := range first(bill(t, s, one)) {
				if l.Resource != inference.Request {
					apart += l.Amount
				}
			}
		}
		for _, l := range lines {
			if l.Resource == inference.Request {
				apart += l.Amount
			}
		}
		if written != sum || apart != sum {
			t.Fatalf("the bill is %d, its lines %d, its resources apart %d", sum, written, apart)
		}
	})
}

func first[A, B any](a A, _ B) A { return a }

// P5: the order of the rules does not matter.
func TestInvariantUnderOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var config pricing.Config
		if err := json.Unmarshal([]byte(drawConfig(t, []string{"unit", "tiered", "matrix", "formula"}, false)), &config); err != nil {
			t.Fatal(err)
		}
		in := drawInputs(t)
		_, sum := bill(t, compiled(t, &config), in)
		config.Rules = rapid.Permutation(config.Rules).Draw(t, "order")
		if _, other := bill(t, compiled(t, &config), in); other != sum {
			t.Fatalf("in another order %d instead of %d", other, sum)
		}
	})
}

func compiled(t *rapid.T, c *pricing.Config) *pricing.Schedule {
	parsed, err := c.Compile()
	if err != nil {
		t.Fatal(err)
	}
	s, err := pricing.Compile(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// P8: what is held covers whatever is used, while quantities are within those of the hold.
func TestWorstCaseCovers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t, drawConfig(t, []string{"unit", "tiered", "matrix", "formula"}, false))
		in := drawInputs(t)
		hold, err := s.WorstCase(&in)
		if err != nil {
			t.Fatal(err)
		}
		for r, most := range in.Usage.Quantities {
			in.Usage.Quantities[r] = rapid.OneOf(rapid.Int64Range(0, most), rapid.Just(most)).Draw(t, "used")
		}
		lines, sum := bill(t, s, in)
		if sum > hold {
			t.Fatalf("held %d, billed %d", hold, sum)
		}
		checkAgreement(plain{t}, "drawn", s, in, lines, sum)
	})
}

// plain lets a check of rapid stand where a test is asked for.
type plain struct{ *rapid.T }

func (plain) Helper() {}

// P8: so does a hold for tokens whose classes are not known yet.
func TestWorstCaseCoversAnySplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t, drawConfig(t, []string{"unit", "tiered", "matrix", "formula"}, false))
		in := drawInputs(t)
		used := in.Usage
		in.Usage.Quantities = inference.Quantities{}
		in.Usage.Quantities[inference.TextInput] = used.InputTokens()
		in.Usage.Quantities[inference.TextOutput] = used.OutputTokens()
		in.Usage.Quantities[inference.Search] = used.Quantities[inference.Search]
		in.Split = true
		hold, err := s.WorstCase(&in)
		if err != nil {
			t.Fatal(err)
		}
		in.Usage = used
		if _, sum := bill(t, s, in); sum > hold {
			t.Fatalf("held %d, billed %d", hold, sum)
		}
	})
}

// Where more never costs less, the worst case is the price itself: nothing is held in excess.
func TestWorstCaseIsTight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchedule(t, drawConfig(t, []string{"unit", "tiered", "matrix"}, true))
		in := drawInputs(t)
		_, sum := bill(t, s, in)
		if hold, err := s.WorstCase(&in); err != nil || hold != sum {
			t.Fatalf("held %d, %v; the price is %d", hold, err, sum)
		}
	})
}
