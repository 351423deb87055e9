package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func fake(t *testing.T) (*fakeopenai.Server, provider.Account) {
	t.Helper()
	s := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, provider.Account{
		BaseURL: server.URL + "/v1", Credential: map[string]secret.String{"apiKey": secret.New(fakeopenai.DefaultKey)}, Transport: transport,
	}
}

func chat(model string, stream bool) provider.Call {
	body := `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]}`
	if stream {
		body = `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`
	}
	return provider.Call{Kind: inference.Chat, Stream: stream, Model: model, Body: []byte(body), ContentType: "application/json", Attempt: 1}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server, account := fake(t)
	silent, endless := chat("gpt-4o-mini--hang", false), chat("gpt-4.1", true)
	server.Script(fakeopenai.Step{Model: "gpt-4.1", Fault: "hang", After: 2})
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: chat("gpt-4o-mini--"+name, false), Want: want}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: Adapter{},
		Account: account,
		Bad:     badAccounts,
		Whole: []provider.Call{
			chat("gpt-4o-mini", false),
			{
				Kind: inference.Embeddings, Model: "text-embedding-3-small", Body: []byte(`{"model":"text-embedding-3-small","input":"hi"}`),
			},
			response("gpt-5-mini", false), image("a boat", `,"n":2,"response_format":"url"`), edit("at night", pixel), edit("at night", pixel+`","`+pixel),
			completion(false), listening(inference.Transcriptions, fakeopenai.TranscriptModel, ""), listening(inference.Translations, fakeopenai.WhisperModel, ""),
			judging(), ranking(""), variation(`,"n":2`),
		},
		Raw:  []provider.Call{speaking(""), listening(inference.Transcriptions, fakeopenai.WhisperModel, `,"response_format":"srt"`)},
		Jobs: []provider.Call{video("a boat", `,"duration":8,"resolution":"720p","aspect_ratio":"9:16"`), video("a boat", `,"size":"1280x720","image":"`+pixel+`"`)},
		JobFailures: []providertest.Failure{
			{Name: "seconds", Call: video("a boat", `,"seconds":"5"`), Want: provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}},
			{Name: "several", Call: video("a boat", `,"n":2`), Want: provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}},
			{Name: "model", Call: provider.Call{
				Kind: inference.VideoGenerations, Model: "sora-9", Body: []byte(`{"model":"sora-9","prompt":"x"}`),
			}, Want: provider.Outcome{Category: inference.NotFound, Code: "model_not_found"}},
		},
		Sessions: []provider.Call{
			{Kind: inference.Realtime, Model: "gpt-realtime"},
			{Kind: inference.Realtime, Model: "gpt-realtime-mini", Header: http.Header{"Openai-Beta": {"realtime=v1"}}},
		},
		SessionFailures: []providertest.Failure{
			talking("gpt-9", provider.Outcome{Category: inference.NotFound, Code: "model_not_found"}),
			talking("gpt-realtime--401", provider.Outcome{Category: inference.Authentication, Code: "invalid_api_key"}),
			talking("gpt-realtime--429", provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: 1500 * time.Millisecond}),
			talking("gpt-realtime--500", provider.Outcome{Category: inference.ServerError, Code: "server_error"}),
		},
		Streams: []provider.Call{chat("gpt-4o-mini", true), chat("gpt-5-mini", true), completion(true)},
		End:     "data: [DONE]\n\n",
		Silent:  &silent,
		Endless: &endless,
		Failures: []providertest.Failure{
			failure("400", provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}),
			failure("401", provider.Outcome{Category: inference.Authentication, Code: "invalid_api_key"}),
			failure("403", provider.Outcome{Category: inference.Permission, Code: "unsupported_country_region_territory"}),
			failure("404", provider.Outcome{Category: inference.NotFound, Code: "model_not_found"}),
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: 1500 * time.Millisecond}),
			failure("quota", provider.Outcome{Category: inference.QuotaExhausted, Code: "insufficient_quota"}),
			failure("context", provider.Outcome{Category: inference.ContextLength, Code: "context_length_exceeded"}),
			failure("policy", provider.Outcome{Category: inference.ContentPolicy, Code: "content_policy_violation"}),
			failure("500", provider.Outcome{Category: inference.ServerError, Code: "server_error"}),
			failure("503", provider.Outcome{Category: inference.Overloaded, Code: "engine_overloaded"}),
		},
		Secrets: []string{fakeopenai.DefaultKey, "sk-proj", "org-fake", strings.TrimPrefix(account.BaseURL, "http://")},
		Models:  []string{"gpt-4o-mini", "text-embedding-3-small"},
	})
}

func talking(model string, want provider.Outcome) providertest.Failure {
	return providertest.Failure{Name: model, Call: provider.Call{Kind: inference.Realtime, Model: model}, Want: want}
}

var badAccounts = []providertest.BadAccount{
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x/v1" }},
	{Name: "no host", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "/v1" }},
	{Name: "user", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "https://u:" + fakeopenai.DefaultKey + "@x/v1" }},
	{Name: "query", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "https://x/v1?k=" + fakeopenai.DefaultKey }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "basic" }},
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "line break in key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{"apiKey": secret.New(fakeopenai.DefaultKey + "\r\nX: y")}
	}},
	{Name: "config no object", Path: "config", Spoil: func(a *provider.Account) { a.Config = []byte(`[1]`) }},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "another letter case", Path: "config.Project", Spoil: func(a *provider.Account) { a.Config = []byte(`{"Project":"p"}`) }},
	{Name: "wrong type", Path: "config.streamUsage", Spoil: func(a *provider.Account) { a.Config = []byte(`{"streamUsage":"yes"}`) }},
	{Name: "parameter", Path: "config.maxTokensParam", Spoil: func(a *provider.Account) { a.Config = []byte(`{"maxTokensParam":"max"}`) }},
	{Name: "secret header", Path: "config.headers.authorization", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"authorization": fakeopenai.DefaultKey}
	}},
	{Name: "header injection", Path: "config.headers.X-A", Spoil: func(a *provider.Account) { a.Headers = map[string]string{"X-A": "a\r\nb"} }},
	{Name: "organization", Path: "config.organization", Spoil: func(a *provider.Account) { a.Config = []byte(`{"organization":"a\nb"}`) }},
	{Name: "key header", Path: "config.authHeader", Spoil: func(a *provider.Account) {
		a.AuthType, a.Config = authHeader, []byte(`{"authHeader":"Content-Length"}`)
	}},
}

// roundTripper is a transport that keeps the request.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatGoesOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, base, auth, config, url string
		header                        http.Header
	}{
		{
			"bearer", "", "", ``, "https://api.openai.com/v1/chat/completions",
			http.Header{"Authorization": {"Bearer k"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}},
		},
		{
			"slash and no version", "http://h:1/", "bearer", `{"organization":"o","project":"p"}`, "http://h:1/chat/completions",
			http.Header{"Openai-Organization": {"o"}, "Openai-Project": {"p"}, "X-Team": {"a"}, "User-Agent": {"operators"}},
		},
		{
			"key header", "https://h/api/paas/v4//", "header", `{"authHeader":"x-api-key"}`, "https://h/api/paas/v4/chat/completions",
			http.Header{"X-Api-Key": {"k"}, "Authorization": nil},
		},
		{"no key", "http://h/v1", "none", ``, "http://h/v1/chat/completions", http.Header{"Authorization": nil, "Api-Key": nil}},
		{"escaped path", "http://h/a%2Fb", "none", ``, "http://h/a%2Fb/chat/completions", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			u, err := Adapter{}.Open(provider.Account{
				BaseURL: c.base, AuthType: c.auth, Config: []byte(c.config), Credential: map[string]secret.String{"apiKey": secret.New("k")},
				Headers:   map[string]string{"x-team": "a", "user-agent": "operators", "x-api-key": "not the key"},
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) { got = r; return &http.Response{Body: http.NoBody}, nil }),
			})
			if err != nil {
				t.Fatal(err)
			}
			call := chat("m", false)
			call.Header = http.Header{"Openai-Beta": {"b"}, "X-Client-Request-Id": {"r"}, "Idempotency-Key": {"i"}, "Cookie": {"c"}, "Authorization": {"Bearer caller"}}
			resp, err := u.Send(t.Context(), &call)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			body, _ := io.ReadAll(got.Body)
			if got.URL.String() != c.url || !bytes.Equal(body, call.Body) || got.ContentLength != int64(len(call.Body)) {
				t.Errorf("%s, %d bytes %s", got.URL, got.ContentLength, body)
			}
			for name, want := range c.header {
				if strings.Join(got.Header[name], ",") != strings.Join(want, ",") {
					t.Errorf("%s is %q, want %q", name, got.Header[name], want)
				}
			}
			if got.Header.Get("Openai-Beta") != "b" || got.Header.Get("X-Client-Request-Id") != "r" || got.Header["Idempotency-Key"] != nil || got.Header["Cookie"] != nil {
				t.Errorf("callers' headers: %v", got.Header)
			}
		})
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base, config string
		want         provider.Shape
	}{
		{"", ``, provider.Shape{MaxOutputParam: "max_completion_tokens", StreamUsage: true}},
		{"https://eu.api.openai.com/v1", `{}`, provider.Shape{MaxOutputParam: "max_completion_tokens", StreamUsage: true}},
		{"https://api.deepseek.com", ``, provider.Shape{MaxOutputParam: "max_tokens", StreamUsage: true}},
		{"", `{"maxTokensParam":"max_tokens","streamUsage":false}`, provider.Shape{MaxOutputParam: "max_tokens"}},
	} {
		u, err := Adapter{}.Open(provider.Account{BaseURL: c.base, AuthType: authNone, Config: []byte(c.config)})
		if err != nil {
			t.Fatal(err)
		}
		if got := u.(provider.Shaper).Shape(); got != c.want { //nolint:forcetypeassert // a compile-time guard says so
			t.Errorf("%s %s: %+v", c.base, c.config, got)
		}
	}
}

// failure is the error of a call that gets no answer.
func failure(ctx context.Context, u provider.Upstream, c *provider.Call) error {
	resp, err := u.Send(ctx, c)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

func TestErrorsOfTheConnection(t *testing.T) {
	t.Parallel()
	listener := httptest.NewServer(http.NotFoundHandler())
	account := provider.Account{BaseURL: listener.URL, AuthType: authNone, Transport: &http.Transport{}}
	listener.Close()
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	call := chat("m", false)
	if err := failure(t.Context(), u, &call); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("refused connection: %v", err)
	}
	var e *provider.Error
	if _, err := u.(provider.ModelLister).Models(t.Context()); !errors.As(err, &e) || e.Category != inference.Connect { //nolint:forcetypeassert // as above
		t.Errorf("models of an upstream that is away: %v", err)
	}
	cause := errors.New("first byte too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := failure(ctx, u, &call); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("ended context: %v", err)
	}
	call.Kind = inference.Messages
	if err := failure(t.Context(), u, &call); !errors.Is(err, errKind) {
		t.Errorf("unknown operation: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path)
		http.Redirect(w, r, "/stolen", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	u, err := Adapter{}.Open(provider.Account{BaseURL: server.URL, AuthType: authNone, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	call := chat("m", false)
	resp, err := u.Send(t.Context(), &call)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if o := u.Classify(resp, body); o.Category != inference.Protocol || len(seen) != 1 {
		t.Errorf("%+v after %v", o, seen)
	}
}

func TestModelsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]inference.Category{"<html>": inference.Protocol, `{"object":"list"}`: inference.Protocol} {
		u, err := Adapter{}.Open(provider.Account{
			BaseURL: "http://h", AuthType: authNone,
			Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		var e *provider.Error
		if _, err := u.(provider.ModelLister).Models(t.Context()); !errors.As(err, &e) || e.Category != want { //nolint:forcetypeassert // as above
			t.Errorf("%s: %v", body, err)
		}
	}
}
