package fakeopenai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// params are the members of a request as they were decoded: numbers are json.Number.
type params map[string]any

// decode reads a request as strictly as the real one: one object, and no member that it does not know.
func decode(body []byte, known []string) (params, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var p params
	if err := d.Decode(&p); err != nil || p == nil || d.More() {
		return nil, &apiError{Status: 400, Message: "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)"}
	}
	for name := range p {
		if !slices.Contains(known, name) {
			return nil, &apiError{Status: 400, Message: "Unrecognized request argument supplied: " + name, Code: "unknown_parameter", Param: name}
		}
	}
	return p, nil
}

var chatParams = []string{
	"model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "temperature", "top_p", "n", "stop",
	"presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "seed", "response_format", "tools",
	"tool_choice", "parallel_tool_calls", "reasoning_effort", "verbosity", "modalities", "audio", "prediction",
	"web_search_options", "service_tier", "store", "metadata", "safety_identifier", "prompt_cache_key",
	"prompt_cache_retention", "prompt_cache_options", "moderation", "user", "functions", "function_call", "thinking",
}

func invalid(param, code, format string, args ...any) *apiError {
	return &apiError{Status: 400, Param: param, Code: code, Message: fmt.Sprintf(format, args...)}
}

func unsupported(param, model string) *apiError {
	return invalid(param, "unsupported_parameter", "Unsupported parameter: '%s' is not supported with this model (%s).", param, model)
}

// integer reads an integer within bounds; ok is false when the member is absent or null.
func (p params) integer(name string, low, high int64) (n int64, ok bool, fault *apiError) {
	if p[name] == nil {
		return 0, false, nil
	}
	number, isNumber := p[name].(json.Number)
	n, err := number.Int64()
	if !isNumber || err != nil {
		return 0, false, invalid(name, "invalid_type", "Invalid type for '%s': expected an integer.", name)
	}
	if n < low || n > high {
		return 0, false, invalid(name, "invalid_value", "Invalid '%s': integer out of range. Expected %d to %d, got %d.", name, low, high, n)
	}
	return n, true, nil
}

func (p params) decimal(name string, low, high float64) *apiError {
	if p[name] == nil {
		return nil
	}
	number, isNumber := p[name].(json.Number)
	f, err := number.Float64()
	if !isNumber || err != nil {
		return invalid(name, "invalid_type", "Invalid type for '%s': expected a decimal.", name)
	}
	if f < low || f > high {
		return invalid(name, "invalid_value", "Invalid '%s': decimal out of range. Expected %g to %g, got %g.", name, low, high, f)
	}
	return nil
}

func (p params) boolean(name string) (bool, *apiError) {
	if p[name] == nil {
		return false, nil
	}
	b, ok := p[name].(bool)
	if !ok {
		return false, invalid(name, "invalid_type", "Invalid type for '%s': expected a boolean.", name)
	}
	return b, nil
}

// reasons reports whether a model is a reasoning model.
func reasons(model string) bool {
	return strings.HasPrefix(model, "gpt-5") || model == DeepSeekReasoner || len(model) > 1 && model[0] == 'o' && model[1] >= '1' && model[1] <= '9'
}

// checkSampling checks the members that shape sampling.
func (p params) checkSampling(model string) *apiError {
	for _, c := range [...]struct {
		name      string
		low, high float64
	}{
		{"temperature", 0, 2}, {"top_p", 0, 1}, {"presence_penalty", -2, 2}, {"frequency_penalty", -2, 2},
	} {
		if fault := p.decimal(c.name, c.low, c.high); fault != nil {
			return fault
		}
	}
	if _, given, fault := p.integer("top_logprobs", 0, 20); fault != nil {
		return fault
	} else if given && p["logprobs"] != true {
		return invalid("top_logprobs", "invalid_value", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
	}
	if _, _, fault := p.integer("seed", math.MinInt64, math.MaxInt64); fault != nil {
		return fault
	}
	if reasons(model) && p["max_tokens"] != nil && !isDeepSeek(model) {
		return invalid("max_tokens", "unsupported_parameter",
			"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	}
	if !reasons(model) && p["reasoning_effort"] != nil {
		return unsupported("reasoning_effort", model)
	}
	return p.checkStop()
}

func (p params) checkStop() *apiError {
	switch stop := p["stop"].(type) {
	case nil, string:
		return nil
	case []any:
		if len(stop) >= 1 && len(stop) <= 4 {
			return nil
		}
	}
	return invalid("stop", "invalid_value", "Invalid 'stop': expected a string or an array of 1 to 4 strings.")
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// checkTools checks tools and what chooses among them, and returns the names of the functions.
func (p params) checkTools() ([]string, *apiError) {
	tools, _ := p["tools"].([]any)
	if p["tools"] == nil {
		for _, name := range [...]string{"tool_choice", "parallel_tool_calls"} {
			if p[name] != nil {
				return nil, invalid(name, "invalid_value", "'%s' is only allowed when 'tools' are specified.", name)
			}
		}
		return nil, nil
	}
	if len(tools) == 0 {
		return nil, invalid("tools", "empty_array", "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	var names []string
	for i, t := range tools {
		tool, _ := t.(map[string]any)
		if tool["type"] != "function" && tool["type"] != "custom" {
			return nil, invalid(fmt.Sprintf("tools[%d].type", i), "invalid_value", "Invalid value for 'tools[%d].type': expected 'function' or 'custom'.", i)
		}
		inner, _ := tool[tool["type"].(string)].(map[string]any)
		name, _ := inner["name"].(string)
		if !toolName.MatchString(name) {
			return nil, invalid(fmt.Sprintf("tools[%d].function.name", i), "invalid_value", "Invalid 'tools[%d].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.", i)
		}
		names = append(names, name)
	}
	return names, nil
}

// checkFormat checks response_format.
func (p params) checkFormat() *apiError {
	if p["response_format"] == nil {
		return nil
	}
	format, _ := p["response_format"].(map[string]any)
	switch format["type"] {
	case "text":
		return nil
	case "json_object":
		if !strings.Contains(strings.ToLower(string(marshal(p["messages"]))), "json") {
			return invalid("messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
		}
		return nil
	case "json_schema":
		schema, _ := format["json_schema"].(map[string]any)
		if name, _ := schema["name"].(string); name == "" {
			return invalid("response_format.json_schema.name", "missing_required_parameter", "Missing required parameter: 'response_format.json_schema.name'.")
		}
		return nil
	}
	return invalid("response_format.type", "invalid_value", "Invalid value for 'response_format.type'.")
}
