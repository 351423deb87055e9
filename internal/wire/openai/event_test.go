package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

func TestIsWhole(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return chunk + `{"index":0,"delta":{"content":` + s + `}}]}` }
	for data, want := range map[string]bool{
		text(`"x"`): true, " " + text(`"{[}{]"`) + "\n": true, text(`"{"`): true, text(`"}{"`): true, "{\n" + text(`"x"`)[1:]: true,
		text(`"x"`)[:40]: false, text(`"x"`) + text(`"y"`): false, text(`"x"`) + "\n" + text(`"y"`): false,
		strings.TrimSuffix(text(`"x"`), "}]}") + "}": false,
		``: false, `{`: false, `[]`: false, `"x"`: false, `{}`: true, `[DONE]`: false, `{"a":}}`: false,
	} {
		if got := isWhole([]byte(data)); got != want {
			t.Errorf("%s: %v", data, got)
		}
	}
}

func TestIsWholeDoesNotAllocate(t *testing.T) {
	data := []byte(chunk + `{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	if n := testing.AllocsPerRun(100, func() { isWhole(data) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Clients try to read what every event holds, so what holds nothing is not passed on, unless it is a comment.
func TestEventsWithoutDataAreWithheld(t *testing.T) {
	t.Parallel()
	first := "data: " + chunk + `{"delta":{"content":"x"}}]}` + "\n\n"
	for raw, want := range map[string]string{
		": a\r\n: b\r\n\r\n": ": a\r\n: b\r\n\r\n", "\n": "\n",
		"data:\n\n": "", "data\n\n": "", "retry: 5\n\n": "", "event: ping\n\n": "", ": a\nid: 7\n\n": "",
	} {
		if got, _ := meterAll(t, first+raw, len(raw)+1, false); got != first+want {
			t.Errorf("%q became %q", raw, got)
		}
	}
	inLines := "data: " + chunk + "\ndata: " + `{"delta":{"content":"x"}}],"usage":null}` + "\n\n"
	if got, _ := meterAll(t, inLines, 7, true); got != strings.Replace(first, `[{"delta"`, `[ {"delta"`, 1) {
		t.Errorf("data of several lines without its usage became %q", got)
	}
	if got, _ := meterAll(t, "\xEF\xBB\xBF"+first, 7, false); got != first {
		t.Errorf("with a byte order mark it became %q", got)
	}
}

// meterAll passes a stream on as the relay does, read a few bytes at a time, until a sign says that it is over.
func meterAll(t *testing.T, stream string, size int, hide bool) (delivered string, m wire.Metered) {
	t.Helper()
	meter := Chat.Meter(wire.MeterOptions{HideUsage: hide})
	r := sse.NewReader(&pieces{[]byte(stream), max(1, size)}, 1<<20)
	defer r.Release()
	var out strings.Builder
	for {
		e, err := r.Next()
		if err != nil {
			return out.String(), meter.Result()
		}
		deliver, sign := meter.Event(e.Raw, e.Data)
		out.Write(deliver)
		if sign != wire.Goes && sign != wire.Finished {
			return out.String(), meter.Result()
		}
	}
}

// pieces gives a few bytes at a time.
type pieces struct {
	left []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.left)
	p.left = p.left[n:]
	return n, nil
}

// faultyStreams are what upstreams have sent.
var faultyStreams = []string{
	"data: " + chunk + `{"delta":{"content":"a"}}]}` + "\n\ndata: [DONE]\n\nrubbish",
	"\xEF\xBB\xBFdata:\n\ndata: " + chunk + `{"delta":{"content":"{"},"finish_reason":"stop"}],"usage":null}` + "\r\n\r\n: x\r\n\r\n",
	"event: ping\r\rdata: " + chunk + "\rdata: " + `{"delta":{"content":"a\u00e9"}}]}` + "\r\r",
	"data: " + chunk + `{"delta":{"content":"a"}}]}` + chunk + `{"delta":{"content":"b"}}]}` + "\n\n",
	"data: " + chunk + `{"delta":{"content":"a"}}]}` + "\n\ndata: {\"error\":{\"message\":\"boom\"}}\n\n",
	"data: " + chunk + `{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\ndata: " + chunk + `{"del`,
	"data: " + chunk + "{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\nretry: 1\n\nid: \x00\n\n",
	`{"error":{"message":"no stream"}}`, "<html>\n\n</html>\n\n",
}

// FuzzMeteredStream holds for any stream: how it is cut into pieces changes nothing, what is delivered is whole events that
// begin and end as objects do, and no more is counted than was delivered.
func FuzzMeteredStream(f *testing.F) {
	for _, s := range faultyStreams {
		f.Add(s, 3, true)
		f.Add(s, 1000, false)
	}
	f.Fuzz(func(t *testing.T, stream string, size int, hide bool) {
		delivered, m := meterAll(t, stream, len(stream)+1, hide)
		events := eventsOf(t, delivered)
		again, n := meterAll(t, stream, size&0xff, hide)
		if n != m || !slices.Equal(events, eventsOf(t, again)) {
			t.Errorf("in pieces of %d: %q and %+v, at once: %q and %+v", size&0xff, again, n, delivered, m)
		}
		if m.OutputTokens < 0 || m.OutputTokens > BoundTokens(len(delivered)) {
			t.Errorf("%d tokens in %d bytes", m.OutputTokens, len(delivered))
		}
	})
}

// eventsOf reads what was delivered, as a caller does: whole objects.
func eventsOf(t *testing.T, delivered string) (data []string) {
	t.Helper()
	r := sse.NewReader(strings.NewReader(delivered), 1<<20)
	defer r.Release()
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		if e.Unterminated || e.Data != nil && !isWhole(e.Data) {
			t.Errorf("%q was delivered as an event", e.Raw)
		}
		if e.Data != nil {
			data = append(data, string(e.Data))
		}
	}
	return data
}

// FuzzAnswer holds for any answer: what passes is an object that clients can read, and its usage is within its bounds.
func FuzzAnswer(f *testing.F) {
	for _, s := range append([]string{
		`{"choices":[{"message":{"content":"12345678"}}]}`, `{"choices":[],"error":null,"usage":{"prompt_tokens":1,"completion_tokens":-1}}`,
		`{"choices":[{"message":{"content":[{"type":"text","text":"x"}],"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}`,
		`{"choices":[{"mess`, `{"choices":[]}{"choices":[]}`,
	}, faultyStreams...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := Chat.Answer(body)
		if ok && (!json.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))) {
			t.Errorf("%q passed", body)
		}
		if !ok && (m.Known || m.OutputTokens != 0) {
			t.Errorf("%q is no answer and has %+v", body, m)
		}
		if m.OutputTokens < 0 || m.OutputTokens > BoundTokens(len(body)) {
			t.Errorf("%d tokens in %d bytes", m.OutputTokens, len(body))
		}
	})
}
