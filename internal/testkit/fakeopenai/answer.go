package fakeopenai

import (
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

// answer is what the model says.
type answer struct {
	id      string
	created int64
	text    []string // tokens; empty when tools are called
	thought []string // tokens of what is shown of the reasoning
	calls   []string
	args    string
	finish  string
	usage   map[string]any
}

// tokens cuts a text into words with the space before them; a character above ASCII is a token of its own.
func tokens(text string) (out []string) {
	start := 0
	for i, r := range text {
		if i > start && (r == ' ' || r >= 0x80) {
			out = append(out, text[start:i])
			start = i
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// reasoningTokens is what a reasoning model thinks before it speaks.
const reasoningTokens = 16

func (s *Server) answer(c *chatRequest, step Step) *answer {
	a := &answer{id: "chatcmpl-fake", created: s.options.Clock().Unix(), finish: "stop", calls: c.calls()}
	text := step.Text
	switch {
	case text != "":
	case c.format["type"] == "json_object" || c.format["type"] == "json_schema":
		named, _ := c.format["json_schema"].(map[string]any)
		text = string(marshal(exemplar.Of(named["schema"])))
	default:
		text = "You said: " + strings.TrimSpace(c.last) + " 好的。"
	}
	if len(a.calls) > 0 {
		a.finish, a.args, text = "tool_calls", arguments(c), ""
	}
	a.text = tokens(text)
	thought := 0
	if reasons(c.model) {
		thought = reasoningTokens
	}
	if c.model == DeepSeekReasoner {
		a.thought = tokens(Thought)
	}
	if room := max(c.limit-thought, 0); c.limit > 0 && room < len(a.text) {
		a.text, a.finish = a.text[:room], "length"
	}
	a.usage = c.usage(len(a.text)+len(a.calls)*len(tokens(a.args)), thought, step)
	return a
}

func (c *chatRequest) usage(said, thought int, step Step) map[string]any {
	prompt := len(tokens(c.prompt)) + 4
	completion := (said + thought) * c.n
	cached := 0
	switch step.Fault {
	case "cached":
		cached = prompt / 2
	case "bad_usage":
		cached = prompt + 1000
	}
	out := map[string]any{
		"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
		"prompt_tokens_details":     map[string]int{"cached_tokens": cached, "audio_tokens": 0},
		"completion_tokens_details": map[string]int{"reasoning_tokens": thought * c.n, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
	}
	if isDeepSeek(c.model) {
		out["prompt_cache_hit_tokens"], out["prompt_cache_miss_tokens"] = cached, prompt-cached
	}
	return out
}

// completion is the whole answer.
func (a *answer) completion(c *chatRequest, step Step) map[string]any {
	choices := make([]any, c.n)
	for i := range choices {
		message := map[string]any{"role": "assistant", "content": strings.Join(a.text, ""), "refusal": nil, "annotations": []any{}}
		if len(a.calls) > 0 {
			message["content"], message["tool_calls"] = nil, a.toolCalls()
		}
		if len(a.thought) > 0 {
			message["reasoning_content"] = strings.Join(a.thought, "")
		}
		choices[i] = map[string]any{"index": i, "message": message, "logprobs": nil, "finish_reason": a.finish}
	}
	out := map[string]any{
		"id": a.id, "object": "chat.completion", "created": a.created, "model": c.model, "choices": choices,
		"service_tier": c.tier, "system_fingerprint": "fp_fake",
	}
	if step.Fault != "no_usage" {
		out["usage"] = a.usage
	}
	return out
}

func (a *answer) toolCalls() (calls []any) {
	for i, name := range a.calls {
		calls = append(calls, map[string]any{
			"id": callID(i), "type": "function", "function": map[string]any{"name": name, "arguments": a.args},
		})
	}
	return calls
}

func callID(i int) string { return "call_fake" + string(rune('0'+i%10)) }

// sendWhole sends a whole answer, or half of one when it is to be cut.
func (e *exchange) sendWhole(body map[string]any, step Step) {
	if step.Fault != "cut" {
		writeJSON(e, http.StatusOK, body)
		return
	}
	e.Header().Set("Content-Type", "application/json")
	e.Header().Set("Content-Length", "4096")
	_, _ = e.Write([]byte(`{"id":"chatcmpl-fake","object":"chat.completion","choices":[{"index":0,"mess`))
	e.Abort()
}
