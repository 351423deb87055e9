package gemini_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

func TestForVertex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"nothing to do", `{ "contents":[{"role":"user","parts":[{"text":"a"}]}]}`, `{ "contents":[{"role":"user","parts":[{"text":"a"}]}]}`},
		{"roles", `{"contents":[{"parts":[{"text":"a"}]}, { "role":"model"},{}]}`, `{"contents":[{"role":"user","parts":[{"text":"a"}]}, { "role":"model"},{"role":"user"}]}`},
		{
			"ids", `{"x":1,"contents":[{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{"id":"stays"}},"thoughtSignature":"s"}]},{"role":"user","parts":[{"function_response":{"name":"f","id":"a"}}]}]}`,
			`{"x":1,"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"id":"stays"}},"thoughtSignature":"s"}]},{"role":"user","parts":[{"function_response":{"name":"f"}}]}]}`,
		},
		{"no request", `[1]`, `[1]`},
	} {
		if got := string(gemini.ForVertex([]byte(c.body))); got != c.want {
			t.Errorf("%s: got %s", c.name, got)
		}
	}
}

func TestEmbeddingsAsPredictions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{
			`{"content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"CLUSTERING","title":"T","outputDimensionality":3}`,
			`{"instances":[{"content":"a\nb","task_type":"CLUSTERING","title":"T"}],"parameters":{"outputDimensionality":3}}`,
		},
		{
			`{"requests":[{"model":"m","content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"task_type":"X"}]}`,
			`{"instances":[{"content":"a"},{"content":"b","task_type":"X"}]}`,
		},
	} {
		got, err := gemini.ToPredict([]byte(c.body))
		if err != nil || string(got) != c.want {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if _, err := gemini.ToPredict([]byte(`{"requests":[{"outputDimensionality":3},{"output_dimensionality":4}]}`)); err == nil {
		t.Error("vectors of several lengths are wanted of one call")
	}
	answer := []byte(`{"predictions":[{"embeddings":{"values":[0.1,-2e-3],"statistics":{"token_count":4.0}}}]}`)
	if got, ok := gemini.FromPredict(answer, false); !ok || string(got) != `{"embedding":{"values":[0.1,-2e-3]},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}` {
		t.Errorf("got %s", got)
	}
	got, ok := gemini.FromPredict(answer, true)
	if m, valid := (gemini.Embed{Batch: true}).Answer(got); !ok || !valid || m.Usage.InputTokens() != 4 {
		t.Errorf("%s: %+v", got, m)
	}
	for _, bad := range []string{`{}`, `x`, `{"predictions":[{}]}`, `{"predictions":[{"embeddings":{"values":1}}]}`} {
		if got, ok := gemini.FromPredict([]byte(bad), true); ok {
			t.Errorf("%s became %s", bad, got)
		}
	}
}
