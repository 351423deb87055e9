package simulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// chatRequest is a chat completion request as far as the engine goes by it.
type chatRequest struct {
	Messages          []message       `json:"messages"`
	Temperature       *float64        `json:"temperature"`
	TopP              *float64        `json:"top_p"`
	Stop              json.RawMessage `json:"stop"`
	Seed              json.RawMessage `json:"seed"`
	Tools             []tool          `json:"tools"`
	ToolChoice        json.RawMessage `json:"tool_choice"`
	ParallelToolCalls *bool           `json:"parallel_tool_calls"`
	ResponseFormat    format          `json:"response_format"`
	ReasoningEffort   string          `json:"reasoning_effort"`

	facts  wire.Facts
	stops  []string
	choice toolChoice
	hash   uint64
}

type message struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []toolCall      `json:"tool_calls"`

	text   string
	images int
}

type toolCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type tool struct {
	Type     string `json:"type"`
	Function struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

type format struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// toolChoice is what tool_choice says.
type toolChoice struct {
	none, required bool
	name           string
}

func bad(param, code, message string) *failure {
	return &failure{status: http.StatusBadRequest, code: code, param: param, message: message}
}

// readChat reads and checks a request.
func readChat(c *provider.Call) (*chatRequest, *failure) {
	facts, err := wire.PeekChat(c.Body)
	if err != nil {
		return nil, refusalOf(err)
	}
	if !is(facts.Model, chatModel) {
		return nil, unknownModel(facts.Model)
	}
	r := &chatRequest{facts: facts}
	if err := json.Unmarshal(c.Body, r); err != nil {
		return nil, typeRefusal(err)
	}
	for _, check := range []func() *failure{r.checkMessages, r.checkSampling, r.checkTools, r.checkFormat} {
		if refusal := check(); refusal != nil {
			return nil, refusal
		}
	}
	r.hash = r.digest()
	return r, nil
}

func refusalOf(err error) *failure {
	if e, ok := errors.AsType[*wire.RequestError](err); ok {
		return bad(e.Param, e.Code, e.Message)
	}
	return bad("", wire.CodeInvalidJSON, "The request cannot be read.")
}

func typeRefusal(err error) *failure {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return bad(e.Field, "invalid_type", "Invalid type for '"+e.Field+"'.")
	}
	return bad("", wire.CodeInvalidJSON, "The request cannot be read.")
}

func (r *chatRequest) checkMessages() *failure {
	open := map[string]bool{}
	for i := range r.Messages {
		m := &r.Messages[i]
		param := fmt.Sprintf("messages[%d]", i)
		switch m.Role {
		case "tool":
			if !open[m.ToolCallID] {
				return bad(param+".role", "invalid_value", "A message of role 'tool' must answer a tool call before it.")
			}
			delete(open, m.ToolCallID)
		case "system", "developer", "user", "assistant", "function":
			if len(open) > 0 {
				return bad(param, "invalid_value", "Each tool call must be answered by a message of role 'tool' before the next turn.")
			}
		default:
			return bad(param+".role", "invalid_value", "The role must be system, developer, user, assistant or tool.")
		}
		for _, call := range m.ToolCalls {
			open[call.ID] = true
		}
		if !m.read() {
			return bad(param+".content", "invalid_type", "The content must be a string or an array of parts.")
		}
	}
	if len(open) > 0 {
		return bad("messages", "invalid_value", "Each tool call must be answered by a message of role 'tool'.")
	}
	return nil
}

// read takes the text out of a message, and counts its pictures.
func (m *message) read() bool {
	if len(m.Content) == 0 || string(m.Content) == "null" {
		return m.Role == "assistant"
	}
	if json.Unmarshal(m.Content, &m.text) == nil {
		return true
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(m.Content, &parts) != nil {
		return false
	}
	for _, p := range parts {
		switch p.Type {
		case "text", "refusal":
			m.text += p.Text
		case "image_url":
			m.images++
		case "input_audio", "file":
		default:
			return false
		}
	}
	return true
}

func (r *chatRequest) checkSampling() *failure {
	if r.Temperature != nil && (*r.Temperature < 0 || *r.Temperature > 2) {
		return bad("temperature", "invalid_value", "Invalid 'temperature': expected a number from 0 to 2.")
	}
	if r.TopP != nil && (*r.TopP < 0 || *r.TopP > 1) {
		return bad("top_p", "invalid_value", "Invalid 'top_p': expected a number from 0 to 1.")
	}
	if _, known := efforts[r.ReasoningEffort]; !known {
		return bad("reasoning_effort", "invalid_value", "Invalid 'reasoning_effort': expected none, minimal, low, medium, high, xhigh or max.")
	}
	if len(r.Stop) == 0 || string(r.Stop) == "null" {
		return nil
	}
	var one string
	if json.Unmarshal(r.Stop, &one) == nil {
		r.stops = []string{one}
	} else if json.Unmarshal(r.Stop, &r.stops) != nil || len(r.stops) == 0 || len(r.stops) > 4 {
		return bad("stop", "invalid_value", "Invalid 'stop': expected a string or an array of 1 to 4 strings.")
	}
	r.stops = slices.DeleteFunc(r.stops, func(s string) bool { return s == "" })
	return nil
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (r *chatRequest) checkTools() *failure {
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Type != "function" || !toolName.MatchString(t.Function.Name) {
			return bad(fmt.Sprintf("tools[%d]", i), "invalid_value", "A tool must be a function with a name of letters, digits, '_' and '-'.")
		}
	}
	if len(r.ToolChoice) == 0 || string(r.ToolChoice) == "null" {
		return nil
	}
	if len(r.Tools) == 0 {
		return bad("tool_choice", "invalid_value", "'tool_choice' is only allowed when 'tools' are specified.")
	}
	return r.readChoice()
}

func (r *chatRequest) readChoice() *failure {
	var word string
	if json.Unmarshal(r.ToolChoice, &word) == nil {
		r.choice = toolChoice{none: word == "none", required: word == "required"}
		if word != "none" && word != "auto" && word != "required" {
			return bad("tool_choice", "invalid_value", "Invalid 'tool_choice': expected none, auto, required or a function.")
		}
		return nil
	}
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	_ = json.Unmarshal(r.ToolChoice, &named) // what does not fit has no name
	r.choice = toolChoice{required: true, name: named.Function.Name}
	if !slices.ContainsFunc(r.Tools, func(t tool) bool { return t.Function.Name == r.choice.name }) {
		return bad("tool_choice", "invalid_value", "The chosen tool is not among 'tools'.")
	}
	return nil
}

func (r *chatRequest) checkFormat() *failure {
	switch r.ResponseFormat.Type {
	case "", "text":
		return nil
	case "json_object":
		for i := range r.Messages {
			if strings.Contains(strings.ToLower(r.Messages[i].text), "json") {
				return nil
			}
		}
		return bad("messages", "invalid_value", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
	case "json_schema":
		if r.ResponseFormat.JSONSchema.Name == "" {
			return bad("response_format.json_schema.name", "missing_required_parameter", "Missing required parameter: 'response_format.json_schema.name'.")
		}
		if _, ok := parseSchema(r.ResponseFormat.JSONSchema.Schema); !ok {
			return bad("response_format.json_schema.schema", "invalid_value", "The schema must be a JSON object.")
		}
		return nil
	}
	return bad("response_format.type", "invalid_value", "Invalid 'response_format.type': expected text, json_object or json_schema.")
}
