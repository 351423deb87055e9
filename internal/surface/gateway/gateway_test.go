package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

type world struct {
	*surfacetest.World
	contract *surfacetest.Contract
	surface  *gateway.Surface
	notReady error
	limited  []limits.Subject // what limits every caller
	people   identity.Store   // nil unless it is a database

	accepting *accepting
	news      chan struct{} // of every task
}

func newWorld(t *testing.T, c identity.Config) *world {
	t.Helper()
	return worldOf(t, surfacetest.New(t, c))
}

// worldOf puts the surface on a world.
func worldOf(t *testing.T, core *surfacetest.World) *world {
	t.Helper()
	w := &world{World: core, contract: surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope")}
	w.accepting, w.news = &accepting{w: w}, make(chan struct{}, 1)
	w.surface = gateway.New(gateway.Options{
		Relay: w.accepting, Operations: operations, Follow: func(id.ID) (<-chan struct{}, func()) { return w.news, func() {} },
		Identity: w.Service, Routing: w.Routing, Catalog: w.Catalog, Catalogue: w.Catalogue, Access: w.Access, Pricing: w.Pricing,
		Runtime: w.Runtime, Wallets: w.Wallets, Tasks: w.Tasks, Audit: w.Audit, Proxy: gateway.NetworkProxy{Source: "none"},
		Limits:   func(context.Context, *identity.Principal) ([]limits.Subject, error) { return w.limited, nil },
		Snapshot: w.Snapshot, Ready: func(context.Context) error { return w.notReady }, Env: "test", Log: w.Log, Now: w.Clock.Now,
		Asset: asset,
	})
	r := chi.NewRouter()
	r.Use(httpx.Edge(nil))
	w.surface.Mount(r)
	r.NotFound(w.surface.NotFound)
	r.MethodNotAllowed(w.surface.MethodNotAllowed(r))
	w.Handler = r
	w.Populate()
	return w
}

// asset knows one file.
func asset(name string) ([]byte, string, bool) {
	return []byte("a film of some bytes"), "video/mp4", name == "video.mp4"
}

// run sends requests one after another, each with its answer held against the contract.
func (w *world) run(t *testing.T, requests []surfacetest.Request) {
	t.Helper()
	for _, r := range requests {
		w.Check(t, w.contract, r)
	}
}

func TestRoutesAreInTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	// Some operations of the contract are the relay's: internal/app sees that the rest has a route.
	_ = w.contract.CheckRoutes(t, w.surface.Routes())
}

const (
	get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete

	newPlatform = `{"provider":"openai","platformKey":"mine","name":"Mine","credentials":{"apiKey":"sk-upstream-000111222"},` +
		`"defaultDiscountFactor":0.9,"priority":10,"retryPolicy":{"maxAttempts":3},"extra":1}`
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	ada := `{"username":"ada","email":"ada@example.org","password":"correct horse","displayName":"Ada"}`
	w.run(t, []surfacetest.Request{
		{Name: "register", Method: post, Path: "/api/v1/auth/register", Body: ada, Operation: "register", Status: 201, Golden: true},
		{Name: "register twice", Method: post, Path: "/api/v1/auth/register", Body: ada, Operation: "register", Status: 409, Code: "username_taken", At: "username"},
		{Name: "login", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"ADA@example.org","password":"correct horse"}`, Operation: "login", Status: 200, Golden: true},
		{Name: "wrong password", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"ada","password":"x"}`, Operation: "login", Status: 401, Code: "unauthorized"},
		{Name: "unknown account", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"nobody","password":"x"}`, Operation: "login", Status: 401, Code: "unauthorized"},
		{Name: "type confusion", Method: post, Path: "/api/v1/auth/login", Body: `{"account":{"$ne":null},"password":["x"]}`, Operation: "login", Status: 400, Code: "invalid_json", At: "account"},
		{Name: "me", As: "user", Method: get, Path: "/api/v1/me", Operation: "getCurrentUser", Status: 200, Golden: true},
		{Name: "me as key", As: "chat-key", Method: get, Path: "/api/v1/me", Operation: "getCurrentUser", Status: 200, Golden: true},
		{Name: "create user", As: "admin", Method: post, Path: "/api/admin/users", Body: `{"username":"bob","password":"correct horse","roles":["finance"]}`, Operation: "createAdminUser", Status: 201, Golden: true},
		{Name: "unknown role", As: "admin", Method: post, Path: "/api/admin/users", Body: `{"username":"bob2","roles":["god"]}`, Operation: "createAdminUser", Status: 400, Code: "invalid_parameter", At: "roles"},
	})
	for range 10 {
		w.Do(t, surfacetest.Request{Method: post, Path: "/api/v1/auth/login", Body: `{"account":"victim","password":"x"}`})
	}
	a := w.Check(t, w.contract, surfacetest.Request{
		Name: "brute force", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"victim","password":"x"}`, Operation: "login", Status: 429, Code: "rate_limit",
	})
	if a.Header.Get("Retry-After") != "900" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	a := w.Check(t, w.contract, surfacetest.Request{
		Name: "create key", As: "user", Method: post, Path: "/api/v1/api-keys", Operation: "createApiKey", Status: 201, Golden: true,
		Body: `{"name":"n","scopes":["chat","models"],"expiresAt":"2027-01-01"}`,
	})
	var made struct {
		APIKey struct{ ID, Secret string }
		Secret string
	}
	a.JSON(t, &made)
	if made.Secret == "" || made.Secret != made.APIKey.Secret || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("created %+v with %v", made, a.Header)
	}
	key := "/api/v1/api-keys/" + made.APIKey.ID
	for _, c := range []struct{ name, body, code, at string }{
		{"no name", `{}`, "invalid_parameter", "name"},
		{"NUL", `{"name":"a\u0000b"}`, "invalid_parameter", "name"},
		{"long name", `{"name":"` + strings.Repeat("n", 129) + `"}`, "invalid_parameter", "name"},
		{"scope", `{"name":"n","scopes":["root"]}`, "invalid_parameter", "scopes[0]"},
		{"past", `{"name":"n","expiresAt":"2020-01-01"}`, "invalid_parameter", "expiresAt"},
		{"no time", `{"name":"n","expiresAt":"tomorrow"}`, "invalid_parameter", "expiresAt"},
		{"twice", `{"name":"n","Name":"m"}`, "invalid_json", "Name"},
		{"type", `{"name":5}`, "invalid_json", "name"},
		{"list", `[]`, "invalid_json", ""},
		{"null", `null`, "invalid_parameter", ""},
		{"rest", `{"name":"n"}{}`, "invalid_json", ""},
		{"NaN", `{"name":NaN}`, "invalid_json", ""},
		{"bad UTF-8", "{\"name\":\"\xff\"}", "invalid_json", ""},
		{"deep", `{"name":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`, "json_too_deep", ""},
	} {
		w.Check(t, w.contract, surfacetest.Request{
			Name: c.name, As: "user", Method: post, Path: "/api/v1/api-keys", Body: c.body, Operation: "createApiKey", Status: 400, Code: c.code, At: c.at,
		})
	}
	w.run(t, []surfacetest.Request{
		{Name: "too large", As: "user", Method: post, Path: "/api/v1/api-keys", Body: `{"name":"` + strings.Repeat("n", 1<<20) + `"}`, Operation: "createApiKey", Status: 413, Code: "body_too_large"},
		{Name: "simple request", As: "user", Method: post, Path: "/api/v1/api-keys", Body: `{"name":"x"}`, Header: map[string]string{"Content-Type": "text/plain", "Origin": "https://evil.example"}, Operation: "createApiKey", Status: 415, Code: "unsupported_media_type"},
		{Name: "compressed", As: "user", Method: post, Path: "/api/v1/api-keys", Body: "x", Header: map[string]string{"Content-Encoding": "gzip"}, Operation: "createApiKey", Status: 415, Code: "unsupported_encoding"},
		{Name: "list keys", As: "user", Method: get, Path: "/api/v1/api-keys", Operation: "listApiKeys", Status: 200, Golden: true},
		{Name: "someone else's key", As: "other", Method: patch, Path: key + "/disable", Operation: "disableApiKey", Status: 404, Code: "not_found"},
		{Name: "delete someone else's key", As: "other", Method: del, Path: key, Operation: "deleteApiKey", Status: 404, Code: "not_found"},
		{Name: "no id", As: "user", Method: del, Path: "/api/v1/api-keys/1'%20OR%20'1'='1", Operation: "deleteApiKey", Status: 400, Code: "invalid_parameter", At: "apiKeyID"},
		{Name: "disable key", As: "user", Method: patch, Path: key + "/disable", Operation: "disableApiKey", Status: 200, Golden: true},
		{Name: "disabled key", Method: get, Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer " + made.Secret}, Status: 401, Code: "key_disabled"},
		{Name: "delete key", As: "user", Method: del, Path: key, Operation: "deleteApiKey", Status: 204},
		{Name: "deleted key", Method: get, Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer " + made.Secret}, Status: 401, Code: "invalid_api_key"},
	})
	shown := w.Check(t, w.contract, surfacetest.Request{
		Name: "playground keys", As: "user", Method: get, Path: "/api/playground/api-keys", Operation: "listPlaygroundApiKeys", Status: 200, Golden: true,
	})
	if shown.Header.Get("Cache-Control") != "no-store" || !slices.Contains(w.Actions(), "api_key.revealed") {
		t.Errorf("headers %v, announced %v", shown.Header, w.Actions())
	}
	for _, e := range w.Changes() {
		if text := e.Action; text == "" || e.Category == "" {
			t.Errorf("announced %+v", e)
		}
	}
}

func TestPlatformsAndModels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	a := w.Check(t, w.contract, surfacetest.Request{
		Name: "create platform", As: "admin", Method: post, Path: "/api/admin/platforms", Body: newPlatform, Operation: "createAdminPlatform", Status: 201, Golden: true,
	})
	if strings.Contains(string(a.Body), "upstream-000") {
		t.Errorf("the answer holds the credential: %s", a.Body)
	}
	var p struct{ ID string }
	a.JSON(t, &p)
	models, estimate := "/api/admin/platforms/"+p.ID+"/models", "/api/v1/pricing/estimate"
	w.run(t, []surfacetest.Request{
		{Name: "platform key taken", As: "admin", Method: post, Path: "/api/admin/platforms", Body: newPlatform, Operation: "createAdminPlatform", Status: 409, Code: "platform_key_taken", At: "platformKey"},
		{Name: "unknown credential", As: "admin", Method: post, Path: "/api/admin/platforms", Body: `{"provider":"openai","name":"x","credentials":{"apiKey":"k","key":"k"}}`, Operation: "createAdminPlatform", Status: 400, Code: "invalid_parameter", At: "credentials.key"},
		{Name: "zero discount", As: "admin", Method: post, Path: "/api/admin/platforms", Body: `{"provider":"openai","name":"x","credentials":{"apiKey":"k"},"defaultDiscountFactor":0}`, Operation: "createAdminPlatform", Status: 400, Code: "invalid_parameter", At: "defaultDiscountFactor"},
		{Name: "not an id", As: "admin", Method: post, Path: "/api/admin/platforms", Body: `{"provider":"openai","name":"x","pricingRuleSetId":"7"}`, Operation: "createAdminPlatform", Status: 400, Code: "invalid_parameter", At: "pricingRuleSetId"},
		{Name: "platforms", As: "support", Method: get, Path: "/api/admin/platforms", Operation: "listAdminPlatforms", Status: 200, Golden: true},
		{Name: "path wins", As: "operator", Method: post, Path: models, Body: `{"platformId":"` + id.New().String() + `","canonicalModelKey":"openai/chat-9"}`, Operation: "createAdminPlatformModelForPlatform", Status: 201, Golden: true},
		{Name: "same alias", As: "admin", Method: post, Path: models, Body: `{"canonicalModelKey":"openai/chat-9"}`, Operation: "createAdminPlatformModelForPlatform", Status: 409, Code: "platform_model_exists", At: "modelAlias"},
		{Name: "unknown platform", As: "admin", Method: post, Path: "/api/admin/platforms/" + id.New().String() + "/models", Body: `{}`, Operation: "createAdminPlatformModelForPlatform", Status: 404, Code: "not_found"},
		{Name: "no platform", As: "admin", Method: post, Path: "/api/admin/platform-models", Body: `{"modelName":"m"}`, Operation: "createAdminPlatformModel", Status: 400, Code: "invalid_parameter", At: "platformId"},
		{
			Name: "create model", As: "admin", Method: post, Path: "/api/admin/platform-models", Operation: "createAdminPlatformModel", Status: 201, Golden: true,
			Body: `{"platformId":"` + p.ID + `","providerModelName":"house-1","modelAlias":"house","modelType":["chat"],"discountFactor":0.5,` +
				`"billingConfig":{"currency":"USD","rules":[{"resourceType":"request","unit":"request","basePrice":0.01}]}}`,
		},
		{Name: "bad price", As: "admin", Method: post, Path: models, Body: `{"providerModelName":"m","modelType":["chat"],"billingConfig":{"currency":"USD","rules":[{"resourceType":"x"}]}}`, Operation: "createAdminPlatformModelForPlatform", Status: 400, Code: "price_resource_unknown", At: "billingConfig.rules[0].resourceType"},
		{Name: "admin models", As: "admin", Method: get, Path: "/api/admin/models", Operation: "listAdminPlatformModels", Status: 200, Golden: true},
		{Name: "callable models", As: "user", Method: get, Path: "/api/v1/models", Operation: "listCallableModels", Status: 200, Golden: true},
		{Name: "estimate", As: "user", Method: post, Path: estimate, Body: `{"model":"chat-9","messages":[{"role":"user","content":"hi"}],"max_tokens":100}`, Operation: "estimatePricing", Status: 200, Golden: true},
		{Name: "estimate a prompt", As: "key", Method: post, Path: estimate, Body: `{"kind":"chat.completions","model":"chat-9","prompt":"hi","max_tokens":100}`, Operation: "estimatePricing", Status: 200, Golden: true},
		{Name: "estimate what nobody serves", As: "user", Method: post, Path: estimate, Body: `{"model":"chat-0","messages":[{"role":"user","content":"hi"}]}`, Operation: "estimatePricing", Status: 404, Code: "model_not_found", At: "model"},
		{Name: "estimate another kind", As: "user", Method: post, Path: estimate, Body: `{"kind":"chat","model":"chat-9"}`, Operation: "estimatePricing", Status: 400, Code: "invalid_parameter", At: "kind"},
		{Name: "playground models", As: "key", Method: get, Path: "/api/v1/playground/models", Operation: "listPlaygroundModels", Status: 200},
		{Name: "replace platform", As: "admin", Method: patch, Path: "/api/admin/platforms/" + p.ID, Body: `{"provider":"openai","name":"Theirs","status":"disabled"}`, Operation: "updateAdminPlatform", Status: 200, Golden: true},
		{Name: "no route is in force", As: "user", Method: get, Path: "/api/v1/models", Operation: "listCallableModels", Status: 200, Golden: true},
		{Name: "delete platform", As: "admin", Method: del, Path: "/api/admin/platforms/" + p.ID, Operation: "deleteAdminPlatform", Status: 204},
		{Name: "delete it again", As: "admin", Method: del, Path: "/api/admin/platforms/" + p.ID, Operation: "deleteAdminPlatform", Status: 404, Code: "not_found"},
		{Name: "providers", Method: get, Path: "/api/v1/public/catalog/providers", Operation: "listPublicCatalogProviders", Status: 200, Golden: true},
		{Name: "base models", Method: get, Path: "/api/admin/catalog/base-models", Operation: "listAdminBaseModels", Status: 200, Golden: true},
		{Name: "base models in public", Method: get, Path: "/api/v1/public/catalog/base-models", Operation: "listPublicBaseModels", Status: 200},
		{Name: "providers for admins", Method: get, Path: "/api/admin/catalog/providers", Operation: "listAdminCatalogProviders", Status: 200},
	})
}

func TestWallets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	path := "/api/admin/users/" + w.User("user").ID.String() + "/wallet"
	set := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{
			Name: name, As: "finance", Method: patch, Path: path, Body: body, Operation: "setAdminUserWalletBalance", Status: status,
			Code: code, At: at, Golden: status == 200,
		}
	}
	w.run(t, []surfacetest.Request{
		set("negative", `{"balance":-1,"currency":"USD","reason":"t"}`, 400, "amount_invalid", "balance"),
		set("too exact", `{"balance":1.0000000001,"currency":"USD"}`, 400, "amount_precision", "balance"),
		set("NaN", `{"balance":NaN,"currency":"USD"}`, 400, "invalid_json", ""),
		set("a text", `{"balance":"1","currency":"USD"}`, 400, "invalid_json", ""),
		set("no balance", `{"currency":"USD"}`, 400, "amount_invalid", "balance"),
		set("huge", `{"balance":1e30}`, 400, "amount_invalid", "balance"),
		set("padded currency", `{"balance":1,"currency":" usd "}`, 400, "currency_unsupported", "currency"),
		set("exponent", `{"balance":1e2,"currency":"USD","reason":"gift","idempotencyKey":"k-1","metadata":{"a":1}}`, 200, "", ""),
		set("exact", `{"balance":0.1}`, 200, "", ""),
		{Name: "unknown user", As: "admin", Method: patch, Path: "/api/admin/users/" + id.New().String() + "/wallet", Body: `{"balance":1}`, Operation: "setAdminUserWalletBalance", Status: 404, Code: "not_found"},
		{Name: "wallet", As: "user", Method: get, Path: "/api/workspace/wallet", Operation: "getWorkspaceWallet", Status: 200, Golden: true},
		{Name: "wallet in another currency", As: "user", Method: get, Path: "/api/workspace/wallet?currency=EUR", Operation: "getWorkspaceWallet", Status: 200, Golden: true},
		{Name: "transactions", As: "user", Method: get, Path: "/api/workspace/wallet/transactions?direction=credit&type=adjustment&from=2026-03-01&to=2026-03-01&limit=10", Operation: "listWorkspaceWalletTransactions", Status: 200, Golden: true},
		{Name: "direction", As: "user", Method: get, Path: "/api/workspace/wallet/transactions?direction=up", Operation: "listWorkspaceWalletTransactions", Status: 400, Code: "invalid_parameter", At: "direction"},
		{Name: "users", As: "support", Method: get, Path: "/api/admin/users?q=use", Operation: "listAdminUsers", Status: 200, Golden: true},
		{Name: "users by page", As: "admin", Method: get, Path: "/api/admin/users?page=2&pageSize=4", Operation: "listAdminUsers", Status: 200},
	})
	q := w.Wallets.Asked
	if q.Kind != "adjustment" || q.Page.Size != 10 || q.To.Sub(q.From) != 24*time.Hour || q.User != w.User("user").ID {
		t.Errorf("asked %+v", q)
	}
}

// call makes a stored call of the user: failed over once, priced, charged.
func call(user identity.User, at time.Time) tasks.Task {
	task := tasks.Task{
		ID: id.At(at), RequestID: "req-7", TenantID: user.TenantID, UserID: user.ID, APIKeyName: "key", Kind: inference.Chat,
		ModelType: inference.TypeChat, RunMode: "live", Stream: true, Status: tasks.Canceled, RequestedModel: "chat-9",
		ResolvedModel: "chat-9", Provider: "openai", HTTPStatus: 200, Currency: "USD", Held: 5_000_000, Charged: 2_550,
		BillReason: "client_gone", AttemptCount: 2, TTFT: 120 * time.Millisecond, CreatedAt: at, UpdatedAt: at,
		FinishedAt: at.Add(1500 * time.Millisecond),
		Attempts: []byte(`[{"no":1,"platformId":"","platformName":"One","status":"failed","statusCode":500,"category":"server_error",
			"verdict":"next_platform","retryable":true,"startedAt":"2026-03-01T12:00:00Z","duration":40000000},
			{"no":2,"platformId":"","platformName":"Two","status":"canceled","statusCode":200,"category":"canceled",
			"verdict":"caller_left","startedAt":"2026-03-01T12:00:00.05Z","ttft":70000000,"duration":1400000000}]`),
		Route: []byte(`{"requested":"chat-9","served":"chat-9","cause":"failover","candidates":[
			{"platformId":"a","platformName":"One","model":"chat-9","effectivePriority":10,"gate":"open","chosen":false}]}`),
	}
	task.Preprocessing = []byte(`[{"attemptNo":1,"changed":true,"changeCount":1,"modelType":"chat","createdAt":"2026-03-01T00:00:00Z",
		"changes":[{"path":"temperature","before":"1.9","after":"1","rule":"maximum","reason":"The model takes no higher value."}]}]`)
	task.Usage.Quantities[inference.TextInput], task.Usage.Quantities[inference.TextOutput] = 900, 30
	task.Lines = pricing.AppendLines(nil, []pricing.Line{
		{Resource: inference.TextInput, Quantity: 900, Unit: pricing.Per1M, Price: 2_500_000_000, Currency: "USD", Amount: 2_250},
		{
			Resource: inference.TextOutput, Quantity: 30, Unit: pricing.Per1M, Price: 10_000_000_000, Currency: "USD", Amount: 300,
			Factors: []pricing.NamedFactor{{Name: "platform", Value: money.One}},
		},
	})
	return task
}

func TestTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	mine := call(w.User("user"), w.Clock.Now())
	w.Tasks.Rows = []tasks.Task{mine, call(w.User("other"), w.Clock.Now())}
	list := func(query string) surfacetest.Request {
		return surfacetest.Request{Name: "tasks " + query, As: "user", Method: get, Path: "/api/workspace/tasks?" + query, Operation: "listWorkspaceTasks", Status: 200}
	}
	bad := func(query, code, at string) surfacetest.Request {
		r := list(query)
		r.Status, r.Code, r.At = 400, code, at
		return r
	}
	w.run(t, []surfacetest.Request{
		{Name: "task", As: "user", Method: get, Path: "/api/v1/tasks/" + mine.ID.String(), Operation: "getTask", Status: 200, Golden: true},
		{Name: "task in the workspace", As: "tasks-key", Method: get, Path: "/api/workspace/tasks/" + mine.ID.String(), Operation: "getWorkspaceTask", Status: 200},
		{Name: "someone else's task", As: "other", Method: get, Path: "/api/v1/tasks/" + mine.ID.String(), Operation: "getTask", Status: 404, Code: "not_found"},
		{Name: "unknown task", As: "other", Method: get, Path: "/api/v1/tasks/" + id.New().String(), Operation: "getTask", Status: 404, Code: "not_found"},
		{Name: "someone else's events", As: "other", Method: get, Path: "/api/v1/tasks/" + mine.ID.String() + "/events", Operation: "streamTaskEvents", Status: 404, Code: "not_found"},
		{Name: "changes", As: "user", Method: get, Path: "/api/v1/tasks/" + mine.ID.String() + "/param-preprocessing", Operation: "listTaskParamPreprocessing", Status: 200, Golden: true},
		{Name: "tasks", As: "user", Method: get, Path: "/api/v1/tasks", Operation: "listTasks", Status: 200, Golden: true},
		bad("page=9223372036854775808", "invalid_page", "page"),
		bad("page=0", "invalid_page", "page"),
		bad("pageSize=201", "invalid_page", "pageSize"),
		bad("limit=-1", "invalid_page", "limit"),
		bad("createdFrom=yesterday", "invalid_parameter", "createdFrom"),
		bad("createdFrom=2030-01-01T00:00:00Z&createdTo=2020-01-01T00:00:00Z", "invalid_parameter", "createdTo"),
		bad("q="+strings.Repeat("a", 10240), "invalid_parameter", "q"),
		bad("status=done", "invalid_parameter", "status"),
		bad("simulated=perhaps", "invalid_parameter", "simulated"),
		bad("apiKeyId=1", "invalid_parameter", "apiKeyId"),
		bad("q=%zz", "invalid_parameter", ""),
		list("page=1000000"),
		list("q=a%0d%0aSet-Cookie:%20x=1%0d%0a"),
		list("query=x&type=chat&from=2026-01-01&to=2026-02-01T10:00:00Z&status=cancelled,%20queued&simulated=true&model=m&limit=7"),
	})
	q := w.Tasks.Asked
	if q.Text != "x" || q.ModelType != "chat" || !slices.Equal(q.Statuses, []tasks.Status{tasks.Canceled, tasks.Initial, tasks.Queued}) ||
		q.Simulated == nil || !*q.Simulated || q.Model != "m" || q.Page.Size != 7 || q.From.Day() != 1 || q.To.Hour() != 10 {
		t.Errorf("asked %+v", q)
	}
}

func TestAuditAndHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{Mode: identity.Standalone})
	w.run(t, []surfacetest.Request{
		{Name: "audit", As: "admin", Method: get, Path: "/api/admin/audit-logs?category=api_key&action=api_key.created&limit=1", Operation: "listAdminAuditLogs", Status: 200, Golden: true},
		{Name: "audit limit", As: "admin", Method: get, Path: "/api/admin/audit-logs?limit=-1", Operation: "listAdminAuditLogs", Status: 400, Code: "invalid_page", At: "limit"},
		{Name: "healthz", Method: get, Path: "/healthz", Operation: "getHealthz", Status: 200, Golden: true},
		{Name: "readyz", Method: get, Path: "/readyz", Operation: "getReadyz", Status: 200, Golden: true},
	})
	w.notReady = errors.New("the database at 10.0.0.7 is away")
	a := w.Check(t, w.contract, surfacetest.Request{Name: "not ready", Method: get, Path: "/readyz", Operation: "getReadyz", Status: 503, Code: "unavailable"})
	if strings.Contains(string(a.Body), "10.0.0.7") || !strings.Contains(w.Logged.String(), "10.0.0.7") {
		t.Errorf("answered %s, logged %s", a.Body, w.Logged)
	}
}

func TestHostileEdges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	w.run(t, []surfacetest.Request{
		{Name: "unknown path", As: "user", Method: get, Path: "/api/v1/does-not-exist", Status: 404, Code: "not_found"},
		{Name: "dots in a token", Method: get, Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer " + strings.Repeat(".", 14000)}, Status: 401, Code: "invalid_token"},
		{Name: "empty bearer", Method: get, Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer "}, Status: 401, Code: "unauthorized"},
		{Name: "key in the query", Method: get, Path: "/api/v1/me?api_key=x&key=x", Status: 401, Code: "unauthorized"},
		{Name: "preflight", Method: http.MethodOptions, Path: "/api/v1/api-keys", Header: map[string]string{"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}, Status: 403, Code: "origin_forbidden"},
		{Name: "admin as a key", As: "admin-key", Method: get, Path: "/api/admin/users", Status: 403, Code: "forbidden"},
		{Name: "scope", As: "chat-key", Method: post, Path: "/api/v1/api-keys", Body: `{"name":"x"}`, Status: 403, Code: "insufficient_scope"},
	})
	a := w.Check(t, w.contract, surfacetest.Request{Name: "wrong method", As: "user", Method: http.MethodPut, Path: "/api/v1/api-keys", Status: 405, Code: "method_not_allowed"})
	if a.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow %q", a.Header.Get("Allow"))
	}
	long := w.Do(t, surfacetest.Request{Method: get, Path: "/healthz", Header: map[string]string{"X-Request-Id": strings.Repeat("a", 10240)}})
	if got := long.Header.Get("X-Request-Id"); len(got) != 36 {
		t.Errorf("request id %q", got)
	}
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	req, err := http.NewRequestWithContext(t.Context(), get, "/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Add("Authorization", w.Authorization("user"))
	req.Header.Add("Authorization", w.Authorization("key"))
	if status := w.Serve(req).Status; status != 401 {
		t.Errorf("status %d", status)
	}
}

// who may use what; the others are refused. Routes that nobody is listed for are public.
var permissions = map[string]string{
	"getCurrentUser":                      "user admin operator finance support key chat-key tasks-key admin-key",
	"listApiKeyAccessRules":               "user admin operator finance support key admin-key",
	"batchApiKeyAccessRules":              "user admin operator finance support",
	"listAdminAccessRules":                "admin tenant-admin",
	"createAdminAccessRule":               "admin tenant-admin",
	"updateAdminAccessRule":               "admin tenant-admin",
	"deleteAdminAccessRule":               "admin tenant-admin",
	"batchAdminAccessRules":               "admin tenant-admin",
	"listApiKeys":                         "user admin operator finance support key admin-key",
	"createApiKey":                        "user admin operator finance support key admin-key",
	"disableApiKey":                       "user admin operator finance support key admin-key",
	"deleteApiKey":                        "user admin operator finance support key admin-key",
	"listPlaygroundApiKeys":               "user admin operator finance support",
	"listCallableModels":                  "user admin operator finance support key admin-key",
	"estimatePricing":                     "user admin operator finance support key admin-key",
	"createChatCompletionTask":            "user admin operator finance support key chat-key admin-key",
	"createResponseTask":                  "user admin operator finance support key admin-key",
	"createImageGenerationTask":           "user admin operator finance support key admin-key",
	"createImageEditTask":                 "user admin operator finance support key admin-key",
	"createVideoGenerationTask":           "user admin operator finance support key admin-key",
	"listPlaygroundModels":                "user admin operator finance support key admin-key",
	"listWorkspaceTasks":                  "user admin operator finance support key tasks-key admin-key",
	"getWorkspaceTask":                    "user admin operator finance support key tasks-key admin-key",
	"listTasks":                           "user admin operator finance support key tasks-key admin-key",
	"getTask":                             "user admin operator finance support key tasks-key admin-key",
	"streamTaskEvents":                    "user admin operator finance support key tasks-key admin-key",
	"streamWorkspaceTaskEvents":           "user admin operator finance support key tasks-key admin-key",
	"listTaskParamPreprocessing":          "user admin operator finance support key tasks-key admin-key",
	"listWorkspaceTaskParamPreprocessing": "user admin operator finance support key tasks-key admin-key",
	"getWorkspaceWallet":                  "user admin operator finance support key admin-key",
	"listWorkspaceWalletTransactions":     "user admin operator finance support key admin-key",
	"listAdminPlatforms":                  "admin operator support",
	"createAdminPlatform":                 "admin operator",
	"updateAdminPlatform":                 "admin operator",
	"deleteAdminPlatform":                 "admin operator",
	"createAdminPlatformModelForPlatform": "admin operator",
	"replaceAdminPlatformModels":          "admin operator",
	"updateAdminPlatformDynamicPriority":  "admin operator",
	"deleteAdminPlatformModel":            "admin operator",
	"createAdminCatalogProvider":          "admin operator",
	"updateAdminCatalogProvider":          "admin operator",
	"deleteAdminCatalogProvider":          "admin operator",
	"createAdminBaseModel":                "admin operator",
	"updateAdminBaseModel":                "admin operator",
	"deleteAdminBaseModel":                "admin operator",
	"resetAdminBaseModel":                 "admin operator",
	"resetAllAdminBaseModels":             "admin operator",
	"listModelCatalog":                    "user admin operator finance support key admin-key",
	"listAvailablePlatforms":              "user admin operator finance support key admin-key",
	"createAdminPlatformModel":            "admin operator",
	"listAdminPlatformModels":             "admin operator support",
	"listAdminUsers":                      "admin support finance tenant-admin",
	"createAdminUser":                     "admin tenant-admin",
	"updateAdminUser":                     "admin tenant-admin",
	"deleteAdminUser":                     "admin tenant-admin",
	"listAdminTenants":                    "admin support finance tenant-admin",
	"createAdminTenant":                   "admin",
	"updateAdminTenant":                   "admin",
	"deleteAdminTenant":                   "admin",
	"listAdminUserGroups":                 "admin support finance tenant-admin",
	"createAdminUserGroup":                "admin tenant-admin",
	"updateAdminUserGroup":                "admin tenant-admin",
	"deleteAdminUserGroup":                "admin tenant-admin",
	"setAdminUserWalletBalance":           "admin finance",
	"listAdminAuditLogs":                  "admin",
	"listAdminPricingRuleSets":            "admin operator finance support",
	"createAdminPricingRuleSet":           "admin finance",
	"updateAdminPricingRuleSet":           "admin finance",
	"deleteAdminPricingRuleSet":           "admin finance",
	"listAdminPricingRules":               "admin operator finance support",
	"listAdminRuntimePolicySets":          "admin operator support",
	"createAdminRuntimePolicySet":         "admin operator",
	"updateAdminRuntimePolicySet":         "admin operator",
	"deleteAdminRuntimePolicySet":         "admin operator",
	"getAdminRunnerPolicy":                "admin operator support",
	"updateAdminRunnerPolicy":             "admin operator",
	"listAdminRateLimitWindows":           "admin operator support",
	"listAdminModelRateLimits":            "admin operator support",
	"getAdminNetworkProxyConfig":          "admin operator",
}

// TestEventsResume reads a call's story whole and from its second event on.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	mine := call(w.User("user"), w.Clock.Now())
	w.Tasks.Rows = []tasks.Task{mine}
	read := func(last string) string {
		t.Helper()
		a := w.Do(t, surfacetest.Request{
			As: "user", Method: get, Path: "/api/v1/tasks/" + mine.ID.String() + "/events", Header: map[string]string{"Last-Event-ID": last},
		})
		return string(a.Body)
	}
	whole := read("")
	if !strings.HasPrefix(whole, "id: 1\nevent: task.accepted\ndata: {") || !strings.Contains(whole, "event: task.cancelled\n") {
		t.Errorf("events %q", whole)
	}
	if rest := read("1"); rest == "" || !strings.HasSuffix(whole, rest) || strings.Contains(rest, "task.accepted") {
		t.Errorf("after event 1: %q", rest)
	}
	if bad := read("x"); !strings.Contains(bad, `"code":"invalid_parameter"`) {
		t.Errorf("a foreign event id: %s", bad)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	w.PopulateTenant()
	for _, r := range w.surface.Routes() {
		allowed := strings.Fields(permissions[r.OperationID])
		for _, who := range []string{"", "user", "admin", "operator", "finance", "support", "key", "chat-key", "tasks-key", "admin-key", "tenant-admin"} {
			path := surfacetest.Fill(r.Pattern, map[string]string{
				"apiKeyID": id.New().String(), "taskID": id.New().String(), "platformID": id.New().String(), "userID": id.New().String(),
				"providerID": id.New().String(), "baseModelID": id.New().String(), "modelID": id.New().String(), "ruleID": id.New().String(),
				"tenantID": id.New().String(), "groupID": id.New().String(), "ruleSetID": id.New().String(), "policySetID": id.New().String(),
			})
			status := w.Do(t, surfacetest.Request{As: who, Method: r.Method, Path: path}).Status
			refused := status == 401 || status == 403
			want := len(allowed) > 0 && !slices.Contains(allowed, who) && (who != "tenant-admin" || !slices.Contains(allowed, "user"))
			if refused != want || (who == "" && want && status != 401) {
				t.Errorf("%s as %q: status %d, want refused %v", r.OperationID, who, status, want)
			}
		}
	}
}
