package fakebedrock

import (
	"encoding/json"
	"slices"
	"strings"
)

type object = map[string]any

// converseRequest is what the fake looks at of a conversation.
type converseRequest struct {
	Messages []struct {
		Role    string   `json:"role"`
		Content []object `json:"content"`
	} `json:"messages"`
	System    []object `json:"system"`
	Inference struct {
		MaxTokens   *int     `json:"maxTokens"`
		Temperature *float64 `json:"temperature"`
		TopP        *float64 `json:"topP"`
		Stops       []string `json:"stopSequences"`
	} `json:"inferenceConfig"`
	ToolConfig *struct {
		Tools  []object `json:"tools"`
		Choice object   `json:"toolChoice"`
	} `json:"toolConfig"`
	Additional struct {
		Thinking struct {
			Type   string `json:"type"`
			Budget int    `json:"budget_tokens"`
		} `json:"thinking"`
	} `json:"additionalModelRequestFields"`
	Output *struct {
		Format struct {
			Type      string `json:"type"`
			Structure struct {
				JSON struct {
					Name   string `json:"name"`
					Schema string `json:"schema"` // JSON within JSON
				} `json:"jsonSchema"`
			} `json:"structure"`
		} `json:"textFormat"`
	} `json:"outputConfig"`

	tools  []string
	schema map[string]any // of each tool
	said   string         // the texts of the last turn
	open   []string       // calls that wait for their results
	// results says that the last turn brings some.
	results bool
}

func (q *converseRequest) thinks() bool { return q.Additional.Thinking.Type == "enabled" }

// checkConverse checks what the real one checks of a conversation.
func (c *exchange) checkConverse(body []byte, members map[string]json.RawMessage) (*converseRequest, *fault) {
	if f := known(members, "messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields", "outputConfig",
		"additionalModelResponseFieldPaths", "guardrailConfig", "performanceConfig", "requestMetadata", "promptVariables", "serviceTier"); f != nil {
		return nil, f
	}
	q := &converseRequest{schema: map[string]any{}}
	if json.Unmarshal(body, q) != nil || len(q.Messages) == 0 {
		return nil, invalid("The value at messages is empty or of another type.")
	}
	for _, check := range []func(*converseRequest) *fault{checkInference, checkSystem, c.checkTools, c.checkThinking, c.checkOutput, checkTurns} {
		if f := check(q); f != nil {
			return nil, f
		}
	}
	return q, nil
}

// checkInference holds figures against their bounds.
func checkInference(q *converseRequest) *fault {
	i := &q.Inference
	for name, n := range map[string]*float64{"temperature": i.Temperature, "topP": i.TopP} {
		if n != nil && (*n < 0 || *n > 1) {
			return invalid("Value at 'inferenceConfig." + name + "' failed to satisfy constraint: Member must have value less than or equal to 1")
		}
	}
	if i.MaxTokens != nil && *i.MaxTokens < 1 {
		return invalid("Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	if slices.Contains(i.Stops, "") {
		return invalid("Value at 'inferenceConfig.stopSequences' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	return nil
}

// checkSystem takes texts and points of the cache.
func checkSystem(q *converseRequest) *fault {
	for _, b := range q.System {
		text, isText := b["text"].(string)
		switch {
		case len(b) != 1 || !isText && b["cachePoint"] == nil && b["guardContent"] == nil:
			return invalid("A SystemContentBlock has exactly one of text, cachePoint and guardContent.")
		case isText && strings.TrimSpace(text) == "":
			return invalid("The text field in the SystemContentBlock object is blank.")
		}
	}
	return nil
}

func (c *exchange) checkTools(q *converseRequest) *fault {
	if q.ToolConfig == nil {
		return nil
	}
	if len(q.ToolConfig.Tools) == 0 {
		return invalid("The value at toolConfig.tools must have length greater than or equal to 1")
	}
	for _, t := range q.ToolConfig.Tools {
		spec, isTool := t["toolSpec"].(object)
		if !isTool {
			continue // a point of the cache
		}
		name, _ := spec["name"].(string)
		input, _ := spec["inputSchema"].(object)
		schema, isSchema := input["json"].(object)
		switch {
		case !toolID.MatchString(name):
			return invalid("The value at toolConfig.tools.toolSpec.name must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
		case !isSchema || schema["type"] != "object":
			return invalid("The value at toolConfig.tools.toolSpec.inputSchema.json.type must be one of the following: object.")
		case slices.Contains(q.tools, name):
			return invalid("The tool " + name + " is already defined at toolConfig.tools.")
		}
		q.tools, q.schema[name] = append(q.tools, name), schema
	}
	if forced, ok := q.ToolConfig.Choice["tool"].(object); ok {
		if name, _ := forced["name"].(string); !slices.Contains(q.tools, name) {
			return invalid("The tool " + name + " at toolConfig.toolChoice is not defined at toolConfig.tools.")
		}
	}
	return nil
}

// checkThinking: Claude thinks within a budget, and is not made to call tools then; others do not know the word.
func (c *exchange) checkThinking(q *converseRequest) *fault {
	switch thinking := q.Additional.Thinking; {
	case thinking.Type == "":
		return nil
	case !strings.Contains(c.model, "anthropic."):
		return invalid("Malformed input request: extraneous key [thinking] is not permitted, please reformat your input and try again.")
	case thinking.Budget < 1024:
		return invalid("The model returned the following errors: thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	case q.Inference.MaxTokens != nil && *q.Inference.MaxTokens <= thinking.Budget:
		return invalid("The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`.")
	case q.Inference.Temperature != nil && *q.Inference.Temperature != 1, q.Inference.TopP != nil && *q.Inference.TopP < 0.95:
		return invalid("The model returned the following errors: `temperature` may only be set to 1 when thinking is enabled.")
	case q.ToolConfig != nil && len(q.ToolConfig.Choice) > 0 && q.ToolConfig.Choice["auto"] == nil:
		return invalid("The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.")
	}
	return nil
}

// checkOutput: answers by a schema are had from Claude alone.
func (c *exchange) checkOutput(q *converseRequest) *fault {
	if q.Output == nil {
		return nil
	}
	var schema object
	switch {
	case !strings.Contains(c.model, "anthropic."):
		return invalid("The model does not support outputConfig.textFormat.")
	case q.Output.Format.Type != "json_schema":
		return invalid("The value at outputConfig.textFormat.type must be one of the following: json_schema.")
	case json.Unmarshal([]byte(q.Output.Format.Structure.JSON.Schema), &schema) != nil:
		return invalid("The value at outputConfig.textFormat.structure.jsonSchema.schema must be a JSON document.")
	}
	return nil
}
