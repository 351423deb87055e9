package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const (
	ruleSets = "/api/admin/pricing/rule-sets"

	houseRules = `{"ruleSetKey":"house","name":"House","currency":"USD","rules":[` +
		`{"resourceType":"text_input","unit":"1m_tokens","basePrice":1000},` +
		`{"resourceType":"text_output","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":200000,"price":2000},{"price":4000}]}},` +
		`{"ruleKey":"pictures","resourceType":"image","unit":"image","calculatorType":"matrix","priority":5,` +
		`"dimensionSchema":{"quality":{"enum":["low","high"],"default":"low"}},` +
		`"formulaConfig":{"prices":[{"when":{"quality":"low"},"price":0.01},{"when":{"quality":"high"},"price":0.04}]}},` +
		`{"resourceType":"video_second","unit":"second","basePrice":0.5,"baseWeight":{"resolution":{"720p":1,"1080p":2}},` +
		`"dimensionSchema":{"resolution":{"enum":["720p","1080p"]}},"dynamicWeight":{"discountFactor":0.9}}]}`
)

func TestRuleSets(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testRuleSets)
}

func testRuleSets(d *desk) {
	d.all(surfacetest.Request{Name: "rule sets", As: "admin", Method: get, Path: ruleSets, Operation: "listAdminPricingRuleSets", Status: 200, Golden: true})
	d.keep("set", surfacetest.Request{Name: "rule set created", As: "admin", Method: post, Path: ruleSets, Body: houseRules, Operation: "createAdminPricingRuleSet", Status: 201, Golden: true})
	one := ruleSets + "/{set}"
	change := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{
			Name: name, As: "admin", Method: patch, Path: one, Body: body, Operation: "updateAdminPricingRuleSet", Status: status,
			Code: code, At: at, Golden: status == 200,
		}
	}
	d.refusedRules()
	d.all(
		change("rule set renamed", `{"name":"The house","description":"ours"}`, 200, "", ""),
		change("rule set repriced", `{"rules":[{"id":"x","ruleSetId":"y","createdAt":"z","resourceType":"text_input","unit":"1k_tokens","basePrice":0.000002}],"effectiveAt":"2036-04-01"}`, 200, "", ""),
		change("key of another", `{"ruleSetKey":"default"}`, 409, "rule_set_key_taken", "ruleSetKey"),
		change("another currency", `{"currency":"EUR"}`, 400, "price_currency_mixed", "currency"),
		change("in the past", `{"effectiveAt":"2036-02-01"}`, 400, "invalid_parameter", "effectiveAt"),
		change("no time", `{"effectiveAt":"soon"}`, 400, "invalid_parameter", "effectiveAt"),
		change("empty rules", `{"rules":[]}`, 400, "invalid_parameter", "rules"),
		change("bad metadata", `{"metadata":"x"}`, 400, "invalid_parameter", "metadata"),
		change("bad status", `{"status":"on"}`, 400, "invalid_parameter", "status"),
		surfacetest.Request{Name: "unknown set", As: "admin", Method: patch, Path: ruleSets + "/" + nobody, Body: `{}`, Operation: "updateAdminPricingRuleSet", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "no id", As: "admin", Method: del, Path: ruleSets + "/1", Operation: "deleteAdminPricingRuleSet", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "rules", As: "admin", Method: get, Path: "/api/admin/pricing/rules", Operation: "listAdminPricingRules", Status: 200, Golden: true},
		surfacetest.Request{Name: "key taken", As: "admin", Method: post, Path: ruleSets, Body: houseRules, Operation: "createAdminPricingRuleSet", Status: 409, Code: "rule_set_key_taken", At: "ruleSetKey"},
	)
	d.operatorsOnly(
		surfacetest.Request{Method: get, Path: ruleSets, Operation: "listAdminPricingRuleSets"},
		surfacetest.Request{Method: post, Path: ruleSets, Body: houseRules, Operation: "createAdminPricingRuleSet"},
		surfacetest.Request{Method: patch, Path: one, Body: `{}`, Operation: "updateAdminPricingRuleSet"},
		surfacetest.Request{Method: del, Path: one, Operation: "deleteAdminPricingRuleSet"},
		surfacetest.Request{Method: get, Path: "/api/admin/pricing/rules", Operation: "listAdminPricingRules"},
	)
	d.pricesAtOnce(one)
	d.protectedSets(one)
	if got := d.audited("targetType=pricing_rule_set&targetId={set}"); !slices.Equal(got, []string{
		"rule_set.deleted", "rule_set.updated", "rule_set.updated", "rule_set.updated", "rule_set.created",
	}) {
		d.t.Errorf("audited %v", got)
	}
}

// refusedRules tries what no price may be: each is refused with the path of the field.
func (d *desk) refusedRules() {
	d.t.Helper()
	for _, c := range []struct{ rule, code, at string }{
		{`"resourceType":"text_input","unit":"token","basePrice":-0.5`, "amount_invalid", "basePrice"},
		{`"resourceType":"text_input","unit":"token"`, "amount_invalid", "basePrice"},
		{`"resourceType":"text_input","unit":"token","basePrice":0.0000000000000001`, "amount_precision", "basePrice"},
		{`"resourceType":"text_input","unit":"furlong","basePrice":1`, "price_unit_unknown", "unit"},
		{`"resourceType":"text_input","unit":"image","basePrice":1`, "price_unit_unknown", "unit"},
		{`"resourceType":"chat","unit":"token","basePrice":1`, "price_resource_unknown", "resourceType"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"calculatorType":"magic"`, "price_calculator_unknown", "calculatorType"},
		{`"resourceType":"text_input","unit":"token","basePirce":1`, "invalid_parameter", "basePirce"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"currency":"CNY"`, "invalid_parameter", "currency"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"dynamicWeight":{"discountFactor":-1}`, "invalid_parameter", "dynamicWeight.discountFactor"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"1/0"}`, "formula_invalid", "formulaConfig.expr"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"9**9**9**9"}`, "formula_limit", "formulaConfig.expr"},
		{`"resourceType":"text_input","unit":"token","basePrice":1,"calculatorType":"formula","formulaConfig":{"expr":"tokenz*2"}`, "formula_invalid", "formulaConfig.expr"},
		{`"resourceType":"text_input","unit":"token","calculatorType":"tiered","formulaConfig":{"tiers":[{"upTo":10,"price":1},{"upTo":5,"price":2}]}`, "formula_invalid", "formulaConfig.tiers[1].upTo"},
		{`"resourceType":"image","unit":"image","calculatorType":"matrix","formulaConfig":{"prices":[{"when":{"size":"x"},"price":1}]}`, "price_dimension_invalid", ""},
	} {
		r := surfacetest.Request{
			Name: c.rule, As: "admin", Method: patch, Path: ruleSets + "/{set}", Operation: "updateAdminPricingRuleSet", Status: 400,
			Body: `{"rules":[{"resourceType":"request","unit":"request","basePrice":1},{` + c.rule + `}]}`, Code: c.code, At: "rules[1]." + c.at,
		}
		if c.at == "" {
			r.Code, r.At = "", ""
		}
		d.ask(r)
	}
	for _, c := range []struct{ body, code, at string }{
		{`{}`, "invalid_parameter", "ruleSetKey"},
		{`{"ruleSetKey":"a b","name":"x"}`, "invalid_parameter", "ruleSetKey"},
		{`{"ruleSetKey":"x"}`, "invalid_parameter", "name"},
		{`{"ruleSetKey":"x","name":"x"}`, "invalid_parameter", "rules"},
		{`{"ruleSetKey":"x","name":"x","currency":"usd","rules":[{"resourceType":"request","unit":"request","basePrice":1}]}`, "price_currency_mixed", "currency"},
		{`{"ruleSetKey":5}`, "invalid_json", "ruleSetKey"},
	} {
		d.ask(surfacetest.Request{
			Name: c.body, As: "admin", Method: post, Path: ruleSets, Body: c.body, Operation: "createAdminPricingRuleSet", Status: 400, Code: c.code, At: c.at,
		})
	}
}

// pricesAtOnce gives the set to the platform and sees that estimates follow every save, and that calls do.
func (d *desk) pricesAtOnce(one string) {
	d.t.Helper()
	question := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"four"}],"max_tokens":10}`
	d.keep("platform", surfacetest.Request{Name: "priced platform", As: "admin", Method: post, Path: "/api/admin/platforms", Operation: "createAdminPlatform", Status: 201, Body: `{"provider":"openai","name":"Dear","platformKey":"dear","credentials":{"apiKey":"sk-1"},"priority":1,"pricingRuleSetId":"{set}"}`})
	for _, model := range []string{`"modelAlias":"gpt-4o-mini","providerModelName":"gpt-4o-mini","modelType":["chat"]`, `"modelAlias":"painter","providerModelName":"p","modelType":["image"]`, `"modelAlias":"filmer","providerModelName":"f","modelType":["video"]`} {
		d.ask(surfacetest.Request{Name: "priced model", As: "admin", Method: post, Path: "/api/admin/platforms/{platform}/models", Operation: "createAdminPlatformModelForPlatform", Status: 201, Body: `{` + model + `}`})
	}
	if got := d.priced(`{"kind":"images.generations","model":"painter","prompt":"x","n":2,"quality":"high"}`); got != "0.08" {
		d.t.Errorf("two pictures cost %s", got)
	}
	if got := d.priced(`{"kind":"videos.generations","model":"filmer","prompt":"x","seconds":"4","size":"1920x1080"}`); got != "3.6" {
		d.t.Errorf("four seconds of 1080p cost %s", got)
	}
	before := d.priced(question)
	d.ask(surfacetest.Request{Name: "twice the price", As: "admin", Method: patch, Path: one, Operation: "updateAdminPricingRuleSet", Status: 200, Body: strings.Replace(strings.Replace(houseRules, ":1000}", ":2000}", 1), `"price":2000`, `"price":4000`, 1)})
	after := d.priced(question)
	if version, err := d.store.Routing().ConfigVersion(d.t.Context()); err != nil || version != d.relay.Snapshot().Version {
		d.t.Errorf("this node goes by version %d, the others are told %d (%v)", d.relay.Snapshot().Version, version, err)
	}
	if before == after || before != half(d.t, after) {
		d.t.Errorf("%s before, %s after the price was doubled", before, after)
	}
}

// protectedSets sees that nothing goes away that prices something.
func (d *desk) protectedSets(one string) {
	d.t.Helper()
	d.values["default"] = d.defaultSet()
	remove := func(name, path string, status int, code string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: del, Path: path, Operation: "deleteAdminPricingRuleSet", Status: status, Code: code}
	}
	d.all(
		remove("default set", ruleSets+"/{default}", 409, "rule_set_default"),
		remove("set in use", one, 409, "rule_set_in_use"),
		surfacetest.Request{Name: "default disabled", As: "admin", Method: patch, Path: ruleSets + "/{default}", Body: `{"status":"disabled"}`, Operation: "updateAdminPricingRuleSet", Status: 409, Code: "rule_set_default", At: "status"},
		surfacetest.Request{Name: "set in use disabled", As: "admin", Method: patch, Path: one, Body: `{"status":"disabled"}`, Operation: "updateAdminPricingRuleSet", Status: 409, Code: "rule_set_in_use", At: "status"},
		surfacetest.Request{Name: "its platform deleted", As: "admin", Method: del, Path: "/api/admin/platforms/{platform}", Operation: "deleteAdminPlatform", Status: 204},
		remove("set deleted", one, 204, ""),
		remove("set deleted twice", one, 404, "not_found"),
	)
}

func (d *desk) defaultSet() string {
	d.t.Helper()
	var out struct {
		Items []struct {
			ID        string `json:"id"`
			IsDefault bool   `json:"isDefault"`
		} `json:"items"`
	}
	d.call(get, ruleSets, d.admin, nil, &out, 200)
	for _, s := range out.Items {
		if s.IsDefault {
			return s.ID
		}
	}
	d.t.Fatal("there is no default set")
	return ""
}

// half is half of an exact amount.
func half(t *testing.T, text string) string {
	t.Helper()
	amount, err := money.Parse(text, money.USD)
	if err != nil || amount%2 != 0 {
		t.Fatalf("half of %s: %v", text, err)
	}
	return (amount / 2).Text(money.USD)
}
