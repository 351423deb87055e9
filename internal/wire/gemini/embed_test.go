package gemini_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

func TestEmbedRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, want, text string
		batch                  bool
	}{
		{"one", `{"content":{"parts":[{"text":"a boat"}]},"taskType":"CLUSTERING"}`, `{"content":{"parts":[{"text":"a boat"}]},"taskType":"CLUSTERING"}`, "a boat\n", false},
		{"one with its model", `{"model":"models/e","content":{"parts":[{"text":"a"}]},"runMode":"simulation"}`, `{"model":"models/up","content":{"parts":[{"text":"a"}]}}`, "a\n", false},
		{
			"batch", ` {"requests":[{"model":"models/e","content":{"parts":[{"text":"a"}]}}, {"content":{"parts":[{"text":"b"}]},"model":"e"}]}`,
			` {"requests":[{"model":"models/up","content":{"parts":[{"text":"a"}]}}, {"content":{"parts":[{"text":"b"}]},"model":"models/up"}]}`, "a\nb\n", true,
		},
	} {
		e, body := gemini.Embed{Model: "e", Batch: c.batch}, []byte(c.body)
		a, err := e.Peek(body)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.Edit(nil, body, &a, wire.Change{Model: "up"})); got != c.want {
			t.Errorf("%s: got %s", c.name, got)
		}
		if got := e.Text(body, &a, 100); got != c.text || e.InputTokens(body, &a) < 1 || a.InputBound < e.InputTokens(body, &a) {
			t.Errorf("%s: %q, %+v", c.name, got, a)
		}
		if gemini.IsBatch(body) != c.batch {
			t.Errorf("%s: taken for the other form", c.name)
		}
	}
}

func TestEmbedRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body  string
		batch bool
	}{
		{`{}`, false},
		{`{"content":"a"}`, false},
		{`{"content":{},"requests":[]}`, false},
		{`{"content":{"parts":[]},"model":"models/other"}`, false},
		{`{"requests":[]}`, true},
		{`{"requests":{}}`, true},
		{`{"requests":[1]}`, true},
		{`{"requests":[{"content":{"parts":[]},"model":"models/other"}]}`, true},
		{`{"requests":[{"content":{}}],"content":{}}`, true},
		{`{"requests":[{"content":{},"content":{}}]}`, true},
		{`{"requests":[{"requests":[],"content":{}}]}`, true},
		{`x`, true},
	} {
		if a, err := (gemini.Embed{Model: "e", Batch: c.batch}).Peek([]byte(c.body)); err == nil {
			t.Errorf("%s: %+v", c.body, a)
		}
	}
}

func TestEmbedAnswers(t *testing.T) {
	t.Parallel()
	if m, ok := (gemini.Embed{}).Answer([]byte(`{"embedding":{"values":[0.1]}}`)); !ok || m.Known {
		t.Errorf("%+v %v", m, ok)
	}
	if m, ok := (gemini.Embed{Batch: true}).Answer([]byte(`{"embeddings":[{"values":[0.1]}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}`)); !ok || !m.Known || m.Usage.InputTokens() != 3 {
		t.Errorf("%+v %v", m, ok)
	}
	for _, bad := range []string{`{}`, `{"embeddings":[]}`, `{"embedding":[]}`, `{"embedding":{},"error":{}}`, `x`} {
		if _, ok := (gemini.Embed{}).Answer([]byte(bad)); ok {
			t.Errorf("%s is an answer", bad)
		}
	}
}

// FuzzRequests holds that what is edited is still JSON that says the same, and that nothing panics.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":4},"runMode":"x","model":"m"}`))
	f.Add([]byte(`{"requests":[{"model":"m","content":{"parts":{"text":"a"}}}]}`))
	f.Add([]byte(`{"runMode":null,"content":{"parts":[]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range []wire.Format{gemini.Generate{Model: "m"}, gemini.Embed{Model: "m"}, gemini.Embed{Model: "m", Batch: true}} {
			a, err := format.Peek(body)
			if err != nil {
				continue
			}
			if texter, ok := format.(wire.Texter); !ok || a.InputBound < 0 || format.InputTokens(body, &a) < 0 || len(texter.Text(body, &a, 0)) > len(body) {
				t.Errorf("%+v", a)
			}
			edited := format.Edit(nil, body, &a, wire.Change{Model: "up", MaxOutput: 77})
			again, err := withModel(format, "up").Peek(edited)
			if err != nil || again.Simulation || format.Kind() == "generate_content" && again.MaxOutput != 77 {
				t.Errorf("%s became %s: %+v, %v", body, edited, again, err)
			}
		}
	})
}

func withModel(f wire.Format, model string) wire.Format {
	switch f := f.(type) {
	case gemini.Generate:
		f.Model = model
		return f
	case gemini.Embed:
		f.Model = model
		return f
	}
	return f
}
