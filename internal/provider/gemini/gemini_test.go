package gemini_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

func fake(t *testing.T) (*fakegemini.Server, provider.Account) {
	t.Helper()
	s := fakegemini.New(fakegemini.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, provider.Account{
		BaseURL: server.URL + "/v1beta", Credential: map[string]secret.String{"apiKey": secret.New(fakegemini.DefaultKey)}, Transport: transport,
	}
}

func generate(model string, stream bool) provider.Call {
	return provider.Call{
		Kind: inference.GenerateContent, Stream: stream, Model: model, Attempt: 1,
		Body: []byte(`{"contents":[{"role":"user","parts":[{"text":"a boat at night"}]}]}`),
	}
}

func embed(body string) provider.Call {
	return provider.Call{Kind: inference.Embeddings, Model: "gemini-embedding-001", Body: []byte(body), Attempt: 1}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server, account := fake(t)
	silent, endless := generate("gemini-2.5-pro--hang", false), generate("gemini-2.5-flash", true)
	server.Script(fakegemini.Step{Model: "gemini-2.5-flash", Fault: "hang", After: 2})
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: generate("gemini-2.5-pro--"+name, false), Want: want}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: gemini.Adapter{},
		Account: account,
		Bad:     badAccounts,
		Whole: []provider.Call{
			generate("gemini-2.5-pro", false), embed(`{"content":{"parts":[{"text":"hi"}]}}`),
			embed(`{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"hi"}]}}]}`),
		},
		Streams: []provider.Call{generate("gemini-2.5-pro", true), generate("gemini-3-pro-preview", true)},
		End:     "\r\n\r\n",
		Silent:  &silent,
		Endless: &endless,
		Failures: []providertest.Failure{
			failure("400", provider.Outcome{Category: inference.InvalidRequest, Code: "INVALID_ARGUMENT"}),
			failure("key", provider.Outcome{Category: inference.Authentication, Code: "API_KEY_INVALID"}),
			failure("401", provider.Outcome{Category: inference.Authentication, Code: "ACCESS_TOKEN_EXPIRED"}),
			failure("403", provider.Outcome{Category: inference.Permission, Code: "SERVICE_DISABLED"}),
			failure("404", provider.Outcome{Category: inference.NotFound, Code: "NOT_FOUND"}),
			failure("location", provider.Outcome{Category: inference.Permission, Code: "FAILED_PRECONDITION"}),
			failure("billing", provider.Outcome{Category: inference.QuotaExhausted, Code: "FAILED_PRECONDITION"}),
			failure("context", provider.Outcome{Category: inference.ContextLength, Code: "INVALID_ARGUMENT"}),
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "RESOURCE_EXHAUSTED", RetryAfter: 12500 * time.Millisecond}),
			failure("day", provider.Outcome{Category: inference.QuotaExhausted, Code: "RESOURCE_EXHAUSTED"}),
			failure("500", provider.Outcome{Category: inference.ServerError, Code: "INTERNAL"}),
			failure("503", provider.Outcome{Category: inference.Overloaded, Code: "UNAVAILABLE"}),
			failure("504", provider.Outcome{Category: inference.Timeout, Code: "DEADLINE_EXCEEDED"}),
			failure("array", provider.Outcome{Category: inference.Overloaded, Code: "UNAVAILABLE"}),
		},
		Secrets: []string{fakegemini.DefaultKey, strings.TrimPrefix(account.BaseURL, "http://"), "project-0123456789"},
		Models:  fakegemini.DefaultModels,
	})
}

var badAccounts = []providertest.BadAccount{
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x/v1" }},
	{Name: "query", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "https://x/v1?key=" + fakegemini.DefaultKey }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "basic" }},
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "line break in key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{"apiKey": secret.New(fakegemini.DefaultKey + "\r\nX: y")}
	}},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "secret header", Path: "config.headers.x-goog-api-key", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"x-goog-api-key": fakegemini.DefaultKey}
	}},
}

// roundTripper is a transport that keeps the request.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatGoesOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base, auth, model string
		stream            bool
		url, header       string
	}{
		{"", "", "gemini-2.5-pro", false, "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent", "X-Goog-Api-Key"},
		{"https://h/a%2Fb/", "bearer", "models/g", true, "https://h/a%2Fb/models/g:streamGenerateContent?alt=sse", "Authorization"},
		{"https://h/v1", "apiKey", "tunedModels/mine", false, "https://h/v1/tunedModels/mine:generateContent", "X-Goog-Api-Key"},
		{"https://h/v1", "apiKey", "a/../b?c:d", false, "https://h/v1/models/a%2F..%2Fb%3Fc:d:generateContent", "X-Goog-Api-Key"},
	} {
		var got *http.Request
		u, err := gemini.Adapter{}.Open(provider.Account{
			BaseURL: c.base, AuthType: c.auth, Credential: map[string]secret.String{"apiKey": secret.New("k")}, Headers: map[string]string{"X-Team": "a"},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = r
				return &http.Response{Body: http.NoBody}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		call := generate(c.model, c.stream)
		resp, err := u.Send(t.Context(), &call)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		body, _ := io.ReadAll(got.Body)
		if got.URL.String() != c.url || !strings.HasSuffix(got.Header.Get(c.header), "k") || got.Header.Get("X-Team") != "a" || string(body) != string(call.Body) {
			t.Errorf("%s: %s %v", c.model, got.URL, got.Header)
		}
	}
}

func TestOtherOperationsAreNotMade(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := gemini.Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Send(t.Context(), &provider.Call{Kind: inference.Chat, Body: []byte(`{}`)})
	if err == nil {
		_ = resp.Body.Close()
		t.Error("a chat was sent to an upstream that has none")
	}
}

func TestClassifyWhatIsNoErrorOfGoogles(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]inference.Category{
		302: inference.Protocol, 401: inference.Authentication, 402: inference.QuotaExhausted, 403: inference.Permission, 404: inference.NotFound,
		405: inference.Protocol, 408: inference.Timeout, 413: inference.InvalidRequest, 429: inference.RateLimited, 499: inference.ServerError,
		502: inference.ServerError, 503: inference.Overloaded, 504: inference.Timeout,
	} {
		got := gemini.Classify(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"3"}}}, []byte(`<html>`))
		if got.Category != want || got.Message != "" || status == 429 && got.RetryAfter != 3*time.Second {
			t.Errorf("%d: %+v", status, got)
		}
	}
}
