package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gantry-ai/gantry/e2e/conformance/common"
)

func describeAnthropic(err error) *common.Error {
	var e *anthropic.Error
	if !errors.As(err, &e) {
		return &common.Error{Class: "error", Message: err.Error()}
	}
	var body struct {
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal([]byte(e.RawJSON()), &body)
	return &common.Error{Class: "anthropic.Error", Status: e.StatusCode, Code: body.Error.Type, Message: body.Error.Message}
}

func askAnthropic(ctx context.Context, c *common.Cell) (*common.Seen, error) {
	client := anthropic.NewClient(option.WithBaseURL(c.Base), option.WithAPIKey(c.Key), option.WithMaxRetries(0))
	p := messageParams(c)
	if c.Scenario == "cancel" {
		return cancelMessage(ctx, &client, c, p)
	}
	answer, pieces, err := sendMessage(ctx, &client, c, p)
	if err != nil {
		return nil, err
	}
	seen := &common.Seen{
		Finish: string(answer.StopReason), Pieces: pieces, Input: inputOf(&answer.Usage), Output: answer.Usage.OutputTokens,
	}
	var results []anthropic.ContentBlockParamUnion
	for _, block := range answer.Content {
		switch block.Type {
		case "text":
			seen.Text += block.Text
		case "thinking":
			seen.Reasoning += block.Thinking
		case "tool_use":
			seen.Calls = append(seen.Calls, common.Call{ID: block.ID, Name: block.Name, Args: block.Input})
			results = append(results, anthropic.NewToolResultBlock(block.ID, common.Report(block.Name), false))
		}
	}
	if len(results) > 0 {
		p.Messages = append(p.Messages, answer.ToParam(), anthropic.NewUserMessage(results...))
		if answer, _, err = sendMessage(ctx, &client, c, p); err != nil {
			return nil, err
		}
		for _, block := range answer.Content {
			seen.After += block.Text
		}
	}
	return seen, nil
}

// inputOf is all that was read: what was cached is counted apart.
func inputOf(u *anthropic.Usage) int64 {
	return u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens
}

func messageParams(c *common.Cell) anthropic.MessageNewParams {
	p := anthropic.MessageNewParams{
		Model: anthropic.Model(c.Model), MaxTokens: 4096,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(c.Question()))},
	}
	if c.Tools() {
		for _, name := range common.ToolNames {
			p.Tools = append(p.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
				Name: name, Description: anthropic.String(common.About(name)),
				InputSchema: anthropic.ToolInputSchemaParam{Properties: common.Parameters["properties"], Required: []string{"city"}},
			}})
		}
	}
	switch c.Scenario {
	case "structured":
		p.OutputConfig = anthropic.OutputConfigParam{Format: anthropic.JSONOutputFormatParam{Schema: common.Person}}
	case "reasoning":
		p.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	case "vision":
		p.Messages[0] = anthropic.NewUserMessage(anthropic.NewImageBlockBase64("image/png", common.Picture),
			anthropic.NewTextBlock(c.Question()))
	}
	return p
}

func sendMessage(ctx context.Context, client *anthropic.Client, c *common.Cell, p anthropic.MessageNewParams) (*anthropic.Message, int, error) {
	if !c.Stream {
		answer, err := client.Messages.New(ctx, p)
		return answer, 0, err
	}
	stream := client.Messages.NewStreaming(ctx, p)
	var all anthropic.Message
	pieces := 0
	for stream.Next() {
		pieces++
		if err := all.Accumulate(stream.Current()); err != nil {
			return nil, 0, err
		}
	}
	return &all, pieces, stream.Err()
}

func cancelMessage(ctx context.Context, client *anthropic.Client, c *common.Cell, p anthropic.MessageNewParams) (*common.Seen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.Stream {
		ctx, cancel = context.WithTimeout(ctx, common.Patience)
		defer cancel()
		_, err := client.Messages.New(ctx, p)
		return &common.Seen{Aborted: errors.Is(err, context.DeadlineExceeded)}, nil
	}
	stream := client.Messages.NewStreaming(ctx, p)
	seen := &common.Seen{}
	for stream.Next() {
		if stream.Current().Type == "content_block_delta" {
			seen.Pieces++
		}
		if seen.Pieces == 2 {
			cancel()
		}
	}
	seen.Aborted = errors.Is(stream.Err(), context.Canceled)
	return seen, nil
}
