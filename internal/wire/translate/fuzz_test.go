package translate_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

var (
	spoken   = []wire.Codec{openai.ChatCodec, openai.ResponsesCodec, anthropic.Codec, gemini.Codec}
	formats  = []wire.Format{openai.Chat, openai.Responses, anthropic.Messages, gemini.Generate{Model: "m"}}
	reached  = []wire.UpstreamCodec{openai.ChatCodec, openai.ResponsesCodec, anthropic.Codec, gemini.Codec, bedrock.Codec, ollama.Codec}
	question = []string{
		`{"model":"m","messages":[{"role":"user","content":"a"}]}`, `{"model":"m","input":"a"}`,
		`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]}`, `{"contents":[{"parts":[{"text":"a"}]}]}`,
	}
	answered = []string{
		`{"id":"x","choices":[{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`,
		`{"id":"x","object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":3,"output_tokens":4}}`,
		`{"type":"message","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"i","name":"f","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}`,
		`{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}`,
		`{"output":{"message":{"role":"assistant","content":[{"text":"a"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":4}}`,
		`{"model":"m","message":{"role":"assistant","content":"a"},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}`,
	}
)

func bridge(caller wire.Codec, upstream wire.UpstreamCodec) *translate.Bridge {
	return &translate.Bridge{
		Caller: caller, Upstream: upstream, Policy: wire.DropLosses, Now: func() time.Time { return time.Unix(1_760_000_000, 0) },
		Options: wire.EncodeOptions{ModelOutput: 1000, AskUsage: true},
	}
}

// FuzzRequest asks every upstream what anybody might ask in any protocol. What goes out is JSON that the upstream's own
// protocol reads again to the same words; what is refused names why.
func FuzzRequest(f *testing.F) {
	for i, body := range question {
		for j := range reached {
			f.Add(uint8(i), uint8(j), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, caller, upstream uint8, body []byte) {
		at := int(caller) % len(spoken)
		from, to := spoken[at], reached[int(upstream)%len(reached)]
		if _, err := formats[at].Peek(body); err != nil {
			return // the relay asks nobody such a thing
		}
		c, err := bridge(from, to).Request(body, "other", false, 100)
		if err != nil {
			var refused *fault.Error
			if !errors.As(err, &refused) || refused.Code == "" || refused.Status < 400 || refused.Status > 499 {
				t.Fatalf("%T refuses %q for %T: %v", from, body, to, err)
			}
			return
		}
		if !json.Valid(c.Body) || utf8.Valid(body) && !utf8.Valid(c.Body) {
			t.Fatalf("%q became %q", body, c.Body)
		}
		whole, ok := to.(wire.Codec)
		if !ok || !says(whole, c.Body) {
			return
		}
		again, err := bridge(whole, to).Request(c.Body, "other", false, 100)
		if err != nil {
			t.Fatalf("%T cannot read what it wrote: %q of %q: %v", to, c.Body, body, err)
		}
		last, err := bridge(whole, to).Request(again.Body, "other", false, 100)
		if err != nil {
			t.Fatalf("%T cannot read what it wrote: %q of %q: %v", to, again.Body, c.Body, err)
		}
		if string(last.Body) != string(again.Body) {
			t.Fatalf("%T does not settle: %q, then %q", to, again.Body, last.Body)
		}
	})
}

// says reports whether a request says anything: one that does not has no form that settles.
func says(codec wire.Codec, body []byte) bool {
	p, err := codec.DecodeRequest(body)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(p.Turns, func(t inference.Turn) bool { return len(t.Parts) > 0 })
}

// FuzzAnswer lets every upstream answer every caller with anything, whole and as a stream, in pieces of any size.
func FuzzAnswer(f *testing.F) {
	for i, body := range answered {
		for j := range spoken {
			f.Add(uint8(j), uint8(i), []byte(body))
			f.Add(uint8(j), uint8(i), []byte("event: message_start\ndata: "+body+"\n\ndata: [DONE]\n\n"))
		}
	}
	f.Fuzz(func(t *testing.T, caller, upstream uint8, body []byte) {
		at, to := int(caller)%len(spoken), reached[int(upstream)%len(reached)]
		for _, stream := range []bool{false, true} {
			c, err := bridge(spoken[at], to).Request([]byte(question[at]), "m", stream, 100)
			if err != nil {
				t.Fatal(err)
			}
			src := io.NopCloser(strings.NewReader(string(body)))
			out := c.Whole(src)
			if stream {
				out = c.Stream(src)
			}
			text, err := io.ReadAll(out)
			if len(text) > 1<<16+200*len(body) {
				t.Errorf("%d bytes became %d", len(body), len(text))
			}
			if !stream && err == nil && !json.Valid(text) {
				t.Errorf("%T of %T: %q became %q", spoken[at], to, body, text)
			}
			if stream {
				checkEvents(t, text)
			}
			if u, ok := c.Usage(); ok {
				for _, n := range u.Quantities {
					if n < 0 {
						t.Errorf("%q is metered as %+v", body, u)
					}
				}
			}
			if err := out.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// checkEvents holds that a stream is one of events whose data is JSON.
func checkEvents(t *testing.T, text []byte) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if ok && data != "[DONE]" && !json.Valid([]byte(data)) {
			t.Errorf("no JSON: %q", data)
		}
	}
}
