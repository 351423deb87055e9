package gemini_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// FuzzVertex takes anything for what Vertex reads and writes in a way of its own, and for what is counted and listed.
func FuzzVertex(f *testing.F) {
	f.Add([]byte(`{"contents":[{"parts":[{"text":"a"},{"functionCall":{"id":"x","name":"f"}},{"functionResponse":{"id":null}}]},{}]}`))
	f.Add([]byte(`{"requests":[{"content":{"parts":[{"text":"a"}]},"outputDimensionality":4},{"content":{}}]}`))
	f.Add([]byte(`{"predictions":[{"embeddings":{"values":[1,2],"statistics":{"token_count":3.5}}}],"models":[{"name":"models/m"}]}`))
	f.Add([]byte(`{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"a"}]}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		valid := json.Valid(body)
		if out := gemini.ForVertex(body); valid && !json.Valid(out) {
			t.Errorf("%q became %q", body, out)
		}
		if out, err := gemini.ToPredict(body); err == nil && !json.Valid(out) {
			t.Errorf("%q became %q", body, out)
		}
		for _, batch := range []bool{false, true} {
			if out, ok := gemini.FromPredict(body, batch); ok && !json.Valid(out) {
				t.Errorf("%q became %q", body, out)
			}
		}
		var refused *fault.Error
		if n, err := gemini.CountTokens(body, "m", tokens.O200k); n < 0 || err != nil && !errors.As(err, &refused) {
			t.Errorf("%q has %d tokens, %v", body, n, err)
		}
		if names, _, _ := gemini.ParseModels(body); slices.Contains(names, "") {
			t.Errorf("%q lists %q", body, names)
		}
	})
}
