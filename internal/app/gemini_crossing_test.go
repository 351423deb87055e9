package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

type body = map[string]any

func weatherTool() []any {
	return []any{body{"type": "function", "function": body{"name": "get_weather", "description": "d", "parameters": body{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
		"properties": body{
			"city": body{"type": []any{"string", "null"}, "format": "city", "default": "Kyiv"}, "unit": body{"const": "c"},
			"at": body{"$ref": "#/$defs/At"}, "days": body{"type": "integer", "exclusiveMinimum": 0},
		},
		"required": []any{"city", "nowhere"}, "$defs": body{"At": body{"oneOf": []any{body{"type": "string", "format": "date-time"}, body{"type": "null"}}}},
	}}}}
}

// TestOpenAICallersReachGemini: a whole loop of tools, with a caller who drops what it does not know, such as signatures.
func TestOpenAICallersReachGemini(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectGemini(map[string]string{"g=gemini-3-pro-preview": "chat", "old=gemini-2.0-flash": "chat"})
	ann := h.invite("ann", "10")
	for _, model := range []string{"g", "old"} {
		messages := []any{body{"role": "system", "content": "be brief"}, body{"role": "user", "content": "call get_weather please"}}
		var answer struct {
			Choices []struct {
				Message struct {
					Content   string
					ToolCalls []struct {
						ID       string `json:"id"`
						Function struct{ Name, Arguments string }
					} `json:"tool_calls"`
				}
				FinishReason string `json:"finish_reason"`
			}
			Usage struct {
				PromptTokens int64 `json:"prompt_tokens"`
				TotalTokens  int64 `json:"total_tokens"`
			}
		}
		ask := body{"model": model, "max_tokens": 50, "tools": weatherTool(), "messages": messages}
		h.call("POST", "/v1/chat/completions", ann.key, ask, &answer, 200)
		c := answer.Choices[0]
		if c.FinishReason != "tool_calls" || len(c.Message.ToolCalls) != 1 || c.Message.ToolCalls[0].Function.Name != "get_weather" || answer.Usage.PromptTokens != 5 {
			t.Fatalf("%s: %+v", model, answer)
		}
		call := c.Message.ToolCalls[0]
		ask["messages"] = append(messages,
			body{"role": "assistant", "content": nil, "tool_calls": []any{body{"id": call.ID, "type": "function", "function": body{"name": call.Function.Name, "arguments": call.Function.Arguments}}}},
			body{"role": "tool", "tool_call_id": call.ID, "content": "21 degrees"})
		h.call("POST", "/v1/chat/completions", ann.key, ask, &answer, 200)
		if got := answer.Choices[0]; got.Message.Content != "The functions answered: get_weather" || got.FinishReason != "stop" {
			t.Errorf("%s: %+v", model, answer)
		}
		last, _ := fake.Last()
		if signed := strings.Contains(string(last.Body), "skip_thought_signature_validator"); signed != (model == "g") {
			t.Errorf("%s: %s", model, last.Body)
		}
	}
	if task := h.lastTask(ann); task.Kind != inference.Chat || task.Status != tasks.Succeeded || task.Usage.Estimated || task.Charged == 0 {
		t.Errorf("%+v", task)
	}
}

func TestOpenAICallersStreamFromGemini(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectGemini(map[string]string{"g=gemini-2.5-pro": "chat"})
	h.connectGemini(map[string]string{"cut=gemini-2.5-pro--eof": "chat"})
	ann := h.invite("ann", "10")
	resp, raw := h.send("POST", "/v1/chat/completions", ann.key, body{
		"model": "g", "max_tokens": 50, "stream": true, "stream_options": body{"include_usage": true}, "reasoning_effort": "low",
		"messages": []any{body{"role": "user", "content": "a boat at night"}},
	})
	text := string(raw)
	if resp.StatusCode != http.StatusOK || !strings.HasSuffix(text, "data: [DONE]\n\n") || !strings.Contains(text, `"reasoning_content":"Let me think."`) ||
		!strings.Contains(text, `"content":"You "`) || !strings.Contains(text, `"finish_reason":"stop"`) || !strings.Contains(text, `"reasoning_tokens":7`) {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if last, _ := fake.Last(); last.Query != "sse" || last.Action != "streamGenerateContent" || !strings.Contains(string(last.Body), `"thinkingBudget":1024`) {
		t.Errorf("%s %s", last.Path, last.Body)
	}
	if task := h.lastTask(ann); task.Usage.Estimated || task.Usage.InputTokens() != 4 || task.Usage.Quantities[inference.TextReasoning] != 7 {
		t.Errorf("%+v", task.Usage)
	}
	_, raw = h.send("POST", "/v1/chat/completions", ann.key, chat("cut", true))
	if text := string(raw); !strings.Contains(text, `"error"`) || strings.Contains(text, "[DONE]") {
		t.Errorf("a cut stream: %s", text)
	}
}

func TestGeminiCallersReachOpenAI(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connect(map[string]string{"gpt-4o-mini": "chat"})
	ann := h.invite("ann", "10")
	ask := said("call get_weather please")
	ask["systemInstruction"] = body{"parts": []any{body{"text": "be brief"}}}
	ask["tools"] = []any{body{"functionDeclarations": []any{body{"name": "get_weather", "parameters": body{"type": "OBJECT", "properties": body{"city": body{"type": "STRING"}}}}}}}
	ask["safetySettings"] = []any{}
	resp, raw := h.google("POST", "/v1beta/models/gpt-4o-mini:generateContent", ann.key, ask)
	var answer struct {
		Candidates []struct {
			Content      json.RawMessage `json:"content"`
			FinishReason string          `json:"finishReason"`
		} `json:"candidates"`
		UsageMetadata struct {
			TotalTokenCount int64 `json:"totalTokenCount"`
		} `json:"usageMetadata"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, raw)
	}
	if c := answer.Candidates[0]; !strings.Contains(string(c.Content), `"functionCall":{"id":"`) || c.FinishReason != "STOP" || answer.UsageMetadata.TotalTokenCount == 0 {
		t.Errorf("%s", raw)
	}
	// As Google's SDKs do it, the content goes back as it came, and the response names the function alone.
	asked, _ := ask["contents"].([]any)
	ask["contents"] = append(asked, answer.Candidates[0].Content,
		body{"role": "user", "parts": []any{body{"functionResponse": body{"name": "get_weather", "response": body{"result": "sunny"}}}}})
	if resp, raw := h.google("POST", "/v1beta/models/gpt-4o-mini:generateContent", ann.key, ask); resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"text":"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	resp, raw = h.google("POST", "/v1beta/models/gpt-4o-mini:streamGenerateContent?alt=sse", ann.key, said("a boat"))
	if text := string(raw); resp.StatusCode != http.StatusOK || !strings.Contains(text, `"finishReason":"STOP"`) || !strings.Contains(text, `"usageMetadata"`) || strings.Contains(text, "choices") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if task := h.lastTask(ann); task.Kind != inference.GenerateContent || task.Usage.Estimated || task.Charged == 0 {
		t.Errorf("%+v", task)
	}
	_, raw = h.google("POST", "/v1beta/models/gpt-4o-mini:streamGenerateContent", ann.key, said("a boat"))
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil || len(list) < 2 {
		t.Errorf("%s: %v", raw, err)
	}
	ask["contents"] = said("x")["contents"]
	ask["tools"] = []any{body{"codeExecution": body{}}}
	if resp, raw := h.google("POST", "/v1beta/models/gpt-4o-mini:generateContent", ann.key, ask); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(raw), `"field":"tools[0]"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
}

func TestGeminiCallersReachTheSimulator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectGemini(map[string]string{"g=gemini-2.5-pro": "chat"})
	ann := h.invite("ann", "10")
	simulated := said("hello")
	simulated["runMode"] = "simulation"
	for path, ask := range map[string]map[string]any{
		"/v1beta/models/sim-chat:generateContent":               said("hello"),
		"/v1/models/sim-chat:streamGenerateContent?alt=sse":     said("hello"),
		"/v1beta/models/g:generateContent":                      simulated,
		"/v1beta/models/sim-chat:streamGenerateContent?alt=sse": said("hello"),
	} {
		resp, raw := h.google("POST", path, ann.key, ask)
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"finishReason"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, raw)
		}
		if task := h.lastTask(ann); task.Currency != "SIM" || task.Status != tasks.Succeeded {
			t.Errorf("%s: %+v", path, task)
		}
	}
}

// TestClaudeOnVertexIsReachedByAll: by callers of its own protocol, and of Google's.
func TestClaudeOnVertexIsReachedByAll(t *testing.T) {
	t.Parallel()
	const model = "claude-sonnet-4-5@20250929"
	h := newHouse(t)
	account := fakegemini.NewAccount("acme-project")
	fake := fakegemini.New(fakegemini.Options{Account: account, Clock: h.now, Models: []string{model}})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	account.Audience = server.URL + fakegemini.TokenPath
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, body{
		"provider": "vertex-claude", "name": "Vertex", "platformKey": "vertex", "baseUrl": server.URL,
		"credentials": body{"serviceAccount": account.JSON("")}, "config": body{"tokenUrl": account.Audience},
	}, &p, 201)
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, body{
		"modelAlias": "claude", "providerModelName": model, "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
	ann := h.invite("ann", "10")
	ask := body{"model": "claude", "max_tokens": 9, "messages": []any{body{"role": "user", "content": "hi"}}}
	for _, stream := range []bool{false, true} {
		ask["stream"] = stream
		resp, raw := h.send("POST", "/v1/messages", ann.key, ask)
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), "You") {
			t.Errorf("%d %s", resp.StatusCode, raw)
		}
		if task := h.lastTask(ann); task.Usage.Estimated || task.Usage.InputTokens() != 5 || task.Usage.OutputTokens() != 7 {
			t.Errorf("%+v", task.Usage)
		}
	}
	resp, raw := h.google("POST", "/v1beta/models/claude:streamGenerateContent?alt=sse", ann.key, said("hi"))
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), "You") || !strings.Contains(string(raw), `"finishReason":"STOP"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
}
