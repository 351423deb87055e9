package anthropic

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
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

func fake(t *testing.T) (*fakeanthropic.Server, provider.Account) {
	t.Helper()
	s := fakeanthropic.New(fakeanthropic.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, provider.Account{
		BaseURL: server.URL, Credential: map[string]secret.String{"apiKey": secret.New(fakeanthropic.DefaultKey)}, Transport: transport,
	}
}

func message(model string, stream bool, more ...string) provider.Call {
	body := `{"model":"` + model + `","max_tokens":64,"messages":[{"role":"user","content":"hi"}]` + strings.Join(more, "")
	if stream {
		body += `,"stream":true`
	}
	return provider.Call{
		Kind: inference.Messages, Stream: stream, Model: model, Body: []byte(body + "}"), ContentType: "application/json", Attempt: 1,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server, account := fake(t)
	silent, endless := message("claude-haiku-4-5--hang", false), message("claude-opus-4-5", true)
	server.Script(fakeanthropic.Step{Model: "claude-opus-4-5", Fault: "hang", After: 2})
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: message("claude-haiku-4-5--"+name, false), Want: want}
	}
	thinking := message("claude-sonnet-4-5", true, `,"thinking":{"type":"enabled","budget_tokens":1024}`)
	thinking.Body = bytes.Replace(thinking.Body, []byte(`"max_tokens":64`), []byte(`"max_tokens":2048`), 1)
	providertest.Run(t, &providertest.Suite{
		Adapter: Adapter{}, Account: account, Bad: badAccounts,
		Whole: []provider.Call{
			message("claude-haiku-4-5", false),
			message("claude-sonnet-4-5", false, `,"tools":[{"name":"hi","input_schema":{"type":"object"}}]`),
		},
		Streams: []provider.Call{message("claude-haiku-4-5", true), thinking},
		End:     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		Silent:  &silent, Endless: &endless,
		Failures: []providertest.Failure{
			failure("400", provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_request_error"}),
			failure("401", provider.Outcome{Category: inference.Authentication, Code: "authentication_error"}),
			failure("402", provider.Outcome{Category: inference.QuotaExhausted, Code: "billing_error"}),
			failure("403", provider.Outcome{Category: inference.Permission, Code: "permission_error"}),
			failure("404", provider.Outcome{Category: inference.NotFound, Code: "not_found_error"}),
			failure("413", provider.Outcome{Category: inference.InvalidRequest, Code: "request_too_large"}),
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_error", RetryAfter: 7 * time.Second}),
			failure("limited", provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_error", RetryAfter: 9 * time.Second}),
			failure("500", provider.Outcome{Category: inference.ServerError, Code: "api_error"}),
			failure("504", provider.Outcome{Category: inference.Timeout, Code: "timeout_error"}),
			failure("529", provider.Outcome{Category: inference.Overloaded, Code: "overloaded_error", RetryAfter: 3 * time.Second}),
			failure("credit", provider.Outcome{Category: inference.QuotaExhausted, Code: "invalid_request_error"}),
			failure("context", provider.Outcome{Category: inference.ContextLength, Code: "invalid_request_error"}),
		},
		Secrets: []string{fakeanthropic.DefaultKey, "sk-ant-api03", strings.TrimPrefix(account.BaseURL, "http://")},
		Models:  fakeanthropic.DefaultModels,
	})
}

var badAccounts = []providertest.BadAccount{
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x" }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "basic" }},
	{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "line break in key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{"apiKey": secret.New(fakeanthropic.DefaultKey + "\r\nX: y")}
	}},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "version", Path: "config.version", Spoil: func(a *provider.Account) { a.Config = []byte(`{"version":"latest"}`) }},
	{Name: "betas", Path: "config.betas", Spoil: func(a *provider.Account) { a.Config = []byte(`{"betas":"a\r\nb"}`) }},
	{Name: "key as a header", Path: "config.headers.x-api-key", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"x-api-key": fakeanthropic.DefaultKey}
	}},
	{Name: "version as a header", Path: "config.headers.anthropic-version", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"anthropic-version": "2023-06-01"}
	}},
}

// roundTripper is a transport that keeps the request.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatGoesOut(t *testing.T) {
	t.Parallel()
	betas := []string{"interleaved-thinking-2025-05-14, fast-mode-2026-02-01", "context-1m-2025-08-07"}
	for _, c := range []struct {
		name, base, auth, config, url string
		callers, header               http.Header
	}{
		{
			"key", "", "", ``, "https://api.anthropic.com/v1/messages", nil,
			http.Header{"X-Api-Key": {"k"}, "Authorization": nil, "Anthropic-Version": {"2023-06-01"}, "Anthropic-Beta": nil, "X-Team": {"a"}},
		},
		{
			"bearer, version of the caller", "https://h/anthropic/v1/", "bearer", ``, "https://h/anthropic/v1/messages",
			http.Header{"Anthropic-Version": {"2026-10-21"}},
			http.Header{"Authorization": {"Bearer k"}, "X-Api-Key": nil, "Anthropic-Version": {"2026-10-21"}},
		},
		{
			"fixed version", "", "", `{"version":"2023-06-01"}`, "https://api.anthropic.com/v1/messages",
			http.Header{"Anthropic-Version": {"2026-10-21"}},
			http.Header{"Anthropic-Version": {"2023-06-01"}},
		},
		{
			"no version", "", "", ``, "https://api.anthropic.com/v1/messages",
			http.Header{"Anthropic-Version": {"x\r\ny"}},
			http.Header{"Anthropic-Version": {"2023-06-01"}},
		},
		{
			"usual betas", "", "", ``, "https://api.anthropic.com/v1/messages?beta=true",
			http.Header{"Anthropic-Beta": betas},
			http.Header{"Anthropic-Beta": {"interleaved-thinking-2025-05-14,context-1m-2025-08-07"}},
		},
		{
			"named betas", "", "", `{"betas":"fast-mode-2026-02-01"}`, "https://api.anthropic.com/v1/messages?beta=true",
			http.Header{"Anthropic-Beta": betas},
			http.Header{"Anthropic-Beta": {"fast-mode-2026-02-01"}},
		},
		{
			"all betas", "", "", `{"betas":"*"}`, "https://api.anthropic.com/v1/messages?beta=true",
			http.Header{"Anthropic-Beta": {"b-1,b-1,c d,\x00"}},
			http.Header{"Anthropic-Beta": {"b-1"}},
		},
		{
			"nobody's beta", "", "none", ``, "https://api.anthropic.com/v1/messages",
			http.Header{"Anthropic-Beta": {"files-api-2025-04-14"}},
			http.Header{"Anthropic-Beta": nil, "X-Api-Key": nil, "Authorization": nil},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			u, err := Adapter{}.Open(provider.Account{
				BaseURL: c.base, AuthType: c.auth, Config: []byte(c.config), Credential: map[string]secret.String{"apiKey": secret.New("k")},
				Headers:   map[string]string{"x-team": "a"},
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) { got = r; return &http.Response{Body: http.NoBody}, nil }),
			})
			if err != nil {
				t.Fatal(err)
			}
			call := message("m", false)
			call.Header = c.callers
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
				if strings.Join(got.Header[name], ";") != strings.Join(want, ";") {
					t.Errorf("%s is %q, want %q", name, got.Header[name], want)
				}
			}
		})
	}
}

func TestOperatorsBetasAreKept(t *testing.T) {
	t.Parallel()
	var got []string
	u, err := Adapter{}.Open(provider.Account{
		AuthType: authBearer, Credential: map[string]secret.String{"apiKey": secret.New("k")}, Headers: map[string]string{"anthropic-beta": "oauth-2025-04-20"},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, r.Header.Get(betaHeader)+" "+r.URL.RawQuery)
			return &http.Response{Body: http.NoBody}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []http.Header{nil, {betaHeader: {"context-1m-2025-08-07"}}} {
		call := message("m", true)
		call.Header = header
		if err := failure(t.Context(), u, &call); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(got, "|") != "oauth-2025-04-20 beta=true|oauth-2025-04-20,context-1m-2025-08-07 beta=true" {
		t.Errorf("%q", got)
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

func TestCountingTokens(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	counter := u.(provider.TokenCounter) //nolint:forcetypeassert // a compile-time guard says so
	call := provider.Call{Kind: inference.Messages, Body: []byte(`{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"one two"}]}`)}
	if n, err := counter.CountTokens(t.Context(), &call); n != 6 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	var e *provider.Error
	call.Body = []byte(`{"model":"claude-0","messages":[{"role":"user","content":"one two"}]}`)
	if _, err := counter.CountTokens(t.Context(), &call); !errors.As(err, &e) || e.Category != inference.NotFound {
		t.Errorf("unknown model: %v", err)
	}
	account.Config = []byte(`{"countTokens":false}`)
	if u, err = (Adapter{}).Open(account); err != nil {
		t.Fatal(err)
	}
	if _, err := u.(provider.TokenCounter).CountTokens(t.Context(), &call); !errors.As(err, &e) || e.Status != 0 { //nolint:forcetypeassert // as above
		t.Errorf("an upstream that does not count: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u, _ = Adapter{}.Open(provider.Account{BaseURL: account.BaseURL, AuthType: authNone, Transport: account.Transport})
	if _, err := u.(provider.TokenCounter).CountTokens(ctx, &call); !errors.As(err, &e) || e.Category != inference.Canceled { //nolint:forcetypeassert // as above
		t.Errorf("a caller who left: %v", err)
	}
}

func TestModelsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	u, err := Adapter{}.Open(provider.Account{AuthType: authNone, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		page := `{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}`
		if r.URL.Query().Get("after_id") == "a" {
			page = `{"data":[{"id":"b"}],"has_more":false,"last_id":"b"}`
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(page))}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.(provider.ModelLister).Models(t.Context()) //nolint:forcetypeassert // a compile-time guard says so
	if err != nil || strings.Join(got, ",") != "a,b" {
		t.Errorf("%v, %v", got, err)
	}
	call := message("m", false)
	call.Kind = inference.Chat
	if err := failure(t.Context(), u, &call); !errors.Is(err, errKind) {
		t.Errorf("another operation: %v", err)
	}
}

func TestClassifyByStatusAlone(t *testing.T) {
	t.Parallel()
	u, err := Adapter{}.Open(provider.Account{AuthType: authNone})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status int
		body   string
		want   inference.Category
	}{
		{400, `<html>`, inference.InvalidRequest},
		{400, `{"error":{"type":"invalid_request_error","message":"input length and max_tokens exceed context limit: 190000 + 64000 > 200000"}}`, inference.ContextLength},
		{400, `{"error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}`, inference.ContentPolicy},
		{400, `{"error":{"type":"invalid_request_error","message":"This organization has been disabled."}}`, inference.Permission},
		{400, `{"error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}}`, inference.QuotaExhausted},
		{401, ``, inference.Authentication},
		{403, ``, inference.Permission},
		{413, `<html>nginx</html>`, inference.InvalidRequest},
		{502, ``, inference.ServerError},
		{503, ``, inference.Overloaded},
		{529, ``, inference.Overloaded},
		{405, ``, inference.Protocol},
		{302, ``, inference.Protocol},
		{500, `{"error":{"type":"overloaded_error","message":"Overloaded"}}`, inference.Overloaded},
	} {
		if got := u.Classify(&http.Response{StatusCode: c.status}, []byte(c.body)); got.Category != c.want || strings.Contains(got.Message, "<") {
			t.Errorf("%d %s: %+v, want %s", c.status, c.body, got, c.want)
		}
	}
}
