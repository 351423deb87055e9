package openai

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// What is taken as a request can be written, and what was written can be read.
func FuzzResponsesRequest(f *testing.F) {
	for seed := range uint64(20) {
		b, _ := ResponsesCodec.EncodeRequest(newDice(seed).prompt(), wire.EncodeOptions{}, &wire.Losses{})
		f.Add(b)
	}
	f.Add([]byte(`{"input":[{"type":"message","role":"user","content":[{"type":"input_audio"}],"phase":1}],"x":[1],"\u0078":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ResponsesCodec.DecodeRequest(body)
		if err != nil {
			return
		}
		out, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{Policy: wire.DropLosses})
		if err != nil || !json.Valid(out) {
			t.Fatalf("%v in %s", err, out)
		}
		if answer, err := ResponsesCodec.EncodeAnswer(&inference.Answer{}, p); err != nil || !json.Valid(answer) {
			t.Fatalf("%v in %s", err, answer)
		}
		eventTypes(t, encodeResponseStream(ResponsesCodec, p, []inference.Delta{{Kind: inference.DeltaEnd}}))
	})
}

func FuzzResponsesAnswer(f *testing.F) {
	for seed := range uint64(20) {
		d := newDice(seed)
		b, _ := countingCodec().EncodeAnswer(d.answer(), d.prompt())
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := ResponsesCodec.DecodeAnswer(body)
		if err != nil {
			return
		}
		out, err := countingCodec().EncodeAnswer(a, &inference.Prompt{})
		if err != nil || !json.Valid(out) {
			t.Fatalf("%v in %s", err, out)
		}
		if _, err := ResponsesCodec.DecodeAnswer(out); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
	})
}

// Whatever an upstream sends, a caller gets a stream that is one.
func FuzzResponsesStream(f *testing.F) {
	for seed := range uint64(20) {
		d := newDice(seed)
		f.Add(encodeResponseStream(countingCodec(), &inference.Prompt{}, d.deltas(d.answer())))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		deltas, _ := decodeResponseStream(t, ResponsesCodec, stream)
		checkBlocks(t, deltas)
		out := encodeResponseStream(countingCodec(), &inference.Prompt{}, deltas)
		if len(out) > 0 {
			eventTypes(t, out)
		}
	})
}

// checkBlocks checks what a decoder promises: that the stream begins once, that blocks open in order and are not spoken of
// before that or after they close, and that nothing follows the end.
func checkBlocks(t *testing.T, deltas []inference.Delta) {
	t.Helper()
	var open []bool
	for i := range deltas {
		d := &deltas[i]
		if (i == 0) != (d.Kind == inference.DeltaBegin) {
			t.Fatalf("delta %d is of kind %d", i, d.Kind)
		}
		switch d.Kind {
		case inference.DeltaOpen:
			if d.Block != len(open) {
				t.Fatalf("block %d opens as the %d.", d.Block, len(open))
			}
			open = append(open, true)
		case inference.DeltaFragment, inference.DeltaSeal, inference.DeltaCite, inference.DeltaClose:
			if d.Block >= len(open) || !open[d.Block] {
				t.Fatalf("delta of kind %d for block %d, which is not open", d.Kind, d.Block)
			}
			open[d.Block] = d.Kind != inference.DeltaClose
		case inference.DeltaEnd, inference.DeltaFailed:
			if i != len(deltas)-1 {
				t.Fatal("something follows the end")
			}
		case inference.DeltaBegin, inference.DeltaFinish, inference.DeltaUsage:
		}
	}
}
