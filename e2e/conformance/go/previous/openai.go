package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/openai/openai-go/v2"
	"github.com/openai/openai-go/v2/option"
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
	if c.Scenario == "error" {
		c.Model = "no-such-model"
	}
	if c.API == "responses" {
		return askResponses(ctx, &client, c)
	}
	return askChat(ctx, &client, c)
}

func chatParams(c *common.Cell) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{
		Model: c.Model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(common.Questions[c.Scenario])},
	}
	if c.Tools() {
		for _, name := range common.ToolNames {
			p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name: name, Description: openai.String(common.Describe(name)), Parameters: common.Parameters,
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
			openai.TextContentPart(common.Questions["vision"]),
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
		p.Messages = append(p.Messages, m.ToParam())
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

	pieces   int
	thinking string
}

func sendChat(ctx context.Context, client *openai.Client, c *common.Cell, p openai.ChatCompletionNewParams) (*said, error) {
	if !c.Stream {
		answer, err := client.Chat.Completions.New(ctx, p)
		if err != nil {
			return nil, err
		}
		return &said{answer, 0, extra(answer.Choices[0].Message.JSON.ExtraFields["reasoning_content"].Raw())}, nil
	}
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := client.Chat.Completions.NewStreaming(ctx, p)
	var all openai.ChatCompletionAccumulator
	pieces, thinking := 0, ""
	for stream.Next() {
		pieces++
		if !all.AddChunk(stream.Current()) {
			return nil, errors.New("a chunk that does not fit the others")
		}
		thinking += thoughtOf(stream.Current())
		if u := stream.Current().Usage; u.TotalTokens > 0 { // accumulators leave the details out
			all.Usage = u
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	return &said{&all.ChatCompletion, pieces, thinking}, nil
}

func thoughtOf(chunk openai.ChatCompletionChunk) string {
	if len(chunk.Choices) == 0 {
		return ""
	}
	return extra(chunk.Choices[0].Delta.JSON.ExtraFields["reasoning_content"].Raw())
}

// extra reads a text that the SDK kept as it came.
func extra(raw string) (text string) {
	_ = json.Unmarshal([]byte(raw), &text)
	return text
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
	text := responses.ResponseInputItemParamOfMessage(common.Questions[c.Scenario], responses.EasyInputMessageRoleUser)
	p := responses.ResponseNewParams{Model: c.Model, Store: openai.Bool(false)}
	p.Input.OfInputItemList = responses.ResponseInputParam{text}
	if c.Tools() {
		for _, name := range common.ToolNames {
			p.Tools = append(p.Tools, responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{
				Name: name, Description: openai.String(common.Describe(name)), Parameters: common.Parameters, Strict: openai.Bool(true),
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
	case "vision":
		p.Input.OfInputItemList[0] = responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
			{OfInputText: &responses.ResponseInputTextParam{Text: common.Questions["vision"]}},
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
		switch item.Type {
		case "reasoning":
			for _, s := range item.Summary {
				seen.Reasoning += s.Text
			}
		case "function_call":
			call := item.AsFunctionCall()
			seen.Calls = append(seen.Calls, common.Call{ID: call.CallID, Name: call.Name, Args: json.RawMessage(call.Arguments)})
			p.Input.OfInputItemList = append(p.Input.OfInputItemList, responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name))
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
