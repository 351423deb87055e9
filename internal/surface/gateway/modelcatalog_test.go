package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const (
	modelCatalog = "/api/v1/model-catalog"
	available    = "/api/v1/platforms"
)

// market connects two platforms that offer chat-9, of which the first also has a model of its own.
func (w *world) market(t *testing.T) (first string) {
	t.Helper()
	w.Do(t, surfacetest.Request{As: "admin", Method: patch, Path: providers + "/" + w.provider(t, "openai"), Body: `{"iconPath":"/icons/openai.svg"}`})
	w.Do(t, surfacetest.Request{
		As: "admin", Method: patch, Path: w.baseModel(t, "openai/chat-9"),
		Body: `{"metadata":{"description":"Talks."},"capabilities":{"features":["tools"],"inputModalities":["text","image"],"contextWindow":128000}}`,
	})
	first = w.connected(t, newPlatform)
	second := w.connected(t, `{"provider":"openai","name":"Second","platformKey":"second","internalName":"our second","priority":20,`+
		`"baseUrl":"http://10.0.0.9/v1","credentials":{"apiKey":"k2"},"rateLimitPolicy":{"rpm":60,"concurrent":4,"credential":{"tpm":1000}}}`)
	for at, list := range map[string]string{
		first: `{"models":[{"canonicalModelKey":"openai/chat-9","rateLimitPolicy":{"rpm":30}},{"providerModelName":"house-1","modelAlias":"house",` +
			`"displayName":"House","modelType":["chat"],"billingConfig":{"currency":"EUR","rules":[{"resourceType":"request","unit":"request","basePrice":0.01}]}}]}`,
		second: `{"models":[{"canonicalModelKey":"openai/chat-9"},{"providerModelName":"free-1","modelType":["chat"],"enabled":false}]}`,
	} {
		if a := w.Do(t, surfacetest.Request{As: "admin", Method: put, Path: at + "/models", Body: list}); a.Status != 200 {
			t.Fatalf("status %d: %s", a.Status, a.Body)
		}
	}
	return first
}

func TestModelCatalog(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		see := func(name, path, operation string) surfacetest.Request {
			return surfacetest.Request{Name: name, As: "user", Method: get, Path: path, Operation: operation, Status: 200, Golden: true}
		}
		w.run(t, []surfacetest.Request{
			see("empty model catalog", modelCatalog, "listModelCatalog"), see("no available platforms", available, "listAvailablePlatforms"),
			{Name: "catalog for nobody", Method: get, Path: modelCatalog, Operation: "listModelCatalog", Status: 401, Code: "unauthorized"},
			{Name: "platforms for nobody", Method: get, Path: available, Operation: "listAvailablePlatforms", Status: 401, Code: "unauthorized"},
			{Name: "catalog for a key to chat", As: "chat-key", Method: get, Path: modelCatalog, Operation: "listModelCatalog", Status: 403, Code: "insufficient_scope"},
		})
		first := w.market(t)
		w.limited = rates(t, `{"rpm":50,"tpm":100000,"windows":[{"metric":"amount","limit":2.5,"windowSeconds":86400}]}`)
		w.run(t, []surfacetest.Request{
			see("model catalog", modelCatalog, "listModelCatalog"), see("available platforms", available, "listAvailablePlatforms"),
		})
		for _, path := range []string{modelCatalog, available, "/api/v1/models"} {
			shown := string(w.Do(t, surfacetest.Request{As: "key", Method: get, Path: path}).Body)
			for _, hidden := range []string{"our second", "10.0.0.9", "credentialsPreview", "free-1", "****"} {
				if strings.Contains(shown, hidden) {
					t.Errorf("%s shows %q", path, hidden)
				}
			}
		}
		w.Do(t, surfacetest.Request{As: "admin", Method: patch, Path: first, Body: strings.Replace(newPlatform, `"priority":10`, `"status":"disabled"`, 1)})
		w.run(t, []surfacetest.Request{
			see("model catalog of the rest", modelCatalog, "listModelCatalog"), see("the rest of the platforms", available, "listAvailablePlatforms"),
		})
	})
}

// TestModelCatalogOfRules shows a name that rules alone serve, to those who have such rules.
func TestModelCatalogOfRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	w.market(t)
	_, err := w.Routing.PutModelRoute(t.Context(), event.Actor{TenantID: w.User("user").TenantID}, "auto", routing.NewModelRoute{
		Forward: json.RawMessage(`{"rules":[{"type":"all","target":"chat-9"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	out := decoded[api.HttpapiModelCatalogResponse](t, w.Check(t, w.contract, surfacetest.Request{
		Name: "catalog with rules", As: "user", Method: get, Path: modelCatalog, Operation: "listModelCatalog", Status: 200,
	}))
	auto := out.Items[0]
	if auto.Alias != "auto" || auto.Id != "auto" || auto.SourceCount != 0 || auto.Source.Label != "other models" || auto.Pricing.Title == "" {
		t.Errorf("%+v", auto)
	}
}

// rates are the limits of everybody's group.
func rates(t *testing.T, policy string) []limits.Subject {
	t.Helper()
	rate, err := limits.ParseRateLimit("rateLimitPolicy", []byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	group := limits.Scope{Kind: limits.KindGroup, ID: id.New()}
	return []limits.Subject{{Scope: group, Policy: limits.Policy{Rate: rate}}}
}

// TestModelCatalogOfAKey shows what the key may ask for, and nothing else.
func TestModelCatalogOfAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	w.market(t)
	made := w.Do(t, surfacetest.Request{As: "user", Method: post, Path: "/api/v1/api-keys", Body: `{"name":"narrow","scopes":["*"]}`})
	var key struct {
		Secret string `json:"secret"`
	}
	made.JSON(t, &key)
	all := w.Do(t, surfacetest.Request{Method: get, Path: modelCatalog, Header: map[string]string{"Authorization": "Bearer " + key.Secret}})
	out := decoded[api.HttpapiModelCatalogResponse](t, all)
	if out.Summary.ModelCount != 2 || out.Summary.SourceCount != 3 || len(out.Items) != 2 {
		t.Errorf("%s", all.Body)
	}
	if price := out.Items[0].Pricing.Lines; len(price) != 2 || price[0] != "text input: 2.25 USD / 1M tokens" {
		t.Errorf("prices %q", price)
	}
	if l := out.Items[0].RateLimits; l.Rpm != "90" || l.Tpm != "" {
		t.Errorf("limits %+v", l)
	}
	if _, err := json.Marshal(out.Filters); err != nil || len(out.Filters.Providers) != 1 || out.Filters.Providers[0].Count != 2 {
		t.Errorf("filters %+v", out.Filters)
	}
}
