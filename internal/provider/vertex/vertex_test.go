package vertex_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/provider/vertex"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

const project = "acme-project"

// cloud is a fake with an account that reaches it.
type cloud struct {
	*fakegemini.Server
	clock    *clock.Manual
	adapters []provider.Adapter
	account  provider.Account
}

func open(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{clock: clock.NewManual(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))}
	who := fakegemini.NewAccount(project)
	c.Server = fakegemini.New(fakegemini.Options{
		Account: who, Clock: c.clock.Now, Models: append([]string{"claude-sonnet-4-5@20250929"}, fakegemini.DefaultModels...),
	})
	server := httptest.NewServer(c.Server)
	t.Cleanup(server.Close)
	who.Audience = server.URL + fakegemini.TokenPath
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c.adapters = vertex.Adapters(vertex.Options{Now: c.clock.Now})
	c.account = provider.Account{
		BaseURL: server.URL, Credential: map[string]secret.String{"serviceAccount": secret.New(who.JSON("https://oauth2.googleapis.com/token"))},
		Config: []byte(`{"location":"europe-west1","tokenUrl":"` + who.Audience + `"}`), Transport: transport,
	}
	return c
}

func (c *cloud) upstream(t *testing.T) provider.Upstream {
	t.Helper()
	u, err := c.adapters[0].Open(c.account)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func generate(model string, stream bool) provider.Call {
	return provider.Call{
		Kind: inference.GenerateContent, Stream: stream, Model: model, Attempt: 1,
		Body: []byte(`{"contents":[{"parts":[{"text":"a boat at night"}]}]}`),
	}
}

func embed(body string) provider.Call {
	return provider.Call{Kind: inference.Embeddings, Model: "gemini-embedding-001", Body: []byte(body), Attempt: 1}
}

func messages(model string, stream bool) provider.Call {
	body := `{"model":"` + model + `","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
	if stream {
		body = `{"stream":true,` + body[1:]
	}
	return provider.Call{Kind: inference.Messages, Stream: stream, Model: model, Body: []byte(body), Attempt: 1}
}

func send(t *testing.T, u provider.Upstream, c provider.Call) (int, string, provider.Outcome) {
	t.Helper()
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), u.Classify(resp, body)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c := open(t)
	silent, endless := generate("gemini-2.5-pro--hang", false), generate("gemini-2.5-flash", true)
	c.Script(fakegemini.Step{Model: "gemini-2.5-flash", Fault: "hang", After: 2})
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: generate("gemini-2.5-pro--"+name, false), Want: want}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: c.adapters[0], Account: c.account, Bad: append(badAccounts, providertest.BadAccount{
			Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.AuthType = "apiKey" },
		}),
		Whole: []provider.Call{
			generate("gemini-2.5-pro", false), embed(`{"content":{"parts":[{"text":"hi"}]},"outputDimensionality":4}`),
			embed(`{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"hi"}]}}]}`),
		},
		Streams: []provider.Call{generate("gemini-2.5-pro", true)}, End: "\r\n\r\n", Silent: &silent, Endless: &endless,
		Failures: []providertest.Failure{
			failure("400", provider.Outcome{Category: inference.InvalidRequest, Code: "INVALID_ARGUMENT"}),
			failure("403", provider.Outcome{Category: inference.Permission, Code: "SERVICE_DISABLED"}),
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "RESOURCE_EXHAUSTED", RetryAfter: 12500 * time.Millisecond}),
			failure("503", provider.Outcome{Category: inference.Overloaded, Code: "UNAVAILABLE"}),
			failure("401", provider.Outcome{Category: inference.Authentication, Code: "ACCESS_TOKEN_EXPIRED"}),
		},
		Secrets: []string{"PRIVATE KEY", "gantry@" + project, "ya29", strings.TrimPrefix(c.account.BaseURL, "http://")},
	})
}

func TestClaudeConformance(t *testing.T) {
	t.Parallel()
	const model = "claude-sonnet-4-5@20250929"
	c := open(t)
	silent := messages(model+"--hang", false)
	streams := []provider.Call{messages(model, true)}
	failure := func(name string, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: messages(model+"--"+name, false), Want: want}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: c.adapters[1], Account: c.account, Bad: append(badAccounts, providertest.BadAccount{
			Name: "a key", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "apiKey" },
		}),
		Whole: []provider.Call{messages(model, false)}, Streams: streams, End: "\n\n", Silent: &silent,
		Failures: []providertest.Failure{
			failure("429", provider.Outcome{Category: inference.RateLimited, Code: "RESOURCE_EXHAUSTED", RetryAfter: 12500 * time.Millisecond}),
			failure("503", provider.Outcome{Category: inference.Overloaded, Code: "UNAVAILABLE"}),
		},
		Secrets: []string{"PRIVATE KEY", "ya29"},
	})
}

func TestAnthropicsErrors(t *testing.T) {
	t.Parallel()
	c := open(t)
	u, err := c.adapters[1].Open(c.account)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]inference.Category{
		`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:                                              inference.Overloaded,
		`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 300000 tokens > 200000 maximum"}}`: inference.ContextLength,
		`{"type":"error","error":{"type":"permission_error","message":"no"}}`:                                                      inference.Permission,
	} {
		if got := u.Classify(&http.Response{StatusCode: http.StatusBadRequest}, []byte(body)); got.Category != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

var badAccounts = []providertest.BadAccount{
	{Name: "no account", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "no JSON", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) { with(a, "-----BEGIN PRIVATE KEY-----") }},
	{Name: "another type", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) { with(a, `{"type":"authorized_user"}`) }},
	{Name: "no PEM", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) {
		with(a, `{"type":"service_account","client_email":"a@b","private_key":"x","project_id":"p"}`)
	}},
	{Name: "no RSA key", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) {
		with(a, `{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n","project_id":"p"}`)
	}},
	{Name: "a token endpoint of somebody's", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) {
		with(a, fakegemini.NewAccount(project).JSON("https://169.254.169.254/token"))
		a.Config = nil
	}},
	{Name: "a token endpoint that looks like Google's", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) {
		with(a, fakegemini.NewAccount(project).JSON("https://oauth2.googleapis.com.example.org/token"))
		a.Config = nil
	}},
	{Name: "a token endpoint without TLS", Path: "credentials.serviceAccount", Spoil: func(a *provider.Account) {
		with(a, fakegemini.NewAccount(project).JSON("http://oauth2.googleapis.com/token"))
		a.Config = nil
	}},
	{Name: "token address", Path: "config.tokenUrl", Spoil: func(a *provider.Account) { a.Config = []byte(`{"tokenUrl":"file:///etc/passwd"}`) }},
	{Name: "location", Path: "config.location", Spoil: func(a *provider.Account) { a.Config = []byte(`{"location":"evil.example/"}`) }},
	{Name: "project", Path: "config.project", Spoil: func(a *provider.Account) { a.Config = []byte(`{"project":"../p","tokenUrl":"http://h/t"}`) }},
	{Name: "base", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x" }},
	{Name: "header", Path: "config.headers.Authorization", Spoil: func(a *provider.Account) { a.Headers = map[string]string{"Authorization": "Bearer x"} }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "bearer" }},
}

func with(a *provider.Account, text string) {
	a.Credential = map[string]secret.String{"serviceAccount": secret.New(text)}
}

func TestTokensAreKeptAndReplacedInTime(t *testing.T) {
	t.Parallel()
	c := open(t)
	want := func(issued int, when string) {
		t.Helper()
		u := c.upstream(t) // opened anew, as with each change of the configuration
		if status, body, _ := send(t, u, generate("gemini-2.5-pro", false)); status != 200 {
			t.Fatalf("%s: %d %s", when, status, body)
		}
		if n := c.Issued(); n != issued {
			t.Errorf("%s: %d tokens, want %d", when, n, issued)
		}
	}
	want(1, "first")
	want(1, "again")
	c.clock.Advance(fakegemini.TokenLife - 6*time.Minute)
	want(1, "well before its end")
	c.clock.Advance(2 * time.Minute)
	want(2, "shortly before its end")
	c.Revoke()
	want(3, "revoked")
	c.clock.Advance(fakegemini.TokenLife - 4*time.Minute)
	c.RefuseTokens("invalid_grant")
	want(3, "no new one, but the old one lasts")
	c.clock.Advance(5 * time.Minute)
	status, body, o := send(t, c.upstream(t), generate("gemini-2.5-pro", false))
	if status != 401 || o.Category != inference.Authentication || !strings.Contains(o.Message, "invalid_grant") || strings.Contains(body, project) {
		t.Errorf("%d %s %+v", status, body, o)
	}
}

func TestOneTokenForAllWhoWait(t *testing.T) {
	t.Parallel()
	c := open(t)
	u := c.upstream(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			call := generate("gemini-2.5-pro", false)
			resp, err := u.Send(t.Context(), &call)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
		})
	}
	group.Wait()
	if n := c.Issued(); n != 1 {
		t.Errorf("%d tokens were issued", n)
	}
}

func TestAssertionsForOthersAreNotAccepted(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.account.Config = []byte(strings.Replace(string(c.account.Config), `/token"`, `/token/"`, 1))
	call := generate("gemini-2.5-pro", false)
	resp, err := c.upstream(t).Send(t.Context(), &call)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d for an assertion that is made out to another address", resp.StatusCode)
	}
}

// roundTripper is a transport that answers itself.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTokenEndpointThatIsNotThere(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.account.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
	call := generate("gemini-2.5-pro", false)
	if resp, err := c.upstream(t).Send(t.Context(), &call); err == nil {
		_ = resp.Body.Close()
		t.Error("there was an answer")
	}
	c = open(t)
	c.account.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("busy"))}, nil
	})
	if status, _, o := send(t, c.upstream(t), call); status != 503 || o.Category != inference.Overloaded {
		t.Errorf("%d %+v", status, o)
	}
	c = open(t)
	asked := make(chan struct{})
	c.account.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		close(asked)
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-asked; leave() }()
	if resp, err := c.upstream(t).Send(ctx, &call); !errors.Is(err, context.Canceled) {
		if err == nil {
			_ = resp.Body.Close()
		}
		t.Errorf("leaving while a token is asked for: %v", err)
	}
}

func TestWhereCallsGo(t *testing.T) {
	t.Parallel()
	who := fakegemini.NewAccount(project)
	for _, c := range []struct{ base, auth, config, want string }{
		{"", "", `{}`, "https://aiplatform.googleapis.com/v1/projects/acme-project/locations/global/publishers/google/models/g@1:generateContent"},
		{"https://aiplatform.googleapis.com/", "serviceAccount", `{"location":"europe-west1","project":"other"}`, "https://europe-west1-aiplatform.googleapis.com/v1/projects/other/locations/europe-west1/publishers/google/models/g@1:generateContent"},
		{"https://aiplatform.us.rep.googleapis.com/v1", "", `{"location":"us"}`, "https://aiplatform.us.rep.googleapis.com/v1/projects/acme-project/locations/us/publishers/google/models/g@1:generateContent"},
		{"", "apiKey", `{}`, "https://aiplatform.googleapis.com/v1/publishers/google/models/g@1:generateContent"},
	} {
		var got *http.Request
		u, err := vertex.Adapters(vertex.Options{})[0].Open(provider.Account{
			BaseURL: c.base, AuthType: c.auth, Config: []byte(c.config),
			Credential: map[string]secret.String{"serviceAccount": secret.New(who.JSON("")), "apiKey": secret.New("k")},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "oauth2.googleapis.com" {
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"access_token":"t","expires_in":3599}`))}, nil
				}
				got = r
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		call := generate("g@1", false)
		resp, err := u.Send(t.Context(), &call)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got.URL.String() != c.want || (got.Header.Get("Authorization") == "Bearer t") != (c.auth != "apiKey") || (got.Header.Get("X-Goog-Api-Key") == "k") != (c.auth == "apiKey") {
			t.Errorf("%s %v, want %s", got.URL, got.Header, c.want)
		}
	}
}

func TestBetasWithAPriceOfTheirOwnStayHere(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.account.Headers = map[string]string{"anthropic-beta": "context-1m-2025-08-07"}
	u, err := c.adapters[1].Open(c.account)
	if err != nil {
		t.Fatal(err)
	}
	call := messages("claude-sonnet-4-5@20250929", false)
	call.Header = http.Header{"Anthropic-Beta": {"files-api-2025-04-14, interleaved-thinking-2025-05-14"}, "Anthropic-Version": {"2023-06-01"}}
	if status, body, _ := send(t, u, call); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	last, _ := c.Last()
	if got := strings.Join(last.Header["Anthropic-Beta"], ";"); got != "context-1m-2025-08-07,interleaved-thinking-2025-05-14" || last.Header.Get("Anthropic-Version") != "" {
		t.Errorf("betas %q", got)
	}
}
