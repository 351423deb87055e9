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
)

func TestFormatPeekAndEdit(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"a","messages":[{"content":"data:image/png;base64,` + strings.Repeat("A", 4000) + `"}],"user":"u","runMode":"Simulation","stream":true}`)
	a, err := Chat.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	if a.Model != "a" || !a.Stream || a.WantsUsage || a.Choices != 1 || a.StickyKey != "u" || !a.Simulation ||
		Chat.InputTokens(body, &a) > 50 || Chat.InputTokens(body, &a) < 1 || a.InputBound < 4000 {
		t.Errorf("got %+v", a)
	}
	got := string(Chat.Edit(nil, body, &a, wire.Change{Model: "b", AskUsage: true, MaxOutput: 5}))
	if strings.Contains(got, "runMode") || !strings.HasPrefix(got, `{"max_tokens":5,"stream_options":{"include_usage":true},"model":"b",`) {
		t.Errorf("got %s", got)
	}
}

func TestFormatPeekSpeaksInFaults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`[]`: {"invalid_json", ""}, `null`: {"invalid_parameter", "model"}, strings.Repeat("[", 10001): {"json_too_deep", ""},
		`{"model":{"a":1},"messages":[{}]}`:            {"invalid_parameter", "model"},
		`{"model":"a","model":"b"}`:                    {"duplicate_key", "model"},
		"{\"model\":\"\xff\"}":                         {"invalid_json", ""},
		`{"model":"a","messages":[{}],"n":0}`:          {"invalid_parameter", "n"},
		`{"model":"a","messages":[{}],"stream":true}}`: {"invalid_json", ""},
	} {
		_, err := Chat.Peek([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != want[0] || f.Path != want[1] || f.Status != 400 {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

func TestFormatAnswer(t *testing.T) {
	t.Parallel()
	for body, valid := range map[string]bool{
		`{"choices":[{"message":{"content":"12345678"}}]}`: true,
		`{"error":{"message":"quota"}}`:                    false,
		`{"choices":[],"error":{"message":"x"}}`:           false,
		`{"choices":null}`:                                 false,
		`<<<`:                                              false,
		`{"choices":[{"mess`:                               false,
	} {
		m, ok := Chat.Answer([]byte(body))
		if ok != valid || m.Known || ok && m.OutputTokens != 2 {
			t.Errorf("%s: %+v, %v", body, m, ok)
		}
	}
	m, ok := Embeddings.Answer([]byte(`{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}`))
	if !ok || !m.Known || m.Usage.InputTokens() != 3 {
		t.Errorf("%+v, %v", m, ok)
	}
	if _, ok := Embeddings.Answer([]byte(`{"choices":[]}`)); ok {
		t.Error("a chat answer passed as embeddings")
	}
}

func TestFormatMeter(t *testing.T) {
	t.Parallel()
	delta := `{"choices":[{"index":0,"delta":{"content":"12345678"},"finish_reason":null}],"usage":null}`
	last := `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`
	usage := `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`
	stripped := strings.ReplaceAll(delta, `,"usage":null`, "")
	for _, c := range []struct {
		name, in  string
		hide      bool
		delivered string
		sign      wire.Sign
	}{
		{
			"asked by Gantry", ": wait\n\ndata: " + delta + "\n\n: wait\n\ndata: " + last + "\n\ndata: " + usage + "\n\ndata: [DONE]\n\n", true,
			"data: " + stripped + "\n\n: wait\n\n" + "data: " + strings.ReplaceAll(last, `,"usage":null`, "") + "\n\n", wire.Ended,
		},
		{
			"asked by the caller", "data: " + delta + "\r\n\r\ndata:" + last + "\n\ndata: " + usage + "\n\ndata: [DONE]\n\n", false,
			"data: " + delta + "\r\n\r\ndata:" + last + "\n\ndata: " + usage + "\n\n", wire.Ended,
		},
		{
			"a filter's opinion of the prompt", `data: {"choices":[],"prompt_filter_results":[]}` + "\n\ndata: " + delta + "\n\ndata: " + last + "\n\n", false,
			"data: " + delta + "\n\ndata: " + last + "\n\n", wire.Finished,
		},
		{"error", "data: " + delta + "\n\ndata: {\"error\":{\"message\":\"x\"}}\n\n", false, "data: " + delta + "\n\n", wire.Broken},
		{"half an object", "data: " + delta + "\n\ndata: {\"choices\":[{\"del\n\n", false, "data: " + delta + "\n\n", wire.Garbled},
		{"an end without a blank line", "data: " + last, false, "data: " + last + "\n\n", wire.Finished},
		{"a comment at the end", "data: " + delta + "\n\n: wai", false, "data: " + delta + "\n\n", wire.Goes},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := Chat.Meter(wire.MeterOptions{HideUsage: c.hide})
			r := sse.NewReader(strings.NewReader(c.in), 1<<20)
			defer r.Release()
			var got strings.Builder
			var sign wire.Sign
			for {
				e, err := r.Next()
				if err == io.EOF { //nolint:errorlint // io.EOF itself is promised
					break
				}
				deliver, s := m.Event(e.Raw, e.Data)
				got.Write(deliver)
				sign = s
			}
			if got.String() != c.delivered || sign != c.sign {
				t.Errorf("sign %d, delivered\n%s\nwant sign %d,\n%s", sign, got.String(), c.sign, c.delivered)
			}
			if r := m.Result(); strings.Contains(c.in, usage) && (!r.Known || r.Usage.OutputTokens() != 4) {
				t.Errorf("result %+v", r)
			}
		})
	}
}

func TestFormatErrors(t *testing.T) {
	t.Parallel()
	f := fault.New(402, "insufficient_balance", "No money.").At("model")
	want := `{"error":{"message":"No money.","type":"insufficient_quota","param":"model","code":"insufficient_balance"}}`
	if got := string(Chat.ErrorBody(f)); got != want {
		t.Errorf("got %s", got)
	}
	if got := string(Chat.ErrorFrame(f)); got != "data: "+want+"\n\n" {
		t.Errorf("got %s", got)
	}
	if string(Chat.End()) != "data: [DONE]\n\n" || Chat.Kind() != inference.Chat || Chat.Dialect() != inference.OpenAI {
		t.Error("the format's constants")
	}
}
