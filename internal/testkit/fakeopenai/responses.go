package fakeopenai

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

var responseParams = []string{
	"model", "input", "instructions", "previous_response_id", "conversation", "background", "store", "stream", "stream_options",
	"max_output_tokens", "max_tool_calls", "parallel_tool_calls", "tools", "tool_choice", "text", "reasoning", "include",
	"truncation", "temperature", "top_p", "top_logprobs", "metadata", "service_tier", "safety_identifier", "prompt_cache_key",
	"prompt_cache_retention", "prompt", "context_management", "moderation", "user",
}

// responseRequest is what the fake looks at of a request.
type responseRequest struct {
	params

	model    string
	last     string // text of the last message
	results  []string
	tools    []string
	format   string
	schema   any
	thinks   bool
	summary  bool
	answered bool // the last item is a tool's result
}

func (s *Server) responses(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, responseParams)
	if fault != nil {
		fault.write(w)
		return
	}
	model, _, step, fault := s.checkModel(p)
	r := &responseRequest{params: p, model: model}
	if fault == nil {
		fault = r.check()
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
	output := r.answer(step)
	if !stream {
		e.sendWhole(s.response(r, output, "completed", step), step)
		return
	}
	e.sendResponse(s, r, output, step)
}

func (r *responseRequest) check() *apiError {
	if r.params["input"] == nil && r.params["previous_response_id"] == nil {
		return invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	if _, _, fault := r.integer("max_output_tokens", 16, 1<<30); fault != nil {
		return fault
	}
	for _, check := range []func() *apiError{r.checkInput, r.checkTools, r.checkText, r.checkReasoning} {
		if fault := check(); fault != nil {
			return fault
		}
	}
	return nil
}

// itemTypes are the items that the fake knows, and the members that each must have.
var itemTypes = map[string][]string{
	"message": {"role", "content"}, "function_call": {"call_id", "name", "arguments"}, "function_call_output": {"call_id", "output"},
	"reasoning": {"summary"}, "item_reference": {"id"}, "custom_tool_call": {"call_id", "name", "input"},
	"custom_tool_call_output": {"call_id", "output"},
}

// checkInput checks the items and how they fit together: results answer calls, and calls are answered.
func (r *responseRequest) checkInput() *apiError {
	if text, ok := r.params["input"].(string); ok {
		r.last = text
		return nil
	}
	items, ok := r.params["input"].([]any)
	if !ok && r.params["input"] != nil {
		return invalid("input", "invalid_type", "Invalid type for 'input': expected one of a string or array of objects.")
	}
	open := map[string]bool{}
	for i, raw := range items {
		at := fmt.Sprintf("input[%d]", i)
		item, ok := raw.(map[string]any)
		if !ok {
			return invalid(at, "invalid_type", "Invalid type for '%s': expected an object.", at)
		}
		if fault := r.checkItem(item, at, open); fault != nil {
			return fault
		}
	}
	for id := range open {
		return invalid("input", "", "No tool output found for function call %s.", id)
	}
	return nil
}

func (r *responseRequest) checkItem(item map[string]any, at string, open map[string]bool) *apiError {
	kind, _ := item["type"].(string)
	if kind == "" && item["role"] != nil {
		kind = "message"
	}
	required, known := itemTypes[kind]
	if !known {
		return invalid(at, "invalid_value", "Invalid value: '%s'.", kind)
	}
	for _, name := range required {
		if item[name] == nil {
			return invalid(at+"."+name, "missing_required_parameter", "Missing required parameter: '%s.%s'.", at, name)
		}
	}
	id, _ := item["call_id"].(string)
	switch kind {
	case "message":
		return r.checkMessage(item, at)
	case "function_call", "custom_tool_call":
		open[id], r.answered = true, false
	case "function_call_output", "custom_tool_call_output":
		if !open[id] && r.params["previous_response_id"] == nil {
			return invalid("input", "", "No tool call found for function call output with call_id %s.", id)
		}
		delete(open, id)
		r.results, r.answered = append(r.results, fmt.Sprint(item["output"])), true
	}
	return nil
}

// contentTypes are the parts that messages of a role may have.
var contentTypes = map[string][]string{
	"user": {"input_text", "input_image", "input_file"}, "system": {"input_text"}, "developer": {"input_text"},
	"assistant": {"output_text", "refusal"},
}

func (r *responseRequest) checkMessage(item map[string]any, at string) *apiError {
	role, _ := item["role"].(string)
	types, known := contentTypes[role]
	if !known {
		return invalid(at+".role", "invalid_value", "Invalid value: '%s'.", role)
	}
	text, _ := item["content"].(string)
	parts, _ := item["content"].([]any)
	for i, raw := range parts {
		part, _ := raw.(map[string]any)
		kind, _ := part["type"].(string)
		if !slices.Contains(types, kind) {
			return invalid(fmt.Sprintf("%s.content[%d]", at, i), "invalid_value",
				"Invalid value: '%s'. Supported values are: %s.", kind, strings.Join(types, ", "))
		}
		if t, ok := part["text"].(string); ok {
			text += t
		}
	}
	if role == "user" {
		r.last, r.answered = text, false
	}
	return nil
}

func (r *responseRequest) checkTools() *apiError {
	tools, _ := r.params["tools"].([]any)
	for i, raw := range tools {
		at := fmt.Sprintf("tools[%d]", i)
		tool, _ := raw.(map[string]any)
		name, _ := tool["name"].(string)
		switch tool["type"] {
		case "function", "custom":
			if name == "" { // as where a tool of chat completions was sent
				return invalid(at+".name", "missing_required_parameter", "Missing required parameter: '%s.name'.", at)
			}
			r.tools = append(r.tools, name)
		case "web_search", "file_search", "code_interpreter":
		default:
			return invalid(at+".type", "invalid_value", "Invalid value: '%v'.", tool["type"])
		}
	}
	if r.params["tool_choice"] != nil && r.params["tool_choice"] != "none" && r.params["tool_choice"] != "auto" && len(tools) == 0 {
		return invalid("tool_choice", "", "Tool choice is only allowed when 'tools' are specified.")
	}
	return nil
}

func (r *responseRequest) checkText() *apiError {
	text, _ := r.params["text"].(map[string]any)
	format, _ := text["format"].(map[string]any)
	r.format, _ = format["type"].(string)
	r.schema = format["schema"]
	if r.format == "json_schema" && (format["name"] == nil || format["schema"] == nil) { // flat, unlike that of chat completions
		return invalid("text.format.name", "missing_required_parameter", "Missing required parameter: 'text.format.name'.")
	}
	return nil
}

func (r *responseRequest) checkReasoning() *apiError {
	reasoning, _ := r.params["reasoning"].(map[string]any)
	if reasoning["effort"] != nil && !reasons(r.model) {
		return unsupported("reasoning.effort", r.model)
	}
	r.thinks = reasons(r.model)
	r.summary = r.thinks && reasoning["summary"] != nil
	return nil
}

// called are the functions that the answer calls.
func (r *responseRequest) called() []string {
	if r.answered || r.params["tool_choice"] == "none" {
		return nil
	}
	if choice, ok := r.params["tool_choice"].(map[string]any); ok {
		if name, ok := choice["name"].(string); ok {
			return []string{name}
		}
	}
	var named []string
	for _, name := range r.tools {
		if strings.Contains(r.last, name) {
			named = append(named, name)
		}
	}
	if len(named) == 0 && r.params["tool_choice"] == "required" {
		named = r.tools[:1]
	}
	if len(named) > 1 && r.params["parallel_tool_calls"] == false {
		named = named[:1]
	}
	return named
}

// Sealed is reasoning as callers get it who keep conversations themselves.
const Sealed = "c2VhbGVk"

// answer makes the items of the answer.
func (r *responseRequest) answer(step Step) []map[string]any {
	var out []map[string]any
	if r.thinks {
		summary := []any{}
		if r.summary {
			summary = append(summary, map[string]any{"type": "summary_text", "text": "The user wants an answer."})
		}
		out = append(out, map[string]any{"id": "rs_fake", "type": "reasoning", "summary": summary, "encrypted_content": Sealed})
	}
	for i, name := range r.called() {
		out = append(out, map[string]any{
			"id": fmt.Sprintf("fc_fake%d", i), "type": "function_call", "status": "completed", "call_id": fmt.Sprintf("call_fake%d", i),
			"name": name, "arguments": string(marshal(map[string]string{"input": r.last})),
		})
	}
	if len(r.called()) > 0 {
		return out
	}
	text := "You said: " + r.last
	switch {
	case step.Text != "":
		text = step.Text
	case strings.HasPrefix(r.format, "json"):
		text = string(marshal(exemplar.Of(r.schema)))
	case r.answered:
		text = "The tools said: " + strings.Join(r.results, ", ")
	}
	return append(out, map[string]any{
		"id": "msg_fake", "type": "message", "status": "completed", "role": "assistant",
		"content": []any{map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}},
	})
}

// response is the whole answer; it has usage and output at its end.
func (s *Server) response(r *responseRequest, output []map[string]any, status string, step Step) map[string]any {
	out := map[string]any{
		"id": "resp_fake", "object": "response", "created_at": s.options.Clock().Unix(), "status": status, "model": r.model, "output": []any{},
		"error": nil, "incomplete_details": nil, "usage": nil, "parallel_tool_calls": true, "tools": []any{}, "tool_choice": "auto",
	}
	if status != "completed" {
		return out
	}
	out["output"] = output
	if step.Fault != "no_usage" {
		said, thought := 0, 0
		for _, item := range output {
			switch item["type"] {
			case "reasoning":
				thought = reasoningTokens
			default:
				said += len(tokens(textOf(item)))
			}
		}
		out["usage"] = map[string]any{
			"input_tokens": 12, "input_tokens_details": map[string]int{"cached_tokens": 4, "cache_write_tokens": 0},
			"output_tokens": said + thought, "output_tokens_details": map[string]int{"reasoning_tokens": thought}, "total_tokens": 12 + said + thought,
		}
	}
	return out
}

// textOf is what an item says: its text or its arguments.
func textOf(item map[string]any) string {
	if arguments, ok := item["arguments"].(string); ok {
		return arguments
	}
	parts, _ := item["content"].([]any)
	for _, raw := range parts {
		part, _ := raw.(map[string]any)
		text, _ := part["text"].(string)
		return text
	}
	return ""
}
