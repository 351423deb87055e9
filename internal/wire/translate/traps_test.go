package translate_test

import (
	"io"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

const (
	chatAsk     = `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"a"}]}`
	messagesAsk = chatAsk
	itemsAsk    = `{"model":"m","input":"a"}`
	contentsAsk = `{"contents":[{"role":"user","parts":[{"text":"a"}]}]}`
)

// holds checks that a text has some and lacks others, which begin with "!".
func holds(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		lacks, found := strings.CutPrefix(want, "!")
		if strings.Contains(text, lacks) == found {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
}

// sent is a request as the upstream gets it.
func sent(t *testing.T, caller wire.Codec, upstream wire.UpstreamCodec, body string) string {
	t.Helper()
	return string(asked(t, bridgeOf(caller, upstream), body).Body)
}

// told is an answer as the caller gets it.
func told(t *testing.T, x *translate.Crossing, answer string) string {
	t.Helper()
	out, err := x.Answer([]byte(answer))
	if err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	return string(out)
}

// streamed is a stream as the caller gets it.
func streamed(t *testing.T, x *translate.Crossing, raw string) string {
	t.Helper()
	out, err := io.ReadAll(x.Stream(io.NopCloser(strings.NewReader(raw))))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return string(out)
}

// event is one of a stream whose events have names.
func event(data string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(data, `{"type":"`), `"`)
	return "event: " + name + "\ndata: " + data + "\n\n"
}

const begun = `{"type":"message_start","message":{"id":"a","model":"m","usage":{"input_tokens":30,"cache_read_input_tokens":60,"cache_creation_input_tokens":10,"output_tokens":1}}}`

// messageStream is a stream of messages that ends for a reason.
func messageStream(reason string) string {
	return event(begun) + event(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
		event(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}`) + event(`{"type":"content_block_stop","index":0}`) +
		event(`{"type":"message_delta","delta":{"stop_reason":"`+reason+`"},"usage":{"output_tokens":9}}`) + event(`{"type":"message_stop"}`)
}

// TestTraps are the mistakes that others made, by the numbers of the sheet "translation". README.md says where those are tested
// that are not here.
func TestTraps(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T){
		"1 tokens of the cache are counted once": func(t *testing.T) {
			t.Helper()
			x := asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk)
			holds(t, told(t, x, `{"id":"c","model":"m","created":1,"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,`+
				`"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10}}}`),
				`"input_tokens":30`, `"cache_read_input_tokens":60`, `"cache_creation_input_tokens":10`, `"output_tokens":9`)
		},
		"2 tokens of a stream are not added up": func(t *testing.T) {
			t.Helper()
			x := asked(t, bridgeOf(openai.ResponsesCodec, anthropic.Codec), itemsAsk)
			holds(t, streamed(t, x, messageStream("end_turn")), `"input_tokens":100`, `"output_tokens":9`)
			if u, _ := x.Usage(); u.InputTokens() != 100 || u.OutputTokens() != 9 {
				t.Errorf("%+v", u)
			}
		},
		"3 a message begins though calls come first": func(t *testing.T) {
			t.Helper()
			x := asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk)
			out := streamed(t, x, chunk(`{"role":"assistant","tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}`, "null")+
				chunk("{}", `"tool_calls"`)+"data: [DONE]\n\n")
			if !strings.HasPrefix(out, "event: message_start\n") {
				t.Error(out)
			}
			holds(t, out, `"type":"tool_use"`, `"stop_reason":"tool_use"`)
		},
		"4 arguments that come whole": func(t *testing.T) {
			t.Helper()
			x := asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk)
			holds(t, streamed(t, x, chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"k\":1}"}}]}`, `"stop"`)+"data: [DONE]\n\n"),
				`"input":{}`, `"partial_json":"{\"k\":1}"`, `"stop_reason":"tool_use"`)
			y := asked(t, bridgeOf(anthropic.Codec, gemini.Codec), messagesAsk)
			holds(t, streamed(t, y, `data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"k":1}}}]},"finishReason":"STOP"}]}`+"\n\n"),
				`"input":{}`, `"partial_json":"{\"k\":1}"`, `"stop_reason":"tool_use"`)
		},
		"5 the last event of a response tells its usage, whatever it is": func(t *testing.T) {
			t.Helper()
			for _, end := range []string{"incomplete", "failed"} {
				x := asked(t, bridgeOf(openai.ChatCodec, openai.ResponsesCodec), chatAsk)
				streamed(t, x, event(`{"type":"response.created","response":{"id":"r","output":[]}}`)+
					event(`{"type":"response.`+end+`","response":{"id":"r","status":"`+end+`","output":[],"usage":{"input_tokens":7,"output_tokens":8}}}`))
				if u, known := x.Usage(); !known || u.InputTokens() != 7 || u.OutputTokens() != 8 {
					t.Errorf("%s: %+v", end, u)
				}
			}
		},
		"6 signatures of Google's go to callers and come back": func(t *testing.T) {
			t.Helper()
			const answer = `{"candidates":[{"content":{"parts":[{"functionCall":{"id":"c","name":"f","args":{}},"thoughtSignature":"CiQB"}]},"finishReason":"STOP"}]}`
			b := bridgeOf(openai.ChatCodec, gemini.Codec)
			holds(t, told(t, asked(t, b, chatAsk), answer), `"thought_signature":"CiQB"`)
			holds(t, string(asked(t, b, `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f",`+
				`"arguments":"{}"},"extra_content":{"google":{"thought_signature":"CiQB"}}}]},{"role":"tool","tool_call_id":"c","content":"x"}]}`).Body), `"thoughtSignature":"CiQB"`)
		},
		"10 late results move to their calls": func(t *testing.T) {
			t.Helper()
			holds(t, sent(t, openai.ResponsesCodec, openai.ChatCodec, `{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},`+
				`{"role":"user","content":"b"},{"type":"function_call_output","call_id":"c","output":"x"}]}`), `"tool_calls"`, `]},{"role":"tool","tool_call_id":"c","content":"x"},{"role":"user","content":"b"}`)
		},
		"12 reasoning goes back to those who want it": func(t *testing.T) {
			t.Helper()
			b := bridgeOf(anthropic.Codec, openai.ChatCodec)
			b.Options.ReturnReasoning = true
			const loop = `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},` +
				`{"type":"tool_use","id":"c","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"x"}]}]}`
			holds(t, string(asked(t, b, loop).Body), `"reasoning_content":"hm"`)
			holds(t, sent(t, anthropic.Codec, openai.ChatCodec, loop), "!reasoning_content")
		},
		"13 the limit is not the end": func(t *testing.T) {
			t.Helper()
			holds(t, streamed(t, asked(t, bridgeOf(openai.ChatCodec, anthropic.Codec), chatAsk), messageStream("max_tokens")), `"finish_reason":"length"`)
			holds(t, streamed(t, asked(t, bridgeOf(gemini.Codec, anthropic.Codec), contentsAsk), messageStream("max_tokens")), `"finishReason":"MAX_TOKENS"`)
			holds(t, streamed(t, asked(t, bridgeOf(openai.ResponsesCodec, anthropic.Codec), itemsAsk), messageStream("max_tokens")), `"reason":"max_output_tokens"`)
			holds(t, streamed(t, asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk), chunk(hello, `"length"`)+"data: [DONE]\n\n"), `"stop_reason":"max_tokens"`)
		},
		"14 one instruction is a text": func(t *testing.T) {
			t.Helper()
			holds(t, sent(t, openai.ChatCodec, anthropic.Codec, `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}`), `"system":"s"`)
		},
		"15 roles alternate where they must": func(t *testing.T) {
			t.Helper()
			const twice = `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"},{"role":"assistant","content":"d"},{"role":"user","content":"e"}]}`
			for _, upstream := range []wire.UpstreamCodec{anthropic.Codec, gemini.Codec, bedrock.Codec} {
				if out := sent(t, openai.ChatCodec, upstream, twice); strings.Count(out, `"role":`) != 3 {
					t.Error(out)
				}
			}
		},
		"20 one answer is one, and several are refused": func(t *testing.T) {
			t.Helper()
			for _, upstream := range []wire.UpstreamCodec{anthropic.Codec, openai.ResponsesCodec, bedrock.Codec, ollama.Codec} {
				if _, err := bridgeOf(openai.ChatCodec, upstream).Request([]byte(`{"model":"m","n":2,"messages":[{"role":"user","content":"a"}]}`), "m", false, 9); err == nil {
					t.Errorf("%s gives two answers", upstream.Dialect())
				}
			}
			holds(t, streamed(t, asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk), chunk(hello, "null")+chunk("{}", `"stop"`)+
				`data: {"id":"c","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":5}}`+"\n\ndata: [DONE]\n\n"), `"input_tokens":4`, `"output_tokens":5`, "message_stop")
		},
		"21 what Azure says of the prompt is no choice": func(t *testing.T) {
			t.Helper()
			holds(t, streamed(t, asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk),
				`data: {"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}`+"\n\n"+whole), "hello", "message_stop")
		},
		"22 errors and lines of every kind": func(t *testing.T) {
			t.Helper()
			for _, none := range []string{"<html>no</html>", "upstream connect error", `[{"error":{}}]`, `{"error":{"message":"x"}}`, ""} {
				for caller, upstream := range map[wire.Codec]wire.UpstreamCodec{anthropic.Codec: openai.ChatCodec, openai.ChatCodec: gemini.Codec} {
					body := messagesAsk
					if out, err := asked(t, bridgeOf(caller, upstream), body).Answer([]byte(none)); err == nil {
						t.Errorf("%q becomes %s", none, out)
					}
				}
			}
			odd := "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(whole, "data: ", "data:"), "\n", "\r\n")
			holds(t, streamed(t, toChat(t), odd), "hello", "message_stop")
			long := strings.Repeat("x", 200<<10)
			holds(t, streamed(t, toChat(t), chunk(`{"content":"`+long+`"}`, `"stop"`)), long, "message_stop")
			holds(t, streamed(t, toChat(t), chunk(hello, "null")+`data: {"error":{"message":"overloaded","code":503}}`+"\n\n"), "hello", "event: error", "overloaded", "!message_stop")
		},
		"24 numbers and lists of every kind": func(t *testing.T) {
			t.Helper()
			x := asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), messagesAsk)
			holds(t, told(t, x, `{"id":"c","model":"m","created":1.0,"choices":[{"index":0.0,"message":{"content":"hi","tool_calls":null,"annotations":null},"finish_reason":"stop"}],`+
				`"usage":{"prompt_tokens":4.0,"completion_tokens":5,"prompt_tokens_details":null}}`), `"hi"`, `"input_tokens":4`)
		},
		"25 nothing is said by nothing": func(t *testing.T) {
			t.Helper()
			holds(t, sent(t, openai.ChatCodec, anthropic.Codec, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":" \n"},{"type":"text","text":"a"}]}]}`), `!" \n"`, `"a"`)
			holds(t, sent(t, anthropic.Codec, openai.ChatCodec, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}}]},`+
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"x"}]}]}`), `"content":null`)
		},
		"26 figures that the upstream takes": func(t *testing.T) {
			t.Helper()
			holds(t, sent(t, openai.ChatCodec, anthropic.Codec, `{"model":"m","temperature":1.8,"top_p":0.5,"messages":[{"role":"user","content":"a"}]}`), `"temperature":1`, "!top_p", "!1.8")
			x, err := bridgeOf(anthropic.Codec, openai.ChatCodec).Request([]byte(`{"model":"m","max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"a"}]}`), "gpt-5-mini", false, 0)
			if err != nil || strings.Contains(string(x.Body), "temperature") || len(x.Losses) != 1 {
				t.Errorf("%v: %s %+v", err, x.Body, x.Losses)
			}
		},
		"27 an answer that the caller began": func(t *testing.T) {
			t.Helper()
			const prefill = `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{"}]}`
			for _, upstream := range []wire.UpstreamCodec{openai.ChatCodec, openai.ResponsesCodec, gemini.Codec} {
				if x := asked(t, bridgeOf(anthropic.Codec, upstream), prefill); len(x.Losses) != 1 || x.Losses[0].Path != "messages[1]" {
					t.Errorf("%s: %+v", upstream.Kind(), x.Losses)
				}
			}
			if x := asked(t, bridgeOf(anthropic.Codec, bedrock.Codec), prefill); len(x.Losses) != 0 {
				t.Errorf("%+v", x.Losses)
			}
		},
		"28 addresses that the upstream does not fetch": func(t *testing.T) {
			t.Helper()
			const picture = `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}`
			for _, upstream := range []wire.UpstreamCodec{bedrock.Codec, ollama.Codec} {
				if _, err := bridgeOf(openai.ChatCodec, upstream).Request([]byte(picture), "m", false, 9); err == nil {
					t.Errorf("%s fetches addresses", upstream.Dialect())
				}
			}
		},
		"29 a choice among no tools is none": func(t *testing.T) {
			t.Helper()
			const choice = `{"model":"m","max_tokens":9,"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"a"}]}`
			for _, upstream := range []wire.UpstreamCodec{openai.ChatCodec, openai.ResponsesCodec, gemini.Codec, bedrock.Codec, ollama.Codec} {
				holds(t, sent(t, anthropic.Codec, upstream, choice), "!tool_choice", "!parallel_tool_calls", "!toolConfig", "!toolChoice")
			}
		},
		"30 what a name ends with is part of the name": func(t *testing.T) {
			t.Helper()
			x, err := bridgeOf(anthropic.Codec, openai.ChatCodec).Request([]byte(messagesAsk), "m-thinking-high", false, 0)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, string(x.Body), `"model":"m-thinking-high"`, "!reasoning_effort")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}

// TestEarlyFailuresAreKept (trap 18): until there is some of an answer nothing is handed on but the failure, which another
// attempt can make up for.
func TestEarlyFailuresAreKept(t *testing.T) {
	t.Parallel()
	x := asked(t, bridgeOf(openai.ChatCodec, anthropic.Codec), chatAsk)
	r, w := io.Pipe()
	s := x.Stream(r)
	first := make(chan string)
	go func() {
		buf := make([]byte, 4096)
		n, err := s.Read(buf)
		if err != nil {
			t.Error(err)
		}
		first <- string(buf[:n])
	}()
	for _, e := range []string{begun, `{"type":"ping"}`} { // a pipe hands over: who takes the second is done with the first
		if _, err := io.WriteString(w, event(e)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case got := <-first:
		t.Fatalf("handed on: %s", got)
	default:
	}
	if _, err := io.WriteString(w, event(`{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`)); err != nil {
		t.Fatal(err)
	}
	holds(t, <-first, `"error"`, "busy")
	if u, known := x.Usage(); known && u.Quantities[inference.TextOutput] > 1 {
		t.Errorf("%+v", u)
	}
}
