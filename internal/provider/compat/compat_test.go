package compat

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// upstreamOf serves the fake where the vendor has its operations.
func upstreamOf(t *testing.T, v *vendor) (*fakeopenai.Server, provider.Account) {
	t.Helper()
	fake := fakeopenai.New(fakeopenai.Options{Models: append([]string{"gpt-image-1"}, fakeopenai.DefaultModels...)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range v.elsewhere {
			if rest, ok := strings.CutPrefix(r.URL.Path, path); ok {
				r.URL.Path = "/v1" + rest
			}
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return fake, provider.Account{
		BaseURL: server.URL + "/v1", AuthType: bearer, Transport: transport,
		Credential: map[string]secret.String{"apiKey": secret.New(fakeopenai.DefaultKey)},
	}
}

func call(kind inference.Kind, model, body string) provider.Call {
	return provider.Call{Kind: kind, Model: model, Body: []byte(body), ContentType: "application/json", Attempt: 1}
}

func chat(model string, stream bool) provider.Call {
	more := ""
	if stream {
		more = `,"stream":true,"stream_options":{"include_usage":true}`
	}
	c := call(inference.Chat, model, `{"model":"`+model+`","messages":[{"role":"user","content":"hi"}]`+more+`}`)
	c.Stream = stream
	return c
}

var whole = map[inference.Kind]provider.Call{
	inference.Chat:             chat("gpt-4o-mini", false),
	inference.Embeddings:       call(inference.Embeddings, "text-embedding-3-small", `{"model":"text-embedding-3-small","input":"hi"}`),
	inference.Responses:        call(inference.Responses, "gpt-5-mini", `{"model":"gpt-5-mini","input":"hi"}`),
	inference.ImageGenerations: call(inference.ImageGenerations, "gpt-image-1", `{"model":"gpt-image-1","prompt":"a boat"}`),
}

func TestEveryVendorKeepsTheContract(t *testing.T) {
	t.Parallel()
	for i := range vendors {
		v := &vendors[i]
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			fake, account := upstreamOf(t, v)
			fake.Script(fakeopenai.Step{Model: "gpt-4.1", Fault: "hang", After: 2})
			silent, endless := chat("gpt-4o-mini--hang", false), chat("gpt-4.1", true)
			failure := func(name string, want provider.Outcome) providertest.Failure {
				return providertest.Failure{Name: name, Call: chat("gpt-4o-mini--"+name, false), Want: want}
			}
			suite := &providertest.Suite{
				Adapter: adapter{v}, Account: account, Bad: badAccounts, Streams: []provider.Call{chat("gpt-4o-mini", true)},
				End: "data: [DONE]\n\n", Silent: &silent, Endless: &endless,
				Failures: []providertest.Failure{
					failure("400", provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}),
					failure("401", provider.Outcome{Category: inference.Authentication, Code: "invalid_api_key"}),
					failure("404", provider.Outcome{Category: inference.NotFound, Code: "model_not_found"}),
					failure("429", provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: 1500 * time.Millisecond}),
					failure("context", provider.Outcome{Category: inference.ContextLength, Code: "context_length_exceeded"}),
					failure("policy", provider.Outcome{Category: inference.ContentPolicy, Code: "content_policy_violation"}),
					failure("500", provider.Outcome{Category: inference.ServerError, Code: "server_error"}),
				},
				Secrets: []string{fakeopenai.DefaultKey, "org-fake", strings.TrimPrefix(account.BaseURL, "http://")},
				Models:  []string{"gpt-4o-mini"},
			}
			for _, kind := range v.kinds {
				if kind == inference.Realtime {
					suite.Sessions = []provider.Call{{Kind: kind, Model: "gpt-realtime"}}
					continue
				}
				suite.Whole = append(suite.Whole, whole[kind])
			}
			providertest.Run(t, suite)
		})
	}
}

var badAccounts = []providertest.BadAccount{
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x/v1" }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "header" }},
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "OpenAI's own", Path: "config.organization", Spoil: func(a *provider.Account) { a.Config = []byte(`{"organization":"o"}`) }},
	{Name: "wrong type", Path: "config.streamUsage", Spoil: func(a *provider.Account) { a.Config = []byte(`{"streamUsage":"yes"}`) }},
	{Name: "parameter", Path: "config.maxTokensParam", Spoil: func(a *provider.Account) { a.Config = []byte(`{"maxTokensParam":"max"}`) }},
}

func rowOf(t *testing.T, name string) adapter {
	t.Helper()
	for i := range vendors {
		if vendors[i].name == name {
			return adapter{&vendors[i]}
		}
	}
	t.Fatalf("there is no vendor %s", name)
	return adapter{}
}

func TestRowsNameTheirSource(t *testing.T) {
	t.Parallel()
	for i := range vendors {
		if !strings.Contains(vendors[i].source, "/") {
			t.Errorf("%s does not name the page that it was checked by", vendors[i].name)
		}
	}
}

func TestServersOfOnesOwnNeedNoKey(t *testing.T) {
	t.Parallel()
	for i := range vendors {
		_, err := adapter{&vendors[i]}.Open(provider.Account{})
		if needs := err != nil; needs == vendors[i].keyless {
			t.Errorf("%s: %v", vendors[i].name, err)
		}
	}
}

// TestAKeyThatWasEnteredIsSent: forms do not ask for the way to sign in.
func TestAKeyThatWasEnteredIsSent(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"": "", "k": "Bearer k"} {
		got := "?"
		u, err := rowOf(t, "vllm").Open(provider.Account{
			AuthType: noKey, Credential: map[string]secret.String{"apiKey": secret.New(key)},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Get("Authorization")
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		c := chat("m", false)
		resp, err := u.Send(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
}

func TestSettingsGoOutAsHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	account := provider.Account{
		Credential: map[string]secret.String{"apiKey": secret.New("k")}, Headers: map[string]string{"X-Team": "a"},
		Config: []byte(`{"referer":"https://app.example","title":"App"}`),
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
		}),
	}
	u, err := rowOf(t, "openrouter").Open(account)
	if err != nil {
		t.Fatal(err)
	}
	c := chat("m", false)
	c.Header = http.Header{"Cookie": {"c"}}
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got.Get("Http-Referer") != "https://app.example" || got.Get("X-Title") != "App" || got.Get("X-Team") != "a" || got["Cookie"] != nil {
		t.Errorf("went out with %v", got)
	}
	if len(account.Headers) != 1 {
		t.Errorf("the account's own headers became %v", account.Headers)
	}
	for config, path := range map[string]string{`{"title":"a\nb"}`: "config.title", `{"title":1}`: "config.title", `[]`: "config"} {
		account.Config = []byte(config)
		var f *fault.Error
		if _, err := rowOf(t, "openrouter").Open(account); !errors.As(err, &f) || f.Path != path {
			t.Errorf("%s: %v, want a refusal at %s", config, err, path)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRulesFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		like, name string
		want       bool
	}{
		{"1113", "1113", true},
		{"1113", "11130", false},
		{"112*", "1120", true},
		{"112*", "0112", false},
		{"*arrears", "failedoperation.servicestoparrears", true},
		{"*arrears", "arrearsx", false},
		{"*risk*", "textriskdetection", true},
		{"*risk*", "text", false},
	} {
		if got := (rule{like: c.like}).fits(c.name); got != c.want {
			t.Errorf("%s on %s: %v", c.like, c.name, got)
		}
	}
}

func TestMembersAreRenamedOrTakenOut(t *testing.T) {
	t.Parallel()
	all := newEdits(map[string]string{"stream_options": "", "user": "", "seed": "random_seed"})
	for in, want := range map[string]string{
		`{"model":"m"}`: `{"model":"m"}`,
		`{"seed":7,"user":"u","stream_options":{"include_usage":true}}`:          `{"random_seed":7}`,
		`{"model":"m","stream_options":{},"user":"seed"}`:                        `{"model":"m"}`,
		`{"messages":[{"seed":1,"content":"the \"user\" said"}],"model":"user"}`: `{"messages":[{"seed":1,"content":"the \"user\" said"}],"model":"user"}`,
		`{"seed":1,"seed":2}`: `{"seed":1,"seed":2}`,
		`{"seed":`:            `{"seed":`,
	} {
		before := []byte(in)
		if got := string(all.apply(before)); got != want || string(before) != in {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestReasoningIsSentBackToThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"deepseek": true, "moonshot": true, "groq": false, "mistral": false} {
		u, err := rowOf(t, name).Open(provider.Account{Credential: map[string]secret.String{"apiKey": secret.New("k")}})
		if err != nil {
			t.Fatal(err)
		}
		if got := u.(provider.Shaper).Shape().ReturnReasoning; got != want { //nolint:forcetypeassert // a compile-time guard says so
			t.Errorf("%s: %v", name, got)
		}
	}
}
