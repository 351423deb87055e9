package fakebedrock

import (
	"encoding/json"
	"regexp"
	"strings"
)

var toolID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

type converseRequest struct {
	Messages []struct {
		Role    string           `json:"role"`
		Content []map[string]any `json:"content"`
	} `json:"messages"`
	ToolConfig *struct {
		Tools []map[string]json.RawMessage `json:"tools"`
	} `json:"toolConfig"`
}

// checkConverse checks what the real one checks of a conversation.
func checkConverse(body []byte, members map[string]json.RawMessage) *fault {
	if f := known(members, "messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields", "outputConfig",
		"additionalModelResponseFieldPaths", "guardrailConfig", "performanceConfig", "requestMetadata", "promptVariables", "serviceTier"); f != nil {
		return f
	}
	var q converseRequest
	if json.Unmarshal(body, &q) != nil || len(q.Messages) == 0 {
		return invalid("The value at messages is empty or of another type.")
	}
	if q.ToolConfig != nil && len(q.ToolConfig.Tools) == 0 {
		return invalid("The value at toolConfig.tools must have length greater than or equal to 1")
	}
	var open []string
	hasTools := false
	for i, m := range q.Messages {
		if want := [...]string{"user", "assistant"}[i%2]; m.Role != want {
			return invalid("A conversation must alternate between user and assistant roles. Make sure the conversation alternates.")
		}
		asked, answered, f := blocks(m.Content)
		if f != nil {
			return f
		}
		hasTools = hasTools || len(asked)+len(answered) > 0
		if strings.Join(answered, ",") != strings.Join(open, ",") && i > 0 {
			return invalid("Expected toolResult blocks at messages for the following Ids: " + strings.Join(open, ", "))
		}
		open = asked
	}
	if hasTools && q.ToolConfig == nil {
		return invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	}
	return nil
}

// blocks checks the blocks of a turn and returns the ids of the calls and of the results in it.
func blocks(content []map[string]any) (asked, answered []string, f *fault) {
	if len(content) == 0 {
		return nil, nil, invalid("The content field in the Message object is empty. Add a ContentBlock object to the content field and try again.")
	}
	for _, b := range content {
		if len(b) != 1 {
			return nil, nil, invalid("A ContentBlock has exactly one member.")
		}
		if text, ok := b["text"].(string); ok && strings.TrimSpace(text) == "" {
			return nil, nil, invalid("The text field in the ContentBlock object is blank. Add text to the text field, and try again.")
		}
		for name, to := range map[string]*[]string{"toolUse": &asked, "toolResult": &answered} {
			block, ok := b[name].(map[string]any)
			if !ok {
				continue
			}
			id, _ := block["toolUseId"].(string)
			if !toolID.MatchString(id) {
				return nil, nil, invalid("The value at toolUseId must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
			}
			if input, isObject := block["input"].(map[string]any); name == "toolUse" && (!isObject || input == nil) {
				return nil, nil, invalid("The format of the value at toolUse.input is invalid. Provide a json object for the field and try again.")
			}
			*to = append(*to, id)
		}
	}
	return asked, answered, nil
}

// checkClaude checks what Claude's own API checks.
func (c *exchange) checkClaude(members map[string]json.RawMessage) *fault {
	if !strings.Contains(c.model, "anthropic.") {
		return invalid("Malformed input request: extraneous key [anthropic_version] is not permitted, please reformat your input and try again.")
	}
	if f := known(members, "anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "temperature", "top_p", "top_k",
		"stop_sequences", "tools", "tool_choice", "thinking", "metadata", "output_config"); f != nil {
		return f
	}
	for _, name := range []string{"anthropic_version", "max_tokens", "messages"} {
		if members[name] == nil {
			return invalid(name + ": Field required")
		}
	}
	if string(members["anthropic_version"]) != `"bedrock-2023-05-31"` {
		return invalid("anthropic_version: Input should be 'bedrock-2023-05-31'")
	}
	return nil
}
