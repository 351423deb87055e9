package openai

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

func TestPeekResponses(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"https://x.example/a"}]}],
		"instructions":"be brief","max_output_tokens":64,"stream":true,"runMode":"simulation","prompt_cache_key":"k",
		"tools":[{"type":"web_search"},{"type":"function","name":"f"}],"max_tool_calls":3,"reasoning":{"effort":"low"}}`)
	a, err := Responses.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	if a.Model != "gpt-5" || !a.Stream || !a.WantsUsage || a.MaxOutput != 64 || a.Searches != 3 || a.StickyKey != "k" || !a.Simulation ||
		a.Needs != wire.NeedsImages|wire.NeedsTools || a.InputBound < 3000 {
		t.Errorf("got %+v", a)
	}
	if text := Responses.(wire.Texter).Text(body, &a, 100); text != "be brief\nlook" { //nolint:forcetypeassert // compile-time guards say so
		t.Errorf("got %q", text)
	}
	got := string(Responses.Edit(nil, body, &a, wire.Change{Model: "other", MaxOutput: 32, AskUsage: true, MaxOutputParam: "max_tokens"}))
	if !strings.HasPrefix(got, `{"model":"other",`) || !strings.Contains(got, `"max_output_tokens":32`) || strings.Contains(got, "runMode") ||
		strings.Contains(got, "include_usage") || strings.Contains(got, `"max_tokens"`) {
		t.Errorf("got %s", got)
	}
	more := []byte(`{"model":"m","previous_response_id":"resp_1"}`)
	a, err = Responses.Peek(more)
	if err != nil || a.InputBound < unseenContext || a.StickyKey != "resp_1" {
		t.Errorf("got %+v, %v", a, err)
	}
	if got := string(Responses.Edit(nil, more, &a, wire.Change{MaxOutput: 9})); got != `{"max_output_tokens":9,"model":"m","previous_response_id":"resp_1"}` {
		t.Errorf("got %s", got)
	}
}

func TestPeekResponsesRefuses(t *testing.T) {
	t.Parallel()
	const m = `"model":"m","input":"x"`
	for _, c := range []struct{ body, code, path string }{
		{`{"model":"m"}`, "invalid_parameter", "input"},
		{`{"input":"x"}`, "invalid_parameter", "model"},
		{`{"model":"m","input":""}`, "invalid_parameter", "input"},
		{`{"model":"m","input":{}}`, "invalid_parameter", "input"},
		{`{` + m + `,"stream":"yes"}`, "invalid_parameter", "stream"},
		{`{` + m + `,"max_output_tokens":0}`, "invalid_parameter", "max_output_tokens"},
		{`{` + m + `,"tools":{}}`, "invalid_parameter", "tools"},
		{`{` + m + `,"tools":[{"type":"function"},{"type":"code_interpreter"}]}`, "invalid_parameter", "tools[1].type"},
		{`{` + m + `,"tools":[{"type":"web_search"}],"max_tool_calls":0}`, "invalid_parameter", "max_tool_calls"},
		{`{` + m + `,"model":"n"}`, "duplicate_key", "model"},
	} {
		_, err := Responses.Peek([]byte(c.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != c.code || f.Path != c.path {
			t.Errorf("%s: %v", c.body, err)
		}
	}
}

const doneResponse = `{"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"type":"web_search_call","status":"completed"},` +
	`{"type":"message","content":[{"type":"output_text","text":"Hi."}]}],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},` +
	`"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":40}}`

func TestResponseAnswers(t *testing.T) {
	t.Parallel()
	m, ok := Responses.Answer([]byte(doneResponse))
	q := m.Usage.Quantities
	if !ok || !m.Known || q[inference.TextInput] != 6 || q[inference.TextInputCached] != 4 || q[inference.TextOutput] != 10 ||
		q[inference.TextReasoning] != 20 || q[inference.Search] != 1 {
		t.Errorf("got %+v, %v", m, ok)
	}
	for body, valid := range map[string]bool{
		`{"status":"incomplete","output":[{"type":"message","content":[{"type":"output_text","text":"abcde fg"}]}],"usage":null}`: true,
		`{"status":"failed","output":[],"error":{"code":"server_error","message":"x"}}`:                                           false,
		`{"status":"failed","output":[]}`:     false,
		`{"status":"queued","output":[]}`:     false,
		`{"status":"completed"}`:              false,
		`{"choices":[]}`:                      false,
		`{"status":"completed","output":[]}x`: false,
	} {
		m, ok := Responses.Answer([]byte(body))
		if ok != valid || ok && (m.Known || m.OutputTokens != 2) {
			t.Errorf("%s: %+v, %v", body, m, ok)
		}
	}
	if n := Responses.(wire.Counting).CountAnswer([]byte(doneResponse), tokens.O200k); n != 2 { //nolint:forcetypeassert // compile-time guards say so
		t.Errorf("%d tokens", n)
	}
}

// follow feeds a stream to a meter and returns what is delivered, and the sign at its end.
func follow(t *testing.T, m wire.Meter, stream string) (delivered string, last wire.Sign) {
	t.Helper()
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return delivered, last
		}
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		out, last = m.Event(e.Raw, e.Data)
		delivered += string(out)
		if last != wire.Goes {
			return delivered, last
		}
	}
}

func event(name, more string) string {
	return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + more + "}\n\n"
}

func TestResponseStreams(t *testing.T) {
	t.Parallel()
	begin := event("response.created", `,"response":{"status":"in_progress","usage":null,"error":null}`)
	text := event("response.output_text.delta", `,"delta":"12345678"`) + ": alive\n\n" + event("response.reasoning_summary_text.delta", `,"delta":"1234"`) +
		event("response.function_call_arguments.delta", `,"delta":"{\"a\""`)
	end := event("response.completed", `,"response":`+doneResponse)
	m := Responses.Meter(wire.MeterOptions{HideUsage: true})
	got, sign := follow(t, m, ": alive\n\n"+begin+text+end+"data: [DONE]\n\n")
	if got != begin+text || sign != wire.Ended || string(m.(wire.Closer).Last()) != end { //nolint:forcetypeassert // compile-time guards say so
		t.Errorf("sign %d, got %s", sign, got)
	}
	if r := m.Result(); !r.Known || r.Usage.OutputTokens() != 30 || r.Usage.Quantities[inference.Search] != 1 || m.Tokens() != 4 {
		t.Errorf("got %+v, %d tokens", r, m.Tokens())
	}
	for bad, want := range map[string]wire.Sign{
		event("response.failed", `,"response":{"status":"failed","error":{"code":"server_error","message":"x"}}`): wire.Broken,
		event("error", `,"code":"rate_limit_exceeded","message":"x"`):                                             wire.Broken,
		"data: {\"error\":{\"message\":\"x\"}}\n\n":                                                               wire.Broken,
		"data: {\"type\":\n\n":                              wire.Garbled,
		event("response.completed", ""):                     wire.Garbled,
		event("response.of_the_future", `,"delta":{"a":1}`): wire.Goes,
	} {
		m := Responses.Meter(wire.MeterOptions{NoUsage: true, Family: tokens.O200k})
		got, sign := follow(t, m, begin+bad)
		if sign != want || (sign == wire.Goes) != (got == begin+bad) {
			t.Errorf("%s: sign %d, got %s", bad, sign, got)
		}
		m.(wire.MeterCounter).Release() //nolint:forcetypeassert // compile-time guards say so
	}
}

func TestImageStreams(t *testing.T) {
	t.Parallel()
	partial := event("image_generation.partial_image", `,"b64_json":"QUJD","partial_image_index":0`)
	end := event("image_generation.completed", `,"b64_json":"QUJD","usage":{"input_tokens":5,"output_tokens":100,"total_tokens":105}`)
	m := ImageGenerations.Meter(wire.MeterOptions{Choices: 2})
	got, sign := follow(t, m, partial+end+partial+end)
	if got != partial+end+partial || sign != wire.Ended || string(m.(wire.Closer).Last()) != end { //nolint:forcetypeassert // compile-time guards say so
		t.Errorf("sign %d, got %s", sign, got)
	}
	if q := m.Result().Usage.Quantities; q[inference.Image] != 2 || q[inference.ImageOutput] != 200 || q[inference.TextInput] != 10 {
		t.Errorf("got %+v", q)
	}
}

func TestErrorEventsReadAsErrors(t *testing.T) {
	t.Parallel()
	frame := string(Responses.ErrorFrame(fault.New(502, "upstream_error", "It \"failed\".").At("input")))
	want := "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"upstream_error\",\"message\":\"It \\\"failed\\\".\",\"param\":\"input\"," +
		"\"error\":{\"message\":\"It \\\"failed\\\".\",\"type\":\"server_error\",\"param\":\"input\",\"code\":\"upstream_error\"}}\n\n"
	if frame != want {
		t.Errorf("got %s", frame)
	}
	if _, sign := follow(t, Responses.Meter(wire.MeterOptions{}), frame); sign != wire.Broken {
		t.Errorf("sign %d", sign)
	}
}

func FuzzEventMeter(f *testing.F) {
	f.Add(event("response.output_text.delta", `,"delta":"a\u0000"`) + event("response.completed", `,"response":`+doneResponse))
	f.Add("data: {\"type\":\"image_edit.completed\"}\n\nid: 1\rdata: x\r\r")
	f.Fuzz(func(t *testing.T, stream string) {
		for _, sort := range []*eventSort{responseEvents, generationEvents, editEvents, noEvents} {
			m := newEventMeter(sort, wire.MeterOptions{Family: tokens.O200k, NoUsage: len(stream)%2 == 0})
			r := sse.NewReader(strings.NewReader(stream), 1<<16)
			for {
				e, err := r.Next()
				if err != nil {
					break
				}
				before := m.Tokens()
				out, sign := m.Event(e.Raw, e.Data)
				if len(out) > 0 && sign != wire.Goes || m.Tokens() < before || sign == wire.Ended && m.Last() == nil {
					t.Errorf("%q: delivered %q with sign %d", stream, out, sign)
				}
				if sign != wire.Goes {
					break
				}
			}
			r.Release()
			m.Release()
		}
	})
}
