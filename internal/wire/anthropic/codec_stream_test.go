package anthropic_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

// across sends a stream from one protocol to another. The error is that of the upstream's reader.
func across(t *testing.T, from, to wire.Codec, p *inference.Prompt, stream string) (out string, usage *inference.Usage, err error) {
	t.Helper()
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	decoder, encoder := from.StreamDecoder(), to.StreamEncoder(p)
	var serial wire.Serial
	var b []byte
	tell := func(deltas []inference.Delta) {
		for _, d := range deltas {
			for _, ordered := range serial.Append(nil, d) {
				if ordered.Kind == inference.DeltaUsage {
					usage = &ordered.Usage
				}
				b = encoder.Append(b, &ordered)
			}
		}
	}
	for {
		e, readErr := r.Next()
		if readErr != nil {
			deltas, err := decoder.Finish(nil)
			tell(deltas)
			return string(b), usage, err
		}
		deltas, err := decoder.Decode(nil, e.Name, slices.Clone(e.Data))
		tell(deltas)
		if err != nil {
			return string(b), usage, err
		}
	}
}

// data are the events' data of a stream.
func dataOf(stream string) (out []string) {
	for line := range strings.Lines(stream) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			out = append(out, strings.TrimSuffix(data, "\n"))
		}
	}
	return out
}

func TestStreamsOfMessagesBecomeChunks(t *testing.T) {
	t.Parallel()
	wanted := &inference.Prompt{StreamUsage: true}
	out, usage, err := across(t, anthropic.Codec, openai.ChatCodec, wanted, recorded(t, "thinking.sse"))
	if err != nil || usage == nil || usage.Quantities[inference.TextCacheWrite1h] != 1200 || usage.Quantities[inference.TextOutput] != 120 {
		t.Errorf("%+v, %v", usage, err)
	}
	for _, want := range []string{
		`"reasoning_content":"Let me see"`, `"signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds","format":"anthropic-claude-v1"`,
		`"content":"Done."`, `"finish_reason":"stop"`, `"prompt_tokens":1840,"completion_tokens":120`, "data: [DONE]\n\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %s\n%s", want, out)
		}
	}
	out, _, err = across(t, anthropic.Codec, openai.ChatCodec, wanted, recorded(t, "tool.sse"))
	if err != nil || !strings.Contains(out, `"id":"toolu_7","type":"function","function":{"name":"get_weather","arguments":""}`) ||
		!strings.Contains(out, `"arguments":"{\"city\":\"Kyiv\"}"`) || !strings.Contains(out, `"finish_reason":"tool_calls"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// A call without arguments is told with an empty object: clients parse the text.
func TestACallWithoutArguments(t *testing.T) {
	t.Parallel()
	stream := event("message_start", `{"type":"message_start","message":{"id":"msg_1"}}`) +
		event("content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`) +
		event("content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}`) +
		event("content_block_stop", `{"type":"content_block_stop","index":1}`) +
		event("future_event", `{"type":"future_event"}`) + event("ping", `{"type":"ping"}`) +
		event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"input_tokens":3,"output_tokens":2}}`)
	out, usage, err := across(t, anthropic.Codec, openai.ChatCodec, nil, stream) // message_stop is missing
	if err != nil || usage == nil || !strings.Contains(out, `"arguments":"{}"`) || !strings.HasSuffix(out, "data: [DONE]\n\n") {
		t.Errorf("%+v, %v\n%s", usage, err, out)
	}
}

func TestStreamsThatAreNotComplete(t *testing.T) {
	t.Parallel()
	start := event("message_start", `{"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":3,"output_tokens":1}}}`)
	out, usage, err := across(t, anthropic.Codec, openai.ChatCodec, nil, start)
	if !errors.Is(err, wire.ErrCut) || usage != nil || strings.Contains(out, "[DONE]") {
		t.Errorf("%+v, %v\n%s", usage, err, out)
	}
	out, _, _ = across(t, anthropic.Codec, openai.ChatCodec, nil, start+event("error", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`))
	if !strings.Contains(out, `"code":"overloaded_error"`) {
		t.Errorf("%s", out)
	}
	for _, bad := range []string{
		start + start, event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		start + event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}`), start + "data: [1]\n\n",
	} {
		if out, _, err := across(t, anthropic.Codec, openai.ChatCodec, nil, bad); err == nil {
			t.Errorf("%s became %s", bad, out)
		}
	}
}

// Chunks in all the ways in which servers write them become events that the strict parser of the official client takes: the
// message begins, blocks come one after another with indexes without a gap, and the usage that follows the reason is told
// with it.
func TestChunksBecomeStreamsOfMessages(t *testing.T) {
	t.Parallel()
	chunk := func(delta, more string) string {
		return `data: {"id":"c1","model":"gpt","choices":[{"index":0,"delta":` + delta + more + `}]}` + "\n\n"
	}
	finish := func(reason string) string { return chunk(`{}`, `,"finish_reason":"`+reason+`"`) }
	usage := `data: {"id":"c1","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,"prompt_tokens_details":{"cached_tokens":60}}}` + "\n\n"
	done := "data: [DONE]\n\n"
	call := func(index, id, name, args string) string {
		return `{"index":` + index + `,"id":"` + id + `","function":{"name":"` + name + `","arguments":"` + args + `"}}`
	}
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"text, then usage": {
			chunk(`{"role":"assistant","content":""}`, "") + chunk(`{"content":"Hel"}`, "") + chunk(`{"content":"lo"}`, "") + finish("stop") + usage + done,
			[]string{
				`message_start`, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}`, `{"type":"content_block_stop","index":0}`,
				`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":40,"cache_creation_input_tokens":0,"cache_read_input_tokens":60,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":7}}`,
				`{"type":"message_stop"}`,
			},
		},
		"calls at once, whole, in the first chunk": {
			chunk(`{"role":"assistant","content":"","tool_calls":[`+call("0", "a", "f", "{}")+`,`+call("1", "b", "g", `{\"x\":1}`)+`]}`, "") + finish("stop") + done,
			[]string{
				`message_start`, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}`, `{"type":"content_block_stop","index":0}`,
				`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}`,
				`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}`, `{"type":"content_block_stop","index":1}`,
				`message_delta tool_use`, `{"type":"message_stop"}`,
			},
		},
		"interleaved calls behind a text": {
			chunk(`{"content":"I will."}`, "") + chunk(`{"tool_calls":[`+call("0", "a", "f", "")+`]}`, "") + chunk(`{"tool_calls":[`+call("1", "b", "g", `{`)+`]}`, "") +
				chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}`, "") + chunk(`{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}`, "") + finish("tool_calls") + usage + done,
			[]string{
				`message_start`, `content_block_start 0 text`, `content_block_delta 0 I will.`, `{"type":"content_block_stop","index":0}`,
				`content_block_start 1 "id":"a"`, `content_block_delta 1 {}`, `{"type":"content_block_stop","index":1}`,
				`content_block_start 2 "id":"b"`, `content_block_delta 2 "partial_json":"{"`, `content_block_delta 2 "partial_json":"}"`, `{"type":"content_block_stop","index":2}`,
				`message_delta tool_use`, `{"type":"message_stop"}`,
			},
		},
		"reasoning": {
			chunk(`{"reasoning_content":"hm"}`, "") + chunk(`{"content":"x"}`, "") + finish("length") + done,
			[]string{
				`message_start`, `content_block_start 0 "thinking":"","signature":""`, `content_block_delta 0 thinking_delta`, `{"type":"content_block_stop","index":0}`,
				`content_block_start 1 text`, `content_block_delta 1 text_delta`, `{"type":"content_block_stop","index":1}`, `message_delta max_tokens`, `{"type":"message_stop"}`,
			},
		},
		"sealed reasoning that cannot be read": {
			chunk(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"enc","format":"openai-responses-v1"}]}`, "") + chunk(`{"content":"x"}`, "") + finish("stop") + done,
			[]string{
				`message_start`, `{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"gantry:openai:enc"}}`, `{"type":"content_block_stop","index":0}`,
				`content_block_start 1 text`, `content_block_delta 1 text_delta`, `{"type":"content_block_stop","index":1}`, `message_delta end_turn`, `{"type":"message_stop"}`,
			},
		},
		"a call with a seal": {
			chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"sig"}}}]}`, "") + finish("tool_calls") + done,
			[]string{
				`message_start`, `content_block_start 0 "id":"a"`, `content_block_delta 0 {}`, `{"type":"content_block_stop","index":0}`,
				`content_block_start 1 "data":"gantry-call:gemini:sig"`, `{"type":"content_block_stop","index":1}`, `message_delta tool_use`, `{"type":"message_stop"}`,
			},
		},
	} {
		out, _, err := across(t, openai.ChatCodec, anthropic.Codec, nil, c.stream)
		got := dataOf(out)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v, %d events\n%s", name, err, len(got), out)
			continue
		}
		for i, want := range c.want {
			if strings.HasPrefix(want, "{") && got[i] != want {
				t.Errorf("%s: event %d is\n%s, want\n%s", name, i, got[i], want)
			}
			words := strings.SplitN(want, " ", 3)
			for k, word := range words {
				if strings.HasPrefix(want, "{") {
					break
				}
				if k == 1 && len(words) == 3 {
					word = `"index":` + word
				}
				if !strings.Contains(got[i], word) {
					t.Errorf("%s: event %d is %s, want %s", name, i, got[i], want)
				}
			}
		}
		if m, _, signs := through(t, out); signs[len(signs)-1] != wire.Ended || m.Result().OutputTokens < 1 {
			t.Errorf("%s: the meter does not take it: %v", name, signs)
		}
	}
}

// What a client sends back of another dialect's seals is what that dialect sealed.
func TestForeignSealsComeBack(t *testing.T) {
	t.Parallel()
	p, err := anthropic.Codec.DecodeRequest([]byte(`{"model":"m","messages":[{"role":"assistant","content":[
		{"type":"thinking","thinking":"hm","signature":"gantry:gemini:one"},{"type":"redacted_thinking","data":"gantry:openai:two"},
		{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"redacted_thinking","data":"gantry-call:gemini:three"},
		{"type":"thinking","thinking":"own","signature":"four"},{"type":"text","text":"so"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range p.Turns[0].Parts[:4] {
		got = append(got, string(part.Seal.Dialect)+" "+part.Seal.Data)
	}
	if strings.Join(got, ", ") != "gemini one, openai two, gemini three, anthropic four" {
		t.Errorf("%v", got)
	}
	var l wire.Losses
	p.Turns = append([]inference.Turn{{Parts: []inference.Part{{Text: "x"}}}}, p.Turns...)
	out, err := anthropic.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l)
	if err != nil || strings.Contains(string(out), "gantry") || !strings.Contains(string(out), `"signature":"four"`) {
		t.Errorf("%v: %s", err, out)
	}
}
