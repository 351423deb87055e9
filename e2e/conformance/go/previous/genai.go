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
	var bad genai.ClientError
	if errors.As(err, &bad) {
		return &common.Error{Class: "genai.ClientError", Status: bad.Code, Code: bad.Status, Message: bad.Message}
	}
	var broken genai.ServerError
	if errors.As(err, &broken) {
		return &common.Error{Class: "genai.ServerError", Status: broken.Code, Code: broken.Status, Message: broken.Message}
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
	if c.Tools() && c.Scenario != "reasoning" { // this major cannot say again what was thought before a call
		tool := &genai.Tool{}
		for _, name := range common.ToolNames {
			tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{
				Name: name, Description: common.About(name), Parameters: parameters(),
			})
		}
		config.Tools = []*genai.Tool{tool}
	}
	switch c.Scenario {
	case "structured":
		config.ResponseMIMEType = "application/json"
		config.ResponseSchema = &genai.Schema{
			Type:       genai.TypeObject,
			Properties: map[string]*genai.Schema{"name": {Type: genai.TypeString}, "age": {Type: genai.TypeInteger}},
			Required:   []string{"name", "age"},
		}
	case "reasoning":
		config.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true}
	case "vision":
		data, err := base64.StdEncoding.DecodeString(common.Picture)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: data}})
	}
	return []*genai.Content{{Role: "user", Parts: parts}}, config, nil
}

// parameters are those of a tool; this major takes no JSON Schema.
func parameters() *genai.Schema {
	return &genai.Schema{
		Type:       genai.TypeObject,
		Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString, Description: "The name of the city."}},
		Required:   []string{"city"},
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
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
			seen.Input, seen.Output = value(u.PromptTokenCount), value(u.CandidatesTokenCount)
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
