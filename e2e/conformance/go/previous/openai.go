package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/openai/openai-go/v2"
	"github.com/openai/openai-go/v2/option"
	"github.com/openai/openai-go/v2/packages/param"
	"github.com/openai/openai-go/v2/packages/respjson"
	"github.com/openai/openai-go/v2/responses"
	"github.com/openai/openai-go/v2/shared"

	"github.com/gantry-ai/gantry/e2e/conformance/common"
)

func describeOpenAI(err error) *common.Error {
	var e *openai.Error
	if errors.As(err, &e) {
		return &common.Error{Class: "openai.Error", Status: e.StatusCode, Code: e.Code, Message: e.Message}
	}
	return &common.Error{Class: "error", Message: err.Error()}
}

func askOpenAI(ctx context.Context, c *common.Cell) (*common.Seen, error) {
	client := openai.NewClient(option.WithBaseURL(c.Base+"/v1"), option.WithAPIKey(c.Key), option.WithMaxRetries(0))
	if c.API == "responses" {
		return askResponses(ctx, &client, c)
	}
	return askChat(ctx, &client, c)
}

func chatParams(c *common.Cell) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{
		Model: c.Model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(c.Question())},
	}
	if c.Tools() {
		for _, name := range common.ToolNames {
			p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name: name, Description: openai.String(common.About(name)), Parameters: common.Parameters,
			}))
		}
	}
	switch c.Scenario {
	case "structured":
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: "person", Schema: common.Person, Strict: openai.Bool(true),
		}}
	case "reasoning":
		p.ReasoningEffort = shared.ReasoningEffortLow
	case "vision":
		p.Messages[0] = openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
			openai.TextContentPart(c.Question()),
			openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + common.Picture}),
		})
	}
	return p
}

func askChat(ctx context.Context, client *openai.Client, c *common.Cell) (*common.Seen, error) {
	p := chatParams(c)
	if c.Scenario == "cancel" {
		return cancelChat(ctx, client, c, p)
	}
	answer, err := sendChat(ctx, client, c, p)
	if err != nil {
		return nil, err
	}
	m := answer.Choices[0].Message
	seen := &common.Seen{
		Text: m.Content, Finish: answer.Choices[0].FinishReason, Pieces: answer.pieces, Reasoning: answer.thinking, Input: answer.Usage.PromptTokens,
		Output: answer.Usage.CompletionTokens, Thought: answer.Usage.CompletionTokensDetails.ReasoningTokens,
	}
	for _, call := range m.ToolCalls {
		seen.Calls = append(seen.Calls, common.Call{ID: call.ID, Name: call.Function.Name, Args: json.RawMessage(call.Function.Arguments)})
	}
	if len(seen.Calls) > 0 {
		p.Messages = append(p.Messages, returned(answer))
		for _, call := range seen.Calls {
			p.Messages = append(p.Messages, openai.ToolMessage(common.Report(call.Name), call.ID))
		}
		if answer, err = sendChat(ctx, client, c, p); err != nil {
			return nil, err
		}
		seen.After = answer.Choices[0].Message.Content
	}
	return seen, nil
}

// said is an answer with what the SDK has no member for.
type said struct {
	*openai.ChatCompletion
	extras

	pieces int
}

// extras are what servers of this protocol add where their models think: the reasoning, its seals, and those of calls.
type extras struct {
	thinking string
	details  []json.RawMessage
	seals    map[int64]json.RawMessage // extra_content of calls
}

// returned is an answer as the next request has it.
func returned(s *said) openai.ChatCompletionMessageParamUnion {
	m := s.Choices[0].Message
	out := map[string]any{"role": "assistant", "content": nil}
	if m.Content != "" {
		out["content"] = m.Content
	}
	if s.thinking != "" {
		out["reasoning_content"] = s.thinking
	}
	if len(s.details) > 0 {
		out["reasoning_details"] = s.details
	}
	var calls []map[string]any
	for i, c := range m.ToolCalls {
		call := map[string]any{"id": c.ID, "type": "function", "function": map[string]any{
			"name": c.Function.Name, "arguments": c.Function.Arguments,
		}}
		if seal := s.seals[int64(i)]; seal != nil {
			call["extra_content"] = seal
		}
		calls = append(calls, call)
	}
	out["tool_calls"] = calls
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // what was read as JSON can be written
	}
	return param.Override[openai.ChatCompletionMessageParamUnion](json.RawMessage(text))
}

// add takes what a message, or a piece of one, has beside the SDK's members.
func (e *extras) add(members map[string]respjson.Field) {
	var text string
	_ = json.Unmarshal([]byte(members["reasoning_content"].Raw()), &text)
	e.thinking += text
	var details []json.RawMessage
	_ = json.Unmarshal([]byte(members["reasoning_details"].Raw()), &details)
	e.details = append(e.details, details...)
}

// seal takes the seal of a call, out of what the SDK kept as it came.
func (e *extras) seal(index int64, raw string) {
	var call struct {
		Extra json.RawMessage `json:"extra_content"`
	}
	if json.Unmarshal([]byte(raw), &call) != nil || call.Extra == nil {
		return
	}
	if e.seals == nil {
		e.seals = map[int64]json.RawMessage{}
	}
	e.seals[index] = call.Extra
}

func sendChat(ctx context.Context, client *openai.Client, c *common.Cell, p openai.ChatCompletionNewParams) (*said, error) {
	if c.Stream {
		return streamChat(ctx, client, p)
	}
	answer, err := client.Chat.Completions.New(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &said{ChatCompletion: answer}
	m := answer.Choices[0].Message
	out.add(m.JSON.ExtraFields)
	for i, call := range m.ToolCalls {
		out.seal(int64(i), call.RawJSON())
	}
	return out, nil
}

func streamChat(ctx context.Context, client *openai.Client, p openai.ChatCompletionNewParams) (*said, error) {
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := client.Chat.Completions.NewStreaming(ctx, p)
	var all openai.ChatCompletionAccumulator
	out := &said{ChatCompletion: &all.ChatCompletion}
	for stream.Next() {
		out.pieces++
		chunk := stream.Current()
		if !all.AddChunk(chunk) {
			return nil, errors.New("a chunk that does not fit the others")
		}
		for _, choice := range chunk.Choices {
			out.add(choice.Delta.JSON.ExtraFields)
			for _, call := range choice.Delta.ToolCalls {
				out.seal(call.Index, call.RawJSON())
			}
		}
		if chunk.Usage.TotalTokens > 0 { // accumulators leave the details out
			all.Usage = chunk.Usage
		}
	}
	return out, stream.Err()
}

func cancelChat(ctx context.Context, client *openai.Client, c *common.Cell, p openai.ChatCompletionNewParams) (*common.Seen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.Stream {
		ctx, cancel = context.WithTimeout(ctx, common.Patience)
		defer cancel()
		_, err := client.Chat.Completions.New(ctx, p)
		return &common.Seen{Aborted: errors.Is(err, context.DeadlineExceeded)}, nil
	}
	stream := client.Chat.Completions.NewStreaming(ctx, p)
	seen := &common.Seen{}
	for stream.Next() {
		if seen.Pieces++; seen.Pieces == 2 {
			cancel()
		}
	}
	seen.Aborted = errors.Is(stream.Err(), context.Canceled)
	return seen, nil
}

func responseParams(c *common.Cell) responses.ResponseNewParams {
	text := responses.ResponseInputItemParamOfMessage(c.Question(), responses.EasyInputMessageRoleUser)
	p := responses.ResponseNewParams{Model: c.Model, Store: openai.Bool(false)}
	p.Input.OfInputItemList = responses.ResponseInputParam{text}
	if c.Tools() {
		for _, name := range common.ToolNames {
			p.Tools = append(p.Tools, responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{
				Name: name, Description: openai.String(common.About(name)), Parameters: common.Parameters, Strict: openai.Bool(true),
			}})
		}
	}
	switch c.Scenario {
	case "structured":
		p.Text.Format = responses.ResponseFormatTextConfigUnionParam{OfJSONSchema: &responses.ResponseFormatTextJSONSchemaConfigParam{
			Name: "person", Schema: common.Person, Strict: openai.Bool(true),
		}}
	case "reasoning":
		p.Reasoning = shared.ReasoningParam{Effort: shared.ReasoningEffortLow, Summary: shared.ReasoningSummaryAuto}
		p.Include = []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent}
	case "vision":
		p.Input.OfInputItemList[0] = responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
			{OfInputText: &responses.ResponseInputTextParam{Text: c.Question()}},
			{OfInputImage: &responses.ResponseInputImageParam{
				Detail: responses.ResponseInputImageDetailAuto, ImageURL: openai.String("data:image/png;base64," + common.Picture),
			}},
		}, responses.EasyInputMessageRoleUser)
	}
	return p
}

func askResponses(ctx context.Context, client *openai.Client, c *common.Cell) (*common.Seen, error) {
	p := responseParams(c)
	if c.Scenario == "cancel" {
		return cancelResponses(ctx, client, c, p)
	}
	answer, pieces, err := sendResponses(ctx, client, c, p)
	if err != nil {
		return nil, err
	}
	seen := &common.Seen{
		Text: answer.OutputText(), Finish: string(answer.Status), Pieces: pieces, Input: answer.Usage.InputTokens,
		Output: answer.Usage.OutputTokens, Thought: answer.Usage.OutputTokensDetails.ReasoningTokens,
	}
	for _, item := range answer.Output {
		p.Input.OfInputItemList = append(p.Input.OfInputItemList, param.Override[responses.ResponseInputItemUnionParam](json.RawMessage(item.RawJSON())))
		switch item.Type {
		case "reasoning":
			for _, s := range item.Summary {
				seen.Reasoning += s.Text
			}
		case "function_call":
			call := item.AsFunctionCall()
			seen.Calls = append(seen.Calls, common.Call{ID: call.CallID, Name: call.Name, Args: json.RawMessage(call.Arguments)})
		}
	}
	if len(seen.Calls) > 0 {
		for _, call := range seen.Calls {
			result := responses.ResponseInputItemParamOfFunctionCallOutput(call.ID, common.Report(call.Name))
			p.Input.OfInputItemList = append(p.Input.OfInputItemList, result)
		}
		if answer, _, err = sendResponses(ctx, client, c, p); err != nil {
			return nil, err
		}
		seen.After = answer.OutputText()
	}
	return seen, nil
}

func sendResponses(ctx context.Context, client *openai.Client, c *common.Cell, p responses.ResponseNewParams) (*responses.Response, int, error) {
	if !c.Stream {
		answer, err := client.Responses.New(ctx, p)
		return answer, 0, err
	}
	stream := client.Responses.NewStreaming(ctx, p)
	var last *responses.Response
	pieces := 0
	for stream.Next() {
		pieces++
		if e := stream.Current(); e.Type == "response.completed" || e.Type == "response.incomplete" {
			r := e.Response
			last = &r
		}
	}
	if err := stream.Err(); err != nil {
		return nil, 0, err
	}
	if last == nil {
		return nil, 0, errors.New("no response.completed")
	}
	return last, pieces, nil
}

func cancelResponses(ctx context.Context, client *openai.Client, c *common.Cell, p responses.ResponseNewParams) (*common.Seen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.Stream {
		ctx, cancel = context.WithTimeout(ctx, common.Patience)
		defer cancel()
		_, err := client.Responses.New(ctx, p)
		return &common.Seen{Aborted: errors.Is(err, context.DeadlineExceeded)}, nil
	}
	stream := client.Responses.NewStreaming(ctx, p)
	seen := &common.Seen{}
	for stream.Next() {
		if stream.Current().Type == "response.output_text.delta" {
			seen.Pieces++
		}
		if seen.Pieces == 2 {
			cancel()
		}
	}
	seen.Aborted = errors.Is(stream.Err(), context.Canceled)
	return seen, nil
}
