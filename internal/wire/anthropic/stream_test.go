package anthropic_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

// through sends a stream through a meter as the relay does, without what runs would take at once.
func through(t *testing.T, stream string) (m wire.Meter, delivered string, signs []wire.Sign) {
	t.Helper()
	m = anthropic.Messages.Meter(wire.MeterOptions{})
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	var out bytes.Buffer
	for {
		e, err := r.Next()
		if err != nil {
			return m, out.String(), signs
		}
		deliver, sign := m.Event(e.Raw, e.Data)
		out.Write(deliver)
		signs = append(signs, sign)
		if sign == wire.Ended || sign == wire.Broken || sign == wire.Garbled {
			return m, out.String(), signs
		}
	}
}

func event(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }

func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStreamsPassUnchanged(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"text.sse", "tool.sse", "thinking.sse"} {
		stream := recorded(t, name)
		m, delivered, signs := through(t, stream)
		last := m.(wire.Closer).Last() //nolint:forcetypeassert // a guard says so
		begin := strings.Index(stream, "event: message_start")
		if got := delivered + string(last); withoutEarlyPings(got) != withoutEarlyPings(stream[begin:]) {
			t.Errorf("%s: delivered\n%s", name, got)
		}
		if signs[len(signs)-1] != wire.Ended || signs[len(signs)-2] != wire.Finished {
			t.Errorf("%s: signs %v", name, signs)
		}
		if r := m.Result(); !r.Known || r.Usage.Estimated {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// withoutEarlyPings leaves out pings before the first block.
func withoutEarlyPings(stream string) string {
	head, rest, ok := strings.Cut(stream, "event: content_block_start")
	if !ok {
		return stream
	}
	return strings.ReplaceAll(head, event("ping", `{"type": "ping"}`), "") + "event: content_block_start" + rest
}

func TestNothingIsDeliveredBeforeThereIsSomething(t *testing.T) {
	t.Parallel()
	start := event("message_start", `{"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":9,"output_tokens":1}}}`)
	ping := event("ping", `{"type":"ping"}`)
	_, delivered, signs := through(t, start+ping+event("error", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`))
	if delivered != "" || signs[2] != wire.Broken {
		t.Errorf("delivered %q, signs %v", delivered, signs)
	}
	for name, stream := range map[string]string{
		"no beginning": event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		"no JSON":      start + event("content_block_start", `{"type":"content_block_start"`),
		"no type":      start + "data: {\"a\":1}\n\n",
		"two":          start + start,
	} {
		if _, delivered, signs := through(t, stream); delivered != "" || signs[len(signs)-1] != wire.Garbled {
			t.Errorf("%s: delivered %q, signs %v", name, delivered, signs)
		}
	}
}

// Usage is cumulative: what a message begins with is not added to what it ends with.
func TestUsageOfStreams(t *testing.T) {
	t.Parallel()
	start := func(usage string) string {
		return event("message_start", `{"type":"message_start","message":{"id":"msg_1","usage":`+usage+`}}`) +
			event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	}
	delta := func(usage string) string {
		return event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":`+usage+`}`)
	}
	stop := event("message_stop", `{"type":"message_stop"}`)
	for name, c := range map[string]struct {
		stream string
		want   map[inference.Resource]int64
	}{
		"repeated": {
			start(`{"input_tokens":100,"cache_read_input_tokens":2048,"output_tokens":1}`) +
				delta(`{"input_tokens":100,"cache_read_input_tokens":2048,"output_tokens":31}`) + stop,
			map[inference.Resource]int64{inference.TextInput: 100, inference.TextInputCached: 2048, inference.TextOutput: 31},
		},
		"only the output": {
			start(`{"input_tokens":12,"cache_creation_input_tokens":500,"cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":300},"output_tokens":4}`) +
				delta(`{"output_tokens":10}`) + delta(`{"output_tokens":31}`) + stop,
			map[inference.Resource]int64{
				inference.TextInput: 12, inference.TextCacheWrite: 200, inference.TextCacheWrite1h: 300, inference.TextOutput: 31,
			},
		},
		"input in the end": {
			start(`{"input_tokens":0,"output_tokens":0}`) + delta(`{"input_tokens":70,"output_tokens":3,"server_tool_use":{"web_search_requests":2}}`) + stop,
			map[inference.Resource]int64{inference.TextInput: 70, inference.TextOutput: 3, inference.Search: 2},
		},
		"nulls": {
			start(`{"input_tokens":5,"output_tokens":1}`) + delta(`{"input_tokens":null,"cache_read_input_tokens":null,"output_tokens":3}`) + stop,
			map[inference.Resource]int64{inference.TextInput: 5, inference.TextOutput: 3},
		},
	} {
		m, _, _ := through(t, c.stream)
		r := m.Result()
		for resource, n := range c.want {
			if !r.Known || r.Usage.Estimated || r.Usage.Quantities[resource] != n {
				t.Errorf("%s: %s is %d, want %d (%+v)", name, resource, r.Usage.Quantities[resource], n, r)
			}
		}
	}
}

func TestUsageOfBrokenStreams(t *testing.T) {
	t.Parallel()
	cut := event("message_start", `{"type":"message_start","message":{"usage":{"input_tokens":100,"cache_read_input_tokens":50,"output_tokens":1}}}`) +
		event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"twelve letters and more"}}`)
	m, _, _ := through(t, cut)
	r := m.Result()
	if !r.Known || !r.Usage.Estimated || r.Usage.Quantities[inference.TextInput] != 100 || r.Usage.Quantities[inference.TextInputCached] != 50 ||
		r.Usage.Quantities[inference.TextOutput] != 6 || r.OutputTokens != 6 {
		t.Errorf("%+v", r)
	}
	if last := m.(wire.Closer).Last(); last != nil { //nolint:forcetypeassert // a guard says so
		t.Errorf("an answer that is not complete ended with %s", last)
	}
	bad, _, _ := through(t, strings.ReplaceAll(cut, "100", "-1"))
	if r := bad.Result(); r.Known {
		t.Errorf("%+v", r)
	}
	done, _, _ := through(t, cut+event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}`))
	if last := done.(wire.Closer).Last(); !strings.HasPrefix(string(last), "event: message_stop\n") { //nolint:forcetypeassert // as above
		t.Errorf("a complete answer without terminator ended with %q", last)
	}
}

// Runs deliver and count what single events would.
func TestRunsAreLikeSingleEvents(t *testing.T) {
	t.Parallel()
	stream := recorded(t, "text.sse")
	single, want, _ := through(t, stream)
	m := anthropic.Messages.Meter(wire.MeterOptions{})
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	var out []byte
	var ran int
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		deliver, sign := m.Event(e.Raw, e.Data)
		out = append(out, deliver...)
		if sign == wire.Ended {
			break
		}
		before := len(out)
		var taken int
		out, taken = m.(wire.Runner).Run(out, r.Pending(), 1<<20) //nolint:forcetypeassert // a guard says so
		r.Skip(taken)
		ran += taken
		if len(out)-before != taken {
			t.Fatalf("%d bytes taken, %d delivered", taken, len(out)-before)
		}
	}
	if string(out) != want || m.Tokens() != single.Tokens() || m.Result() != single.Result() || ran == 0 {
		t.Errorf("ran %d bytes, %d tokens, want %d\n%s", ran, m.Tokens(), single.Tokens(), out)
	}
	if _, taken := m.(wire.Runner).Run(nil, []byte(recorded(t, "tool.sse")), 1<<20); taken != 0 { //nolint:forcetypeassert // as above
		t.Errorf("%d bytes of another stream are like it", taken)
	}
}

func TestRunStopsBeforeWhatMayNotBeDelivered(t *testing.T) {
	t.Parallel()
	delta := event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abcdefgh"}}`)
	m, _, _ := through(t, event("message_start", `{"type":"message_start","message":{}}`)+delta)
	if _, taken := m.(wire.Runner).Run(nil, []byte(strings.Repeat(delta, 9)), m.Tokens()+8); taken == 0 || m.Tokens() > 10 { //nolint:forcetypeassert // a guard says so
		t.Errorf("took %d bytes, %d tokens", taken, m.Tokens())
	}
}

func FuzzMeter(f *testing.F) {
	for _, name := range []string{"text.sse", "tool.sse", "thinking.sse"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, stream string) {
		m, delivered, _ := through(t, stream)
		if r := m.Result(); r.OutputTokens < 0 || r.Known && r.Usage.IsZero() {
			t.Errorf("%+v of %d bytes", r, len(delivered))
		}
		for _, n := range m.Result().Usage.Quantities {
			if n < 0 {
				t.Errorf("%+v", m.Result())
			}
		}
	})
}
