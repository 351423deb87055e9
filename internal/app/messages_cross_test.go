package app

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	openai "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func (h *house) openaiClient(key string) openai.Client {
	return openai.NewClient(openaioption.WithBaseURL(h.url+"/v1"), openaioption.WithAPIKey(key), openaioption.WithMaxRetries(0))
}

// OpenAI's own client talks to Anthropic's models: whole and in streams, with tools and their results, and with what they
// thought, which comes back signed.
func TestChatCallersReachAnthropic(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		fake := h.connectAnthropic(nil)
		ada := h.invite("ada", "10")
		c := h.openaiClient(ada.key)
		params := openai.ChatCompletionNewParams{Model: "sonnet-4-5", Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("one two"), openai.UserMessage(" hello there"),
		}}
		whole, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Choices[0].Message.Content != "You said: hello there 好的。" || whole.Choices[0].FinishReason != "stop" || whole.Usage.PromptTokens != 8 {
			t.Errorf("%s", whole.RawJSON())
		}
		if lines, _ := h.bills(ada.key); strings.Join(lines, ";") != "text_input 0.000008 0.000024;text_output 0.000008 0.00012" {
			t.Errorf("billed %v", lines)
		}
		if last, _ := fake.Last(); last.Path != "/v1/messages" || !bytes.Contains(last.Body, []byte(`"max_tokens":64000`)) {
			t.Errorf("%s %s", last.Path, last.Body)
		}
		h.chatCallsTools(t, c)
		h.clean()
	})
}

func (h *house) chatCallsTools(t *testing.T, c openai.Client) {
	t.Helper()
	params := openai.ChatCompletionNewParams{
		Model: "opus-4-5", ReasoningEffort: "low", MaxCompletionTokens: openai.Int(4000),
		Messages:      []openai.ChatCompletionMessageParamUnion{openai.UserMessage("call get_weather and get_time")},
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	}
	for _, name := range []string{"get_weather", "get_time"} {
		params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: name}))
	}
	stream, sum, raw := c.Chat.Completions.NewStreaming(t.Context(), params), openai.ChatCompletionAccumulator{}, ""
	for stream.Next() {
		raw += stream.Current().RawJSON()
		if !sum.AddChunk(stream.Current()) {
			t.Errorf("a chunk does not fit: %s", stream.Current().RawJSON())
		}
	}
	if stream.Err() != nil || len(sum.Choices) != 1 {
		t.Fatalf("%v: %s", stream.Err(), raw)
	}
	m := sum.Choices[0].Message
	if sum.Choices[0].FinishReason != "tool_calls" || len(m.ToolCalls) != 2 || m.ToolCalls[0].Function.Arguments != `{"city":"Kyiv","days":3}` ||
		sum.Usage.CompletionTokens == 0 || !strings.Contains(raw, `"reasoning_content":"Let"`) || !strings.Contains(raw, `"format":"anthropic-claude-v1"`) {
		t.Errorf("%s", raw)
	}
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
	params.Messages = append(params.Messages, m.ToParam(), openai.ToolMessage("21", m.ToolCalls[0].ID), openai.ToolMessage("noon", m.ToolCalls[1].ID))
	answer, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil || answer.Choices[0].FinishReason != "stop" {
		t.Errorf("%v, %v", answer, err)
	}
}

// What is not said in both protocols is refused by its path, and an upstream's error is said in the caller's words.
func TestChatCallersHearWhatAnthropicCannot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	ask := func(more map[string]any) (int, string) {
		body := chat("haiku-4-5", false)
		maps.Copy(body, more)
		resp, text := h.send("POST", "/v1/chat/completions", ada.key, body)
		return resp.StatusCode, string(text)
	}
	if status, text := ask(map[string]any{"n": 2}); status != http.StatusBadRequest || !strings.Contains(text, `"param":"n"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := ask(map[string]any{"seed": 7, "temperature": 1.8}); status != http.StatusOK || !strings.Contains(text, `"object":"chat.completion"`) {
		t.Errorf("%d %s", status, text)
	}
	if last, _ := fake.Last(); !bytes.Contains(last.Body, []byte(`"temperature":1`)) || bytes.Contains(last.Body, []byte("seed")) {
		t.Errorf("%s", last.Body)
	}
	fake.Script(fakeanthropic.Step{Fault: "context"})
	if status, text := ask(nil); status != http.StatusBadRequest || !strings.Contains(text, `"code":"context_length_exceeded"`) || !strings.Contains(text, "prompt is too long") {
		t.Errorf("%d %s", status, text)
	}
	fake.Script(fakeanthropic.Step{Fault: "early_error"})
	resp, body := h.send("POST", "/v1/chat/completions", ada.key, chat("haiku-4-5", true))
	if resp.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("a stream that was begun again: %d %s", resp.StatusCode, body)
	}
	fake.Script(fakeanthropic.Step{Fault: "error_frame", After: 5})
	_, body = h.send("POST", "/v1/chat/completions", ada.key, chat("haiku-4-5", true))
	if text := string(body); strings.Contains(text, "[DONE]") || !strings.Contains(text, `data: {"error":{`) || !strings.Contains(text, `"content":`) {
		t.Errorf("a stream that broke: %s", text)
	}
	h.clean()
}

// Anthropic's own client talks to OpenAI's models, with the cache's tokens told apart.
func TestMessagesReachOpenAI(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		fake := h.connect(map[string]string{"gpt-4o-mini": "chat", "gpt-5-mini": "chat"})
		ada := h.invite("ada", "10")
		c := h.anthropicClient(ada.key)
		fake.Script(fakeopenai.Step{Fault: "cached"})
		params := say("gpt-4o-mini", "hello there")
		params.System = []sdk.TextBlockParam{{Text: "be brief"}}
		whole, err := c.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Content[0].Text != "You said: hello there 好的。" || whole.StopReason != "end_turn" || whole.Usage.CacheReadInputTokens == 0 ||
			whole.Usage.InputTokens == 0 || !strings.HasPrefix(whole.ID, "msg_") {
			t.Errorf("%s", whole.RawJSON())
		}
		if lines, _ := h.bills(ada.key); len(lines) != 3 || !strings.HasPrefix(lines[1], "text_input_cached ") {
			t.Errorf("billed %v", lines)
		}
		last, _ := fake.Last()
		if last.Path != "/v1/chat/completions" || last.Header.Get("Anthropic-Version") != "" || !bytes.Contains(last.Body, []byte(`{"role":"system","content":"be brief"}`)) {
			t.Errorf("%s %v %s", last.Path, last.Header, last.Body)
		}
		h.messagesCallTools(t, c)
		h.clean()
	})
}

func (h *house) messagesCallTools(t *testing.T, c sdk.Client) {
	t.Helper()
	params := say("gpt-4o-mini", "call get_weather and get_time")
	for _, name := range []string{"get_weather", "get_time"} {
		params.Tools = append(params.Tools, sdk.ToolUnionParamOfTool(sdk.ToolInputSchemaParam{Properties: map[string]any{}}, name))
	}
	sum, err := accumulated(t, c, params)
	if err != nil || sum.StopReason != "tool_use" || len(sum.Content) != 2 || sum.Content[1].Name != "get_time" || sum.Usage.OutputTokens == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	params.Messages = append(params.Messages, sum.ToParam(), sdk.NewUserMessage(
		sdk.NewToolResultBlock(sum.Content[0].ID, "21", false), sdk.NewToolResultBlock(sum.Content[1].ID, "noon", false)))
	if answer, err := c.Messages.New(t.Context(), params); err != nil || answer.Content[0].Type == "" {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestMessagesOfOthersModels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
	ada := h.invite("ada", "10")
	body := func(more map[string]any) map[string]any {
		out := map[string]any{"model": "gpt-4o-mini", "max_tokens": 50, "messages": []any{map[string]any{"role": "user", "content": "hello there"}}}
		maps.Copy(out, more)
		return out
	}
	resp, text := h.send("POST", "/v1/messages/count_tokens", ada.key, body(nil))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Token-Count") != "estimated" || len(fake.Requests()) != 0 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	resp, text = h.send("POST", "/v1/messages", ada.key, body(map[string]any{"tools": []any{map[string]any{"type": "memory_20250818", "name": "memory"}}}))
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "tools[0]") || !strings.Contains(string(text), "invalid_request_error") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	for fault, typ := range map[string]string{"429": "rate_limit_error", "503": "overloaded_error", "context": "prompt is too long"} {
		h.connectFault(fault)
		resp, text := h.send("POST", "/v1/messages", ada.key, body(map[string]any{"model": "gpt--" + fault}))
		if resp.StatusCode < 400 || !strings.Contains(string(text), typ) || !strings.HasPrefix(string(text), `{"type":"error"`) {
			t.Errorf("%s: %d %s", fault, resp.StatusCode, text)
		}
	}
	fake.Script(fakeopenai.Step{Fault: "cut", After: 3})
	_, text = h.send("POST", "/v1/messages", ada.key, body(map[string]any{"stream": true}))
	if s := string(text); !strings.HasPrefix(s, "event: message_start\n") || strings.Contains(s, "message_stop") || !strings.Contains(s, "event: error\n") {
		t.Errorf("%s", s)
	}
	fake.Script(fakeopenai.Step{Fault: "no_usage"})
	_, text = h.send("POST", "/v1/messages", ada.key, body(map[string]any{"stream": true}))
	if s := string(text); !strings.HasSuffix(s, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
		t.Errorf("%s", s)
	}
	if lines, _ := h.bills(ada.key); len(lines) != 2 {
		t.Errorf("billed %v", lines)
	}
	h.clean()
}

// connectFault makes a platform of its own with a model whose upstream has a fault.
func (h *house) connectFault(fault string) {
	h.t.Helper()
	fake := fakeopenai.New(fakeopenai.Options{})
	server := newServer(h.t, fake)
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "openai", "name": fault, "platformKey": "fault-" + fault, "baseUrl": server + "/v1", "credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}, &p, 201)
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"modelAlias": "gpt--" + fault, "providerModelName": "gpt-4o-mini--" + fault, "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
}

// The simulator answers Anthropic's clients too.
func TestMessagesOfTheSimulator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.invite("ada", "")
	c := h.anthropicClient(ada.key)
	sum, err := accumulated(t, c, say("sim-chat", "hello there"))
	if err != nil || len(sum.Content) == 0 || sum.Content[0].Text == "" || sum.StopReason == "" || sum.Usage.OutputTokens == 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if whole, err := c.Messages.New(t.Context(), say("sim-chat", "hello there"), option.WithHeader("X-Simulation", "fault=content_policy")); err == nil {
		t.Errorf("%s", whole.RawJSON())
	}
	h.clean()
}

// newServer serves a fake and returns its address.
func newServer(t *testing.T, fake http.Handler) string {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return server.URL
}
