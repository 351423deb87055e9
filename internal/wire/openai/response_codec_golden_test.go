package openai

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

var updateResponses = flag.Bool("update-responses", false, "write the golden files of the codec of responses")

// countingCodec makes ids that count from 1, in the second 1700000000 (the time of a UUIDv7 is its first 48 bits).
func countingCodec() responsesCodec {
	n := uint64(0)
	return responsesCodec{newID: func() id.ID {
		n++
		var u id.ID
		binary.BigEndian.PutUint64(u[:8], 1_700_000_000_000<<16)
		binary.BigEndian.PutUint64(u[8:], n)
		return u
	}}
}

func goldenResponse(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "response_codec", name)
	if *updateResponses {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func sampleResponse(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "response_codec", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func prettyResponse(t *testing.T, doc []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, doc, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return append(out.Bytes(), '\n')
}

func shownJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestRequestsKeepWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"agent", "stored"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := countingCodec()
			p, err := c.DecodeRequest(sampleResponse(t, name+".request.json"))
			if err != nil {
				t.Fatal(err)
			}
			goldenResponse(t, name+".prompt.golden", shownJSON(t, p))
			var l wire.Losses
			out, err := c.EncodeRequest(p, wire.EncodeOptions{}, &l)
			if err != nil || len(l.Dropped) > 0 {
				t.Fatal(err, l.Dropped)
			}
			goldenResponse(t, name+".upstream.golden", prettyResponse(t, out))
		})
	}
}

func TestAnswersKeepWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "cut"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := countingCodec()
			a, err := c.DecodeAnswer(sampleResponse(t, name+".answer.json"))
			if err != nil {
				t.Fatal(err)
			}
			goldenResponse(t, name+".pivot.golden", shownJSON(t, a))
			p, err := c.DecodeRequest(sampleResponse(t, "agent.request.json"))
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.EncodeAnswer(a, p)
			if err != nil {
				t.Fatal(err)
			}
			goldenResponse(t, name+".reply.golden", prettyResponse(t, out))
		})
	}
}

// decodeResponseStream reads a stream's deltas, as the relay does.
func decodeResponseStream(t *testing.T, c wire.Codec, stream []byte) ([]inference.Delta, error) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(stream), 1<<20)
	defer r.Release()
	d := c.StreamDecoder()
	var out []inference.Delta
	for {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			return d.Finish(out)
		}
		if err != nil {
			return out, err
		}
		if out, err = d.Decode(out, event.Name, event.Data); err != nil {
			return out, err
		}
	}
}

// encodeResponseStream writes a stream, as the relay does.
func encodeResponseStream(c wire.Codec, p *inference.Prompt, deltas []inference.Delta) []byte {
	e := c.StreamEncoder(p)
	var s wire.Serial
	var out []byte
	var serial []inference.Delta
	for i := range deltas {
		serial = s.Append(serial[:0], deltas[i])
		for n := range serial {
			out = e.Append(out, &serial[n])
		}
	}
	return out
}

func TestStreamsKeepWhatTheySay(t *testing.T) {
	t.Parallel()
	c := countingCodec()
	deltas, err := decodeResponseStream(t, c, sampleResponse(t, "full.stream.sse"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for i := range deltas {
		lines = append(lines, shownJSON(t, briefDelta(&deltas[i]))...)
	}
	goldenResponse(t, "full.deltas.golden", lines)
	out := encodeResponseStream(c, &inference.Prompt{Model: "m"}, deltas)
	goldenResponse(t, "full.events.golden", out)
	again, err := decodeResponseStream(t, c, out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := gatherDeltas(again), gatherDeltas(deltas); !bytes.Equal(shownJSON(t, got), shownJSON(t, want)) {
		t.Errorf("got %s, want %s", shownJSON(t, got), shownJSON(t, want))
	}
}

// briefDelta is a delta without the members that say nothing.
func briefDelta(d *inference.Delta) map[string]any {
	out := map[string]any{"kind": d.Kind, "block": d.Block}
	for key, v := range map[string]any{
		"text": d.Text, "dialect": string(d.Dialect), "id": d.ID, "model": d.Model, "tier": d.ServiceTier, "sequence": d.Sequence,
		"part": namePart(&d.Part), "part id": d.Part.ID,
	} {
		if v != "" {
			out[key] = v
		}
	}
	if d.Part.Call != nil {
		out["call"] = d.Part.Call
	}
	if d.Part.Citations != nil {
		out["citations"] = d.Part.Citations
	}
	if d.Part.Other != nil {
		out["other"] = d.Part.Other
	}
	if d.Kind == inference.DeltaFinish {
		out["stop"] = d.Stop
	}
	if d.Kind == inference.DeltaUsage {
		out["usage"] = d.Usage
	}
	return out
}

func namePart(p *inference.Part) string {
	return [...]string{"text", "refusal", "reasoning", "image", "document", "audio", "video", "call", "result", "other"}[p.Kind]
}

// gatherDeltas makes the answer that a stream told.
func gatherDeltas(deltas []inference.Delta) *inference.Answer {
	a := &inference.Answer{Candidates: make([]inference.Candidate, 1)}
	c := &a.Candidates[0]
	at := map[int]int{}
	for i := range deltas {
		d := &deltas[i]
		switch d.Kind {
		case inference.DeltaBegin:
			a.ID, a.Model, a.Created, a.ServiceTier = d.ID, d.Model, d.Created, d.ServiceTier
		case inference.DeltaOpen:
			at[d.Block] = len(c.Parts)
			c.Parts = append(c.Parts, d.Part)
		case inference.DeltaFragment:
			c.Parts[at[d.Block]].Text += d.Text
		case inference.DeltaSeal:
			c.Parts[at[d.Block]].Seal = &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}
		case inference.DeltaCite:
			c.Parts[at[d.Block]].Citations = append(c.Parts[at[d.Block]].Citations, d.Part.Citations...)
		case inference.DeltaFinish:
			c.Stop, c.Sequence = d.Stop, d.Sequence
		case inference.DeltaUsage:
			a.Usage, a.HasUsage = d.Usage, true
		case inference.DeltaClose, inference.DeltaEnd, inference.DeltaFailed:
		}
	}
	return a
}

// eventTypes lists the types of a stream, and checks what holds for every stream: that events are counted from 0, repeat their
// names, and are one line each.
func eventTypes(t *testing.T, stream []byte) (types []string, last map[string]any) {
	t.Helper()
	for n, event := range strings.Split(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(event, "\n")
		name, named := strings.CutPrefix(name, "event: ")
		data, hasData := strings.CutPrefix(data, "data: ")
		if !ok || !named || !hasData || strings.ContainsAny(data, "\r\n") {
			t.Fatalf("not an event: %q", event)
		}
		last = map[string]any{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if last["type"] != name || last["sequence_number"] != float64(n) {
			t.Fatalf("event %d is %v, named %s", n, last["type"], name)
		}
		types = append(types, name)
	}
	return types, last
}
