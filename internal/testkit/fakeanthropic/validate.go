package fakeanthropic

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
)

// params are the members of an object as they were decoded: numbers are json.Number.
type params = map[string]any

var requestParams = []string{
	"model", "max_tokens", "messages", "system", "stop_sequences", "temperature", "top_p", "top_k", "stream", "metadata", "thinking",
	"output_config", "tools", "tool_choice", "cache_control", "service_tier", "container", "mcp_servers", "context_management",
	"inference_geo",
}

var countParams = []string{
	"model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers", "output_config", "cache_control",
}

// decode reads a request as strictly as the real one: one object, and no member that it does not know.
func decode(body []byte, known []string) (params, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var p params
	if err := d.Decode(&p); err != nil || p == nil || d.More() {
		return nil, badRequest("The request body is not valid JSON: could not be decoded")
	}
	for name := range p {
		if !slices.Contains(known, name) {
			return nil, badRequest("%s: Extra inputs are not permitted", name)
		}
	}
	return p, nil
}

// integer reads an integer within bounds; ok is false when the member is absent or null.
func integer(p params, path, name string, low, high int64) (n int64, ok bool, fault *apiError) {
	if p[name] == nil {
		return 0, false, nil
	}
	number, isNumber := p[name].(json.Number)
	n, err := number.Int64()
	switch {
	case !isNumber || err != nil:
		return 0, false, badRequest("%s%s: Input should be a valid integer", path, name)
	case n < low:
		return 0, false, badRequest("%s%s: Input should be greater than or equal to %d", path, name, low)
	case n > high:
		return 0, false, badRequest("%s%s: Input should be less than or equal to %d", path, name, high)
	}
	return n, true, nil
}

func fraction(p params, name string) (f float64, ok bool, fault *apiError) {
	if p[name] == nil {
		return 0, false, nil
	}
	number, isNumber := p[name].(json.Number)
	f, err := number.Float64()
	if !isNumber || err != nil {
		return 0, false, badRequest("%s: Input should be a valid number", name)
	}
	if f < 0 || f > 1 {
		return 0, false, badRequest("%s: range: 0..1", name)
	}
	return f, true, nil
}

// checkSampling checks the members that shape sampling, by the version that the request is written in.
func checkSampling(p params, version string) *apiError {
	for _, name := range [...]string{"temperature", "top_p", "top_k"} {
		if version == Version2026 && p[name] != nil {
			return badRequest("%s: Extra inputs are not permitted", name)
		}
	}
	for _, name := range [...]string{"temperature", "top_p"} {
		if _, _, fault := fraction(p, name); fault != nil {
			return fault
		}
	}
	if p["temperature"] != nil && p["top_p"] != nil {
		return badRequest("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
	}
	if _, _, fault := integer(p, "", "top_k", 0, math.MaxInt32); fault != nil {
		return fault
	}
	return checkStops(p)
}

func checkStops(p params) *apiError {
	if p["stop_sequences"] == nil {
		return nil
	}
	stops, isList := p["stop_sequences"].([]any)
	if !isList {
		return badRequest("stop_sequences: Input should be a valid list")
	}
	for i, s := range stops {
		if text, _ := s.(string); strings.TrimSpace(text) == "" {
			return badRequest("stop_sequences.%d: each stop sequence must contain non-whitespace", i)
		}
	}
	return nil
}

// checkThinking reads whether the model is to think first.
func checkThinking(p params, limit int64) (on bool, fault *apiError) {
	if p["thinking"] == nil {
		return false, nil
	}
	thinking, _ := p["thinking"].(params)
	switch thinking["type"] {
	case "disabled":
		return false, nil
	case "adaptive":
	case "enabled":
		budget, given, fault := integer(thinking, "thinking.enabled.", "budget_tokens", 1024, math.MaxInt32)
		switch {
		case fault != nil:
			return false, fault
		case !given:
			return false, badRequest("thinking.enabled.budget_tokens: Field required")
		case limit > 0 && budget >= limit:
			return false, badRequest("`max_tokens` must be greater than `thinking.budget_tokens`.")
		}
	default:
		return false, badRequest("thinking: Input tag found using 'type' does not match any of the expected tags: 'disabled', 'enabled', 'adaptive'")
	}
	if f, given, _ := fraction(p, "temperature"); given && f != 1 {
		return false, badRequest("`temperature` may only be set to 1 when thinking is enabled.")
	}
	if p["top_k"] != nil {
		return false, badRequest("`top_k` must be unset when thinking is enabled.")
	}
	choice, _ := p["tool_choice"].(params)
	if choice["type"] == "any" || choice["type"] == "tool" {
		return false, badRequest("Thinking may not be enabled when tool_choice forces tool use.")
	}
	return true, nil
}

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// checkTools checks tools and what chooses among them, and returns the names of those that the caller runs.
func checkTools(p params) (names []string, fault *apiError) {
	if p["tools"] == nil {
		if p["tool_choice"] != nil {
			return nil, badRequest("tool_choice may only be specified while providing tools.")
		}
		return nil, nil
	}
	tools, isList := p["tools"].([]any)
	if !isList {
		return nil, badRequest("tools: Input should be a valid list")
	}
	for i, t := range tools {
		tool, _ := t.(params)
		if typ, _ := tool["type"].(string); typ != "" && typ != "custom" {
			continue // of the upstream's
		}
		name, _ := tool["name"].(string)
		if !toolName.MatchString(name) {
			return nil, badRequest("tools.%d.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", i)
		}
		if slices.Contains(names, name) {
			return nil, badRequest("tools: Tool names must be unique.")
		}
		if schema, ok := tool["input_schema"].(params); !ok {
			return nil, badRequest("tools.%d.custom.input_schema: Field required", i)
		} else if schema["type"] != "object" {
			return nil, badRequest("tools.%d.custom.input_schema.type: Input should be 'object'", i)
		}
		names = append(names, name)
	}
	return names, checkToolChoice(p, names)
}

func checkToolChoice(p params, names []string) *apiError {
	if p["tool_choice"] == nil {
		return nil
	}
	choice, _ := p["tool_choice"].(params)
	switch choice["type"] {
	case "auto", "any", "none":
		return nil
	case "tool":
		if name, _ := choice["name"].(string); !slices.Contains(names, name) {
			return badRequest("tool_choice: Tool '%s' not found in provided tools", name)
		}
		return nil
	}
	return badRequest("tool_choice: Input tag found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
}
