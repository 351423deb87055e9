package fakeopenai

import (
	"fmt"
	"strings"
)

// checkMessages checks the conversation and returns the text of all of it, and of its last message with that one's role.
func (p params) checkMessages() (all, last, role string, fault *apiError) {
	messages, isArray := p["messages"].([]any)
	switch {
	case p["messages"] == nil:
		return "", "", "", invalid("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	case !isArray:
		return "", "", "", invalid("messages", "invalid_type", "Invalid type for 'messages': expected an array of objects.")
	case len(messages) == 0:
		return "", "", "", invalid("messages", "empty_array", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	var open []string // tool calls that must be answered
	for i, m := range messages {
		message, _ := m.(map[string]any)
		role, _ = message["role"].(string)
		if open, fault = pair(i, role, message, open); fault != nil {
			return "", "", "", fault
		}
		if last, fault = content(i, role, message); fault != nil {
			return "", "", "", fault
		}
		all += last + "\n"
	}
	if len(open) > 0 {
		return "", "", "", unanswered(open)
	}
	return all, last, role, nil
}

func unanswered(open []string) *apiError {
	return invalid("messages", "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each "+
		"'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(open, ", "))
}

// pair keeps account of tool calls and their answers.
func pair(i int, role string, message map[string]any, open []string) ([]string, *apiError) {
	if role == "tool" {
		id, _ := message["tool_call_id"].(string)
		for k := range open {
			if open[k] == id {
				return append(open[:k:k], open[k+1:]...), nil
			}
		}
		return nil, invalid(fmt.Sprintf("messages.[%d].role", i), "",
			"Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
	}
	if len(open) > 0 {
		return nil, unanswered(open)
	}
	calls, _ := message["tool_calls"].([]any)
	for k, c := range calls {
		call, _ := c.(map[string]any)
		id, _ := call["id"].(string)
		if id == "" {
			return nil, invalid(fmt.Sprintf("messages[%d].tool_calls[%d].id", i, k), "missing_required_parameter",
				"Missing required parameter: 'messages[%d].tool_calls[%d].id'.", i, k)
		}
		open = append(open, id)
	}
	return open, nil
}

// content returns a message's text.
func content(i int, role string, message map[string]any) (string, *apiError) {
	switch role {
	case "system", "developer", "user", "assistant", "tool", "function":
	default:
		return "", invalid(fmt.Sprintf("messages[%d].role", i), "invalid_value",
			"Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", role)
	}
	switch c := message["content"].(type) {
	case string:
		return c, nil
	case []any:
		return parts(i, c)
	case nil:
		if role == "assistant" {
			return "", nil
		}
	}
	return "", invalid(fmt.Sprintf("messages.[%d].content", i), "invalid_type",
		"Invalid value for 'content': expected a string, got null.")
}

var partTypes = map[string]bool{"text": true, "image_url": true, "input_audio": true, "file": true, "refusal": true}

func parts(i int, list []any) (string, *apiError) {
	var all strings.Builder
	for k, p := range list {
		part, _ := p.(map[string]any)
		typ, _ := part["type"].(string)
		if !partTypes[typ] {
			return "", invalid(fmt.Sprintf("messages[%d].content[%d].type", i, k), "invalid_value", "Invalid value: '%s'.", typ)
		}
		text, _ := part["text"].(string)
		all.WriteString(text)
	}
	return all.String(), nil
}
