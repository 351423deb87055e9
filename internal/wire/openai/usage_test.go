package openai

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
)

type quantities map[inference.Resource]int64

func (q quantities) all() (out inference.Quantities) {
	for r, n := range q {
		out[r] = n
	}
	return out
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const in, out, cached, write, reasoning = inference.TextInput, inference.TextOutput, inference.TextInputCached,
		inference.TextCacheWrite, inference.TextReasoning
	for _, c := range []struct {
		name, usage string
		want        quantities
	}{
		{"plain", `{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}`, quantities{in: 5, out: 7}},
		{
			"all parts", `{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
			"prompt_tokens_details":{"cached_tokens":40,"cache_write_tokens":10,"audio_tokens":5,"image_tokens":6,"text_tokens":89},
			"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3,"rejected_prediction_tokens":9}}`,
			quantities{
				cached: 40, write: 10, inference.AudioInput: 5, inference.ImageInput: 6, in: 39, reasoning: 20,
				inference.AudioOutput: 3, out: 27,
			},
		},
		{
			"cached audio is counted once", `{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":9}}`,
			quantities{cached: 8, inference.AudioInput: 2, out: 1},
		},
		{"nulls", `{"prompt_tokens":5,"completion_tokens":7,"total_tokens":null,"prompt_tokens_details":null}`, quantities{in: 5, out: 7}},
		{
			"DeepSeek", `{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}`,
			quantities{cached: 4, in: 6, out: 1},
		},
		{"Moonshot", `{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,"cached_tokens":3}`, quantities{cached: 3, in: 7, out: 1}},
		{
			"xAI leaves reasoning out", `{"prompt_tokens":10,"completion_tokens":1,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":5}}`,
			quantities{in: 10, out: 1, reasoning: 5},
		},
		{"Gemini hides thinking in the total", `{"prompt_tokens":10,"completion_tokens":1,"total_tokens":16}`, quantities{in: 10, out: 1, reasoning: 5}},
		{
			"responses", `{"input_tokens":10,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":13}`,
			quantities{cached: 2, in: 8, reasoning: 1, out: 2},
		},
		{"cached above prompt", `{"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":6}}`, nil},
		{"cached and written above prompt", `{"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":3}}`, nil},
		{"negative", `{"prompt_tokens":-5,"completion_tokens":7}`, nil},
		{"negative part", `{"prompt_tokens":5,"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":-1}}`, nil},
		{"huge", `{"prompt_tokens":5,"completion_tokens":1000000001}`, nil},
		{"beyond int64", `{"prompt_tokens":5,"completion_tokens":99999999999999999999}`, nil},
		{"fraction", `{"prompt_tokens":5.5,"completion_tokens":7}`, nil},
		{"fractions of nothing", `{"prompt_tokens":5.0,"completion_tokens":7.00}`, quantities{in: 5, out: 7}},
		{"text", `{"prompt_tokens":"5","completion_tokens":7}`, nil},
		{"total too small", `{"prompt_tokens":5,"completion_tokens":7,"total_tokens":6}`, nil},
		{"total off by something else", `{"prompt_tokens":5,"completion_tokens":7,"total_tokens":20,"completion_tokens_details":{"reasoning_tokens":3}}`, nil},
		{"reasoning above output", `{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"completion_tokens_details":{"reasoning_tokens":8}}`, nil},
		{"no prompt", `{"completion_tokens":7}`, nil},
		{"no completion", `{"prompt_tokens":7}`, nil},
		{"zeros", `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`, nil},
		{"twice", `{"prompt_tokens":1,"prompt_tokens":2,"completion_tokens":7}`, nil},
		{"no object", `[]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Usage(inference.Chat, []byte(`{"choices":[],"usage":`+c.usage+`}`))
			if ok != (c.want != nil) || got.Quantities != c.want.all() || got.Estimated {
				t.Errorf("got %v, %v", got, ok)
			}
		})
	}
}

func TestUsageElsewhere(t *testing.T) {
	t.Parallel()
	want := quantities{inference.TextInput: 2, inference.TextOutput: 3}.all()
	for _, body := range []string{
		`{"x_groq":{"usage":{"prompt_tokens":2,"completion_tokens":3}},"usage":null}`,
		`{"choices":[{"index":0,"usage":{"prompt_tokens":2,"completion_tokens":3}}]}`,
	} {
		if got, ok := Usage(inference.Chat, []byte(body)); !ok || got.Quantities != want {
			t.Errorf("%s: %v, %v", body, got, ok)
		}
	}
	for _, body := range []string{``, `{}`, `{"choices":[]}`, `{"choices":[1]}`, `{"usage":{"prompt_tokens":2,"completion_tokens":3}`} {
		if got, ok := Usage(inference.Chat, []byte(body)); ok {
			t.Errorf("%s: %v", body, got)
		}
	}
	got, ok := Usage(inference.Embeddings, []byte(`{"usage":{"prompt_tokens":8,"total_tokens":8}}`))
	if !ok || got.Quantities != (quantities{inference.TextInput: 8}).all() {
		t.Errorf("embeddings: %v, %v", got, ok)
	}
	got, ok = Usage(inference.ImageGenerations, []byte(`{"usage":{"input_tokens":8,"output_tokens":9,"input_tokens_details":{"text_tokens":8,"image_tokens":0}}}`))
	if !ok || got.Quantities != (quantities{inference.TextInput: 8, inference.ImageOutput: 9}).all() {
		t.Errorf("image: %v, %v", got, ok)
	}
}

// Whatever the parts, the lines add up to the provider's totals and none is negative.
func TestUsageLinesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string, whole int64) int64 { return rapid.Int64Range(0, whole).Draw(t, name) }
		p, c := part("prompt", maxTokens), part("completion", maxTokens)
		cached := part("cached", p)
		body := fmt.Sprintf(`{"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,
			"prompt_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d,"audio_tokens":%d,"image_tokens":%d},
			"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":%d,"image_tokens":%d}}}`, p, c, min(p+c, maxTokens),
			cached, part("written", p-cached), part("audio in", p), part("image in", p),
			part("reasoning", c), part("audio out", c), part("image out", c))
		u, ok := Usage(inference.Chat, []byte(body))
		if p+c == 0 || p+c > maxTokens {
			return
		}
		if !ok || u.InputTokens() != p || u.OutputTokens() != c {
			t.Fatalf("%s gave %v, %v", body, u, ok)
		}
		for r, n := range u.Quantities {
			if n < 0 {
				t.Errorf("%v is %d", inference.Resource(r), n)
			}
		}
	})
}

func FuzzUsage(f *testing.F) {
	f.Add([]byte(`{"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":4}}}`))
	f.Add([]byte(`{"x_groq":{"usage":{"prompt_tokens":2,"completion_tokens":3}},"choices":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		u, ok := Usage(inference.Chat, body)
		if !ok && !u.IsZero() {
			t.Error("untrusted usage is not zero")
		}
		for _, n := range u.Quantities {
			if n < 0 || n > 2*maxTokens {
				t.Errorf("%s: %v", body, u)
			}
		}
	})
}
