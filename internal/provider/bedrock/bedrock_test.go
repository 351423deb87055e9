package bedrock

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/wire/eventstream"
)

func fake(t *testing.T, s *fakebedrock.Server) provider.Account {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return provider.Account{
		BaseURL: server.URL, Transport: transport, Config: []byte(`{"region":"us-east-1","controlUrl":"` + server.URL + `"}`),
		Credential: map[string]secret.String{"accessKey": secret.New(fakebedrock.AccessKey), "secretKey": secret.New(fakebedrock.SecretKey)},
	}
}

// smallest is the smallest request of a dialect.
var smallest = map[inference.Kind]string{
	inference.Chat:     `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{"maxTokens":64}}`,
	inference.Messages: `{"model":"m","max_tokens":64,"stream":true,"service_tier":"auto","messages":[{"role":"user","content":"hi"}]}`,
}

func call(kind inference.Kind, model string, stream bool) provider.Call {
	return provider.Call{Kind: kind, Model: model, Stream: stream, Body: []byte(smallest[kind]), ContentType: "application/json", Attempt: 1}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	models := map[inference.Kind][]string{
		inference.Chat: {fakebedrock.OnDemand, fakebedrock.Profile, "us." + fakebedrock.OnDemand}, inference.Messages: {fakebedrock.Profile},
	}
	for kind, adapter := range map[inference.Kind]provider.Adapter{inference.Chat: Adapter{}, inference.Messages: Claude{}} {
		t.Run(adapter.Describe().Name, func(t *testing.T) {
			t.Parallel()
			account := fake(t, &fakebedrock.Server{})
			silent, endless := call(kind, fakebedrock.Profile+"--hang", false), call(kind, fakebedrock.Profile+"--mid-hang", true)
			providertest.Run(t, &providertest.Suite{
				Adapter: adapter, Account: account, Bad: badAccounts, Silent: &silent, Endless: &endless,
				Whole:    []provider.Call{call(kind, fakebedrock.Profile, false)},
				Streams:  []provider.Call{call(kind, fakebedrock.Profile, true)},
				End:      "}\n\n",
				Failures: failures(kind),
				Secrets:  []string{fakebedrock.SecretKey, fakebedrock.AccessKey, strings.TrimPrefix(account.BaseURL, "http://")},
				Models:   models[kind],
			})
		})
	}
}

func failures(kind inference.Kind) (out []providertest.Failure) {
	for name, want := range map[string]provider.Outcome{
		"validation":   {Category: inference.InvalidRequest, Code: "ValidationException"},
		"long":         {Category: inference.ContextLength, Code: "ValidationException"},
		"denied":       {Category: inference.Permission, Code: "AccessDeniedException"},
		"payment":      {Category: inference.QuotaExhausted, Code: "AccessDeniedException"},
		"expired":      {Category: inference.Authentication, Code: "ExpiredTokenException"},
		"timeout":      {Category: inference.Timeout, Code: "ModelTimeoutException"},
		"model":        {Category: inference.ServerError, Code: "ModelErrorException"},
		"throttling":   {Category: inference.RateLimited, Code: "ThrottlingException"},
		"day":          {Category: inference.QuotaExhausted, Code: "ThrottlingException"},
		"ready":        {Category: inference.Overloaded, Code: "ModelNotReadyException"},
		"quota":        {Category: inference.QuotaExhausted, Code: "ServiceQuotaExceededException"},
		"internal":     {Category: inference.ServerError, Code: "InternalServerException"},
		"unavailable":  {Category: inference.Overloaded, Code: "ServiceUnavailableException"},
		"unidentified": {Category: inference.ServerError},
	} {
		out = append(out, providertest.Failure{Name: name, Call: call(kind, fakebedrock.Profile+"--"+name, false), Want: want})
	}
	return append(out,
		providertest.Failure{Name: "a bare model", Call: call(kind, fakebedrock.Bare, false), Want: provider.Outcome{Category: inference.NotFound, Code: "ValidationException"}},
		providertest.Failure{Name: "no model", Call: call(kind, "nobody", false), Want: provider.Outcome{Category: inference.NotFound, Code: "ValidationException"}},
	)
}

var badAccounts = []providertest.BadAccount{
	{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "ftp://x" }},
	{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "none" }},
	{Name: "no access key", Path: "credentials.accessKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
	{Name: "no secret", Path: "credentials.secretKey", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{"accessKey": secret.New(fakebedrock.AccessKey)}
	}},
	{Name: "line break in token", Path: "credentials.sessionToken", Spoil: func(a *provider.Account) {
		a.Credential = map[string]secret.String{
			"accessKey": secret.New(fakebedrock.AccessKey), "secretKey": secret.New(fakebedrock.SecretKey), "sessionToken": secret.New("a\nb"),
		}
	}},
	{Name: "no API key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.AuthType = authBearer }},
	{Name: "no region", Path: "config.region", Spoil: func(a *provider.Account) { a.Config = nil }},
	{Name: "region", Path: "config.region", Spoil: func(a *provider.Account) { a.Config = []byte(`{"region":"us/east"}`) }},
	{Name: "control plane", Path: "config.controlUrl", Spoil: func(a *provider.Account) {
		a.Config = []byte(`{"region":"us-east-1","controlUrl":"file:///etc"}`)
	}},
	{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
	{Name: "Amazon's header", Path: "config.headers.x-amz-date", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"x-amz-date": "now"}
	}},
	{Name: "secret header", Path: "config.headers.Authorization", Spoil: func(a *provider.Account) {
		a.Headers = map[string]string{"Authorization": "Bearer x"}
	}},
}

// outcome sends a call and says what became of it.
func outcome(t *testing.T, adapter provider.Adapter, account provider.Account, c provider.Call) (provider.Outcome, string) {
	t.Helper()
	u, err := adapter.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return provider.Outcome{Category: inference.OK}, string(body)
	}
	return u.Classify(resp, body), string(body)
}

func TestSignaturesHold(t *testing.T) {
	t.Parallel()
	credential := func(access, key, token string) map[string]secret.String {
		return map[string]secret.String{"accessKey": secret.New(access), "secretKey": secret.New(key), "sessionToken": secret.New(token)}
	}
	at := func(d time.Duration) clock.Clock { return func() time.Time { return clock.System().Add(d) } }
	for name, c := range map[string]struct {
		credential map[string]secret.String
		config     string
		now        clock.Clock
		temporary  bool
		want       inference.Category
		code       string
	}{
		"good":            {credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, ""), want: inference.OK},
		"temporary":       {credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, fakebedrock.Token), temporary: true, want: inference.OK},
		"without a token": {credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, ""), temporary: true, want: inference.Authentication, code: "UnrecognizedClientException"},
		"another secret":  {credential: credential(fakebedrock.AccessKey, "x", ""), want: inference.Authentication, code: "InvalidSignatureException"},
		"another key":     {credential: credential("AKIAOTHER", fakebedrock.SecretKey, ""), want: inference.Authentication, code: "UnrecognizedClientException"},
		"a clock that is slow": {
			credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, ""), now: at(-6 * time.Minute),
			want: inference.Authentication, code: "InvalidSignatureException",
		},
		"a clock that is a little fast": {credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, ""), now: at(4 * time.Minute), want: inference.OK},
		"another region": {
			credential: credential(fakebedrock.AccessKey, fakebedrock.SecretKey, ""), config: `{"region":"eu-west-1"}`,
			want: inference.Authentication, code: "InvalidSignatureException",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := fake(t, &fakebedrock.Server{Temporary: c.temporary})
			account.Credential = c.credential
			account.Headers = map[string]string{"X-Team": "a"}
			if c.config != "" {
				account.Config = []byte(c.config)
			}
			got, _ := outcome(t, Adapter{Now: c.now}, account, call(inference.Chat, fakebedrock.OnDemand, false))
			if got.Category != c.want || got.Code != c.code {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestABaseWithAPath: proxies in front of Bedrock have one, and it is signed.
func TestABaseWithAPath(t *testing.T) {
	t.Parallel()
	var got string
	u, err := Adapter{}.Open(provider.Account{
		BaseURL: "https://gate.example/a%2Fb/", Config: []byte(`{"region":"us-east-1"}`), AuthType: authBearer,
		Credential: map[string]secret.String{"apiKey": secret.New("k")},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := call(inference.Chat, "arn:aws:bedrock:us-east-1:1:inference-profile/us.x", false)
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := "https://gate.example/a%2Fb/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse"; got != want {
		t.Errorf("went to %s, want %s", got, want)
	}
	var e *provider.Error
	if _, err := u.(provider.ModelLister).Models(t.Context()); !errors.As(err, &e) || e.Category != inference.NotFound { //nolint:forcetypeassert // a compile-time guard says so
		t.Errorf("models without a control plane: %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestKeysOfBedrock(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]inference.Category{fakebedrock.APIKey: inference.OK, "bedrock-api-key-other": inference.Authentication} {
		account := fake(t, &fakebedrock.Server{})
		account.Credential = map[string]secret.String{"apiKey": secret.New(key)}
		got, _ := outcome(t, Claude{}, account, call(inference.Messages, fakebedrock.Profile, false))
		if got.Category != want || strings.Contains(got.Message, key) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestRegionsAndControlPlanes(t *testing.T) {
	t.Parallel()
	for base, want := range map[string][2]string{
		"": {"us-east-1", "https://bedrock.us-east-1.amazonaws.com"},
		"https://bedrock-runtime.eu-central-1.amazonaws.com/":          {"eu-central-1", "https://bedrock.eu-central-1.amazonaws.com"},
		"https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com":     {"us-gov-west-1", "https://bedrock-fips.us-gov-west-1.amazonaws.com"},
		"https://bedrock-runtime.cn-north-1.amazonaws.com.cn":          {"cn-north-1", "https://bedrock.cn-north-1.amazonaws.com.cn"},
		"https://bedrock-runtime.us-east-1.amazonaws.com.evil.example": {"", ""},
	} {
		got, err := Adapter{}.Open(provider.Account{BaseURL: base, Credential: map[string]secret.String{
			"accessKey": secret.New("a"), "secretKey": secret.New("s"),
		}})
		if want[0] == "" {
			if err == nil {
				t.Errorf("%s has the region %s", base, got.(*upstream).signer.region) //nolint:forcetypeassert // what Open returns
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		u := got.(*upstream) //nolint:forcetypeassert // what Open returns
		if u.signer.region != want[0] || u.control.String() != want[1] {
			t.Errorf("%s: %s, %s", base, u.signer.region, u.control)
		}
	}
}

func TestStreamsBecomeEvents(t *testing.T) {
	t.Parallel()
	for kind, want := range map[inference.Kind][]string{
		inference.Chat: {
			"event: messageStart\ndata: {\"p\":\"abc\",\"role\":\"assistant\"}\n\n", `"delta":{"text":"Hello"}`, "event: messageStop\n",
			"event: metadata\n", `"totalTokens":17`,
		},
		inference.Messages: {"event: message_start\ndata: {\"message\":", "event: content_block_delta\n", `"text":"You"`, "event: message_stop\n"},
	} {
		got, body := outcome(t, map[inference.Kind]provider.Adapter{inference.Chat: Adapter{}, inference.Messages: Claude{}}[kind],
			fake(t, &fakebedrock.Server{}), call(kind, fakebedrock.Profile, true))
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s, %s: %q is not in\n%s", kind, got.Category, part, body)
			}
		}
	}
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	adapters := map[inference.Kind]provider.Adapter{inference.Chat: Adapter{}, inference.Messages: Claude{}}
	for _, c := range []struct {
		kind  inference.Kind
		fault string
		last  string
		err   error
	}{
		{inference.Chat, "mid-exception", "event: exception\ndata: {\"type\":\"throttlingException\",\"message\":\"Too many tokens, please wait before trying again.\"}\n\n", nil},
		{inference.Chat, "mid-error", "event: exception\ndata: {\"type\":\"InternalError\",\"message\":\"An internal error occurred.\"}\n\n", nil},
		{inference.Messages, "mid-exception", "event: error\ndata: {\"error\":{\"message\":\"Too many tokens, please wait before trying again.\",\"type\":\"rate_limit_error\"},\"type\":\"error\"}\n\n", nil},
		{inference.Messages, "mid-error", "event: error\ndata: {\"error\":{\"message\":\"An internal error occurred.\",\"type\":\"api_error\"},\"type\":\"error\"}\n\n", nil},
		{inference.Chat, "mid-cut", "", io.ErrUnexpectedEOF},
		{inference.Messages, "mid-garbled", "", eventstream.ErrFrame},
	} {
		u, err := adapters[c.kind].Open(fake(t, &fakebedrock.Server{}))
		if err != nil {
			t.Fatal(err)
		}
		ask := call(c.kind, fakebedrock.Profile+"--"+c.fault, true)
		resp, err := u.Send(t.Context(), &ask)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !errors.Is(err, c.err) || !strings.HasSuffix(string(body), c.last) || !strings.HasPrefix(string(body), "event: message") {
			t.Errorf("%s, %s: %v after\n%s", c.kind, c.fault, err, body)
		}
	}
}

func TestWhatClaudeIsSent(t *testing.T) {
	t.Parallel()
	const version = `"anthropic_version":"bedrock-2023-05-31"`
	for in, want := range map[string]string{
		`{"model":"m","max_tokens":1,"stream":true}`:      `{` + version + `,"anthropic_beta":["a","b"],"max_tokens":1}`,
		`{"stream":true,"model":"m"}`:                     `{` + version + `,"anthropic_beta":["a","b"]}`,
		`{"anthropic_version":"v","anthropic_beta":[]}`:   `{"anthropic_version":"v","anthropic_beta":[]}`,
		`{"messages":[{"model":"stays"}],"model":"goes"}`: `{` + version + `,"anthropic_beta":["a","b"],"messages":[{"model":"stays"}]}`,
	} {
		c := provider.Call{Body: []byte(in), Header: http.Header{"Anthropic-Beta": {"a", "b"}}}
		got, err := claudeBody(&c)
		if err != nil || string(got) != want || string(c.Body) != in {
			t.Errorf("%s became %s, %v", in, got, err)
		}
	}
	if _, err := claudeBody(&provider.Call{Body: []byte(`{"model":`)}); err == nil {
		t.Error("half a request goes out")
	}
}
