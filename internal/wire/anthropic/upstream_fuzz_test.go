package anthropic_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// FuzzUpstream takes anything for an upstream's whole answer, its list of models, its count of tokens and its error.
func FuzzUpstream(f *testing.F) {
	f.Add([]byte(`{"type":"message","content":[{"type":"text","text":"x"},{"type":"thinking","thinking":"y","signature":"s"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":2}}}`))
	f.Add([]byte(`{"type":"error","error":{"type":"overloaded_error","message":"m"}}`))
	f.Add([]byte(`{"data":[{"id":"m"},{}],"has_more":true,"last_id":"m","input_tokens":9}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := anthropic.Codec.DecodeAnswer(body); err == nil {
			out, err := anthropic.Codec.EncodeAnswer(a, nil)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%q became %q, %v", body, out, err)
			}
			if _, err := anthropic.Codec.DecodeAnswer(out); err != nil {
				t.Errorf("%q is no answer: %v", out, err)
			}
		}
		typ, message := anthropic.ParseError(body)
		if out := anthropic.ErrorBody(fault.New(400, "x", message).At(typ)); !json.Valid(out) {
			t.Errorf("%q became %q", body, out)
		}
		if names, next, ok := anthropic.ParseModels(body); slices.Contains(names, "") || !ok && next != "" {
			t.Errorf("%q lists %q, then %q", body, names, next)
		}
		if n, ok := anthropic.ParseTokenCount(body); n < 0 || !ok && n != 0 {
			t.Errorf("%q counts %d", body, n)
		}
	})
}
