package fakeopenai

import "strings"

// DeepSeekChat and DeepSeekReasoner are models that behave as DeepSeek's: answers have no schema, pictures are not seen, and the
// reasoner shows what it thinks as reasoning_content, which must come back with the calls that it made. A server has them when
// its options name them. Source: the provider sheet "zhipu-moonshot-deepseek-siliconflow".
const (
	DeepSeekChat     = "deepseek-chat"
	DeepSeekReasoner = "deepseek-reasoner"
)

// Thought is what DeepSeekReasoner thinks.
const Thought = "The user wants an answer, and has it soon."

func isDeepSeek(model string) bool { return strings.HasPrefix(model, "deepseek-") }

// checkDeepSeek checks what only DeepSeek knows, or does not know.
func (p params) checkDeepSeek(model string) *apiError {
	if !isDeepSeek(model) {
		if p["thinking"] != nil {
			return &apiError{Status: 400, Message: "Unrecognized request argument supplied: thinking", Code: "unknown_parameter", Param: "thinking"}
		}
		return nil
	}
	if format, _ := p["response_format"].(map[string]any); format["type"] == "json_schema" {
		return invalid("", "invalid_request_error", "This response_format type is unavailable now")
	}
	messages, _ := p["messages"].([]any)
	for i, m := range messages {
		message, _ := m.(map[string]any)
		if model == DeepSeekReasoner && message["tool_calls"] != nil && message["reasoning_content"] != Thought {
			return invalid("", "invalid_request_error", "The `reasoning_content` in the thinking mode must be passed back to the API.")
		}
		parts, _ := message["content"].([]any)
		for _, raw := range parts {
			if part, _ := raw.(map[string]any); part["type"] != "text" {
				return invalid("", "invalid_request_error", "Failed to deserialize the JSON body into the target type: messages[%d]: unknown variant `%v`, expected `text`", i, part["type"])
			}
		}
	}
	return nil
}
