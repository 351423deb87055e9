package openai

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// FuzzStored keeps anything that was asked and answered, and continues it: what is kept, renamed, listed and continued stays
// JSON, and items have names.
func FuzzStored(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":"a","previous_response_id":"resp_x","store":true}`), []byte(`{"id":"x","object":"response","status":"completed","output":[{"type":"reasoning"},{"id":"i"}],"previous_response_id":null}`))
	f.Add([]byte(`{"model":"m","input":[{"role":"user","content":"a"},{"id":null,"type":"message"}]}`), []byte(`{"id":"x","object":"response","status":"completed","output":[{}]}`))
	f.Add([]byte(`{"prompt":"a","model":"m","seconds":"8"}`), []byte(`{"id":"v","status":"completed","output":[]}`))
	f.Add([]byte(`{"model":"m","input":[{}]}`), []byte(`{"id":"x","object":"response","status":"completed","output":[]}`))
	names := &wire.Names{ID: Name(PrefixResponse, id.ID{1}), Previous: Name(PrefixResponse, id.ID{2})}
	f.Fuzz(func(t *testing.T, body, answer []byte) {
		for _, format := range []wire.Format{Responses, VideoGenerations} {
			a, err := format.Peek(body)
			if err != nil {
				continue
			}
			s := format.(wire.Storing) //nolint:forcetypeassert // both are
			asked := s.Stored(body, &a)
			if len(asked.Input) > 0 && !json.Valid(asked.Input) {
				t.Errorf("%q keeps %q", body, asked.Input)
			}
			if _, ok := format.Answer(answer); !ok {
				continue // nobody keeps it
			}
			past := []wire.Turn{{Input: asked.Input, Answer: answer}}
			for _, hidden := range []bool{false, true} {
				if out := s.Continue(nil, body, &a, past, hidden); !json.Valid(out) {
					t.Errorf("%q behind %q became %q", body, answer, out)
				}
			}
			if out := s.Rename(nil, answer, names); !json.Valid(out) {
				t.Errorf("%q became %q", answer, out)
			}
			for _, item := range InputItems(past, names.ID) {
				if !json.Valid(item) {
					t.Errorf("%q lists %q", body, item)
				}
				_ = ItemID(item)
			}
		}
	})
}
