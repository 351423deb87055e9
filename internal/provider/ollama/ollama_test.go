package ollama

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeollama"
	"github.com/gantry-ai/gantry/internal/wire"
	native "github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

func fake(t *testing.T, key string) (*fakeollama.Server, provider.Account) {
	t.Helper()
	s := &fakeollama.Server{Key: key}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, provider.Account{BaseURL: server.URL, Transport: transport}
}

func chat(model string, stream bool) provider.Call {
	flag := `"stream":false`
	if stream {
		flag = `"stream":true`
	}
	return provider.Call{
		Kind: inference.Chat, Model: model, Stream: stream, ContentType: "application/json", Attempt: 1,
		Body: []byte(`{"model":"` + model + `",` + flag + `,"messages":[{"role":"user","content":"hi"}],"options":{}}`),
	}
}

const key = "ollama-key-0123456789"

func TestConformance(t *testing.T) {
	t.Parallel()
	_, account := fake(t, key)
	account.AuthType, account.Credential = authBearer, map[string]secret.String{"apiKey": secret.New(key)}
	silent, endless := chat("llama3.2--hang", false), chat("llama3.2--mid-hang", true)
	failure := func(name string, want inference.Category) providertest.Failure {
		return providertest.Failure{Name: name, Call: chat("llama3.2--"+name, false), Want: provider.Outcome{Category: want}}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: Adapter{}, Account: account, Silent: &silent, Endless: &endless, End: "}\n\n",
		Bad: []providertest.BadAccount{
			{Name: "scheme", Path: "baseUrl", Spoil: func(a *provider.Account) { a.BaseURL = "unix:///x" }},
			{Name: "auth type", Path: "authType", Spoil: func(a *provider.Account) { a.AuthType = "header" }},
			{Name: "no key", Path: "credentials.apiKey", Spoil: func(a *provider.Account) { a.Credential = nil }},
			{Name: "length", Path: "config.contextLength", Spoil: func(a *provider.Account) { a.Config = []byte(`{"contextLength":-1}`) }},
			{Name: "time", Path: "config.keepAlive", Spoil: func(a *provider.Account) { a.Config = []byte(`{"keepAlive":"5m\",\"x\":\""}`) }},
			{Name: "unknown setting", Path: "config.nope", Spoil: func(a *provider.Account) { a.Config = []byte(`{"nope":1}`) }},
			{Name: "secret header", Path: "config.headers.Authorization", Spoil: func(a *provider.Account) {
				a.Headers = map[string]string{"Authorization": "x"}
			}},
		},
		Whole: []provider.Call{chat("llama3.2", false), {
			Kind: inference.Embeddings, Model: "nomic-embed-text", Body: []byte(`{"model":"nomic-embed-text","input":"hi"}`),
		}},
		Streams: []provider.Call{chat("llama3.2", true)},
		Failures: []providertest.Failure{
			failure("busy", inference.Overloaded), failure("memory", inference.Overloaded), failure("tools", inference.InvalidRequest),
			failure("context", inference.ContextLength), failure("500", inference.ServerError), failure("429", inference.RateLimited),
			{Name: "model", Call: chat("nobody", false), Want: provider.Outcome{Category: inference.NotFound}},
		},
		Secrets: []string{key, strings.TrimPrefix(account.BaseURL, "http://")},
		Models:  []string{"llama3.2", "gpt-oss:20b"},
	})
}

func TestAWrongKey(t *testing.T) {
	t.Parallel()
	_, account := fake(t, key)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	var e *provider.Error
	if _, err := u.(provider.ModelLister).Models(t.Context()); !errors.As(err, &e) || e.Category != inference.Authentication { //nolint:forcetypeassert // a compile-time guard says so
		t.Errorf("got %v", err)
	}
}

func TestWhatTheOperatorWants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, in, want string }{
		{``, `{"options":{}}`, `{"options":{}}`},
		{`{"contextLength":8192,"keepAlive":"-1"}`, `{"model":"m","options":{"seed":1}}`, `{"keep_alive":-1,"model":"m","options":{"num_ctx":8192,"seed":1}}`},
		{`{"contextLength":8192,"keepAlive":"5m"}`, `{"options":{}}`, `{"keep_alive":"5m","options":{"num_ctx":8192}}`},
		{`{"contextLength":8192}`, `{}`, `{"options":{"num_ctx":8192}}`},
		{`{"contextLength":8192,"keepAlive":"0"}`, `{"keep_alive":1,"options":{"num_ctx":2}}`, `{"keep_alive":1,"options":{"num_ctx":2}}`},
	} {
		var cfg config
		if err := provider.DecodeConfig([]byte(c.config), &cfg); err != nil {
			t.Fatal(err)
		}
		e, err := cfg.edit()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.apply([]byte(c.in)); err != nil || string(got) != c.want {
			t.Errorf("%s on %s: %s, %v", c.config, c.in, got, err)
		}
	}
}

// crossed sends a caller's conversation over a bridge and returns the answer as the caller reads it.
func crossed(t *testing.T, u provider.Upstream, b *translate.Bridge, body []byte, model string, stream bool) (string, *translate.Crossing, error) {
	t.Helper()
	x, err := b.Request(body, model, stream, 64)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Send(t.Context(), &provider.Call{Kind: inference.Chat, Model: model, Stream: stream, Body: x.Body})
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		t.Fatalf("status %d: %s\nfor %s", resp.StatusCode, text, x.Body)
	}
	read := x.Whole
	if stream {
		read = x.Stream
	}
	answer := read(resp.Body)
	defer answer.Close()
	text, err := io.ReadAll(answer)
	return string(text), x, err
}

func TestRandomConversationsAreTaken(t *testing.T) {
	t.Parallel()
	server, account := fake(t, "")
	account.BaseURL += "/v1" // as some enter it
	account.Config = []byte(`{"contextLength":4096}`)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	b := &translate.Bridge{Caller: openai.ChatCodec, Upstream: native.Codec, Now: clock.System}
	for seed := range uint64(200) {
		body, err := openai.ChatCodec.EncodeRequest(wiretest.NewSource(seed).Prompt(), wire.EncodeOptions{}, &wire.Losses{})
		if err != nil {
			t.Fatal(err)
		}
		stream := seed%2 == 0
		answer, x, err := crossed(t, u, b, body, "gpt-oss:20b", stream)
		usage, told := x.Usage()
		if err != nil || !told || usage.InputTokens() != fakeollama.Prompt || usage.OutputTokens() != fakeollama.Output || !strings.Contains(answer, "Ollama!") {
			t.Fatalf("seed %d: %v, %+v, %s", seed, err, usage, answer)
		}
		if !strings.Contains(string(server.Last()), `"options":{"num_ctx":4096,`) {
			t.Fatalf("seed %d: went out as %s", seed, server.Last())
		}
		if stream && !strings.HasSuffix(answer, "data: [DONE]\n\n") {
			t.Fatalf("seed %d: the stream ends with %q", seed, answer[max(0, len(answer)-80):])
		}
	}
}

func TestToolsAreCalled(t *testing.T) {
	t.Parallel()
	_, account := fake(t, "")
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	b := &translate.Bridge{Caller: openai.ChatCodec, Upstream: native.Codec, Now: clock.System}
	tool := func(name string) string {
		return `{"type":"function","function":{"name":"` + name + `","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}`
	}
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"Use get_weather and get_time."}],"tools":[` + tool("get_weather") + `,` + tool("get_time") + `]}`)
	for _, stream := range []bool{false, true} {
		answer, _, err := crossed(t, u, b, body, "llama3.2", stream)
		for _, part := range []string{`"name":"get_weather"`, `"name":"get_time"`, `"id":"call_fake0"`, `"id":"call_fake1"`, `{\"city\":\"Ada\"}`, `"finish_reason":"tool_calls"`} {
			if err != nil || !strings.Contains(answer, part) {
				t.Errorf("stream %v: %v, %s is not in %s", stream, err, part, answer)
			}
		}
	}
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	_, account := fake(t, "")
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	b := &translate.Bridge{Caller: openai.ChatCodec, Upstream: native.Codec, Now: clock.System}
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}`)
	answer, _, err := crossed(t, u, b, body, "llama3.2--mid-error", true)
	if err != nil || !strings.Contains(answer, `"error"`) || strings.Contains(answer, "[DONE]") {
		t.Errorf("an error in the stream: %v, %s", err, answer)
	}
	answer, _, err = crossed(t, u, b, body, "llama3.2--mid-cut", true)
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(answer, "[DONE]") {
		t.Errorf("a stream that was cut: %v, %s", err, answer)
	}
}

// FuzzLines: whatever the pieces in which lines come, the events are the same.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}"), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 1 {
			n = 1
		}
		whole, err := io.ReadAll(newLines(io.NopCloser(strings.NewReader(string(b)))))
		pieces, err2 := io.ReadAll(newLines(io.NopCloser(&slow{b, n})))
		if err != nil || err2 != nil || string(whole) != string(pieces) {
			t.Errorf("%q, %v; %q, %v", whole, err, pieces, err2)
		}
	})
}

// slow gives n bytes at a time.
type slow struct {
	b []byte
	n int
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(s.n, len(s.b))])
	s.b = s.b[n:]
	return n, nil
}
