package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// responseRequest is a request for a response as far as the engine goes by it.
type responseRequest struct {
	Input             json.RawMessage `json:"input"`
	Instructions      string          `json:"instructions"`
	Temperature       *float64        `json:"temperature"`
	TopP              *float64        `json:"top_p"`
	ToolChoice        json.RawMessage `json:"tool_choice"`
	ParallelToolCalls *bool           `json:"parallel_tool_calls"`
	Tools             []struct {
		Type       string          `json:"type"`
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"tools"`
	Reasoning struct {
		Effort string `json:"effort"`
	} `json:"reasoning"`
	Text struct {
		Format struct {
			Type   string          `json:"type"`
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
		} `json:"format"`
	} `json:"text"`
}

// responseItem is one item of the input.
type responseItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
}

func (e *engine) responses(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	r, refusal := readResponse(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	said, refusal := r.complete(p)
	if refusal != nil {
		return refusal.response(c), nil
	}
	said.id, said.created = fmt.Sprintf("resp_sim%016x", r.hash), e.now().Unix()
	a := newResponseAnswer(said)
	if c.Stream {
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", newScript(ctx, e.now, p, a.beats())), nil
	}
	if err := pause(ctx, p.firstToken()+p.spend(said.tokens())); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	return e.whole(c, []byte(compact(a.object(a.ending(), a.items(), true))), p), nil
}

// readResponse reads a request and says the same in the words of a chat: one engine answers both.
func readResponse(c *provider.Call) (*chatRequest, *failure) {
	facts, err := wire.PeekResponses(c.Body)
	if err != nil {
		return nil, refusalOf(err)
	}
	if !is(facts.Model, chatModel) {
		return nil, unknownModel(facts.Model)
	}
	var in responseRequest
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return nil, typeRefusal(err)
	}
	r := &chatRequest{
		facts: facts.Facts, Temperature: in.Temperature, TopP: in.TopP, ReasoningEffort: in.Reasoning.Effort,
		ToolChoice: flatChoice(in.ToolChoice), ParallelToolCalls: in.ParallelToolCalls,
	}
	r.ResponseFormat.Type = in.Text.Format.Type
	r.ResponseFormat.JSONSchema.Name, r.ResponseFormat.JSONSchema.Schema = in.Text.Format.Name, in.Text.Format.Schema
	for _, t := range in.Tools {
		if t.Type == "function" { // others would be run by the upstream, and this one runs none
			var own tool
			own.Type, own.Function.Name, own.Function.Parameters = t.Type, t.Name, t.Parameters
			r.Tools = append(r.Tools, own)
		}
	}
	if len(r.Tools) == 0 {
		r.ToolChoice = nil
	}
	if refusal := r.addInput(&in); refusal != nil {
		return nil, refusal
	}
	for _, check := range []func() *failure{r.checkMessages, r.checkSampling, r.checkTools, r.checkFormat} {
		if refusal := check(); refusal != nil {
			return nil, refusal
		}
	}
	r.hash = r.digest()
	return r, nil
}

// flatChoice turns a named choice into the shape that chats have.
func flatChoice(raw json.RawMessage) json.RawMessage {
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &named) != nil || named.Name == "" {
		return raw
	}
	return json.RawMessage(compact(map[string]any{"type": "function", "function": map[string]string{"name": named.Name}}))
}

func (r *chatRequest) addInput(in *responseRequest) *failure {
	if in.Instructions != "" {
		r.Messages = append(r.Messages, message{Role: "system", Content: json.RawMessage(quote(in.Instructions))})
	}
	if len(in.Input) == 0 || in.Input[0] == '"' {
		content := in.Input
		if len(content) == 0 {
			content = json.RawMessage(`"go on"`) // what there was before is not remembered
		}
		r.Messages = append(r.Messages, message{Role: "user", Content: content})
		return nil
	}
	var items []responseItem
	if json.Unmarshal(in.Input, &items) != nil {
		return bad("input", "invalid_type", "Invalid 'input': expected a string or an array of items.")
	}
	for i := range items {
		if !r.addItem(&items[i]) {
			return bad(fmt.Sprintf("input[%d]", i), "invalid_value", "The item is not one of message, function_call, function_call_output or reasoning.")
		}
	}
	return nil
}

func (r *chatRequest) addItem(item *responseItem) bool {
	switch item.Type {
	case "message", "":
		r.Messages = append(r.Messages, message{Role: item.Role, Content: chatContent(item.Content)})
	case "function_call":
		one := toolCall{ID: item.CallID}
		one.Function.Name, one.Function.Arguments = item.Name, item.Arguments
		if n := len(r.Messages); n > 0 && len(r.Messages[n-1].ToolCalls) > 0 {
			r.Messages[n-1].ToolCalls = append(r.Messages[n-1].ToolCalls, one) // of the same turn
			return true
		}
		r.Messages = append(r.Messages, message{Role: "assistant", ToolCalls: []toolCall{one}})
	case "function_call_output":
		r.Messages = append(r.Messages, message{Role: "tool", ToolCallID: item.CallID, Content: chatContent(item.Output)})
	case "reasoning", "item_reference":
	default:
		return false
	}
	return true
}

// chatContent turns the parts of an item into those of a message.
func chatContent(raw json.RawMessage) json.RawMessage {
	var parts []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return raw
	}
	out := make([]map[string]string, len(parts))
	for i, p := range parts {
		kind := map[string]string{
			"input_text": "text", "output_text": "text", "refusal": "text", "input_image": "image_url", "input_file": "file", "input_audio": "input_audio",
		}[p.Type]
		out[i] = map[string]string{"type": kind, "text": p.Text + p.Refusal}
	}
	return json.RawMessage(compact(out))
}

// responseAnswer writes a completion as a response.
type responseAnswer struct {
	*completion

	choice   *choice
	sequence int
	out      []beat
}

func newResponseAnswer(c *completion) *responseAnswer {
	return &responseAnswer{completion: c, choice: &c.choices[0]}
}

// ending is the status that the response comes to.
func (a *responseAnswer) ending() string {
	if a.choice.finish == "length" {
		return "incomplete"
	}
	return "completed"
}

// object is the response as it stands; usage comes with its end.
func (a *responseAnswer) object(status string, items []any, ended bool) map[string]any {
	out := map[string]any{
		"id": a.id, "object": "response", "created_at": a.created, "status": status, "model": a.model, "output": items,
		"error": nil, "incomplete_details": nil, "instructions": nil, "metadata": map[string]any{}, "parallel_tool_calls": true,
		"temperature": 1, "top_p": 1, "tool_choice": "auto", "tools": []any{}, "usage": nil,
	}
	if status == "incomplete" {
		out["incomplete_details"] = map[string]string{"reason": "max_output_tokens"}
	}
	if ended && a.usage != nil {
		out["usage"] = map[string]any{
			"input_tokens": a.usage.PromptTokens, "output_tokens": a.usage.CompletionTokens, "total_tokens": a.usage.TotalTokens,
			"input_tokens_details":  map[string]int{"cached_tokens": a.usage.PromptDetails.CachedTokens},
			"output_tokens_details": map[string]int{"reasoning_tokens": a.usage.CompletionDetails.ReasoningTokens},
		}
	}
	return out
}

// items are the finished items of the output.
func (a *responseAnswer) items() (out []any) {
	for i := range a.count() {
		out = append(out, a.item(i, "completed", true))
	}
	return out
}

// count is how many items there are: reasoning, and then a message or calls.
func (a *responseAnswer) count() int { return a.thoughts() + max(1, len(a.choice.calls)) }

func (a *responseAnswer) thoughts() int {
	if len(a.choice.reasoning) > 0 {
		return 1
	}
	return 0
}

func (a *responseAnswer) itemID(i int) string {
	return "item_" + a.id[len("resp_"):] + "_" + strconv.Itoa(i)
}

// item is the i-th item, with or without what it says.
func (a *responseAnswer) item(i int, status string, full bool) map[string]any {
	said := func(tokens []string) string {
		if !full {
			return ""
		}
		return strings.Join(tokens, "")
	}
	switch {
	case i < a.thoughts():
		summary := []any{}
		if full {
			summary = append(summary, map[string]any{"type": "summary_text", "text": said(a.choice.reasoning)})
		}
		return map[string]any{"id": a.itemID(i), "type": "reasoning", "summary": summary}
	case len(a.choice.calls) > 0:
		one := &a.choice.calls[i-a.thoughts()]
		return map[string]any{
			"id": a.itemID(i), "type": "function_call", "status": status, "call_id": one.id, "name": one.name, "arguments": said(one.arguments),
		}
	}
	content := []any{}
	if full {
		content = append(content, textPart(said(a.choice.text)))
	}
	return map[string]any{"id": a.itemID(i), "type": "message", "status": status, "role": "assistant", "content": content}
}

func textPart(text string) map[string]any {
	return map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
}
