package fakeopenai

import (
	"net/http"
	"strings"
)

var responseParams = []string{
	"model", "input", "instructions", "previous_response_id", "conversation", "background", "store", "stream", "stream_options",
	"max_output_tokens", "max_tool_calls", "parallel_tool_calls", "tools", "tool_choice", "text", "reasoning", "include",
	"truncation", "temperature", "top_p", "top_logprobs", "metadata", "service_tier", "safety_identifier", "prompt_cache_key",
	"prompt_cache_retention", "prompt", "context_management", "moderation", "user",
}

func (s *Server) responses(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, responseParams)
	if fault != nil {
		fault.write(w)
		return
	}
	model, _, step, fault := s.checkModel(p)
	if fault == nil && p["input"] == nil && p["previous_response_id"] == nil {
		fault = invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	if fault == nil {
		_, _, fault = p.integer("max_output_tokens", 16, 1<<30)
	}
	stream, wrong := p.boolean("stream")
	if fault == nil {
		fault = wrong
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if e.obey(step, stream) {
		return
	}
	text := "You said: " + compactText(p["input"])
	if !stream {
		e.sendWhole(s.response(model, text, "completed", step), step)
		return
	}
	e.sendResponse(s, model, text, step)
}

// compactText is what an input says, as far as the fake looks.
func compactText(input any) string {
	if text, ok := input.(string); ok {
		return text
	}
	return string(marshal(input))
}

// response is the whole answer; it has usage and output at its end.
func (s *Server) response(model, text, status string, step Step) map[string]any {
	out := map[string]any{
		"id": "resp_fake", "object": "response", "created_at": s.options.Clock().Unix(), "status": status, "model": model, "output": []any{},
		"error": nil, "incomplete_details": nil, "usage": nil, "parallel_tool_calls": true, "tools": []any{}, "tool_choice": "auto",
	}
	if status == "completed" {
		out["output"] = []any{map[string]any{
			"id": "msg_fake", "type": "message", "status": "completed", "role": "assistant",
			"content": []any{map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}},
		}}
		if n := len(tokens(text)); step.Fault != "no_usage" {
			out["usage"] = map[string]any{
				"input_tokens": 12, "input_tokens_details": map[string]int{"cached_tokens": 4, "cache_write_tokens": 0},
				"output_tokens": n, "output_tokens_details": map[string]int{"reasoning_tokens": 0}, "total_tokens": 12 + n,
			}
		}
	}
	return out
}

// sendResponse sends the events of a streamed response as the step says.
func (e *exchange) sendResponse(s *Server, model, text string, step Step) {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e.WriteHeader(http.StatusOK)
	var events []map[string]any
	add := func(name string, more map[string]any) {
		more["type"], more["sequence_number"] = name, len(events)
		events = append(events, more)
	}
	add("response.created", map[string]any{"response": s.response(model, text, "in_progress", step)})
	for _, token := range tokens(text) {
		add("response.output_text.delta", map[string]any{"item_id": "msg_fake", "output_index": 0, "content_index": 0, "delta": token, "logprobs": []any{}})
	}
	add("response.completed", map[string]any{"response": s.response(model, text, "completed", step)})
	for i, event := range events {
		if e.r.Context().Err() != nil || e.interrupt(step, i, i == len(events)-1) {
			return
		}
		name, _ := event["type"].(string)
		_, _ = e.Write([]byte("event: " + strings.TrimSpace(name) + "\n"))
		e.event(marshal(event), step)
	}
}
