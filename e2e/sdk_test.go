package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// TestOfficialGoSDK lets OpenAI's own client judge chat and embeddings, on a real upstream over the network and on the
// simulator.
func TestOfficialGoSDK(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	in.connect(fakeUpstream(t), map[string]string{"gpt-4o-mini": "chat", "text-embedding-3-small": "embedding"})
	u := in.newUser("sdk", "5")
	for name, models := range map[string]struct{ chat, embedding string }{
		"upstream":  {"gpt-4o-mini", "text-embedding-3-small"},
		"simulator": {"sim-chat", "sim-embed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := openai.NewClient(option.WithBaseURL(in.url+"/v1"), option.WithAPIKey(u.key), option.WithMaxRetries(0))
			t.Run("buffered", func(t *testing.T) { t.Parallel(); buffered(t, c, models.chat) })
			t.Run("streamed", func(t *testing.T) { t.Parallel(); streamed(t, c, models.chat) })
			t.Run("tools", func(t *testing.T) { t.Parallel(); tools(t, c, models.chat) })
			t.Run("embeddings", func(t *testing.T) { t.Parallel(); embeddings(t, c, models.embedding) })
			t.Run("errors", func(t *testing.T) { t.Parallel(); sdkErrors(t, in, c, models.chat) })
			t.Run("models", func(t *testing.T) { t.Parallel(); modelList(t, c, models.chat) })
		})
	}
}

func hello(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, MaxCompletionTokens: openai.Int(200),
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("You are brief."), openai.UserMessage("Tell me about harbour cranes."),
		},
	}
}

func buffered(t *testing.T, c openai.Client, model string) {
	t.Helper()
	answer, err := c.Chat.Completions.New(t.Context(), hello(model))
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Choices) != 1 || answer.Choices[0].Message.Content == "" || answer.Usage.TotalTokens == 0 {
		t.Errorf("%s", answer.RawJSON())
	}
}

func streamed(t *testing.T, c openai.Client, model string) {
	t.Helper()
	for _, askUsage := range []bool{false, true} {
		params := hello(model)
		if askUsage {
			params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var all openai.ChatCompletionAccumulator
		chunks := 0
		for stream.Next() {
			if !all.AddChunk(stream.Current()) {
				t.Fatalf("a chunk does not belong to the others: %s", stream.Current().RawJSON())
			}
			chunks++
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if chunks < 3 || all.Choices[0].Message.Content == "" || all.Choices[0].FinishReason == "" {
			t.Errorf("%d chunks make %+v", chunks, all.Choices)
		}
		if got := all.Usage.TotalTokens > 0; got != askUsage {
			t.Errorf("asked for usage %v, got %+v", askUsage, all.Usage)
		}
	}
}

func tools(t *testing.T, c openai.Client, model string) {
	t.Helper()
	params := hello(model)
	params.Messages = []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is the weather in Kyiv? Use get_weather.")}
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "get_weather", Parameters: shared.FunctionParameters{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
		},
	})}
	params.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("required")}
	answer, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Choices[0].Message.ToolCalls) == 0 {
		t.Fatalf("no tool call in %s", answer.RawJSON())
	}
	call := answer.Choices[0].Message.ToolCalls[0]
	if call.Function.Name != "get_weather" || call.ID == "" || !json.Valid([]byte(call.Function.Arguments)) {
		t.Errorf("%+v", call)
	}
	params.Messages = append(params.Messages, answer.Choices[0].Message.ToParam(), openai.ToolMessage(`{"celsius":21}`, call.ID))
	params.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{}
	if answer, err = c.Chat.Completions.New(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	if answer.Choices[0].Message.Content == "" {
		t.Errorf("no answer to the tool's result: %s", answer.RawJSON())
	}
}

func embeddings(t *testing.T, c openai.Client, model string) {
	t.Helper()
	answer, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) != 2 || len(answer.Data[0].Embedding) == 0 || answer.Usage.PromptTokens == 0 {
		t.Errorf("%d embeddings, usage %+v", len(answer.Data), answer.Usage)
	}
}

func sdkErrors(t *testing.T, in *installation, c openai.Client, model string) {
	t.Helper()
	check := func(what string, err error, status int, code string) {
		t.Helper()
		var e *openai.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v is not the SDK's own error", what, err)
		}
		if e.StatusCode != status || e.Code != code {
			t.Errorf("%s: %d %s (%s), want %d %s", what, e.StatusCode, e.Code, e.Message, status, code)
		}
	}
	_, err := c.Chat.Completions.New(t.Context(), hello("no-such-model"))
	check("unknown model", err, 404, "model_not_found")
	bad := hello(model)
	bad.Messages = nil
	_, err = c.Chat.Completions.New(t.Context(), bad, option.WithJSONSet("messages", []any{}))
	check("no messages", err, 400, "invalid_parameter")
	stranger := openai.NewClient(option.WithBaseURL(in.url+"/v1"), option.WithAPIKey("sk-nobody"), option.WithMaxRetries(0))
	_, err = stranger.Chat.Completions.New(t.Context(), hello(model))
	check("unknown key", err, 401, "invalid_api_key")
	poor := in.newUser("poor-"+strings.ReplaceAll(model, "-", ""), "0.000001")
	in.call("PATCH", "/api/admin/users/"+poor.id+"/wallet", in.admin,
		map[string]any{"balance": 0, "currency": "SIM", "reason": "test"}, nil, 200)
	broke := openai.NewClient(option.WithBaseURL(in.url+"/v1"), option.WithAPIKey(poor.key), option.WithMaxRetries(0))
	_, err = broke.Chat.Completions.New(t.Context(), hello(model))
	check("empty wallet", err, 402, "insufficient_balance")
}

func modelList(t *testing.T, c openai.Client, model string) {
	t.Helper()
	list, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Data {
		if m.ID == model {
			return
		}
	}
	t.Errorf("%s is not among %d models", model, len(list.Data))
}

// TestOfficialNodeSDK does the same with the client for Node; openai.mjs holds the checks.
func TestOfficialNodeSDK(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	in.connect(fakeUpstream(t), map[string]string{"gpt-4o-mini": "chat", "text-embedding-3-small": "embedding"})
	u := in.newUser("node", "5")
	for name, models := range map[string][2]string{
		"upstream": {"gpt-4o-mini", "text-embedding-3-small"}, "simulator": {"sim-chat", "sim-embed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("node", "openai.mjs")
			cmd.Env = append(os.Environ(), "GANTRY_URL="+in.url, "GANTRY_KEY="+u.key, "CHAT_MODEL="+models[0], "EMBEDDING_MODEL="+models[1])
			if text, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(text), "ok\n") {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}
