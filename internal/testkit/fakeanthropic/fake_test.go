package fakeanthropic_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

func start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(fakeanthropic.New(fakeanthropic.Options{}))
	t.Cleanup(server.Close)
	return server.URL
}

func client(url string) sdk.Client {
	return sdk.NewClient(option.WithBaseURL(url), option.WithAPIKey(fakeanthropic.DefaultKey), option.WithMaxRetries(0))
}

func ask(model, text string) sdk.MessageNewParams {
	return sdk.MessageNewParams{
		Model: model, MaxTokens: 2048, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock(text))},
	}
}

// The vendor's own client judges the shapes.
func TestTheOfficialClientIsContent(t *testing.T) {
	t.Parallel()
	url := start(t)
	c := client(url)
	whole, err := c.Messages.New(t.Context(), ask("claude-haiku-4-5", "hello there"))
	if err != nil {
		t.Fatal(err)
	}
	if whole.Content[0].Text != "You said: hello there 好的。" || whole.StopReason != "end_turn" || whole.Usage.InputTokens != 6 || whole.Usage.OutputTokens != 8 {
		t.Errorf("got %s", whole.RawJSON())
	}
	params := ask("claude-haiku-4-5", "hello there")
	params.Thinking = sdk.ThinkingConfigParamOfEnabled(1024)
	sum := accumulate(t, c, params)
	if sum.Content[0].Type != "thinking" || sum.Content[1].Text != whole.Content[0].Text || sum.StopReason != "end_turn" {
		t.Errorf("got %s", sum.RawJSON())
	}
	count, err := c.Messages.CountTokens(t.Context(), sdk.MessageCountTokensParams{Model: "claude-haiku-4-5", Messages: params.Messages})
	if err != nil || count.InputTokens != 6 {
		t.Errorf("counted %v, %v", count, err)
	}
	page, err := c.Models.List(t.Context(), sdk.ModelListParams{})
	if err != nil || len(page.Data) != len(fakeanthropic.DefaultModels) {
		t.Errorf("models %v, %v", page, err)
	}
}

func accumulate(t *testing.T, c sdk.Client, params sdk.MessageNewParams) sdk.Message {
	t.Helper()
	stream, sum := c.Messages.NewStreaming(t.Context(), params), sdk.Message{}
	for stream.Next() {
		if err := sum.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if stream.Err() != nil {
		t.Fatal(stream.Err())
	}
	return sum
}

func TestToolCallsComeAndGo(t *testing.T) {
	t.Parallel()
	url := start(t)
	c := client(url)
	params := ask("claude-sonnet-4-5", "call get_weather and get_time")
	for _, name := range []string{"get_weather", "get_time"} {
		params.Tools = append(params.Tools, sdk.ToolUnionParamOfTool(sdk.ToolInputSchemaParam{Properties: map[string]any{}}, name))
	}
	sum := accumulate(t, c, params)
	if sum.StopReason != "tool_use" || len(sum.Content) != 3 || sum.Content[1].Name != "get_weather" || string(sum.Content[1].Input) != `{"city":"Kyiv","days":3}` {
		t.Fatalf("got %+v", sum)
	}
	params.Messages = append(params.Messages, sum.ToParam(), sdk.NewUserMessage(
		sdk.NewToolResultBlock(sum.Content[1].ID, "21", false), sdk.NewToolResultBlock(sum.Content[2].ID, "noon", false)))
	answer, err := c.Messages.New(t.Context(), params)
	if err != nil || answer.StopReason != "end_turn" {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestCacheClasses(t *testing.T) {
	t.Parallel()
	url := start(t)
	c := client(url)
	params := ask("claude-sonnet-4-5", "hello")
	params.System = []sdk.TextBlockParam{{Text: "a long text to be kept", CacheControl: sdk.CacheControlEphemeralParam{TTL: "1h"}}}
	first, err1 := c.Messages.New(t.Context(), params)
	second, err2 := c.Messages.New(t.Context(), params)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if first.Usage.CacheCreation.Ephemeral1hInputTokens != 6 || second.Usage.CacheReadInputTokens != 6 || second.Usage.CacheCreationInputTokens != 0 {
		t.Errorf("%s then %s", first.Usage.RawJSON(), second.Usage.RawJSON())
	}
}

// post sends a body as it is.
func post(t *testing.T, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Api-Key": fakeanthropic.DefaultKey, "Anthropic-Version": fakeanthropic.Version2023, "Content-Type": "application/json",
	} {
		req.Header.Set(name, value)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestItIsAsStrictAsTheRealOne(t *testing.T) {
	t.Parallel()
	url := start(t)
	user := `"messages":[{"role":"user","content":"x"}]`
	call := `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
	with := func(members string) string {
		return `{"model":"claude-haiku-4-5","max_tokens":2048,` + members + `}`
	}
	for _, c := range []struct {
		says, body string
		header     []string
	}{
		{"header is required", with(user), []string{"Anthropic-Version", ""}},
		{"not a valid version", with(user), []string{"Anthropic-Version", "2020-01-01"}},
		{"x-api-key", with(user), []string{"X-Api-Key", ""}},
		{"x-api-key", with(user), []string{"X-Api-Key", "wrong"}},
		{"anthropic-beta", with(user), []string{"Anthropic-Beta", "nonsense-2020"}},
		{"content-type", with(user), []string{"Content-Type", "text/plain"}},
		{"max_tokens: Field required", `{"model":"claude-haiku-4-5",` + user + `}`, nil},
		{"model: claude-0", `{"model":"claude-0","max_tokens":1,` + user + `}`, nil},
		{"foo: Extra inputs", with(user + `,"foo":1`), nil},
		{"temperature: Extra inputs", with(user + `,"temperature":1`), []string{"Anthropic-Version", fakeanthropic.Version2026}},
		{"range: 0..1", with(user + `,"temperature":1.5`), nil},
		{"cannot both be specified", with(user + `,"temperature":0.5,"top_p":0.5`), nil},
		{"must be greater than", with(user + `,"thinking":{"type":"enabled","budget_tokens":4096}`), nil},
		{"greater than or equal to 1024", with(user + `,"thinking":{"type":"enabled","budget_tokens":9}`), nil},
		{"forces tool use", with(user + `,"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}`), nil},
		{"while providing tools", with(user + `,"tool_choice":{"type":"auto"}`), nil},
		{"input_schema", with(user + `,"tools":[{"name":"f"}]`), nil},
		{"first message must use", with(`"messages":[{"role":"assistant","content":"x"}]`), nil},
		{"'user' or 'assistant'", with(`"messages":[{"role":"system","content":"x"}]`), nil},
		{"non-whitespace", with(`"messages":[{"role":"user","content":[{"type":"text","text":" "}]}]`), nil},
		{"without `tool_result`", with(`"messages":[{"role":"user","content":"x"},` + call + `]`), nil},
		{"without `tool_result`", with(`"messages":[{"role":"user","content":"x"},` + call + `,{"role":"user","content":"y"}]`), nil},
		{"must come first", with(`"messages":[{"role":"user","content":"x"},` + call + `,{"role":"user","content":[{"type":"text","text":"y"},{"type":"tool_result","tool_use_id":"t1"}]}]`), nil},
		{"unexpected `tool_use_id`", with(`"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}]`), nil},
		{"Invalid `signature`", with(`"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"b"}]},{"role":"user","content":"y"}]`), nil},
		{"must start with a thinking block", with(`"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"x"},` + call + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}]`), nil},
		{"trailing whitespace", with(`"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y "}]`), nil},
		{"appears to be", with(`"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"/9j/4AAQ"}}]}]`), nil},
		{"maximum of 4", with(`"system":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},`, 5), ",") + `],` + user), nil},
	} {
		status, text := post(t, url, c.body, c.header...)
		var answer struct {
			Type  string `json:"type"`
			Error struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		_ = json.Unmarshal([]byte(text), &answer)
		if status < 400 || answer.Type != "error" || !strings.Contains(answer.Error.Message, c.says) {
			t.Errorf("%s: %d %s", c.says, status, text)
		}
	}
	if status, text := post(t, url, with(user)); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
}
