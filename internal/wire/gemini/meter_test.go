package gemini_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

const (
	first  = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Sun"}]},"index":0}],"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4},"modelVersion":"g"}`
	second = `{"candidates":[{"content":{"role":"model","parts":[{"text":"think about it","thought":true}]},"index":0}]}`
	last   = `{"candidates":[{"content":{"role":"model","parts":[{"text":"ny"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":3,"totalTokenCount":9}}`
	after  = `{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"QUJD"}]},"index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":4,"totalTokenCount":10}}`
)

func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\r\n\r\n")
	}
	return b.String()
}

// watched is what a meter made of a stream.
type watched struct {
	delivered string
	signs     []wire.Sign
	wire.Metered
}

// lastOf is the event that a meter kept back.
func lastOf(t *testing.T, m wire.Meter) []byte {
	t.Helper()
	closer, ok := m.(wire.Closer)
	if !ok {
		t.Fatal("nothing can be kept back")
	}
	return closer.Last()
}

func watch(t *testing.T, g gemini.Generate, choices int64, stream string) watched {
	t.Helper()
	m := g.Meter(wire.MeterOptions{Choices: choices})
	var out watched
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		deliver, sign := m.Event(e.Raw, e.Data)
		out.delivered += string(deliver)
		out.signs = append(out.signs, sign)
	}
	out.delivered += "|" + string(lastOf(t, m))
	out.Metered = m.Result()
	return out
}

func TestTheLastEventIsKeptBack(t *testing.T) {
	t.Parallel()
	got := watch(t, gemini.Generate{Stream: true}, 1, ": hi\n\n"+events(first, second, last))
	if got.delivered != events(first, second)+"|"+events(last) {
		t.Errorf("got %q", got.delivered)
	}
	if got.signs[2] != wire.Goes || got.signs[3] != wire.Finished || !got.Known {
		t.Errorf("%v %+v", got.signs, got.Metered)
	}
	if want := (inference.Quantities{inference.TextInput: 4, inference.TextOutput: 2, inference.TextReasoning: 3}); got.Usage.Quantities != want {
		t.Errorf("got %v", got.Usage.Quantities)
	}
}

func TestWhatFollowsTheFinishIsPassedOn(t *testing.T) {
	t.Parallel()
	got := watch(t, gemini.Generate{Stream: true}, 1, events(first, last, after)+"data: [DONE]\n\n")
	if got.delivered != events(first, last)+"|"+events(after) || got.Usage.Quantities[inference.TextReasoning] != 4 {
		t.Errorf("got %q, %v", got.delivered, got.Usage.Quantities)
	}
}

func TestAllCandidatesMustFinish(t *testing.T) {
	t.Parallel()
	other := strings.Replace(last, `"index":0`, `"index":1`, 1)
	if got := watch(t, gemini.Generate{Stream: true}, 2, events(last)); got.signs[0] != wire.Goes {
		t.Error("one of two candidates completes the answer")
	}
	if got := watch(t, gemini.Generate{Stream: true}, 2, events(last, last, other)); got.signs[1] != wire.Goes || got.signs[2] != wire.Finished {
		t.Errorf("%v", got.signs)
	}
}

func TestStreamsAsArrays(t *testing.T) {
	t.Parallel()
	g := gemini.Generate{Stream: true, Array: true}
	for _, stream := range []string{events(last), events(first, last), ": hi\n\n" + events(first, second, last, after)} {
		got := strings.Replace(watch(t, g, 1, stream).delivered, "|", "", 1)
		var list []map[string]any
		if err := json.Unmarshal([]byte(got), &list); err != nil || len(list) != strings.Count(stream, "data: ") {
			t.Errorf("%q: %v", got, err)
		}
	}
	cut := watch(t, g, 1, events(first)).delivered
	cut = strings.TrimSuffix(cut, "|") + string(g.ErrorFrame(fault.ErrUnavail))
	if !json.Valid([]byte(cut)) {
		t.Errorf("an error does not close the array: %s", cut)
	}
	if g.StreamType() != "application/json" || string(g.ErrorBody(fault.ErrUnavail)[0]) != "[" {
		t.Error("an array is announced as something else")
	}
}

func TestBlockedPromptCompletesTheAnswer(t *testing.T) {
	t.Parallel()
	blocked := `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7}}`
	got := watch(t, gemini.Generate{Stream: true}, 1, events(blocked))
	if got.signs[0] != wire.Finished || !got.Known || got.Usage.InputTokens() != 7 {
		t.Errorf("%+v", got)
	}
	m, ok := gemini.Generate{}.Answer([]byte(blocked))
	if !ok || !m.Known || m.Usage.InputTokens() != 7 || m.Usage.OutputTokens() != 0 {
		t.Errorf("%+v %v", m, ok)
	}
}

func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]wire.Sign{
		events(`{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`): wire.Broken,
		events(`{"candid`):                 wire.Garbled,
		events(`[{"candidates":[]}]`):      wire.Garbled,
		events(`{"candidates":{"a":1}}`):   wire.Garbled,
		events(`{"choices":[{"text":1}]}`): wire.Garbled,
	} {
		if got := watch(t, gemini.Generate{Stream: true}, 1, stream); got.signs[0] != want || got.delivered != "|" {
			t.Errorf("%s: %+v", stream, got)
		}
	}
}

func TestCutStreamCountsWhatWasDelivered(t *testing.T) {
	t.Parallel()
	got := watch(t, gemini.Generate{Stream: true}, 1, events(first, second))
	if got.Known || got.OutputTokens < 3 || !got.Usage.IsZero() {
		t.Errorf("usage of the first event counts as that of all: %+v", got.Metered)
	}
	told := strings.Replace(second, `"index":0}]`, `"index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1,"thoughtsTokenCount":90,"totalTokenCount":95}`, 1)
	if got := watch(t, gemini.Generate{Stream: true}, 1, events(first, told)); !got.Known || got.Usage.OutputTokens() != 91 {
		t.Errorf("usage that covers what was delivered is not believed: %+v", got.Metered)
	}
}

func TestSearchesAreCounted(t *testing.T) {
	t.Parallel()
	body := strings.Replace(last, `"index":0`, `"index":0,"groundingMetadata":{"webSearchQueries":["a","b"],"groundingChunks":[{}]}`, 1)
	m, _ := gemini.Generate{}.Answer([]byte(body))
	if m.Usage.Quantities[inference.Search] != 2 {
		t.Errorf("%v", m.Usage.Quantities)
	}
	if got := watch(t, gemini.Generate{Stream: true}, 1, events(first, body)); got.Usage.Quantities[inference.Search] != 2 {
		t.Errorf("%v", got.Usage.Quantities)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `[]`, `<html>`, `{"error":{"code":500}}`, `{"candidates":{}}`, `{"choices":[]}`, `[` + last + `]`, last + last,
	} {
		if m, ok := (gemini.Generate{}).Answer([]byte(body)); ok {
			t.Errorf("%s: %+v", body, m)
		}
	}
	m, ok := gemini.Generate{}.Answer([]byte(`{"candidates":[{"content":{"parts":[{"text":"hello"},{"functionCall":{"name":"f","args":{"city":"Kyiv"}}}]},"finishReason":"STOP"}]}`))
	if !ok || m.Known || m.OutputTokens < 4 {
		t.Errorf("%+v, %v", m, ok)
	}
	if n := (gemini.Generate{}).CountAnswer([]byte(last), 0); n != 1 {
		t.Errorf("counted %d", n)
	}
}

// FuzzMeter holds that arrays are arrays, and that events are delivered once and in order.
func FuzzMeter(f *testing.F) {
	f.Add([]byte(events(first, second, last, after)))
	f.Add([]byte(": x\n\n" + events(last) + "data: {\"error\":{}}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, array := range []bool{false, true} {
			g := gemini.Generate{Stream: true, Array: array}
			m := g.Meter(wire.MeterOptions{})
			r := sse.NewReader(strings.NewReader(string(stream)), 1<<20)
			var out []byte
			begun, done := false, false
			for {
				e, err := r.Next()
				if err != nil || e.Unterminated {
					break
				}
				deliver, sign := m.Event(e.Raw, e.Data)
				if sign == wire.Broken || sign == wire.Garbled {
					done = false
					break
				}
				begun, done = begun || len(deliver) > 0, done || sign == wire.Finished
				out = append(out, deliver...)
			}
			if n := m.Result(); n.OutputTokens < 0 || n.Usage.InputTokens() < 0 {
				t.Errorf("%+v", n)
			}
			switch {
			case done:
				out = append(out, lastOf(t, m)...)
			case begun:
				out = append(out, g.ErrorFrame(fault.ErrUnavail)...)
			}
			if array && len(out) > 0 && !json.Valid(out) {
				t.Errorf("no array: %q", out)
			}
		}
	})
}
