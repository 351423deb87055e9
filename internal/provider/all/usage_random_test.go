package all_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// ledger is a way to tell usage: an answer with a place for the usage object, and how it is metered.
type ledger struct {
	name, answer string
	// within are groups of figures of which those behind the first are parts of it; beside are figures that add up.
	within [][]string
	beside []string
	// total names the upstream's own total; empty: it tells none.
	total string
	read  func(body []byte) (inference.Usage, bool)
}

func answers(f wire.Format) func([]byte) (inference.Usage, bool) {
	return func(body []byte) (inference.Usage, bool) {
		m, ok := f.Answer(body)
		return m.Usage, ok && m.Known
	}
}

func translated(codec wire.UpstreamCodec) func([]byte) (inference.Usage, bool) {
	b := translate.Bridge{Caller: openai.ChatCodec, Upstream: codec, Now: func() time.Time { return time.Unix(1, 0) }}
	return func(body []byte) (inference.Usage, bool) {
		c, err := b.Request([]byte(questions[inference.Chat]+"}"), "m", false, 9)
		if err != nil {
			return inference.Usage{}, false
		}
		if _, err := c.Answer(body); err != nil {
			return inference.Usage{}, false
		}
		return c.Usage()
	}
}

const claudeAnswer = `{"type":"message","role":"assistant","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":%s}`

var ledgers = []ledger{
	{
		name: "openai chat", answer: `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":%s}`, total: "total_tokens",
		within: [][]string{
			{"prompt_tokens", "prompt_tokens_details.cached_tokens", "prompt_tokens_details.audio_tokens"},
			{"completion_tokens", "completion_tokens_details.reasoning_tokens", "completion_tokens_details.audio_tokens"},
		},
		read: answers(openai.Chat),
	},
	{
		name: "openai responses", answer: `{"id":"r","object":"response","status":"completed","output":[],"usage":%s}`, total: "total_tokens",
		within: [][]string{
			{"input_tokens", "input_tokens_details.cached_tokens", "input_tokens_details.cache_write_tokens"},
			{"output_tokens", "output_tokens_details.reasoning_tokens"},
		},
		read: answers(openai.Responses),
	},
	{
		name: "anthropic", answer: claudeAnswer,
		within: [][]string{{"cache_creation_input_tokens", "cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens"}},
		beside: []string{"input_tokens", "cache_read_input_tokens", "output_tokens"},
		read:   answers(formatOf(inference.Anthropic, inference.Messages, false)),
	},
	{
		name: "gemini", answer: `{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":%s}`,
		total: "totalTokenCount", within: [][]string{{"promptTokenCount", "cachedContentTokenCount"}},
		beside: []string{"candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount"}, read: answers(gemini.Generate{Model: "m"}),
	},
	{
		name: "bedrock", answer: `{"output":{"message":{"role":"assistant","content":[{"text":"a"}]}},"stopReason":"end_turn","usage":%s}`,
		total: "totalTokens", beside: []string{"inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"}, read: translated(bedrock.Codec),
	},
	{
		name: "ollama", answer: `{"message":{"role":"assistant","content":"a"},"done":true,"done_reason":"stop","x":%s}`,
		beside: []string{"prompt_eval_count", "eval_count"}, read: translated(ollama.Codec),
	},
}

// put sets a member of an object, below others where dots part its name.
func put(object map[string]any, path string, n int64) {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		object[name] = n
		return
	}
	inner, ok := object[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[name] = inner
	}
	put(inner, rest, n)
}

// body makes an answer of figures. Ollama has them beside the answer's other members.
func (l *ledger) body(t *testing.T, figures map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(l.answer, `"x":%s`) {
		return fmt.Appendf(nil, strings.Replace(l.answer, `"x":%s`, "%s", 1), text[1:len(text)-1])
	}
	return fmt.Appendf(nil, l.answer, text)
}

// TestRandomUsageAddsUp tells random usage in every protocol. Where it makes sense, the lines are together what the upstream
// says; where it does not, it is not believed, or what is believed is still nothing negative and no more than was told.
func TestRandomUsageAddsUp(t *testing.T) {
	t.Parallel()
	for i := range ledgers {
		l := &ledgers[i]
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, uint64(i)))
			believed := 0
			for range 3000 {
				figures, total := l.sound(r)
				u, ok := l.read(l.body(t, figures))
				if sum := u.InputTokens() + u.OutputTokens(); ok && sum != total || !ok && total > 0 {
					t.Fatalf("%v sums up to %d, want %d: %+v", figures, sum, total, u)
				}
				if ok {
					believed++
				}
				l.wild(t, r)
			}
			if believed < 2000 {
				t.Errorf("only %d were believed", believed)
			}
		})
	}
}

// sound makes figures that make sense.
func (l *ledger) sound(r *rand.Rand) (figures map[string]any, total int64) {
	figures = map[string]any{}
	for _, group := range l.within {
		whole := r.Int64N(5000)
		put(figures, group[0], whole)
		total += whole
		left := whole
		for _, part := range group[1:] {
			n := r.Int64N(left + 1)
			put(figures, part, n)
			left -= n
		}
	}
	for _, name := range l.beside {
		n := 1 + r.Int64N(5000)
		put(figures, name, n)
		total += n
	}
	if l.total != "" {
		put(figures, l.total, total)
	}
	return figures, total
}

// wild makes figures that need make no sense, and checks what is believed of them.
func (l *ledger) wild(t *testing.T, r *rand.Rand) {
	t.Helper()
	figures, all := map[string]any{}, int64(0)
	names := append([]string{}, l.beside...)
	for _, group := range l.within {
		names = append(names, group...)
	}
	for _, name := range append(names, l.total) {
		n := r.Int64N(400) - 40
		if name == "" || r.IntN(6) == 0 {
			continue
		}
		if r.IntN(20) == 0 {
			n = []int64{1 << 62, -1 << 63, 1 << 40}[r.IntN(3)]
		}
		put(figures, name, n)
		all += max(0, min(n, 1<<41))
	}
	u, ok := l.read(l.body(t, figures))
	for resource, n := range u.Quantities {
		if n < 0 || !ok && n != 0 {
			t.Fatalf("%v: %d of %v", figures, n, inference.Resource(resource))
		}
	}
	if sum := u.InputTokens() + u.OutputTokens(); sum > all {
		t.Fatalf("%v: %d tokens, of which %d were told", figures, sum, all)
	}
}
