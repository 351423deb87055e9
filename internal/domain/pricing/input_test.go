package pricing_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// ruleSet is a set with one rule, whose members are merged into a good one.
func ruleSet(t *testing.T, rule string) pricing.RuleSetInput {
	t.Helper()
	var in pricing.RuleSetInput
	base := `{"ruleSetKey":"rs1","name":"x","currency":"USD","rules":[{"ruleKey":"r1","resourceType":"text_output","unit":"token","basePrice":0.000001}]}`
	if err := json.Unmarshal([]byte(base), &in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(rule), &in.Rules[0]); err != nil {
		t.Fatalf("%v in %s", err, rule)
	}
	return in
}

// TestRulesAreRefused names the field at fault and the code. The cases of hostile-inputs are among them, with their ids.
func TestRulesAreRefused(t *testing.T) {
	t.Parallel()
	const hd = `"dimensionSchema":{"hd":{"type":"boolean"}},`
	long := strings.Repeat("a+", 3000) + "a"
	for _, c := range []struct{ id, rule, code, path string }{
		{"PRICE-001", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"1/0"}}`, "formula_invalid", "formulaConfig.expr"},
		{"PRICE-006", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"9**9**9**9"}}`, "formula_limit", "formulaConfig.expr"},
		{"PRICE-007", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"repeat(\"a\",1e9)"}}`, "formula_invalid", "formulaConfig.expr"},
		{"PRICE-008", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"os.Getenv(\"GANTRY_SECRET\")"}}`, "formula_invalid", "formulaConfig.expr"},
		{"PRICE-010", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"-1*tokens"}}`, "formula_invalid", "formulaConfig.expr"},
		{"PRICE-011", `{"resourceType":"chat","basePrice":-0.5,"formulaConfig":{}}`, "amount_invalid", "basePrice"},
		{"PRICE-012", `{"resourceType":"chat","basePrice":1,"formulaConfig":{},"dynamicWeight":{"discountFactor":-1}}`, "invalid_parameter", "dynamicWeight.discountFactor"},
		{"PRICE-012 zero", `{"dynamicWeight":{"discountFactor":0}}`, "invalid_parameter", "dynamicWeight.discountFactor"},
		{"PRICE-012 huge", `{"dynamicWeight":{"discountFactor":1e9}}`, "invalid_parameter", "dynamicWeight.discountFactor"},
		{"PRICE-012 text", `{"dynamicWeight":{"discountFactor":"NaN"}}`, "price_weight_invalid", "dynamicWeight"},
		{"PRICE-013", `{"resourceType":"chat","calculatorType":"formula","formulaConfig":{"expr":"tokenz*2"}}`, "formula_invalid", "formulaConfig.expr"},
		{"PRICE-014", `{"resourceType":"chat","calculatorType":"formula","currency":"CNY","formulaConfig":{}}`, "invalid_parameter", "currency"},
		{"PRICE-016", `{"resourceType":"chat","calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":10,"price":1},{"upTo":5,"price":2}]}}`, "formula_invalid", "formulaConfig.tiers[1].upTo"},

		{"resource", `{"resourceType":"chat"}`, "price_resource_unknown", "resourceType"},
		{"resource and unit", `{"resourceType":"chat","unit":""}`, "price_resource_unknown", "resourceType"},
		{"unit", `{"unit":"dozen"}`, "price_unit_unknown", "unit"},
		{"unit of another resource", `{"unit":"second"}`, "price_unit_unknown", "unit"},
		{"tokens for a picture", `{"resourceType":"image"}`, "price_unit_unknown", "unit"},
		{"calculator", `{"calculatorType":"lua"}`, "price_calculator_unknown", "calculatorType"},
		{"precision", `{"basePrice":1e-16}`, "amount_precision", "basePrice"},
		{"an hour that is no decimal", `{"resourceType":"audio_second","unit":"hour","basePrice":0.111}`, "amount_precision", "basePrice"},
		{"too large", `{"basePrice":10000}`, "amount_invalid", "basePrice"},
		{"no price", `{"basePrice":null,"calculatorType":"formula","formulaConfig":{"expr":"tokens"}}`, "", ""},
		{"key", `{"ruleKey":"a b"}`, "invalid_parameter", "ruleKey"},
		{"status", `{"status":"gone"}`, "invalid_parameter", "status"},
		{"name", `{"displayName":"` + strings.Repeat("x", 300) + `"}`, "invalid_parameter", "displayName"},
		{"unit with a configuration", `{"formulaConfig":{"expr":"1"}}`, "formula_invalid", "formulaConfig"},

		{"formula free by accident", `{"basePrice":0,"calculatorType":"formula","formulaConfig":{"expr":"tokens"}}`, "amount_invalid", "basePrice"},
		{"formula missing", `{"calculatorType":"formula","formulaConfig":{"expr":" "}}`, "formula_invalid", "formulaConfig.expr"},
		{"formula too long", `{"calculatorType":"formula","formulaConfig":{"expr":"` + long + `"}}`, "formula_limit", "formulaConfig.expr"},
		{"formula with a stray member", `{"calculatorType":"formula","formulaConfig":{"expr":"tokens","lua":1}}`, "formula_invalid", "formulaConfig.lua"},
		{"formula that overflows daily", `{"basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"tokens * tokens * tokens"}}`, "formula_invalid", "formulaConfig.expr"},
		{"meter hidden by a dimension", `{"dimensionSchema":{"tokens":{"type":"integer"}},"calculatorType":"formula","formulaConfig":{"expr":"tokens"}}`, "price_dimension_invalid", "dimensionSchema.tokens"},

		{"no tiers", `{"calculatorType":"tiered","formulaConfig":{}}`, "formula_invalid", "formulaConfig.tiers"},
		{"gap at the end", `{"calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":10,"price":1}]}}`, "formula_invalid", "formulaConfig.tiers[0].upTo"},
		{"open in the middle", `{"calculatorType":"tiered","formulaConfig":{"tiers":[{"price":1},{"price":2}]}}`, "formula_invalid", "formulaConfig.tiers[0].upTo"},
		{"limit zero", `{"calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":0,"price":1},{"price":2}]}}`, "formula_invalid", "formulaConfig.tiers[0].upTo"},
		{"negative tier", `{"calculatorType":"tiered","formulaConfig":{"tiers":[{"price":-2}]}}`, "amount_invalid", "formulaConfig.tiers[0].price"},
		{"by", `{"calculatorType":"tiered","formulaConfig":{"by":"moon","tiers":[{"price":2}]}}`, "formula_invalid", "formulaConfig.by"},
		{"mode", `{"calculatorType":"tiered","formulaConfig":{"mode":"x","tiers":[{"price":2}]}}`, "formula_invalid", "formulaConfig.mode"},
		{"graduated by context", `{"calculatorType":"tiered","formulaConfig":{"mode":"graduated","tiers":[{"price":2}]}}`, "formula_invalid", "formulaConfig.mode"},
		{"too many tiers", `{"calculatorType":"tiered","formulaConfig":{"tiers":[` + strings.Repeat(`{"price":1},`, 40) + `{"price":2}]}}`, "formula_limit", "formulaConfig.tiers"},

		{"matrix empty", `{"calculatorType":"matrix"}`, "formula_invalid", "formulaConfig.prices"},
		{"matrix undeclared", `{"calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"hd":true},"price":1}]}}`, "formula_invalid", "formulaConfig.prices[0].when.hd"},
		{"matrix value", `{` + hd + `"calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"hd":"x"},"price":1}]}}`, "formula_invalid", "formulaConfig.prices[0].when.hd"},
		{"matrix twice", `{` + hd + `"calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"hd":true},"price":1},{"when":{"hd":"true"},"price":2}]}}`, "formula_invalid", "formulaConfig.prices[1].when"},
		{"matrix without when", `{` + hd + `"calculatorType":"matrix","formulaConfig":{"prices":[{"price":1}]}}`, "formula_invalid", "formulaConfig.prices[0].when"},
		{"matrix price", `{` + hd + `"calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"hd":true},"price":-1}]}}`, "amount_invalid", "formulaConfig.prices[0].price"},
		{"matrix null", `{` + hd + `"calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"hd":null},"price":1}]}}`, "price_dimension_invalid", "formulaConfig"},

		{"dimension type", `{"dimensionSchema":{"a":{"type":"array"}}}`, "price_dimension_invalid", "dimensionSchema.a.type"},
		{"dimension name", `{"dimensionSchema":{"a,b":{"type":"boolean"}}}`, "price_dimension_invalid", "dimensionSchema.a,b"},
		{"dimension without values", `{"dimensionSchema":{"a":{"type":"string"}}}`, "price_dimension_invalid", "dimensionSchema.a.enum"},
		{"dimension values", `{"dimensionSchema":{"a":{"enum":["x","x"]}}}`, "price_dimension_invalid", "dimensionSchema.a.enum"},
		{"dimension value with a comma", `{"dimensionSchema":{"a":{"enum":["x,y=z"]}}}`, "price_dimension_invalid", "dimensionSchema.a.enum"},
		{"dimension default", `{"dimensionSchema":{"a":{"enum":["x"],"default":"y"}}}`, "price_dimension_invalid", "dimensionSchema.a.default"},
		{"dimension bounds", `{"dimensionSchema":{"a":{"type":"integer","minimum":5,"maximum":4}}}`, "price_dimension_invalid", "dimensionSchema.a.minimum"},
		{"dimension bounds of text", `{"dimensionSchema":{"a":{"enum":["x"],"minimum":5}}}`, "price_dimension_invalid", "dimensionSchema.a.minimum"},
		{"dimension stray", `{"dimensionSchema":{"a":{"type":"boolean","x":1}}}`, "price_dimension_invalid", "dimensionSchema.a.x"},

		{"weight undeclared", `{"baseWeight":{"hd":{"*":2}}}`, "price_weight_invalid", "baseWeight.hd"},
		{"weight missing", `{` + hd + `"baseWeight":{"hd":{"true":2}}}`, "price_weight_invalid", "baseWeight.hd"},
		{"weight zero", `{` + hd + `"baseWeight":{"hd":{"*":0}}}`, "price_weight_invalid", "baseWeight.hd.*"},
		{"weight value", `{` + hd + `"baseWeight":{"hd":{"x":1,"*":2}}}`, "price_weight_invalid", "baseWeight.hd.x"},
		{"zone", `{"dynamicWeight":{"timezone":"Mars"}}`, "price_weight_invalid", "dynamicWeight.timezone"},
		{"from", `{"dynamicWeight":{"windows":[{"from":"25:00","to":"01:00","factor":1}]}}`, "price_weight_invalid", "dynamicWeight.windows[0].from"},
		{"to", `{"dynamicWeight":{"windows":[{"from":"05:00","factor":1}]}}`, "price_weight_invalid", "dynamicWeight.windows[0].to"},
		{"factor", `{"dynamicWeight":{"windows":[{"from":"05:00","to":"06:00"}]}}`, "price_weight_invalid", "dynamicWeight.windows[0].factor"},
		{"days", `{"dynamicWeight":{"windows":[{"from":"05:00","to":"06:00","factor":1,"days":["monday"]}]}}`, "price_weight_invalid", "dynamicWeight.windows[0].days"},
		{"window name", `{"dynamicWeight":{"windows":[{"from":"05:00","to":"06:00","factor":1,"name":"a b"}]}}`, "price_weight_invalid", "dynamicWeight.windows[0].name"},
	} {
		in := ruleSet(t, c.rule)
		_, err := in.Compile()
		f := fault.From(err)
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.id, err)
			}
			continue
		}
		if f == nil || f.Code != c.code || f.Path != "rules[0]."+c.path || f.Status != 400 {
			t.Errorf("%s: %v, want %s at %s", c.id, err, c.code, c.path)
		}
	}
}

func TestFormulaErrorsHaveAPosition(t *testing.T) {
	t.Parallel()
	in := ruleSet(t, `{"calculatorType":"formula","formulaConfig":{"expr":"tokens / (1 - 1)"}}`)
	_, err := in.Compile()
	if f := fault.From(err); f == nil || f.Details["position"] != 8 || !strings.Contains(f.Message, "position 8") {
		t.Errorf("%v, details %v", err, f.Details)
	}
}

func TestRuleSetsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*pricing.RuleSetInput)
		code string
		path string
	}{
		"no key":      {func(in *pricing.RuleSetInput) { in.Key = "" }, "invalid_parameter", "ruleSetKey"},
		"key":         {func(in *pricing.RuleSetInput) { in.Key = "a\nb" }, "invalid_parameter", "ruleSetKey"},
		"no name":     {func(in *pricing.RuleSetInput) { in.Name = "  " }, "invalid_parameter", "name"},
		"long name":   {func(in *pricing.RuleSetInput) { in.Name = strings.Repeat("x", 300) }, "invalid_parameter", "name"},
		"category":    {func(in *pricing.RuleSetInput) { in.Category = strings.Repeat("x", 300) }, "invalid_parameter", "category"},
		"description": {func(in *pricing.RuleSetInput) { in.Description = strings.Repeat("x", 1<<17) }, "invalid_parameter", "description"},
		"status":      {func(in *pricing.RuleSetInput) { in.Status = "x" }, "invalid_parameter", "status"},
		"metadata":    {func(in *pricing.RuleSetInput) { in.Metadata = make([]byte, 1<<17) }, "formula_limit", "metadata"},
		"no rules":    {func(in *pricing.RuleSetInput) { in.Rules = nil }, "invalid_parameter", "rules"},
		"currency":    {func(in *pricing.RuleSetInput) { in.Currency = "XXX" }, "price_currency_mixed", "currency"},
		"rule twice":  {func(in *pricing.RuleSetInput) { in.Rules = append(in.Rules, in.Rules[0]) }, "invalid_parameter", "rules[1].ruleKey"},
		"too many": {func(in *pricing.RuleSetInput) {
			in.Rules = make([]pricing.RuleInput, 201)
		}, "formula_limit", "rules"},
		"metadata of a rule": {func(in *pricing.RuleSetInput) { in.Rules[0].Metadata = make([]byte, 1<<17) }, "formula_limit", "rules[0].metadata"},
	} {
		in := ruleSet(t, `{}`)
		c.edit(&in)
		_, err := in.Compile()
		if f := fault.From(err); f == nil || f.Code != c.code || f.Path != c.path {
			t.Errorf("%s: %v, want %s at %s", name, err, c.code, c.path)
		}
	}
}

func TestRuleSetCompiles(t *testing.T) {
	t.Parallel()
	var in pricing.RuleSetInput
	if err := json.Unmarshal([]byte(`{"ruleSetKey":"chat","name":"Chat","currency":"CNY","effectiveAt":"2026-01-01T00:00:00Z","rules":[
		{"resourceType":"text_input","unit":"1m_tokens","basePrice":2},
		{"resourceType":"text_input","unit":"1m_tokens","basePrice":1,"priority":-1},
		{"ruleKey":"out","resourceType":"text_output","unit":"1m_tokens","basePrice":8,"status":"disabled"}]}`), &in); err != nil {
		t.Fatal(err)
	}
	set, err := in.Compile()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s %s %s %s %s", set.Key, set.Status, set.Rules[0].Key, set.Rules[1].Key, set.Rules[2].Key,
		set.Rules[0].Calculator, set.Rules[2].Status)
	if want := "chat active text_input text_input-2 out unit disabled"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if set.EffectiveAt.Year() != 2026 || set.Currency != money.CNY || set.Rules[0].Currency != money.CNY {
		t.Errorf("effective %s in %s", set.EffectiveAt, set.Currency)
	}
}

func TestUnknownMembersOfConfigsAreRefused(t *testing.T) {
	t.Parallel()
	for raw, path := range map[string]string{
		`{"currency":"USD","rule":[]}`:                              "rule",
		`{"currency":"USD","rules":[{"resource":"text_input"}]}`:    "rules[0].resource",
		`{"currency":"USD","rules":[{"priority":"x"}]}`:             "rules[0].priority",
		`{"currency":"USD","rules":{}}`:                             "rules",
		`{"currency":"USD"} {}`:                                     "",
		`{"currency":"USD","rules":[{"basePrice":"1"}]}`:            "rules[0]",
		`{"currency":"USD","rules":[{"unit":"token","basePrice":""`: "",
	} {
		_, err := pricing.ParseConfig(json.RawMessage(raw))
		if f := fault.From(err); f == nil || f.Status != 400 || f.Path != path {
			t.Errorf("%s: %v, want path %s", raw, err, path)
		}
	}
}
