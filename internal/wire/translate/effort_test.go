package translate_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// thought is what a request says of reasoning, in any protocol.
func thought(t *testing.T, body []byte) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	more, _ := m["additionalModelRequestFields"].(map[string]any)
	maps.Copy(m, more)
	var out []string
	add := func(v any) {
		if v != nil {
			raw, _ := json.Marshal(v) //nolint:errchkjson // came from JSON
			plain := strings.ReplaceAll(string(raw), `"`, "")
			out = append(out, strings.NewReplacer("budget_tokens:", "", "type:", "", "includeThoughts:true,", "").Replace(plain))
		}
	}
	add(m["reasoning_effort"])
	add(m["think"])
	add(m["thinking"])
	for _, in := range [...]string{"reasoning", "output_config"} {
		if inner, ok := m[in].(map[string]any); ok {
			add(inner["effort"])
		}
	}
	if config, ok := m["generationConfig"].(map[string]any); ok {
		add(config["thinkingConfig"])
	}
	return strings.Join(out, " ")
}

// TestEfforts is the whole table: what callers of OpenAI's protocol mean by an effort, at each kind of model. "-" says that it is
// not told and the log says so.
func TestEfforts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		upstream wire.UpstreamCodec
		model    string
		want     [len(wire.Efforts) + 1]string // as wire.Efforts, and one that nobody knows
	}{
		{openai.ResponsesCodec, "gpt-5.4", [...]string{"none", "minimal", "low", "medium", "high", "xhigh", "max", "odd"}},
		{openai.ResponsesCodec, "gpt-5.2", [...]string{"none", "low", "low", "medium", "high", "xhigh", "xhigh", "odd"}},
		{openai.ResponsesCodec, "openai/gpt-5.1", [...]string{"none", "low", "low", "medium", "high", "high", "high", "odd"}},
		{openai.ResponsesCodec, "gpt-5.1-codex-max", [...]string{"low", "low", "low", "medium", "high", "xhigh", "xhigh", "odd"}},
		{openai.ResponsesCodec, "gpt-5-mini", [...]string{"minimal", "minimal", "low", "medium", "high", "high", "high", "odd"}},
		{openai.ResponsesCodec, "gpt-5-pro", [...]string{"high", "high", "high", "high", "high", "high", "high", "odd"}},
		{openai.ResponsesCodec, "o3", [...]string{"low", "low", "low", "medium", "high", "high", "high", "odd"}},
		{openai.ResponsesCodec, "gpt-4o", [...]string{"", "-", "-", "-", "-", "-", "-", "-"}},
		{openai.ChatCodec, "deepseek-v4", [...]string{"none", "minimal", "low", "medium", "high", "xhigh", "max", "odd"}},
		{openai.ChatCodec, "openai/gpt-oss-120b", [...]string{"low", "low", "low", "medium", "high", "high", "high", "odd"}},
		{anthropic.Codec, "claude-3-7-sonnet-20250219", [...]string{
			"", "{1024,enabled}", "{2048,enabled}", "{8192,enabled}", "{16384,enabled}", "{32768,enabled}", "{32768,enabled}", "-",
		}},
		{anthropic.Codec, "claude-opus-4-6", [...]string{
			"", "{1024,enabled}", "{2048,enabled}", "{8192,enabled}", "{16384,enabled}", "{32768,enabled}", "{32768,enabled}", "-",
		}},
		{anthropic.Codec, "claude-opus-4-7", [...]string{
			"", "{adaptive} low", "{adaptive} low", "{adaptive} medium", "{adaptive} high", "{adaptive} xhigh", "{adaptive} max", "-",
		}},
		{anthropic.Codec, "anthropic/claude-sonnet-5", [...]string{
			"", "{adaptive} low", "{adaptive} low", "{adaptive} medium", "{adaptive} high", "{adaptive} xhigh", "{adaptive} max", "-",
		}},
		{anthropic.Codec, "kimi-k3", [...]string{
			"", "{1024,enabled}", "{2048,enabled}", "{8192,enabled}", "{16384,enabled}", "{32768,enabled}", "{32768,enabled}", "-",
		}},
		{bedrock.Codec, "us.anthropic.claude-sonnet-4-20250514-v1:0", [...]string{
			"", "{1024,enabled}", "{2048,enabled}", "{8192,enabled}", "{16384,enabled}", "{32768,enabled}", "{32768,enabled}", "-",
		}},
		{bedrock.Codec, "us.anthropic.claude-opus-4-7", [...]string{
			"", "{adaptive} low", "{adaptive} low", "{adaptive} medium", "{adaptive} high", "{adaptive} xhigh", "{adaptive} max", "-",
		}},
		{bedrock.Codec, "amazon.nova-pro-v1:0", [...]string{"", "-", "-", "-", "-", "-", "-", "-"}},
		{gemini.Codec, "gemini-2.5-flash", [...]string{
			"{thinkingBudget:0}", "{thinkingBudget:512}", "{thinkingBudget:1024}", "{thinkingBudget:8192}", "{thinkingBudget:24576}",
			"{thinkingBudget:24576}", "{thinkingBudget:24576}", "-",
		}},
		{gemini.Codec, "gemini-2.5-pro", [...]string{
			"{thinkingBudget:128}", "{thinkingBudget:512}", "{thinkingBudget:1024}", "{thinkingBudget:8192}", "{thinkingBudget:24576}",
			"{thinkingBudget:32768}", "{thinkingBudget:32768}", "-",
		}},
		{gemini.Codec, "gemini-3-flash", [...]string{
			"{thinkingLevel:minimal}", "{thinkingLevel:minimal}", "{thinkingLevel:low}", "{thinkingLevel:medium}", "{thinkingLevel:high}",
			"{thinkingLevel:high}", "{thinkingLevel:high}", "-",
		}},
		{gemini.Codec, "gemini-3-pro-preview", [...]string{
			"{thinkingLevel:low}", "{thinkingLevel:low}", "{thinkingLevel:low}", "{thinkingLevel:medium}", "{thinkingLevel:high}",
			"{thinkingLevel:high}", "{thinkingLevel:high}", "-",
		}},
		{gemini.Codec, "gemini-2.0-flash", [...]string{"-", "-", "-", "-", "-", "-", "-", "-"}},
		{ollama.Codec, "gpt-oss:20b", [...]string{"false", "low", "low", "medium", "high", "high", "high", "high"}},
		{ollama.Codec, "qwen3", [...]string{"false", "true", "true", "true", "true", "true", "true", "true"}},
	} {
		for i, effort := range append(wire.Efforts[:len(wire.Efforts):len(wire.Efforts)], "odd") {
			x, err := bridgeOf(openai.ChatCodec, c.upstream).Request([]byte(`{"model":"m","messages":[{"role":"user","content":"a"}],`+
				`"max_tokens":65536,"reasoning_effort":"`+effort+`"}`), c.model, false, 0)
			if err != nil {
				t.Errorf("%s %s: %v", c.model, effort, err)
				continue
			}
			got := thought(t, x.Body)
			if got == "" && len(x.Losses) > 0 {
				got = "-"
			}
			if got != c.want[i] {
				t.Errorf("%s %s: got %q, want %q in %s %+v", c.model, effort, got, c.want[i], x.Body, x.Losses)
			}
		}
	}
}

// TestBudgets is what callers of Anthropic's and of Google's protocols mean.
func TestBudgets(t *testing.T) {
	t.Parallel()
	const (
		messages = `"messages":[{"role":"user","content":"a"}],"max_tokens":65536`
		contents = `"contents":[{"role":"user","parts":[{"text":"a"}]}]`
	)
	for _, c := range []struct {
		caller, upstream wire.Codec
		model, body      string
		want             string
	}{
		{anthropic.Codec, openai.ResponsesCodec, "gpt-5.4", messages + `,"thinking":{"type":"disabled"}`, "none"},
		{anthropic.Codec, openai.ResponsesCodec, "gpt-4o", messages + `,"thinking":{"type":"disabled"}`, ""},
		{anthropic.Codec, openai.ResponsesCodec, "o3", messages + `,"thinking":{"type":"enabled","budget_tokens":1024}`, "low"},
		{anthropic.Codec, openai.ResponsesCodec, "o3", messages + `,"thinking":{"type":"enabled","budget_tokens":8192}`, "medium"},
		{anthropic.Codec, openai.ResponsesCodec, "o3", messages + `,"thinking":{"type":"enabled","budget_tokens":16384}`, "high"},
		{anthropic.Codec, openai.ResponsesCodec, "gpt-5.4", messages + `,"thinking":{"type":"enabled","budget_tokens":32768}`, "xhigh"},
		{anthropic.Codec, openai.ResponsesCodec, "o3", messages + `,"thinking":{"type":"enabled","budget_tokens":32768}`, "high"},
		{anthropic.Codec, openai.ChatCodec, "gpt-5.4", messages + `,"thinking":{"type":"adaptive"}`, ""},
		{anthropic.Codec, openai.ChatCodec, "gpt-5.4", messages + `,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`, "max"},
		{anthropic.Codec, openai.ChatCodec, "gpt-5", messages + `,"output_config":{"effort":"max"}`, "high"},
		{anthropic.Codec, gemini.Codec, "gemini-2.5-pro", messages + `,"thinking":{"type":"adaptive"}`, "{thinkingBudget:-1}"},
		{anthropic.Codec, gemini.Codec, "gemini-2.5-pro", messages + `,"thinking":{"type":"adaptive"},"output_config":{"effort":"medium"}`, "{thinkingBudget:8192}"},
		{anthropic.Codec, gemini.Codec, "gemini-2.5-flash", messages + `,"thinking":{"type":"enabled","budget_tokens":50000}`, "{thinkingBudget:24576}"},
		{anthropic.Codec, gemini.Codec, "gemini-3-flash", messages + `,"thinking":{"type":"enabled","budget_tokens":5000}`, "{thinkingLevel:medium}"},
		{anthropic.Codec, gemini.Codec, "gemini-3-flash", messages + `,"thinking":{"type":"disabled"}`, "{thinkingLevel:minimal}"},
		{anthropic.Codec, anthropic.Codec, "claude-opus-4-7", messages + `,"thinking":{"type":"enabled","budget_tokens":5000}`, "{adaptive} medium"},
		{anthropic.Codec, anthropic.Codec, "claude-opus-4-6", messages + `,"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}`, "{adaptive} max"},
		{anthropic.Codec, anthropic.Codec, "claude-opus-4-5", messages + `,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`, "{32768,enabled} high"},
		{anthropic.Codec, anthropic.Codec, "claude-sonnet-4-5", messages + `,"thinking":{"type":"adaptive"}`, "{8192,enabled}"},
		{gemini.Codec, anthropic.Codec, "claude-opus-4-6", contents + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}`, ""},
		{gemini.Codec, anthropic.Codec, "claude-opus-4-6", contents + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}`, "{8192,enabled}"},
		{gemini.Codec, anthropic.Codec, "claude-opus-4-7", contents + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}`, "{adaptive}"},
		{gemini.Codec, anthropic.Codec, "claude-opus-4-6", contents + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"HIGH"}}`, "{16384,enabled}"},
		{gemini.Codec, openai.ChatCodec, "gpt-5", contents + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"MINIMAL"}}`, "minimal"},
		{gemini.Codec, openai.ChatCodec, "gpt-5", contents + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}`, ""},
		{gemini.Codec, openai.ResponsesCodec, "gpt-5", contents + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":24576}}`, "high"},
	} {
		x, err := bridgeOf(c.caller, c.upstream).Request([]byte("{"+c.body+"}"), c.model, false, 0)
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		got := strings.ReplaceAll(thought(t, x.Body), "display:summarized,", "")
		if got != c.want {
			t.Errorf("%s at %s: got %q, want %q in %s", c.body, c.model, got, c.want, x.Body)
		}
	}
}
