package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const platforms = "/api/admin/platforms"

// connected makes a platform as the administrator and returns its path.
func (w *world) connected(t *testing.T, body string) string {
	t.Helper()
	a := w.Do(t, surfacetest.Request{As: "admin", Method: post, Path: platforms, Body: body})
	if a.Status != 201 {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	return platforms + "/" + w.idOf(t, a)
}

func TestReplaceModels(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		at := w.connected(t, newPlatform) + "/models"
		replace := edits{put, at, "replaceAdminPlatformModels"}
		two := `{"models":[{"canonicalModelKey":"openai/chat-9","platformId":"` + id.New().String() + `"},` +
			`{"providerModelName":"house-1","modelAlias":"house","modelType":["chat"],"discountFactor":0.5}]}`
		first := decoded[api.HttpapiPlatformModelListResponse](t, w.Check(t, w.contract, replace.ok("replace models", two, 200)))
		version := len(w.Actions())
		again := decoded[api.HttpapiPlatformModelListResponse](t, w.Check(t, w.contract, replace.ok("replace models", two, 200)))
		if len(w.Actions()) != version || again.Items[0].Id != first.Items[0].Id || again.Items[1].Id != first.Items[1].Id {
			t.Errorf("the same list again changed %v", w.Actions()[version:])
		}
		other := `{"models":[{"providerModelName":"house-2","modelAlias":"house","modelType":["chat"]},{"canonicalModelKey":"openai/chat-9","discountFactor":0.9}]}`
		next := decoded[api.HttpapiPlatformModelListResponse](t, w.Check(t, w.contract, replace.ok("replace models by others", other, 200)))
		if next.Items[1].Id != first.Items[0].Id || next.Items[0].Id == first.Items[1].Id {
			t.Errorf("replaced %v by %v", first, next)
		}
		nowhere := edits{put, platforms + "/" + id.New().String() + "/models", replace.operation}
		w.run(t, slices.Concat(replace.closed(two), []surfacetest.Request{
			replace.refused("no list of models", `{}`, 400, "invalid_parameter", "models"),
			replace.refused("models of null", `{"models":null}`, 400, "invalid_parameter", "models"),
			replace.refused("bad second model", `{"models":[{"canonicalModelKey":"openai/chat-9"},{"modelName":"m"}]}`, 400, "invalid_parameter", "models[1].modelType"),
			replace.refused("model twice", `{"models":[{"canonicalModelKey":"openai/chat-9"},{"canonicalModelKey":"openai/chat-9"}]}`, 400, "invalid_parameter", "models[1].modelAlias"),
			replace.refused("unknown base model", `{"models":[{"canonicalModelKey":"openai/chat-0"}]}`, 400, "base_model_unknown", "models[0].canonicalModelKey"),
			replace.refused("no id of a base model", `{"models":[{"baseModelId":"7"}]}`, 400, "invalid_parameter", "models[0].baseModelId"),
			replace.refused("unknown rule set of a model", `{"models":[{"canonicalModelKey":"openai/chat-9","pricingRuleSetId":"`+id.New().String()+`"}]}`, 400, "invalid_parameter", "models[0].pricingRuleSetId"),
			nowhere.refused("models of an unknown platform", two, 404, "not_found", ""),
			{Name: "replaced models", As: "admin", Method: get, Path: "/api/admin/models", Operation: "listAdminPlatformModels", Status: 200, Golden: true},
			replace.ok("no models", `{"models":[]}`, 200),
		}))
		w.announced(t, "platform_model.created", "platform_model.updated", "platform_model.deleted")
	})
}

func TestDeleteModel(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		at := w.connected(t, newPlatform) + "/models"
		route := w.idOf(t, w.Do(t, surfacetest.Request{As: "admin", Method: post, Path: at, Body: `{"canonicalModelKey":"openai/chat-9"}`}))
		remove := edits{del, "/api/admin/platform-models/" + route, "deleteAdminPlatformModel"}
		w.run(t, slices.Concat(remove.closed(""), []surfacetest.Request{
			remove.ok("delete model", "", 204),
			remove.refused("delete the route twice", "", 404, "not_found", ""),
			edits{del, "/api/admin/platform-models/x", remove.operation}.refused("no id of a model", "", 404, "not_found", ""),
		}))
		if w.Snapshot().Route("chat-9") != nil {
			t.Error("the route is still in force")
		}
	})
}

func TestDynamicPriority(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		first, second := w.connected(t, newPlatform), w.connected(t, `{"provider":"openai","name":"Second","platformKey":"second","priority":20,"credentials":{"apiKey":"k2"}}`)
		for _, at := range []string{first, second} {
			w.Do(t, surfacetest.Request{As: "admin", Method: put, Path: at + "/models", Body: `{"models":[{"canonicalModelKey":"openai/chat-9"}]}`})
		}
		set := edits{patch, second + "/dynamic-priority", "updateAdminPlatformDynamicPriority"}
		nowhere := edits{patch, platforms + "/" + id.New().String() + "/dynamic-priority", set.operation}
		foremost := func(want string) {
			t.Helper()
			if got := w.Snapshot().Route("chat-9").Targets[0].Platform.Name; got != want {
				t.Errorf("%s is tried first, want %s", got, want)
			}
		}
		foremost("Mine")
		w.run(t, slices.Concat(set.closed(`{"dynamicPriority":5}`), []surfacetest.Request{
			set.ok("set dynamic priority", `{"dynamicPriority":-5}`, 200),
			set.refused("no priority", `{}`, 400, "invalid_parameter", "dynamicPriority"),
			set.refused("reset of false", `{"reset":false}`, 400, "invalid_parameter", "dynamicPriority"),
			set.refused("priority of a text", `{"dynamicPriority":"5"}`, 400, "invalid_json", "dynamicPriority"),
			set.refused("huge priority", `{"dynamicPriority":9000000000}`, 400, "invalid_parameter", "dynamicPriority"),
			nowhere.refused("priority of an unknown platform", `{"reset":true}`, 404, "not_found", ""),
		}))
		foremost("Second")
		w.run(t, []surfacetest.Request{set.ok("reset dynamic priority", `{"reset":true,"dynamicPriority":1}`, 200)})
		foremost("Mine")
		w.announced(t, "platform.priority_set")
	})
}

// TestPlatformLife follows a platform on real storage: its credentials are written and never read, a PATCH replaces, what
// is deleted is gone with its secrets.
func TestPlatformLife(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		create := edits{post, platforms, "createAdminPlatform"}
		keys := `{"provider":"openai","name":"Keys","credentials":{"keys":[{"name":"a","key":"sk-aaaaaaaaaaaa"},{"key":"sk-bbbbbbbbbbbb","weight":0}]},` +
			`"config":{"proxyUrl":"http://u:hidden-word@proxy.example:1"},"rateLimitPolicy":{"rpm":5,"credential":{"rpm":2}}}`
		w.Check(t, w.contract, create.ok("create platform", newPlatform, 201))
		made := w.Check(t, w.contract, create.ok("create platform with keys", strings.Replace(keys, `"name":"Keys"`, `"name":"Keys","platformKey":"keys"`, 1), 201))
		at := platforms + "/" + w.idOf(t, made)
		update, remove := edits{patch, at, "updateAdminPlatform"}, edits{del, at, "deleteAdminPlatform"}
		w.run(t, slices.Concat(create.closed(newPlatform), update.closed(newPlatform), remove.closed(""), []surfacetest.Request{
			create.refused("provider of a platform", `{"provider":"nobody","name":"x"}`, 400, "provider_unknown", "provider"),
			create.refused("unknown rule set of a platform", `{"provider":"openai","name":"x","credentials":{"apiKey":"k"},"pricingRuleSetId":"`+id.New().String()+`"}`, 400, "invalid_parameter", "pricingRuleSetId"),
			create.refused("huge priority of a platform", `{"provider":"openai","name":"x","credentials":{"apiKey":"k"},"priority":9000000000}`, 400, "invalid_parameter", "priority"),
			update.ok("replace platform with keys", `{"provider":"openai","name":"Kept"}`, 200),
			update.refused("masked credential", `{"provider":"openai","name":"x","credentials":{"apiKey":"****bbbb"}}`, 400, "invalid_parameter", "credentials.apiKey"),
			update.refused("another's platform key", `{"provider":"openai","name":"x","platformKey":"mine"}`, 409, "platform_key_taken", "platformKey"),
			update.refused("unknown rule set of a replaced platform", `{"provider":"openai","name":"x","pricingRuleSetId":"`+id.New().String()+`"}`, 400, "invalid_parameter", "pricingRuleSetId"),
			edits{patch, platforms + "/" + id.New().String(), update.operation}.refused("replace an unknown platform", newPlatform, 404, "not_found", ""),
			remove.ok("delete platform", "", 204),
			remove.refused("delete it again", "", 404, "not_found", ""),
			edits{put, at + "/models", "replaceAdminPlatformModels"}.refused("models of a deleted platform", `{"models":[]}`, 404, "not_found", ""),
			{Name: "platforms", As: "support", Method: get, Path: platforms, Operation: "listAdminPlatforms", Status: 200, Golden: true},
		}))
		for _, e := range w.Changes() {
			if text := string(marshalled(t, e)); strings.Contains(text, "sk-aaaa") || strings.Contains(text, "hidden-word") {
				t.Errorf("%s announces a secret: %s", e.Action, text)
			}
		}
		w.announced(t, "platform.created", "platform.updated", "platform.deleted")
	})
}

// TestOtherTenantsPlatforms hides what belongs to another tenant as if it were not there.
func TestOtherTenantsPlatforms(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		at := w.foreignPlatform(t)
		w.run(t, []surfacetest.Request{
			{Name: "no platforms", As: "admin", Method: get, Path: platforms, Operation: "listAdminPlatforms", Status: 200, Golden: true},
			{Name: "no models of mine", As: "admin", Method: get, Path: "/api/admin/models", Operation: "listAdminPlatformModels", Status: 200, Golden: true},
			edits{patch, at.platform, "updateAdminPlatform"}.refused("another tenant's platform", newPlatform, 404, "not_found", ""),
			edits{del, at.platform, "deleteAdminPlatform"}.refused("delete another tenant's platform", "", 404, "not_found", ""),
			edits{patch, at.platform + "/dynamic-priority", "updateAdminPlatformDynamicPriority"}.refused("its priority", `{"reset":true}`, 404, "not_found", ""),
			edits{put, at.platform + "/models", "replaceAdminPlatformModels"}.refused("its models", `{"models":[]}`, 404, "not_found", ""),
			edits{post, at.platform + "/models", "createAdminPlatformModelForPlatform"}.refused("a model for it", `{"canonicalModelKey":"openai/chat-9"}`, 404, "not_found", ""),
			edits{del, at.model, "deleteAdminPlatformModel"}.refused("its model", "", 404, "not_found", ""),
		})
	})
}

// TestPricesOfASet shows the rules of the set of prices that is in force.
func TestPricesOfASet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	in := pricing.RuleSetInput{Key: "house", Name: "House", Currency: "USD", Rules: []pricing.RuleInput{
		{Resource: "text_input", Unit: pricing.Per1M, BasePrice: "7.5"}, {Resource: "text_output", Unit: pricing.Per1K, BasePrice: "0.01"},
	}}
	set, err := in.Compile()
	if err != nil {
		t.Fatal(err)
	}
	set.ID, set.Version, set.Default = id.New(), 1, true
	w.Prices = []pricing.RuleSet{set}
	at := w.connected(t, newPlatform) + "/models"
	w.run(t, []surfacetest.Request{
		edits{post, at, "createAdminPlatformModelForPlatform"}.ok("model priced by a set", `{"providerModelName":"m","modelType":["chat"]}`, 201),
		{Name: "callable model priced by a set", As: "user", Method: get, Path: "/api/v1/models", Operation: "listCallableModels", Status: 200, Golden: true},
	})
}
