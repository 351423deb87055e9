package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// TestModelsThatThinkAreNotSampled: OpenAI's models refuse figures while they think, and take them where they do not.
func TestModelsThatThinkAreNotSampled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model, effort string
		temperature   string
		sampled       bool
		losses        int
	}{
		{"gpt-5-mini", "", "0.5", false, 2},
		{"gpt-5-mini", "", "1.0", false, 1},
		{"openai/o3", "low", "0.5", false, 2},
		{"gpt-5.2", "", "0.5", true, 0},
		{"gpt-5.2", "none", "0.5", true, 0},
		{"gpt-5.2", "high", "0.5", false, 2},
		{"gpt-5-chat-latest", "", "0.5", true, 0},
		{"gpt-4o", "", "0.5", true, 0},
		{"gpt-oss-20b", "low", "0.5", true, 0},
		{"deepseek-v4", "high", "0.5", true, 0},
	} {
		for _, codec := range []wire.Codec{openai.ChatCodec, openai.ResponsesCodec} {
			one := int64(1)
			p := &inference.Prompt{Model: c.model, Turns: []inference.Turn{{Parts: []inference.Part{{Text: "a"}}}}}
			p.Reasoning.Effort = c.effort
			p.Temperature, p.TopLogprobs = json.Number(c.temperature), &one
			var l wire.Losses
			got, err := codec.EncodeRequest(p, wire.EncodeOptions{}, &l)
			if err != nil {
				t.Fatal(err)
			}
			sampled := strings.Contains(string(got), `"temperature":`) && strings.Contains(string(got), `"top_logprobs":`)
			if sampled != c.sampled || strings.Contains(string(got), "logprobs") != c.sampled || len(l.Dropped) != c.losses {
				t.Errorf("%s %s: %s %+v", c.model, c.effort, got, l.Dropped)
			}
		}
	}
}
