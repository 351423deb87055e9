package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

// connectAnthropic makes a fake upstream a platform of Anthropic's with the catalogue's models, at their prices.
func (h *house) connectAnthropic(config map[string]any) *fakeanthropic.Server {
	h.t.Helper()
	fake := fakeanthropic.New(fakeanthropic.Options{})
	platform := h.anthropicPlatform(fake, "anthropic", config)
	for _, name := range fakeanthropic.DefaultModels {
		h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
			"canonicalModelKey": "anthropic/" + name, "modelAlias": strings.TrimPrefix(name, "claude-"), "enabled": true,
		}, nil, 201)
	}
	return fake
}

func (h *house) anthropicPlatform(fake http.Handler, key string, config map[string]any) string {
	h.t.Helper()
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "anthropic", "name": key, "platformKey": key, "baseUrl": newServer(h.t, fake), "config": config,
		"credentials": map[string]any{"apiKey": fakeanthropic.DefaultKey},
	}, &p, 201)
	return p.ID
}

// faulty makes a platform of its own with a model whose upstream has a fault.
func (h *house) faulty(fault string) {
	h.t.Helper()
	platform := h.anthropicPlatform(fakeanthropic.New(fakeanthropic.Options{}), "faulty-"+fault, nil)
	h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
		"modelAlias": fault, "providerModelName": "claude-haiku-4-5--" + fault, "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
}

func (h *house) anthropicClient(key string) sdk.Client {
	return sdk.NewClient(option.WithBaseURL(h.url), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func say(model, text string) sdk.MessageNewParams {
	return sdk.MessageNewParams{
		Model: model, MaxTokens: 2048, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock(text))},
	}
}

func accumulated(t *testing.T, c sdk.Client, params sdk.MessageNewParams) (sdk.Message, error) {
	t.Helper()
	stream, sum := c.Messages.NewStreaming(t.Context(), params), sdk.Message{}
	for stream.Next() {
		if err := sum.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	return sum, stream.Err()
}

// The vendor's own client gets whole answers, streams, tools, counts and models, with its key in either header.
func TestTheOfficialAnthropicClient(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		fake := h.connectAnthropic(nil)
		ada := h.invite("ada", "10")
		for _, c := range []sdk.Client{
			h.anthropicClient(ada.key),
			sdk.NewClient(option.WithBaseURL(h.url), option.WithAuthToken(ada.key), option.WithMaxRetries(0), option.WithHeaderDel("X-Api-Key")),
		} {
			whole, err := c.Messages.New(t.Context(), say("haiku-4-5", "hello there"))
			if err != nil {
				t.Fatal(err)
			}
			if whole.Content[0].Text != "You said: hello there 好的。" || whole.Usage.InputTokens != 6 || whole.Usage.OutputTokens != 8 {
				t.Errorf("got %s", whole.RawJSON())
			}
		}
		if lines, currency := h.bills(ada.key); strings.Join(lines, ";") != "text_input 0.000006 0.000006;text_output 0.000008 0.00004" || currency != "USD" {
			t.Errorf("billed %v in %s", lines, currency)
		}
		h.streamsThink(t, ada.key)
		h.toolsAreCalled(t, ada.key)
		last, _ := fake.Last()
		if last.Header.Get("X-Api-Key") != fakeanthropic.DefaultKey || last.Header.Get("Authorization") != "" || last.Model != "claude-sonnet-4-5" {
			t.Errorf("the upstream was sent %v", last.Header)
		}
		h.clean()
	})
}

func (h *house) streamsThink(t *testing.T, key string) {
	t.Helper()
	params := say("opus-4-5", "hello there")
	params.Thinking = sdk.ThinkingConfigParamOfEnabled(1024)
	sum, err := accumulated(t, h.anthropicClient(key), params)
	if err != nil || sum.StopReason != "end_turn" || len(sum.Content) != 2 || sum.Content[0].Signature == "" {
		t.Errorf("%+v, %v", sum, err)
	}
	if lines, _ := h.bills(key); strings.Join(lines, ";") != "text_input 0.000006 0.00003;text_output 0.000018 0.00045" {
		t.Errorf("billed %v", lines)
	}
}

func (h *house) toolsAreCalled(t *testing.T, key string) {
	t.Helper()
	params := say("sonnet-4-5", "call get_weather and get_time")
	for _, name := range []string{"get_weather", "get_time"} {
		params.Tools = append(params.Tools, sdk.ToolUnionParamOfTool(sdk.ToolInputSchemaParam{Properties: map[string]any{}}, name))
	}
	sum, err := accumulated(t, h.anthropicClient(key), params)
	if err != nil || sum.StopReason != "tool_use" || len(sum.Content) != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	params.Messages = append(params.Messages, sum.ToParam(), sdk.NewUserMessage(
		sdk.NewToolResultBlock(sum.Content[1].ID, "21", false), sdk.NewToolResultBlock(sum.Content[2].ID, "noon", false)))
	c := h.anthropicClient(key)
	if answer, err := c.Messages.New(t.Context(), params); err != nil || answer.StopReason != "end_turn" {
		t.Errorf("%v, %v", answer, err)
	}
}

// What is written to a cache for five minutes, for an hour, and what is read from it have lines and prices of their own.
func TestCacheClassesAreBilled(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		h.connectAnthropic(nil)
		ada := h.invite("ada", "10")
		c := h.anthropicClient(ada.key)
		for _, step := range []struct {
			ttl   sdk.CacheControlEphemeralTTL
			text  string
			lines string
		}{
			{"5m", "one two three four", "text_input 0.000006 0.000018;text_cache_write 0.000004 0.000015;text_output 0.000008 0.00012"},
			{"1h", "five six seven", "text_input 0.000006 0.000018;text_cache_write_1h 0.000003 0.000018;text_output 0.000008 0.00012"},
			{"1h", "five six seven", "text_input 0.000006 0.000018;text_input_cached 0.000003 0.0000009;text_output 0.000008 0.00012"},
		} {
			params := say("sonnet-4-5", " hello there")
			params.System = []sdk.TextBlockParam{{Text: step.text, CacheControl: sdk.CacheControlEphemeralParam{TTL: step.ttl}}}
			if _, err := c.Messages.New(t.Context(), params); err != nil {
				t.Fatal(err)
			}
			if lines, _ := h.bills(ada.key); strings.Join(lines, ";") != step.lines {
				t.Errorf("%s %s: billed %v", step.ttl, step.text, lines)
			}
		}
		h.clean()
	})
}

func TestMessagesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectAnthropic(nil)
	for _, fault := range []string{"400", "401", "429", "500", "529", "credit", "context", "malformed", "cut"} {
		h.faulty(fault)
	}
	ada, poor := h.invite("ada", "10"), h.invite("poor", "")
	for _, c := range []struct {
		name, model, key, typ, says string
		status                      int
		header                      []string
	}{
		{name: "no key", model: "haiku-4-5", typ: "authentication_error", status: 401},
		{name: "another key", model: "haiku-4-5", key: "sk-nonsense", typ: "authentication_error", status: 401},
		{name: "two keys", model: "haiku-4-5", key: ada.key, typ: "authentication_error", says: "Two different keys", status: 401, header: []string{"X-Api-Key", poor.key}},
		{name: "model", model: "claude-0", key: ada.key, typ: "not_found_error", says: "model", status: 404},
		{name: "money", model: "haiku-4-5", key: poor.key, typ: "billing_error", status: 402},
		{name: "bad request", model: "400", key: ada.key, typ: "invalid_request_error", says: "temperature", status: 400},
		{name: "too long", model: "context", key: ada.key, typ: "invalid_request_error", says: "prompt is too long", status: 400},
		{name: "limited", model: "429", key: ada.key, typ: "rate_limit_error", status: 429},
		{name: "overloaded", model: "529", key: ada.key, typ: "overloaded_error", status: 529},
		{name: "upstream failed", model: "500", key: ada.key, typ: "api_error", status: 500},
		{name: "the operator's key", model: "401", key: ada.key, typ: "api_error", status: 500},
		{name: "the operator's credit", model: "credit", key: ada.key, typ: "api_error", status: 500},
		{name: "no JSON", model: "malformed", key: ada.key, typ: "api_error", status: 500},
		{name: "half an answer", model: "cut", key: ada.key, typ: "api_error", status: 500},
	} {
		resp, body := h.send("POST", "/v1/messages", c.key, map[string]any{
			"model": c.model, "max_tokens": 50, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
		}, c.header...)
		var answer struct {
			Type  string `json:"type"`
			Error struct {
				Type    string `json:"type"`
				Message string `json:"message"`
			} `json:"error"`
		}
		err := json.Unmarshal(body, &answer)
		if err != nil || resp.StatusCode != c.status || answer.Type != "error" || answer.Error.Type != c.typ || !strings.Contains(answer.Error.Message, c.says) {
			t.Errorf("%s: %d %s, want %d %s", c.name, resp.StatusCode, body, c.status, c.typ)
		}
		if resp.Header.Get("Request-Id") == "" || resp.Header.Get("Request-Id") != resp.Header.Get("X-Request-Id") {
			t.Errorf("%s: request id %q", c.name, resp.Header.Get("Request-Id"))
		}
		if strings.Contains(string(body), fakeanthropic.DefaultKey) || (c.status == 429 || c.status == 529) && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %s", c.name, resp.Header, body)
		}
	}
	if resp, body := h.send("GET", "/v1/messages", ada.key, nil); resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(string(body), `"type":"error"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	h.clean()
}

// What has only begun is asked of another key; what has more cannot be, and says in the stream how it ended.
func TestStreamsOfMessagesThatBreak(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(map[string]any{})
	ada := h.invite("ada", "10")
	c := h.anthropicClient(ada.key)

	fake.Script(fakeanthropic.Step{Fault: "early_error"})
	if sum, err := accumulated(t, c, say("haiku-4-5", "hello there")); err != nil || sum.Content[0].Text != "You said: hello there 好的。" || len(fake.Requests()) != 2 {
		t.Errorf("%v after %d requests: %v", sum.Content, len(fake.Requests()), err)
	}
	fake.Script(fakeanthropic.Step{Fault: "nostop"})
	if sum, err := accumulated(t, c, say("haiku-4-5", "hello there")); err != nil || sum.StopReason != "end_turn" {
		t.Errorf("%v: %v", sum, err)
	}
	for _, fault := range []string{"error_frame", "eof", "cut", "malformed"} {
		fake.Script(fakeanthropic.Step{Fault: fault, After: 5})
		resp, body := h.send("POST", "/v1/messages", ada.key, map[string]any{
			"model": "haiku-4-5", "max_tokens": 50, "stream": true, "messages": []any{map[string]any{"role": "user", "content": "hello there"}},
		})
		text := string(body)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(text, "event: message_start\n") || strings.Contains(text, "message_stop") ||
			!strings.HasSuffix(text, "}}\n\n") || !strings.Contains(text[strings.LastIndex(text, "event: "):], `data: {"type":"error","error":{"type":"`) {
			t.Errorf("%s: %d %s", fault, resp.StatusCode, text)
		}
		if lines, _ := h.bills(ada.key); len(lines) != 2 || !strings.HasPrefix(lines[0], "text_input 0.000006 ") || !strings.HasPrefix(lines[1], "text_output ") {
			t.Errorf("%s: billed %v", fault, lines)
		}
	}
	h.clean()
}

func TestACallerWhoLeavesAMessageCancelsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	fake.Script(fakeanthropic.Step{Fault: "hang", After: 5})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1/messages", strings.NewReader(
		`{"model":"haiku-4-5","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"hello there"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", ada.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "text_delta") {
			break
		}
	}
	cancel()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the stream ended as if it were complete")
	}
	_, err = fake.Wait(t.Context(), func(all []fakeanthropic.Request) bool { return len(all) == 1 && all[0].Canceled })
	if err != nil {
		t.Fatal(err)
	}
}

func TestCountsOfTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.cfg.Simulation.Enabled = true })
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "") // it is free
	body := map[string]any{"model": "haiku-4-5", "messages": []any{map[string]any{"role": "user", "content": "hello there"}}}
	resp, text := h.send("POST", "/v1/messages/count_tokens?beta=true", ada.key, body, "Anthropic-Version", "2023-06-01", "Anthropic-Beta", "token-counting-2024-11-01,files-api-2025-04-14")
	last, _ := fake.Last()
	if resp.StatusCode != http.StatusOK || string(text) != `{"input_tokens":6}` || resp.Header.Get("X-Token-Count") != "" ||
		last.Header.Get("Anthropic-Beta") != "token-counting-2024-11-01" || last.Query != "beta=true" || last.Model != "claude-haiku-4-5" {
		t.Errorf("%d %s, upstream %s %v", resp.StatusCode, text, last.Query, last.Header)
	}
	fake.Script(fakeanthropic.Step{Fault: "529"})
	resp, text = h.send("POST", "/v1/messages/count_tokens", ada.key, body)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Token-Count") != "estimated" || !strings.HasPrefix(string(text), `{"input_tokens":`) {
		t.Errorf("%d %s %v", resp.StatusCode, text, resp.Header)
	}
	fake.Script(fakeanthropic.Step{Fault: "context"})
	if resp, text = h.send("POST", "/v1/messages/count_tokens", ada.key, body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "prompt is too long") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	h.limit(ada, `{"rpm":2}`, ``)
	statuses := []int{}
	for range 3 {
		resp, _ := h.send("POST", "/v1/messages/count_tokens", ada.key, body)
		statuses = append(statuses, resp.StatusCode)
	}
	if statuses[2] != http.StatusTooManyRequests {
		t.Errorf("statuses %v with two requests a minute", statuses)
	}
	for _, c := range []struct {
		body   map[string]any
		key    string
		status int
	}{
		{body, "", 401},
		{map[string]any{"model": "haiku-4-5"}, ada.key, 400},
		{map[string]any{"model": "claude-0", "messages": body["messages"]}, ada.key, 404},
	} {
		if resp, text := h.send("POST", "/v1/messages/count_tokens", c.key, c.body); resp.StatusCode != c.status || !strings.Contains(string(text), `"type":"error"`) {
			t.Errorf("%v: %d %s, want %d", c.body, resp.StatusCode, text, c.status)
		}
	}
}

func TestModelsInTwoShapes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectAnthropic(nil)
	ada := h.invite("ada", "")
	c := h.anthropicClient(ada.key)
	var names []string
	pages := c.Models.ListAutoPaging(t.Context(), sdk.ModelListParams{Limit: sdk.Int(2)})
	for pages.Next() {
		names = append(names, pages.Current().ID)
	}
	if err := pages.Err(); err != nil || !strings.Contains(strings.Join(names, " "), "haiku-4-5 opus-4-5") {
		t.Errorf("%v, %v", names, err)
	}
	one, err := c.Models.Get(t.Context(), "haiku-4-5", sdk.ModelGetParams{})
	if err != nil || one.ID != "haiku-4-5" || one.CreatedAt.IsZero() {
		t.Errorf("%+v, %v", one, err)
	}
	before, err := c.Models.List(t.Context(), sdk.ModelListParams{BeforeID: sdk.String("opus-4-5"), Limit: sdk.Int(1)})
	if err != nil || len(before.Data) != 1 || before.Data[0].ID != "haiku-4-5" {
		t.Errorf("%+v, %v", before, err)
	}
	var apiErr *sdk.Error
	if _, err := c.Models.Get(t.Context(), "nobody", sdk.ModelGetParams{}); !errors.As(err, &apiErr) || apiErr.StatusCode != http.StatusNotFound || apiErr.RequestID == "" {
		t.Errorf("%v", err)
	}
	if _, err := c.Models.List(t.Context(), sdk.ModelListParams{Limit: sdk.Int(5000)}); !errors.As(err, &apiErr) || apiErr.StatusCode != http.StatusBadRequest {
		t.Errorf("%v", err)
	}
	if _, body := h.send("GET", "/v1/models", ada.key, nil); !strings.HasPrefix(string(body), `{"object":"list"`) {
		t.Errorf("%s", body)
	}
	if _, body := h.send("GET", "/v1/models/haiku-4-5", ada.key, nil); !strings.Contains(string(body), `"object":"model"`) {
		t.Errorf("%s", body)
	}
}

// Idempotency keys and tasks work as for chat.
func TestMessagesAreRepeatedAndRunAsTasks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	body := map[string]any{
		"model": "haiku-4-5", "max_tokens": 50, "stream": true, "messages": []any{map[string]any{"role": "user", "content": "hello there"}},
	}
	_, first := h.send("POST", "/v1/messages", ada.key, body, "Idempotency-Key", "k1")
	resp, again := h.send("POST", "/v1/messages", ada.key, body, "Idempotency-Key", "k1")
	if string(first) != string(again) || len(fake.Requests()) != 1 || resp.Header.Get("Idempotent-Replayed") != "true" || !strings.Contains(string(first), "message_stop") {
		t.Errorf("%d requests, then %v\n%s\n%s", len(fake.Requests()), resp.Header, first, again)
	}
	h.runTasks()
	task := h.accept("/v1/messages", ada.key, body, "X-Async", "true", "Anthropic-Beta", "context-1m-2025-08-07")
	h.follow(task.ID, ada.key)
	done := h.task(task.ID, ada.key)
	last, _ := fake.Last()
	if done.Status != "succeeded" || !strings.Contains(string(done.Result), "You said: hello there") || last.Header.Get("Anthropic-Beta") != "context-1m-2025-08-07" {
		t.Errorf("%+v %s, upstream %v", done, done.Result, last.Header)
	}
	h.clean()
}
