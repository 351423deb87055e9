package azure

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeazure"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func fake(t *testing.T, config string) (*fakeazure.Server, provider.Account) {
	t.Helper()
	s := fakeazure.New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, provider.Account{
		BaseURL: server.URL, Credential: map[string]secret.String{"apiKey": secret.New(fakeazure.Key)}, Transport: transport,
		Config: []byte(config),
	}
}

func call(kind inference.Kind, model, more string) provider.Call {
	return provider.Call{
		Kind: kind, Model: model, Body: []byte(`{"model":"` + model + `",` + more + `}`), ContentType: "application/json", Attempt: 1,
	}
}

func chat(model string, stream bool) provider.Call {
	more := `"messages":[{"role":"user","content":"hi"}]`
	if stream {
		more += `,"stream":true,"stream_options":{"include_usage":true}`
	}
	c := call(inference.Chat, model, more)
	c.Stream = stream
	return c
}

const pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func suite(account provider.Account) *providertest.Suite {
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: chat("prod-4o-mini--"+name, false), Want: want}
	}
	silent, endless := chat("prod-4o-mini--hang", false), chat("long", true)
	return &providertest.Suite{
		Adapter: Adapter{}, Account: account, Bad: badAccounts, Silent: &silent, Endless: &endless,
		Whole: []provider.Call{
			chat("prod-4o-mini", false), call(inference.Embeddings, "embed-small", `"input":"hi"`),
			call(inference.Responses, "thinking", `"input":"hi"`), call(inference.ImageGenerations, "paint", `"prompt":"a boat"`),
			call(inference.ImageEdits, "paint", `"prompt":"at night","images":[{"image_url":"`+pixel+`"}]`),
		},
		Streams: []provider.Call{chat("prod-4o-mini", true), chat("thinking", true)}, End: "data: [DONE]\n\n",
		Sessions: []provider.Call{{Kind: inference.Realtime, Model: "talk"}},
		SessionFailures: []providertest.Failure{
			{Name: "deployment", Call: provider.Call{Kind: inference.Realtime, Model: "nobody"}, Want: provider.Outcome{Category: inference.NotFound, Code: "DeploymentNotFound"}},
			{Name: "429", Call: provider.Call{Kind: inference.Realtime, Model: "talk--429"}, Want: provider.Outcome{Category: inference.RateLimited, Code: "429", RetryAfter: 6 * time.Second}},
		},
		Failures: []providertest.Failure{
			failure("403", provider.Outcome{Category: inference.Permission, Code: "Forbidden"}),
			failure("408", provider.Outcome{Category: inference.Timeout, Code: "Timeout"}),
			failure("424", provider.Outcome{Category: inference.ServerError, Code: "InternalServerError"}),
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "429", RetryAfter: 6 * time.Second}),
			failure("429-header", provider.Outcome{Category: inference.RateLimited, Code: "RateLimitReached", RetryAfter: 7 * time.Second}),
			failure("quota", provider.Outcome{Category: inference.QuotaExhausted, Code: "insufficient_quota"}),
			failure("500", provider.Outcome{Category: inference.ServerError, Code: "InternalServerError"}),
			failure("503", provider.Outcome{Category: inference.ServerError, Code: "InternalServerError"}),
			failure("operation", provider.Outcome{Category: inference.NotFound, Code: "OperationNotSupported"}),
			failure("principal", provider.Outcome{Category: inference.Permission, Code: "PermissionDenied"}),
			failure("filter", provider.Outcome{Category: inference.ContentPolicy, Code: "content_filter"}),
			{Name: "deployment", Call: chat("nobody", false), Want: provider.Outcome{Category: inference.NotFound, Code: "DeploymentNotFound"}},
		},
		Secrets: []string{fakeazure.Key, strings.TrimPrefix(account.BaseURL, "http://")},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"v1": ``, "deployments": `{"apiVersion":"2025-04-01-preview"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, account := fake(t, config)
			server.Script(fakeopenai.Step{Model: "gpt-4.1", Fault: "hang", After: 2})
			providertest.Run(t, suite(account))
		})
	}
}

var badAccounts = []providertest.BadAccount{
	{Name: "no address", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "" }},
	{Name: "query", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL += "?api-version=1" }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "none" }},
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "version", Path: "config.apiVersion", Spoil: func(a *provider.Account) { a.Config = []byte(`{"apiVersion":"latest&x=1"}`) }},
	{Name: "parameter", Path: "config.maxTokensParam", Spoil: func(a *provider.Account) { a.Config = []byte(`{"maxTokensParam":"max"}`) }},
	{Name: "usage", Path: "config.streamUsage", Spoil: func(a *provider.Account) { a.Config = []byte(`{"streamUsage":"maybe"}`) }},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "secret header", Path: "config.headers.Authorization", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"Authorization": "Bearer x"}
	}},
}

func TestWhereCallsGo(t *testing.T) {
	t.Parallel()
	const version = "?api-version=2025-04-01-preview"
	for _, c := range []struct {
		config string
		call   provider.Call
		want   string
	}{
		{``, chat("prod-4o-mini", false), "/openai/v1/chat/completions"},
		{``, call(inference.Responses, "thinking", `"input":"hi"`), "/openai/v1/responses"},
		{`{"apiVersion":"2025-04-01-preview"}`, chat("prod-4o-mini", false), "/openai/deployments/prod-4o-mini/chat/completions" + version},
		{`{"apiVersion":"2025-04-01-preview"}`, call(inference.Responses, "thinking", `"input":"hi"`), "/openai/responses" + version},
		{`{"apiVersion":"2025-04-01-preview"}`, chat("a/b?c", false), "/openai/deployments/a%2Fb%3Fc/chat/completions" + version},
	} {
		for _, path := range []string{"", "/", "/openai", "/openai/v1/"} {
			server, account := fake(t, c.config)
			account.BaseURL += path
			u, err := Adapter{}.Open(account)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := u.Send(t.Context(), &c.call)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := server.Seen(); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s behind %q: %v, want %s", c.call.Kind, path, got, c.want)
			}
		}
	}
}

func TestTokensOfEntra(t *testing.T) {
	t.Parallel()
	_, account := fake(t, "")
	account.AuthType, account.Credential = authBearer, map[string]secret.String{"apiKey": secret.New(fakeazure.Token)}
	for key, want := range map[string]int{fakeazure.Token: http.StatusOK, fakeazure.Key: http.StatusUnauthorized} {
		account.Credential = map[string]secret.String{"apiKey": secret.New(key)}
		u, err := Adapter{}.Open(account)
		if err != nil {
			t.Fatal(err)
		}
		c := chat("prod-4o-mini", false)
		resp, err := u.Send(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
		if want == http.StatusUnauthorized && u.Classify(resp, body).Category != inference.Authentication {
			t.Errorf("%s is %+v", body, u.Classify(resp, body))
		}
	}
}

func TestShapeGoesByVersion(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]provider.Shape{
		``:                                {MaxOutputParam: "max_completion_tokens", StreamUsage: true},
		`{"apiVersion":"2024-06-01"}`:     {MaxOutputParam: "max_tokens"},
		`{"apiVersion":"2024-10-21"}`:     {MaxOutputParam: "max_completion_tokens", StreamUsage: true},
		`{"maxTokensParam":"max_tokens"}`: {MaxOutputParam: "max_tokens", StreamUsage: true},
		`{"apiVersion":"2024-06-01","streamUsage":"true"}`: {MaxOutputParam: "max_tokens", StreamUsage: true},
	} {
		_, account := fake(t, config)
		u, err := Adapter{}.Open(account)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.(provider.Shaper).Shape(); got != want { //nolint:forcetypeassert // a compile-time guard says so
			t.Errorf("%s: %+v, want %+v", config, got, want)
		}
	}
}
