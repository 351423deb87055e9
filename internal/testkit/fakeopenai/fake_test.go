package fakeopenai_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	openai "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func start(t *testing.T) (*fakeopenai.Server, string) {
	t.Helper()
	s := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func client(url string, more ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(url + "/v1"), option.WithAPIKey(fakeopenai.DefaultKey), option.WithMaxRetries(0),
	}, more...)...)
}

func ask(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

// The vendor's own client judges the shapes.
func TestTheOfficialClientIsContent(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	c := client(url)
	whole, err := c.Chat.Completions.New(t.Context(), ask("gpt-4o-mini", "hello there"))
	if err != nil {
		t.Fatal(err)
	}
	if whole.Choices[0].Message.Content != "You said: hello there 好的。" || whole.Choices[0].FinishReason != "stop" ||
		whole.Usage.TotalTokens != whole.Usage.PromptTokens+whole.Usage.CompletionTokens || whole.Usage.PromptTokens == 0 {
		t.Errorf("got %s", whole.RawJSON())
	}
	params := ask("gpt-5-mini", "hello there")
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream, sum := c.Chat.Completions.NewStreaming(t.Context(), params), openai.ChatCompletionAccumulator{}
	for stream.Next() {
		if !sum.AddChunk(stream.Current()) {
			t.Errorf("a chunk does not fit: %s", stream.Current().RawJSON())
		}
	}
	if stream.Err() != nil || sum.Choices[0].Message.Content != whole.Choices[0].Message.Content || sum.Usage.CompletionTokensDetails.ReasoningTokens != 16 {
		t.Errorf("got %+v, %v", sum, stream.Err())
	}
	page, err := c.Models.List(t.Context())
	if err != nil || len(page.Data) != len(fakeopenai.DefaultModels) {
		t.Errorf("models %v, %v", page, err)
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	c := client(url)
	params := ask("gpt-4o-mini", "call get_weather and get_time")
	for _, name := range []string{"get_weather", "get_time"} {
		params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: name}))
	}
	stream, sum := c.Chat.Completions.NewStreaming(t.Context(), params), openai.ChatCompletionAccumulator{}
	for stream.Next() {
		sum.AddChunk(stream.Current())
	}
	if stream.Err() != nil || len(sum.Choices) == 0 || len(sum.Choices[0].Message.ToolCalls) != 2 {
		t.Fatalf("got %+v, %v", sum, stream.Err())
	}
	calls := sum.Choices[0].Message.ToolCalls
	if calls[1].Function.Name != "get_time" || calls[1].Function.Arguments != `{"input":"call get_weather and get_time"}` || sum.Choices[0].FinishReason != "tool_calls" {
		t.Errorf("got %+v", calls)
	}
	params.Messages = append(params.Messages, sum.Choices[0].Message.ToParam(), openai.ToolMessage("sunny", calls[0].ID))
	if _, err := c.Chat.Completions.New(t.Context(), params); status(err) != 400 {
		t.Errorf("a call without its answer passed: %v", err)
	}
	params.Messages = append(params.Messages, openai.ToolMessage("noon", calls[1].ID))
	if got, err := c.Chat.Completions.New(t.Context(), params); err != nil || !strings.Contains(got.Choices[0].Message.Content, "noon") {
		t.Errorf("got %v, %v", got, err)
	}
}

func status(err error) int {
	if e, ok := errors.AsType[*openai.Error](err); ok {
		return e.StatusCode
	}
	return 0
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	c := client(url)
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "text-embedding-3-small", Dimensions: openai.Int(8), Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}},
	})
	if err != nil || len(got.Data) != 2 || len(got.Data[1].Embedding) != 8 || got.Usage.TotalTokens != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	_, body := post(t, url+"/v1/embeddings", `{"model":"text-embedding-3-small","input":"a","dimensions":8,"encoding_format":"base64"}`)
	_, text, _ := strings.Cut(body, `"embedding":"`)
	text, _, _ = strings.Cut(text, `"`)
	if raw, err := base64.StdEncoding.DecodeString(text); err != nil || len(raw) != 32 {
		t.Errorf("%s: %v", body, err)
	}
}

// reply is a response that was read and closed.
type reply struct {
	StatusCode int
	Header     http.Header
}

func post(t *testing.T, url, body string) (reply, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+fakeopenai.DefaultKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header}, string(text)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	const m = `"messages":[{"role":"user","content":"hi"}]`
	for body, want := range map[string]string{
		`{`:                                     "parse the JSON body",
		`{` + m + `}`:                           "you must provide a model parameter",
		`{"model":"gpt-9",` + m + `}`:           "model_not_found",
		`{"model":"gpt-4o-mini"}`:               `"param":"messages"`,
		`{"model":"gpt-4o-mini","messages":[]}`: "empty array",
		`{"model":"gpt-4o-mini","messages":[{"role":"robot","content":"x"}]}`:                       "Supported values are",
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":null}]}`:                       "expected a string",
		`{"model":"gpt-4o-mini","messages":[{"role":"tool","content":"x","tool_call_id":"a"}]}`:     "must be a response to",
		`{"model":"gpt-4o-mini",` + m + `,"runMode":"simulation"}`:                                  "Unrecognized request argument supplied: runMode",
		`{"model":"gpt-4o-mini",` + m + `,"stream_options":{"include_usage":true}}`:                 "only allowed when 'stream'",
		`{"model":"gpt-4o-mini",` + m + `,"stream":true,"stream_options":{"x":1}}`:                  "stream_options.x",
		`{"model":"gpt-4o-mini",` + m + `,"n":0}`:                                                   `"param":"n"`,
		`{"model":"gpt-4o-mini",` + m + `,"n":1.5}`:                                                 "expected an integer",
		`{"model":"gpt-4o-mini",` + m + `,"max_tokens":0}`:                                          `"param":"max_tokens"`,
		`{"model":"gpt-4o-mini",` + m + `,"max_tokens":1,"max_completion_tokens":1}`:                "at the same time",
		`{"model":"gpt-5-mini",` + m + `,"max_tokens":5}`:                                           "unsupported_parameter",
		`{"model":"gpt-4o-mini",` + m + `,"reasoning_effort":"low"}`:                                "unsupported_parameter",
		`{"model":"gpt-4o-mini",` + m + `,"temperature":3}`:                                         "out of range",
		`{"model":"gpt-4o-mini",` + m + `,"stop":["a","b","c","d","e"]}`:                            `"param":"stop"`,
		`{"model":"gpt-4o-mini",` + m + `,"top_logprobs":2}`:                                        "logprobs",
		`{"model":"gpt-4o-mini",` + m + `,"tools":[]}`:                                              "empty array",
		`{"model":"gpt-4o-mini",` + m + `,"tools":[{"type":"function","function":{"name":"a b"}}]}`: "does not match pattern",
		`{"model":"gpt-4o-mini",` + m + `,"tool_choice":"auto"}`:                                    "only allowed when 'tools'",
		`{"model":"gpt-4o-mini",` + m + `,"response_format":{"type":"json_object"}}`:                "must contain the word 'json'",
		`{"model":"gpt-4o-mini",` + m + `,"response_format":{"type":"json_schema"}}`:                "json_schema.name",
		`{"model":"text-embedding-3-small",` + m + `}`:                                              "not allowed to sample",
	} {
		r, got := post(t, url+"/v1/chat/completions", body)
		if r.StatusCode < 400 || !strings.Contains(got, want) || !strings.Contains(got, `"type":"invalid_request_error"`) {
			t.Errorf("%s: %d %s", body, r.StatusCode, got)
		}
	}
	wrong := client(url, option.WithAPIKey("sk-wrong-0123456789"))
	if _, err := wrong.Models.List(t.Context()); status(err) != 401 || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("a wrong key: %v", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	stream := func(fault string) string {
		return `{"model":"gpt-4o-mini--` + fault + `","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`
	}
	for fault, check := range map[string]func(status int, body string) bool{
		"429": func(status int, body string) bool {
			return status == 429 && strings.Contains(body, "rate_limit_exceeded")
		},
		"eof":         func(_ int, body string) bool { return !strings.Contains(body, "[DONE]") },
		"error_frame": func(_ int, body string) bool { return strings.Contains(body, `data: {"error":`) },
		"malformed":   func(_ int, body string) bool { return strings.HasSuffix(body, "[{\"del\n\n") },
		"no_usage": func(_ int, body string) bool {
			return !strings.Contains(body, "usage") && strings.HasSuffix(body, "[DONE]\n\n")
		},
		"cut": func(_ int, body string) bool { return strings.HasSuffix(body, `"chat.comp`) },
		"ping": func(_ int, body string) bool {
			return strings.HasPrefix(body, ": ping\n\n") && strings.HasSuffix(body, "[DONE]\n\n")
		},
		"split":     func(_ int, body string) bool { return strings.HasSuffix(body, "[DONE]\n\n") },
		"batched":   func(_ int, body string) bool { return strings.HasSuffix(body, "[DONE]\n\n") },
		"cached":    func(_ int, body string) bool { return strings.Contains(body, `"cached_tokens":2`) },
		"bad_usage": func(_ int, body string) bool { return strings.Contains(body, `"cached_tokens":10`) },
	} {
		r, body := post(t, url+"/v1/chat/completions", stream(fault))
		if !check(r.StatusCode, body) {
			t.Errorf("%s: %d %s", fault, r.StatusCode, body)
		}
	}
	if r, _ := post(t, url+"/v1/chat/completions", stream("flaky")); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("flaky at first: %d", r.StatusCode)
	}
	if r, _ := post(t, url+"/v1/chat/completions", stream("flaky")); r.StatusCode != http.StatusOK {
		t.Errorf("flaky again: %d", r.StatusCode)
	}
	if last, ok := s.Last(); !ok || last.Status != 200 || last.Model != "gpt-4o-mini--flaky" {
		t.Errorf("recorded %+v", last)
	}
}

func TestACallerWhoLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	c := client(url)
	ctx, cancel := context.WithCancel(t.Context())
	s.Script(fakeopenai.Step{Fault: "hang", After: 2})
	stream := c.Chat.Completions.NewStreaming(ctx, ask("gpt-4o-mini", "hi"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	cancel()
	all, err := s.Wait(t.Context(), func(all []fakeopenai.Request) bool {
		return slices.ContainsFunc(all, func(r fakeopenai.Request) bool { return r.Canceled })
	})
	if err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	s.Reset()
	if _, left := s.Last(); left {
		t.Error("requests were not forgotten")
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	if r, body := post(t, url+"/__fake/script", `{"steps":[{"status":418,"headers":{"X-A":"b"},"body":"tea"},{"text":"said","model":"gpt-4.1"}]}`); r.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	if r, _ := post(t, url+"/__fake/script", `{"steps":[{"fault":"nope"}]}`); r.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown fault: %d", r.StatusCode)
	}
	r, body := post(t, url+"/v1/chat/completions", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`)
	if r.StatusCode != http.StatusTeapot || body != "tea" || r.Header.Get("X-A") != "b" || r.Header.Get("X-Request-Id") == "" {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	if _, body := post(t, url+"/v1/chat/completions", `{"model":"gpt-4.1","messages":[{"role":"user","content":"hi"}]}`); !strings.Contains(body, `"content":"said"`) {
		t.Errorf("got %s", body)
	}
	list, err := http.Get(url + "/__fake/requests")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Body.Close()
	if text, _ := io.ReadAll(list.Body); strings.Count(string(text), `"path":"/v1/chat/completions"`) != 2 {
		t.Errorf("got %s", text)
	}
}
