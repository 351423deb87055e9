package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// mutate changes a generic JSON value somewhere: a value for one of another type, a member or an element less or more.
func (d dice) mutate(v any) any {
	if d.oneIn(6) {
		return [...]any{nil, true, -1.5, "", "message", "input[0]", []any{}, []any{nil, "a"}, map[string]any{}, 1e300}[d.IntN(10)]
	}
	switch v := v.(type) {
	case map[string]any:
		d.mutateObject(v)
	case []any:
		if len(v) == 0 {
			return v
		}
		n := d.IntN(len(v))
		switch d.IntN(4) {
		case 0:
			return append(v[:n:n], v[n+1:]...)
		case 1:
			return append(v, v[n])
		}
		v[n] = d.mutate(v[n])
	}
	return v
}

func (d dice) mutateObject(m map[string]any) {
	if len(m) == 0 {
		return
	}
	n := d.IntN(len(m))
	for key := range m {
		if n--; n >= 0 {
			continue
		}
		switch d.IntN(5) {
		case 0:
			delete(m, key)
		case 1:
			m["x_"+key] = m[key]
		default:
			m[key] = d.mutate(m[key])
		}
		return
	}
}

func (d dice) mutated(t *testing.T, doc []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	for range 1 + d.IntN(4) {
		v = d.mutate(v)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSpoiltRequestsAreRefusedOrTranslated(t *testing.T) {
	t.Parallel()
	taken := 0
	for seed := range uint64(rounds) {
		d := newDice(seed)
		body := d.mutated(t, sampleResponse(t, "agent.request.json"))
		p, err := ResponsesCodec.DecodeRequest(body)
		if err != nil {
			continue
		}
		taken++
		out, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{Policy: wire.DropLosses})
		if err != nil || !json.Valid(out) {
			t.Fatalf("%v: %s became %s", err, body, out)
		}
		if answer, err := ResponsesCodec.EncodeAnswer(&inference.Answer{}, p); err != nil || !json.Valid(answer) {
			t.Fatalf("%v: %s", err, answer)
		}
	}
	if taken < rounds/4 {
		t.Errorf("only %d were taken", taken)
	}
}

func TestSpoiltAnswersAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	taken := 0
	for seed := range uint64(rounds) {
		body := newDice(seed).mutated(t, sampleResponse(t, "full.answer.json"))
		a, err := ResponsesCodec.DecodeAnswer(body)
		if err != nil {
			continue
		}
		taken++
		out, err := ResponsesCodec.EncodeAnswer(a, &inference.Prompt{})
		if err != nil || !json.Valid(out) {
			t.Fatalf("%v: %s became %s", err, body, out)
		}
	}
	if taken < rounds/4 {
		t.Errorf("only %d were taken", taken)
	}
}

// Events that are lost, repeated, swapped or spoilt do not make a stream that callers cannot read.
func TestSpoiltStreamsBecomeGoodOnes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		d := newDice(seed)
		list := strings.Split(strings.TrimSpace(string(sampleResponse(t, "full.stream.sse"))), "\n\n")
		for range 1 + d.IntN(5) {
			n, m := d.IntN(len(list)), d.IntN(len(list))
			switch d.IntN(4) {
			case 0:
				list = append(list[:n:n], list[n+1:]...)
			case 1:
				list = append(list[:n:n], append([]string{list[m]}, list[n:]...)...)
			case 2:
				list[n], list[m] = list[m], list[n]
			default:
				_, data, _ := strings.Cut(list[n], "data: ")
				list[n] = "data: " + string(d.mutated(t, []byte(data)))
			}
		}
		deltas, err := decodeResponseStream(t, ResponsesCodec, []byte(strings.Join(list, "\n\n")+"\n\n"))
		checkBlocks(t, deltas)
		out := encodeResponseStream(ResponsesCodec, &inference.Prompt{}, deltas)
		if len(out) > 0 {
			eventTypes(t, out)
		}
		if err == nil && deltas[len(deltas)-1].Kind == inference.DeltaEnd {
			checkSteps(t, out)
		}
	}
}
