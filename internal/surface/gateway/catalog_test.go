package gateway_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const (
	put        = http.MethodPut
	providers  = "/api/admin/catalog/providers"
	baseModels = "/api/admin/catalog/base-models"
)

// edits are writing operations as an administrator sends them.
type edits struct{ method, path, operation string }

func (e edits) ok(name, body string, status int) surfacetest.Request {
	return surfacetest.Request{
		Name: name, As: "admin", Method: e.method, Path: e.path, Body: body, Operation: e.operation, Status: status, Golden: status != 204,
	}
}

func (e edits) refused(name, body string, status int, code, at string) surfacetest.Request {
	r := e.ok(name, body, status)
	r.Code, r.At, r.Golden = code, at, false
	return r
}

// closed are the refusals of who may not do it.
func (e edits) closed(body string) []surfacetest.Request {
	nobody, user := e.refused(e.operation+" by nobody", body, 401, "unauthorized", ""), e.refused(e.operation+" by a user", body, 403, "forbidden", "")
	nobody.As, user.As = "", "user"
	return []surfacetest.Request{nobody, user}
}

func (w *world) idOf(t *testing.T, a *surfacetest.Answer) string {
	t.Helper()
	var made struct{ ID string }
	a.JSON(t, &made)
	return made.ID
}

func TestProviders(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		create := edits{post, providers, "createAdminCatalogProvider"}
		acme := `{"providerKey":"acme","displayName":"Acme","providerType":"openai","defaultBaseUrl":"https://api.acme.example/v1",` +
			`"iconPath":"/icons/acme.svg","defaultRateLimitPolicy":{"rpm":60},"metadata":{"country":"DE"}}`
		made := w.Check(t, w.contract, create.ok("create provider", acme, 201))
		update := edits{patch, providers + "/" + w.idOf(t, made), "updateAdminCatalogProvider"}
		remove := edits{del, update.path, "deleteAdminCatalogProvider"}
		unknown := edits{patch, providers + "/" + id.New().String(), update.operation}
		gone := edits{del, unknown.path, remove.operation}
		openai := w.provider(t, "openai")
		w.run(t, slices.Concat(create.closed(acme), update.closed(`{}`), remove.closed(""), []surfacetest.Request{
			create.refused("provider without a key", `{"displayName":"x"}`, 400, "invalid_parameter", "providerKey"),
			create.refused("provider key with a slash", `{"providerKey":"a/b","displayName":"x"}`, 400, "invalid_parameter", "providerKey"),
			create.refused("provider without a name", `{"providerKey":"x"}`, 400, "invalid_parameter", "displayName"),
			create.refused("provider key taken", acme, 409, "provider_key_taken", "providerKey"),
			create.refused("user in the address", `{"providerKey":"x","displayName":"x","defaultBaseUrl":"https://u:p@x"}`, 400, "invalid_parameter", "defaultBaseUrl"),
			create.refused("script as an icon", `{"providerKey":"x","displayName":"x","iconPath":"javascript:alert(1)"}`, 400, "invalid_parameter", "iconPath"),
			create.refused("unknown limit", `{"providerKey":"x","displayName":"x","defaultRateLimitPolicy":{"rpmm":1}}`, 400, "invalid_parameter", "defaultRateLimitPolicy.rpmm"),
			create.refused("status of a provider", `{"providerKey":"x","displayName":"x","status":"gone"}`, 400, "invalid_parameter", "status"),
			create.refused("source of a provider", `{"providerKey":"x","displayName":"x","source":"heaven"}`, 400, "invalid_parameter", "source"),
			create.refused("provider of numbers", `{"providerKey":5}`, 400, "invalid_json", "providerKey"),
			update.ok("update provider", `{"displayName":"Acme AI","defaultRateLimitPolicy":null,"status":"disabled"}`, 200),
			update.refused("empty name", `{"displayName":" "}`, 400, "invalid_parameter", "displayName"),
			update.refused("another's key", `{"providerKey":"openai"}`, 409, "provider_key_taken", "providerKey"),
			unknown.refused("update an unknown provider", `{}`, 404, "not_found", ""),
			{Name: "no id of a provider", As: "admin", Method: patch, Path: providers + "/7", Body: `{}`, Operation: update.operation, Status: 404, Code: "not_found"},
			{Name: "rename a used provider", As: "admin", Method: patch, Path: providers + "/" + openai, Body: `{"providerKey":"other"}`, Operation: update.operation, Status: 409, Code: "provider_in_use", At: "providerKey"},
			{Name: "delete a used provider", As: "admin", Method: del, Path: providers + "/" + openai, Operation: remove.operation, Status: 409, Code: "provider_in_use"},
			{Name: "edited providers", Method: get, Path: providers, Operation: "listAdminCatalogProviders", Status: 200, Golden: true},
			remove.ok("delete provider", "", 204),
			remove.refused("delete it twice", "", 404, "not_found", ""),
			gone.refused("delete an unknown provider", "", 404, "not_found", ""),
			{Name: "providers", Method: get, Path: "/api/v1/public/catalog/providers", Operation: "listPublicCatalogProviders", Status: 200, Golden: true},
		}))
		w.announced(t, "provider.created", "provider.updated", "provider.deleted")
	})
}

// TestProviderOfPlatforms refuses what platforms would not survive.
func TestProviderOfPlatforms(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		w.Check(t, w.contract, edits{post, "/api/admin/platforms", "createAdminPlatform"}.ok("create platform", newPlatform, 201))
		at := providers + "/" + w.provider(t, "openai")
		w.run(t, []surfacetest.Request{
			edits{patch, at, "updateAdminCatalogProvider"}.refused("another adapter", `{"providerType":"acme"}`, 409, "provider_in_use", "providerType"),
			edits{patch, at, "updateAdminCatalogProvider"}.ok("another code", `{"code":"oa"}`, 200),
		})
	})
}

func (w *world) provider(t *testing.T, key string) string {
	t.Helper()
	all, err := w.Catalog.Providers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p catalog.Provider) bool { return p.Key == key })
	return all[i].ID.String()
}

// announced expects audit entries of the actions, by a person at an address, with the state before and after.
func (w *world) announced(t *testing.T, actions ...string) {
	t.Helper()
	for _, action := range actions {
		at := slices.Index(w.Actions(), action)
		if at < 0 {
			t.Errorf("%s was not announced: %v", action, w.Actions())
			continue
		}
		e := w.Changes()[at]
		_, verb, _ := strings.Cut(action, ".")
		if e.Actor.Username != "admin" || e.Actor.IP == "" || e.TargetID == "" || (e.Before == nil) != (verb == "created") ||
			(e.After == nil) != (verb == "deleted") {
			t.Errorf("%s: %+v", action, e)
		}
	}
}

const newBaseModel = `{"providerKey":"openai","providerModelName":"chat-10","modelType":["chat","responses"],` +
	`"capabilities":{"inputModalities":["text","image"],"features":["tools"],"contextWindow":200000,"maxOutputTokens":8192},` +
	`"baseBillingConfig":{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":3}]},` +
	`"defaultRateLimitPolicy":{"rpm":100},"runtimePolicyOverride":{"retryPolicy":{"maxAttempts":1}},` +
	`"metadata":{"description":"Talks.","iconPath":"https://cdn.example/chat.svg"},` +
	`"defaultSnapshot":{"displayName":"Chat 10","capabilities":{"contextWindow":200000},"baseBillingConfig":{"currency":"USD","rules":[]}}}`

func TestBaseModels(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		create := edits{post, baseModels, "createAdminBaseModel"}
		made := w.Check(t, w.contract, create.ok("create base model", newBaseModel, 201))
		at := baseModels + "/" + w.idOf(t, made)
		update, remove := edits{patch, at, "updateAdminBaseModel"}, edits{del, at, "deleteAdminBaseModel"}
		reset := edits{post, at + "/reset", "resetAdminBaseModel"}
		all := edits{post, baseModels + "/reset-all", "resetAllAdminBaseModels"}
		nowhere := baseModels + "/" + id.New().String()
		plain := w.baseModel(t, "openai/chat-9")
		with := func(member string) string {
			return `{"providerKey":"openai","providerModelName":"m","modelType":["chat"],` + member + `}`
		}
		w.run(t, slices.Concat(create.closed(newBaseModel), update.closed(`{}`), remove.closed(""), reset.closed(""), all.closed(""), []surfacetest.Request{
			create.refused("model without a provider", `{"providerModelName":"m","modelType":["chat"]}`, 400, "invalid_parameter", "providerKey"),
			create.refused("model without a name", `{"providerKey":"openai","modelType":["chat"]}`, 400, "invalid_parameter", "providerModelName"),
			create.refused("model without a type", `{"providerKey":"openai","providerModelName":"m"}`, 400, "invalid_parameter", "modelType"),
			create.refused("unknown type", `{"providerKey":"openai","providerModelName":"m","modelType":["chat","telepathy"]}`, 400, "invalid_parameter", "modelType[1]"),
			create.refused("unknown provider", `{"providerKey":"nobody","providerModelName":"m","modelType":["chat"]}`, 400, "provider_unknown", "providerKey"),
			create.refused("model key taken", newBaseModel, 409, "base_model_key_taken", "canonicalModelKey"),
			create.refused("alias with a space", with(`"modelAlias":"a b"`), 400, "invalid_parameter", "modelAlias"),
			create.refused("unknown capability", with(`"capabilities":{"contextWindows":1}`), 400, "invalid_parameter", "capabilities.contextWindows"),
			create.refused("capability of a text", with(`"capabilities":{"contextWindow":"1"}`), 400, "invalid_parameter", "capabilities.contextWindow"),
			create.refused("feature of a number", with(`"capabilities":{"features":["a",""]}`), 400, "invalid_parameter", "capabilities.features[1]"),
			create.refused("list of capabilities", with(`"capabilities":[]`), 400, "invalid_parameter", "capabilities"),
			create.refused("unknown resource", with(`"baseBillingConfig":{"currency":"USD","rules":[{"resourceType":"x","unit":"request","basePrice":1}]}`), 400, "price_resource_unknown", "baseBillingConfig.rules[0].resourceType"),
			create.refused("unknown policy", with(`"runtimePolicyOverride":{"retry":{}}`), 400, "invalid_parameter", "runtimePolicyOverride.retry"),
			create.refused("unknown window", with(`"defaultRateLimitPolicy":{"rpm":0}`), 400, "invalid_parameter", "defaultRateLimitPolicy.rpm"),
			create.refused("unknown rule set", with(`"pricingRuleSetId":"`+id.New().String()+`"`), 400, "invalid_parameter", "pricingRuleSetId"),
			create.refused("unknown policy set", with(`"runtimePolicySetId":"`+id.New().String()+`"`), 400, "invalid_parameter", "runtimePolicySetId"),
			create.refused("no id of a set", with(`"runtimePolicySetId":"7"`), 400, "invalid_parameter", "runtimePolicySetId"),
			create.refused("version zero", with(`"pricingVersion":0`), 400, "invalid_parameter", "pricingVersion"),
			create.refused("description of a number", with(`"metadata":{"description":5}`), 400, "invalid_parameter", "metadata"),
			create.refused("names in a snapshot", with(`"defaultSnapshot":{"providerKey":"x"}`), 400, "invalid_parameter", "defaultSnapshot.providerKey"),
			create.refused("bad snapshot", with(`"defaultSnapshot":{"capabilities":{"x":1}}`), 400, "invalid_parameter", "defaultSnapshot.capabilities.x"),
			update.ok("update base model", `{"displayName":"Mine","baseBillingConfig":{"currency":"EUR","rules":[]},"runtimePolicyOverride":null,"status":"disabled"}`, 200),
			update.ok("update nothing", `{}`, 200),
			update.refused("type taken away", `{"modelType":[]}`, 400, "invalid_parameter", "modelType"),
			update.refused("another's model key", `{"canonicalModelKey":"openai/chat-9"}`, 409, "base_model_key_taken", "canonicalModelKey"),
			edits{patch, nowhere, update.operation}.refused("update an unknown model", `{}`, 404, "not_found", ""),
			{Name: "edited base models", Method: get, Path: baseModels, Operation: "listAdminBaseModels", Status: 200, Golden: true},
			reset.ok("reset base model", "", 200),
			edits{post, nowhere + "/reset", reset.operation}.refused("reset an unknown model", "", 404, "not_found", ""),
			edits{post, plain + "/reset", reset.operation}.refused("reset without a snapshot", "", 409, "no_default_snapshot", ""),
			update.ok("update it again", `{"modelAlias":"ten","pricingVersion":9}`, 200),
			all.ok("reset all", "", 200),
			remove.ok("delete base model", "", 204),
			remove.refused("delete the model twice", "", 404, "not_found", ""),
			{Name: "base models", Method: get, Path: "/api/v1/public/catalog/base-models", Operation: "listPublicBaseModels", Status: 200, Golden: true},
		}))
		w.announced(t, "base_model.created", "base_model.updated", "base_model.reset", "base_model.deleted")
	})
}

func (w *world) baseModel(t *testing.T, key string) string {
	t.Helper()
	m, err := w.Catalog.BaseModel(t.Context(), id.ID{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return baseModels + "/" + m.ID.String()
}

// TestBaseModelOfPlatforms changes and deletes a model that platforms offer: its change is theirs at once.
func TestBaseModelOfPlatforms(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		at := w.baseModel(t, "openai/chat-9")
		platform := w.idOf(t, w.Check(t, w.contract, edits{post, "/api/admin/platforms", "createAdminPlatform"}.ok("create platform", newPlatform, 201)))
		add := edits{post, "/api/admin/platforms/" + platform + "/models", "createAdminPlatformModelForPlatform"}
		route := w.idOf(t, w.Check(t, w.contract, add.ok("path wins", `{"canonicalModelKey":"openai/chat-9"}`, 201)))
		w.run(t, []surfacetest.Request{
			edits{patch, at, "updateAdminBaseModel"}.refused("price of nothing", `{"baseBillingConfig":{"currency":"USD","rules":[{"resourceType":"request"}]}}`, 400, "price_unit_unknown", "baseBillingConfig.rules[0].unit"),
			edits{del, at, "deleteAdminBaseModel"}.refused("delete an offered model", "", 409, "base_model_in_use", ""),
		})
		w.Do(t, surfacetest.Request{As: "admin", Method: patch, Path: at, Body: `{"baseBillingConfig":{"currency":"EUR","rules":[{"resourceType":"request","unit":"request","basePrice":1}]}}`})
		if c := w.Snapshot().Route("chat-9").Targets[0].Schedule.Currency; c != "EUR" {
			t.Errorf("the route is priced in %s", c)
		}
		w.run(t, []surfacetest.Request{
			edits{del, "/api/admin/platform-models/" + route, "deleteAdminPlatformModel"}.ok("delete the route", "", 204),
			edits{del, at, "deleteAdminBaseModel"}.ok("delete it then", "", 204),
		})
	})
}

// TestInputsAreTheContracts holds the inputs of the catalogue against the contract's.
func TestInputsAreTheContracts(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[catalog.ProviderInput](), reflect.TypeFor[api.StoreCatalogProviderInput]()},
		{reflect.TypeFor[catalog.ModelInput](), reflect.TypeFor[api.StoreBaseModelInput]()},
	} {
		ours, theirs := members(pair[0]), members(pair[1])
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s reads %v, the contract has %v", pair[0], ours, theirs)
		}
	}
}

func members(of reflect.Type) []string {
	var out []string
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// decoded reads an answer as its type in the contract.
func decoded[T any](t *testing.T, a *surfacetest.Answer) (out T) {
	t.Helper()
	if err := json.Unmarshal(a.Body, &out); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return out
}
