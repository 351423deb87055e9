package app

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeazure"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeollama"
)

// cloud is an upstream, what it says, and what it says to have taken.
type cloud struct {
	provider, url, model string
	credentials, config  map[string]any
	said                 string
	input, output        int
}

// TestCallersReachOtherClouds connects upstreams as the console does, without a way to sign in, and calls them in OpenAI's
// protocol: what each tells of the usage is what is billed.
func TestCallersReachOtherClouds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ollama, bedrock, azure := httptest.NewServer(&fakeollama.Server{}), httptest.NewServer(&fakebedrock.Server{}), httptest.NewServer(fakeazure.New())
	t.Cleanup(func() { ollama.Close(); bedrock.Close(); azure.Close() })
	for _, c := range []cloud{
		{"ollama", ollama.URL, "llama3.2", nil, map[string]any{"contextLength": 8192}, fakeollama.Answer, fakeollama.Prompt, fakeollama.Output},
		{
			"bedrock", bedrock.URL, fakebedrock.OnDemand,
			map[string]any{"accessKey": fakebedrock.AccessKey, "secretKey": fakebedrock.SecretKey},
			map[string]any{"region": fakebedrock.Region},
			fakebedrock.Answer, 12, 5,
		},
		{
			"bedrock-claude", bedrock.URL, fakebedrock.Profile,
			map[string]any{"apiKey": fakebedrock.APIKey},
			map[string]any{"region": fakebedrock.Region},
			"You said: hi", 5, 7,
		},
		{"azure", azure.URL, "prod-4o-mini", map[string]any{"apiKey": fakeazure.Key}, nil, "", 0, 0},
	} {
		h.reaches(t, &c)
	}
}

func (h *house) reaches(t *testing.T, c *cloud) {
	t.Helper()
	var p named
	platform := map[string]any{"provider": c.provider, "name": c.provider, "baseUrl": c.url}
	if c.credentials != nil {
		platform["credentials"] = c.credentials
	}
	if c.config != nil {
		platform["config"] = c.config
	}
	h.call("POST", "/api/admin/platforms", h.admin, platform, &p, 201)
	alias := "my-" + c.provider
	h.call("PUT", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"models": []any{map[string]any{"modelAlias": alias, "providerModelName": c.model, "modelType": []string{"chat"}}},
	}, nil, 200)
	key := h.invite("u-"+c.provider, "10").key
	var whole struct {
		Choices []struct {
			Message struct{ Content string } `json:"message"`
		} `json:"choices"`
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		} `json:"usage"`
	}
	h.call("POST", "/v1/chat/completions", key, chat(alias, false), &whole, 200)
	if c.said != "" && (!strings.HasPrefix(whole.Choices[0].Message.Content, c.said) || whole.Usage.Prompt != c.input || whole.Usage.Completion != c.output) {
		t.Errorf(c.provider+": got %+v", whole)
	}
	// Tokens are billed by the million.
	if lines, _ := h.bills(key); c.said != "" && !strings.HasPrefix(strings.Join(lines, "; "), fmt.Sprintf("text_input 0.%06d ", c.input)) {
		t.Errorf(c.provider+": billed %v", lines)
	}
	_, body := h.send("POST", "/v1/chat/completions", key, chat(alias, true))
	stream := string(body)
	if !strings.HasSuffix(stream, "data: [DONE]\n\n") || strings.Contains(stream, `"choices":[]`) || !strings.Contains(stream, `"finish_reason":"stop"`) {
		t.Errorf(c.provider+": streamed\n%s", stream)
	}
}
