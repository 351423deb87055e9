package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// billed is a price list in which each class of tokens stands out.
var billed = map[string]any{"currency": "USD", "rules": []any{
	map[string]any{"resourceType": "text_input", "unit": "1m_tokens", "basePrice": 1},
	map[string]any{"resourceType": "text_input_cached", "unit": "1m_tokens", "basePrice": 0.1},
	map[string]any{"resourceType": "text_output", "unit": "1m_tokens", "basePrice": 10},
	map[string]any{"resourceType": "text_reasoning", "unit": "1m_tokens", "basePrice": 20},
}}

// connectOnly makes a fake upstream a platform whose one model speaks only chat or responses.
func (h *house) connectOnly(model, kind string) *fakeopenai.Server {
	h.t.Helper()
	fake := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(fake)
	h.t.Cleanup(server.Close)
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "openai", "name": kind, "platformKey": kind, "baseUrl": server.URL + "/v1",
		"credentials": map[string]any{"apiKey": fakeopenai.DefaultKey}, "config": map[string]any{"maxTokensParam": "max_completion_tokens"},
	}, &p, 201)
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"modelAlias": model, "providerModelName": model, "modelType": []string{kind}, "enabled": true, "billingConfig": billed,
	}, nil, 201)
	return fake
}

// play has the fake answer with a body, an answer or a stream, and returns what the caller got.
func (h *house) play(fake *fakeopenai.Server, body, path, key string, ask map[string]any) string {
	h.t.Helper()
	typ := "application/json"
	if stream, _ := ask["stream"].(bool); stream {
		typ = "text/event-stream"
	}
	fake.Script(fakeopenai.Step{Status: 200, Headers: map[string]string{"Content-Type": typ}, Body: body})
	resp, text := h.send("POST", path, key, ask)
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), typ) {
		h.t.Fatalf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	return string(text)
}

// lastAsked is the last request that a fake has had.
func lastAsked(t *testing.T, fake *fakeopenai.Server) (path string, body map[string]any) {
	t.Helper()
	all := fake.Requests()
	last := all[len(all)-1]
	if err := json.Unmarshal(last.Body, &body); err != nil {
		t.Fatal(err)
	}
	return last.Path, body
}

const (
	chatUsage     = `"usage":{"prompt_tokens":100,"completion_tokens":30,"total_tokens":130,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":10}}`
	responseUsage = `"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":10},"total_tokens":130}`
	bill          = "text_input 0.00006 0.00006;text_input_cached 0.00004 0.000004;text_output 0.00002 0.0002;text_reasoning 0.00001 0.0002"
)

// paid checks the bill of the newest task: quantities in millions of tokens, and amounts.
func (h *house) paid(what, key string) {
	h.t.Helper()
	if lines, currency := h.bills(key); strings.Join(lines, ";") != bill || currency != "USD" {
		h.t.Errorf("%s: billed %v in %s", what, lines, currency)
	}
}

const (
	chatAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-5-mini","choices":[{"index":0,` +
		`"message":{"role":"assistant","content":"Let me see.","reasoning_content":"Weather is asked for.","tool_calls":[` +
		`{"id":"call_9","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Kyiv\"}"}}]},"finish_reason":"tool_calls"}],` + chatUsage + `}`
	chatHead   = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-5-mini","choices":[`
	chatStream = chatHead + `{"index":0,"delta":{"role":"assistant","reasoning_content":"Weather is "},"finish_reason":null}]}` + "\n\n" +
		chatHead + `{"index":0,"delta":{"reasoning_content":"asked for."},"finish_reason":null}]}` + "\n\n" +
		chatHead + `{"index":0,"delta":{"content":"Let me see."},"finish_reason":null}]}` + "\n\n" +
		chatHead + `{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_9","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}]}` + "\n\n" +
		chatHead + `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Kyiv\"}"}}]},"finish_reason":null}]}` + "\n\n" +
		chatHead + `{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\n" + chatHead + `],` + chatUsage + "}\n\ndata: [DONE]\n\n"
)

// items is the output of a response.
type items []struct {
	Type      string `json:"type"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
	Summary   []struct {
		Text string `json:"text"`
	} `json:"summary"`
	Content []struct {
		Text string `json:"text"`
	} `json:"content"`
}

func (o items) good() bool {
	return len(o) == 3 && o[0].Type == "reasoning" && o[0].Summary[0].Text == "Weather is asked for." &&
		o[1].Type == "message" && o[1].Content[0].Text == "Let me see." &&
		o[2].Type == "function_call" && o[2].CallID == "call_9" && o[2].Name == "get_weather" && o[2].Arguments == `{"city":"Kyiv"}`
}

// response is what of a response is looked at.
type response struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Model  string `json:"model"`
	Output items  `json:"output"`
	Usage  struct {
		Input   int64 `json:"input_tokens"`
		Details struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		Output int64 `json:"output_tokens"`
	} `json:"usage"`
}

func (r *response) good() bool {
	return strings.HasPrefix(r.ID, "resp_") && r.Status == "completed" && r.Output.good() && r.Usage.Input == 100 &&
		r.Usage.Details.Cached == 40 && r.Usage.Output == 30
}

// TestCallersOfResponsesReachChatUpstreams: the upstream knows chat completions alone; reasoning, text and a call of a tool
// arrive as items, and the next turn brings them back.
func TestCallersOfResponsesReachChatUpstreams(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		const model = "gpt-5-mini"
		ada, fake := h.invite("ada", "1"), h.connectOnly(model, "chat")
		tool := map[string]any{"type": "function", "name": "get_weather", "parameters": map[string]any{"type": "object"}}
		ask := map[string]any{
			"model": model, "input": "Weather in Kyiv?", "instructions": "Be brief.", "tools": []any{tool}, "max_output_tokens": 500,
			"reasoning": map[string]string{"effort": "low", "summary": "auto"}, "store": false,
		}
		var got response
		text := h.play(fake, chatAnswer, "/v1/responses", ada.key, ask)
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.good() || got.Model != model {
			t.Errorf("%v %s", err, text)
		}
		h.paid("whole", ada.key)
		path, sent := lastAsked(t, fake)
		messages, err := json.Marshal(sent["messages"])
		if err != nil || path != "/v1/chat/completions" || sent["reasoning_effort"] != "low" ||
			string(messages) != `[{"content":"Be brief.","role":"system"},{"content":"Weather in Kyiv?","role":"user"}]` {
			t.Errorf("%s was asked %v", path, sent)
		}
		ask["stream"] = true
		h.streamedResponse(h.play(fake, chatStream, "/v1/responses", ada.key, ask))
		h.paid("streamed", ada.key)
		h.nextTurn(fake, ada, ask, got.Output)
	})
}

// streamedResponse checks what a caller of responses read.
func (h *house) streamedResponse(stream string) {
	h.t.Helper()
	names := eventNames(stream)
	if len(names) < 10 || names[0] != "response.created" || names[len(names)-1] != "response.completed" {
		h.t.Fatalf("%v", names)
	}
	_, data, _ := strings.Cut(stream, "event: response.completed\ndata: ")
	var last struct {
		Response response `json:"response"`
	}
	if err := json.Unmarshal([]byte(data), &last); err != nil || !last.Response.good() {
		h.t.Errorf("%v %s", err, data)
	}
}

// nextTurn sends the output back with the tool's result.
func (h *house) nextTurn(fake *fakeopenai.Server, who guest, ask map[string]any, output items) {
	h.t.Helper()
	ask["stream"] = false
	ask["input"] = []any{
		map[string]any{"role": "user", "content": "Weather in Kyiv?"},
		output[0],
		map[string]any{"role": "assistant", "content": output[1].Content[0].Text},
		map[string]any{"type": "function_call", "call_id": output[2].CallID, "name": output[2].Name, "arguments": output[2].Arguments},
		map[string]any{"type": "function_call_output", "call_id": "call_9", "output": "25 degrees"},
	}
	h.call("POST", "/v1/responses", who.key, ask, nil, 200)
	_, sent := lastAsked(h.t, fake)
	messages, err := json.Marshal(sent["messages"])
	if err != nil {
		h.t.Fatal(err)
	}
	const want = `[{"content":"Be brief.","role":"system"},{"content":"Weather in Kyiv?","role":"user"},` +
		`{"content":"Let me see.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":\"Kyiv\"}","name":"get_weather"},"id":"call_9","type":"function"}]},` +
		`{"content":"25 degrees","role":"tool","tool_call_id":"call_9"}]`
	if string(messages) != want {
		h.t.Errorf("got %s, want %s", messages, want)
	}
}

const (
	responseHead  = `{"id":"resp_1","object":"response","created_at":1760000000,"model":"gpt-5-mini","error":null,"incomplete_details":null,`
	responseItems = `{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Weather is asked for."}],"encrypted_content":"gAAA"},` +
		`{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Let me see.","annotations":[]}]},` +
		`{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_9","name":"get_weather","arguments":"{\"city\":\"Kyiv\"}"}`
	responseWhole = responseHead + `"status":"completed","output":[` + responseItems + `],` + responseUsage + `}`
)

// responseStream is the stream of responseWhole, as OpenAI sends it.
var responseStream = func() string {
	var b strings.Builder
	for _, data := range []string{
		`{"type":"response.created","response":` + responseHead + `"status":"in_progress","output":[],"usage":null}}`,
		`{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}`,
		`{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}`,
		`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Weather is asked for."}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Weather is asked for."}],"encrypted_content":"gAAA"}}`,
		`{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}`,
		`{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`,
		`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Let me "}`,
		`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"see."}`,
		`{"type":"response.content_part.done","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"Let me see.","annotations":[]}}`,
		`{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_9","name":"get_weather","arguments":""}}`,
		`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"city\":"}`,
		`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"\"Kyiv\"}"}`,
		`{"type":"response.completed","response":` + responseWhole + `}`,
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(data, `{"type":"`), `"`)
		b.WriteString("event: " + name + "\ndata: " + data + "\n\n")
	}
	return b.String()
}()

// completion is what of a chat completion, or of its chunks together, is looked at.
type completion struct {
	content, reasoning, arguments, call, finish string
	prompt, output                              int64
}

func (c *completion) good() bool {
	return c.content == "Let me see." && c.reasoning == "Weather is asked for." && c.arguments == `{"city":"Kyiv"}` &&
		c.call == "call_9 get_weather" && c.finish == "tool_calls" && c.prompt == 100 && c.output == 30
}

// add reads an answer, or a chunk.
func (c *completion) add(t *testing.T, data string) {
	t.Helper()
	type message struct {
		Content   string `json:"content"`
		Reasoning string `json:"reasoning_content"`
		Calls     []struct {
			ID       string `json:"id"`
			Function struct {
				Name      string `json:"name"`
				Arguments string `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	}
	var got struct {
		Choices []struct {
			Message message `json:"message"`
			Delta   message `json:"delta"`
			Finish  string  `json:"finish_reason"`
		} `json:"choices"`
		Usage struct {
			Prompt int64 `json:"prompt_tokens"`
			Output int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatalf("%v %s", err, data)
	}
	c.prompt, c.output = c.prompt+got.Usage.Prompt, c.output+got.Usage.Output
	for _, choice := range got.Choices {
		c.finish += choice.Finish
		for _, m := range []message{choice.Message, choice.Delta} {
			c.content, c.reasoning = c.content+m.Content, c.reasoning+m.Reasoning
			for _, call := range m.Calls {
				c.arguments += call.Function.Arguments
				if call.ID != "" {
					c.call += call.ID + " " + call.Function.Name
				}
			}
		}
	}
}

// TestCallersOfChatReachResponsesUpstreams is the other way round.
func TestCallersOfChatReachResponsesUpstreams(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		const model = "gpt-5-mini"
		ada, fake := h.invite("ada", "1"), h.connectOnly(model, "responses")
		function := map[string]any{"name": "get_weather", "parameters": map[string]any{"type": "object"}}
		ask := map[string]any{
			"model": model, "max_completion_tokens": 500, "reasoning_effort": "low",
			"messages": []any{
				map[string]any{"role": "system", "content": "Be brief."}, map[string]any{"role": "user", "content": "Weather in Kyiv?"},
			},
			"tools": []any{map[string]any{"type": "function", "function": function}},
		}
		var whole completion
		text := h.play(fake, responseWhole, "/v1/chat/completions", ada.key, ask)
		if whole.add(t, text); !whole.good() {
			t.Errorf("%+v of %s", whole, text)
		}
		h.paid("whole", ada.key)
		path, sent := lastAsked(t, fake)
		if path != "/v1/responses" || sent["instructions"] != "Be brief." || sent["max_output_tokens"] != 500.0 || sent["store"] != false {
			t.Errorf("%s was asked %v", path, sent)
		}
		ask["stream"], ask["stream_options"] = true, map[string]bool{"include_usage": true}
		var streamed completion
		text = h.play(fake, responseStream, "/v1/chat/completions", ada.key, ask)
		body, ended := strings.CutSuffix(text, "data: [DONE]\n\n")
		for chunk := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
			if data, ok := strings.CutPrefix(chunk, "data: "); ok {
				streamed.add(t, data)
			}
		}
		if !ended || !streamed.good() {
			t.Errorf("%+v of %s", streamed, text)
		}
		h.paid("streamed", ada.key)
	})
}

// TestWhatFailsOnTheWayAcross: what cannot be said is refused with its path, and upstreams that fail within a stream fail in
// the caller's own protocol.
func TestWhatFailsOnTheWayAcross(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const model, other = "gpt-5-mini", "gpt-4.1"
	ada, onChat, onResponses := h.invite("ada", "1"), h.connectOnly(model, "chat"), h.connectOnly(other, "responses")
	for path, ask := range map[string]map[string]any{
		"input[0]": {"model": model, "input": []any{map[string]any{"type": "item_reference", "id": "msg_1"}}},
		"prompt":   {"model": model, "prompt": map[string]any{"id": "pmpt_1"}, "input": "a"},
		"tools[0]": {"model": model, "input": "a", "tools": []any{map[string]any{"type": "mcp", "server_label": "x", "server_url": "https://example.com"}}},
	} {
		resp, text := h.send("POST", "/v1/responses", ada.key, ask)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"param":"`+path+`","code":"unsupported_parameter"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	if n := len(onChat.Requests()); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	ask := map[string]any{"model": model, "input": "a", "stream": true}
	half, _, _ := strings.Cut(chatStream, chatHead+`{"index":0,"delta":{"tool_calls"`)
	text := h.play(onChat, half, "/v1/responses", ada.key, ask)
	if names := eventNames(text); names[len(names)-1] != "error" {
		t.Errorf("%v %s", names, text)
	}
	failed, _, _ := strings.Cut(responseStream, "event: response.content_part.done")
	failed += "event: response.failed\ndata: " + `{"type":"response.failed","response":` + responseHead[:len(responseHead)-len(`"error":null,"incomplete_details":null,`)] +
		`"status":"failed","error":{"code":"server_error","message":"secret host 10.0.0.1"},"output":[],` + responseUsage + "}}\n\n"
	asked := chat(other, true)
	text = h.play(onResponses, failed, "/v1/chat/completions", ada.key, asked)
	if !strings.Contains(text, `"content":"Let me "`) || !strings.Contains(text, `"error":`) || strings.Contains(text, "[DONE]") || strings.Contains(text, "secret") {
		t.Error(text)
	}
	// A whole answer that failed is none: the upstream is asked again.
	step := fakeopenai.Step{Status: 200, Body: responseHead + `"status":"failed","output":[]}`}
	onResponses.Script(step)
	h.call("POST", "/v1/chat/completions", ada.key, chat(other, false), nil, 200)
	if tried := h.latest(ada.key).Attempts; len(tried) != 2 || tried[0].Category != "protocol" {
		t.Errorf("%+v", tried)
	}
}
