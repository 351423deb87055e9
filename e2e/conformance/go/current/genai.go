package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"google.golang.org/genai"

	"github.com/gantry-ai/gantry/e2e/conformance/common"
)

func describeGenAI(err error) *common.Error {
	var e genai.APIError
	if errors.As(err, &e) {
		return &common.Error{Class: "genai.APIError", Status: e.Code, Code: e.Status, Message: e.Message}
	}
	return &common.Error{Class: "error", Message: err.Error()}
}

func askGenAI(ctx context.Context, c *common.Cell) (*common.Seen, error) {
	client, err := genai.NewClient(ctx, &genai.ClientConfig{
		APIKey: c.Key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: c.Base},
	})
	if err != nil {
		return nil, err
	}
	contents, config, err := contentParams(c)
	if err != nil {
		return nil, err
	}
	if c.Scenario == "cancel" {
		return cancelContent(ctx, client, c, contents, config)
	}
	seen, parts, err := sendContent(ctx, client, c, contents, config)
	if err != nil {
		return nil, err
	}
	if len(seen.Calls) > 0 {
		var results []*genai.Part
		for _, call := range seen.Calls {
			results = append(results, &genai.Part{FunctionResponse: &genai.FunctionResponse{
				ID: call.ID, Name: call.Name, Response: map[string]any{"result": common.Report(call.Name)},
			}})
		}
		contents = append(contents, &genai.Content{Role: "model", Parts: parts}, &genai.Content{Role: "user", Parts: results})
		after, _, err := sendContent(ctx, client, c, contents, config)
		if err != nil {
			return nil, err
		}
		seen.After = after.Text
	}
	return seen, nil
}

func contentParams(c *common.Cell) ([]*genai.Content, *genai.GenerateContentConfig, error) {
	parts := []*genai.Part{{Text: c.Question()}}
	config := &genai.GenerateContentConfig{}
	if c.Tools() {
		tool := &genai.Tool{}
		for _, name := range common.ToolNames {
			tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{
				Name: name, Description: common.About(name), ParametersJsonSchema: common.Parameters,
			})
		}
		config.Tools = []*genai.Tool{tool}
	}
	switch c.Scenario {
	case "structured":
		config.ResponseMIMEType, config.ResponseJsonSchema = "application/json", common.Person
	case "reasoning":
		config.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true, ThinkingBudget: genai.Ptr[int32](1024)}
	case "vision":
		data, err := base64.StdEncoding.DecodeString(common.Picture)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: data}})
	}
	return []*genai.Content{{Role: "user", Parts: parts}}, config, nil
}

func sendContent(
	ctx context.Context, client *genai.Client, c *common.Cell, contents []*genai.Content, config *genai.GenerateContentConfig,
) (*common.Seen, []*genai.Part, error) {
	var parts []*genai.Part
	seen := &common.Seen{}
	take := func(answer *genai.GenerateContentResponse) {
		if len(answer.Candidates) > 0 {
			if content := answer.Candidates[0].Content; content != nil {
				parts = append(parts, content.Parts...)
			}
			if f := answer.Candidates[0].FinishReason; f != "" {
				seen.Finish = string(f)
			}
		}
		if u := answer.UsageMetadata; u != nil {
			seen.Input, seen.Output = int64(u.PromptTokenCount), int64(u.CandidatesTokenCount+u.ThoughtsTokenCount)
			seen.Thought = int64(u.ThoughtsTokenCount)
		}
	}
	if c.Stream {
		for answer, err := range client.Models.GenerateContentStream(ctx, c.Model, contents, config) {
			if err != nil {
				return nil, nil, err
			}
			seen.Pieces++
			take(answer)
		}
	} else {
		answer, err := client.Models.GenerateContent(ctx, c.Model, contents, config)
		if err != nil {
			return nil, nil, err
		}
		take(answer)
	}
	for _, p := range parts {
		switch {
		case p.FunctionCall != nil:
			args, err := json.Marshal(p.FunctionCall.Args)
			if err != nil {
				return nil, nil, err
			}
			seen.Calls = append(seen.Calls, common.Call{ID: p.FunctionCall.ID, Name: p.FunctionCall.Name, Args: args})
		case p.Thought:
			seen.Reasoning += p.Text
		default:
			seen.Text += p.Text
		}
	}
	return seen, parts, nil
}

func cancelContent(
	ctx context.Context, client *genai.Client, c *common.Cell, contents []*genai.Content, config *genai.GenerateContentConfig,
) (*common.Seen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := &common.Seen{}
	if !c.Stream {
		ctx, cancel = context.WithTimeout(ctx, common.Patience)
		defer cancel()
		_, err := client.Models.GenerateContent(ctx, c.Model, contents, config)
		seen.Aborted = errors.Is(err, context.DeadlineExceeded)
		return seen, nil
	}
	for _, err := range client.Models.GenerateContentStream(ctx, c.Model, contents, config) {
		if err != nil {
			seen.Aborted = errors.Is(err, context.Canceled)
			break
		}
		if seen.Pieces++; seen.Pieces == 2 {
			cancel()
		}
	}
	return seen, nil
}
