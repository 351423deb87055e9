package ollama

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
)

func said(s string) inference.Part { return inference.Part{Kind: inference.PartText, Text: s} }

func turn(role inference.Role, parts ...inference.Part) inference.Turn {
	return inference.Turn{Role: role, Parts: parts, Path: "messages[0]"}
}

const user, model = inference.RoleUser, inference.RoleAssistant

func TestRequests(t *testing.T) {
	t.Parallel()
	tool := inference.Tool{Name: "get", Description: "Gets.", Schema: json.RawMessage(`{"type":"object"}`)}
	const tools = `"tools":[{"type":"function","function":{"name":"get","description":"Gets.","parameters":{"type":"object"}}}],`
	const hi = `"messages":[{"role":"user","content":"hi"}],`
	ask := turn(user, said("hi"))
	for _, c := range []struct {
		name    string
		prompt  inference.Prompt
		options wire.EncodeOptions
		want    string
		losses  string
	}{
		{
			name: "sampling", prompt: inference.Prompt{
				Model: "m", Stream: true, MaxOutput: 9, Stop: []string{"x"}, Turns: []inference.Turn{ask},
				Sampling: inference.Sampling{Temperature: "1.5", TopP: "0.9", TopK: "5", Seed: "7"},
			},
			want: `{"model":"m","stream":true,` + hi + `"options":{"num_predict":9,"temperature":1.5,"top_p":0.9,"top_k":5,"seed":7,"stop":["x"]}}`,
		},
		{
			name: "tools, pictures and reasoning", options: wire.EncodeOptions{ReturnReasoning: true}, prompt: inference.Prompt{
				Model: "m", System: []inference.Part{said("a"), said("b")}, Tools: []inference.Tool{tool}, Turns: []inference.Turn{
					turn(user, said("c"), inference.Part{Kind: inference.PartImage, Media: &inference.Media{Type: "image/png", Data: "QQ=="}}),
					turn(model, inference.Part{Kind: inference.PartReasoning, Text: "hm"}, said("d"),
						inference.Part{Kind: inference.PartCall, Text: `{"k":1}`, Call: &inference.Call{ID: "1", Name: "get"}},
						inference.Part{Kind: inference.PartCall, Text: `no`, Call: &inference.Call{ID: "2", Name: "get"}, Path: "call"}),
					turn(user, inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: "1", Parts: []inference.Part{said("e")}}}, said("f")),
					turn(inference.RoleSystem, said("g")),
				},
			},
			want: `{"model":"m","stream":false,"messages":[{"role":"system","content":"a\n\nb"},{"role":"user","content":"c","images":["QQ=="]},` +
				`{"role":"assistant","content":"d","thinking":"hm","tool_calls":[{"id":"1","function":{"name":"get","arguments":{"k":1}}},` +
				`{"id":"2","function":{"name":"get","arguments":{"_raw":"no"}}}]},{"role":"tool","content":"e","tool_name":"get","tool_call_id":"1"},` +
				`{"role":"user","content":"f"},{"role":"system","content":"g"}],` + tools + `"options":{}}`,
			losses: "call",
		},
		{
			name: "reasoning that is not wanted back", prompt: inference.Prompt{Model: "m", Turns: []inference.Turn{
				ask, turn(model, inference.Part{Kind: inference.PartReasoning, Text: "hm"}, said("d")),
			}},
			want:   `{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"d"}],"options":{}}`,
			losses: "messages[0]",
		},
		{
			name: "a schema and thinking", prompt: inference.Prompt{
				Model: "qwen3", Output: inference.Output{Kind: inference.OutputSchema, Schema: json.RawMessage(`{"type":"object"}`)},
				Reasoning: inference.Reasoning{Effort: "high"}, Turns: []inference.Turn{ask},
			},
			want: `{"model":"qwen3","stream":false,` + hi + `"options":{},"format":{"type":"object"},"think":true}`,
		},
		{
			name: "JSON and an effort", prompt: inference.Prompt{
				Model: "gpt-oss:20b", Output: inference.Output{Kind: inference.OutputJSON}, Reasoning: inference.Reasoning{Effort: "minimal"}, Turns: []inference.Turn{ask},
			},
			want: `{"model":"gpt-oss:20b","stream":false,` + hi + `"options":{},"format":"json","think":"low"}`,
		},
		{
			name: "a budget of thinking", prompt: inference.Prompt{
				Model: "gpt-oss:20b", Turns: []inference.Turn{ask}, Reasoning: inference.Reasoning{HasBudget: true, Budget: 4096},
			},
			want: `{"model":"gpt-oss:20b","stream":false,` + hi + `"options":{},"think":"medium"}`,
		},
		{
			name: "no thinking", prompt: inference.Prompt{Model: "m", Reasoning: inference.Reasoning{HasBudget: true}, Turns: []inference.Turn{ask}},
			want: `{"model":"m","stream":false,` + hi + `"options":{},"think":false}`,
		},
		{
			name: "what there are no words for", prompt: inference.Prompt{
				Model: "m", User: "u", Serial: true, Tools: []inference.Tool{tool, {Name: "other"}}, Turns: []inference.Turn{ask},
				Choice: inference.ToolChoice{Mode: inference.ToolsRequired, Names: []string{"get"}},
				Rest:   []inference.Rest{{Dialect: inference.OpenAI, Path: "logit_bias", Value: json.RawMessage(`{}`)}, {Dialect: inference.Ollama, Path: "keep_alive", Value: json.RawMessage(`0`)}},
			},
			want:   `{"model":"m","stream":false,` + hi + tools + `"options":{},"keep_alive":0}`,
			losses: "tool_choice parallel_tool_calls user logit_bias",
		},
		{
			name: "none is no tools", prompt: inference.Prompt{Model: "m", Tools: []inference.Tool{tool}, Choice: inference.ToolChoice{Mode: inference.ToolsNone}, Turns: []inference.Turn{ask}},
			want: `{"model":"m","stream":false,` + hi + `"options":{}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l wire.Losses
			got, err := Codec.EncodeRequest(&c.prompt, c.options, &l)
			if err != nil || string(got) != c.want || !json.Valid(got) {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
			var losses []string
			for _, d := range l.Dropped {
				losses = append(losses, d.Path)
			}
			if got := strings.Join(losses, " "); got != c.losses {
				t.Errorf("losses %q, want %q", got, c.losses)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for path, p := range map[string]inference.Prompt{
		"n":                    {Choices: 2},
		"previous_response_id": {PreviousID: "r"},
		"picture": {Turns: []inference.Turn{turn(user, inference.Part{
			Kind: inference.PartImage, Media: &inference.Media{URL: "https://x.example/a.png"}, Path: "picture",
		})}},
		"sound":    {Turns: []inference.Turn{turn(user, inference.Part{Kind: inference.PartAudio, Media: &inference.Media{Data: "QQ=="}, Path: "sound"})}},
		"tools[0]": {Tools: []inference.Tool{{Name: "x", Custom: true, Path: "tools[0]"}}},
	} {
		_, err := Codec.EncodeRequest(&p, wire.EncodeOptions{}, &wire.Losses{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Path != path || f.Code != wire.ErrUntranslatable.Code {
			t.Errorf("%s: %v", path, err)
		}
	}
}

const last = `"done":true,"done_reason":"stop","total_duration":5,"prompt_eval_count":26,"eval_count":5}`

func TestAnswers(t *testing.T) {
	t.Parallel()
	a, err := Codec.DecodeAnswer([]byte(`{"model":"m","created_at":"2026-01-02T03:04:05.6Z","message":{"role":"assistant","thinking":"hm","content":"Hello",` +
		`"tool_calls":[{"id":"c1","function":{"name":"get","arguments":{"k":1}}},{"function":{"name":"get","arguments":{}}}]},` + last))
	if err != nil {
		t.Fatal(err)
	}
	parts := a.Candidates[0].Parts
	want := []inference.Part{
		{Kind: inference.PartReasoning, Text: "hm"},
		said("Hello"),
		{Kind: inference.PartCall, Text: `{"k":1}`, Call: &inference.Call{ID: "c1", Name: "get"}},
	}
	if len(parts) != 4 || !reflect.DeepEqual(parts[:3], want) || parts[3].Call.ID == "" || parts[3].Text != "{}" {
		t.Errorf("got %+v", parts)
	}
	if a.Candidates[0].Stop != inference.StopTools || a.Created != 1767323045 || a.Model != "m" || !a.HasUsage ||
		a.Usage.InputTokens() != 26 || a.Usage.OutputTokens() != 5 {
		t.Errorf("got %+v", a)
	}
	for _, none := range []string{
		`{}`, `{"error":"x"}`, `{"message":{"content":"x"},"done":false}`, `{"message":{"content":1},"done":true}`,
		`{"message":{"tool_calls":[{}]},"done":true}`,
	} {
		if _, err := Codec.DecodeAnswer([]byte(none)); err == nil {
			t.Errorf("%s is an answer", none)
		}
	}
	for end, want := range map[string]inference.Stop{`"done_reason":"length"`: inference.StopLength, `"done_reason":"stop","eval_count":3`: inference.StopEnd} {
		a, err := Codec.DecodeAnswer([]byte(`{"message":{"content":"x"},"done":true,` + end + `}`))
		if err != nil || a.Candidates[0].Stop != want || a.HasUsage || !a.Usage.IsZero() {
			t.Errorf("%s: %+v, %v", end, a, err)
		}
	}
}

func decode(lines ...string) (out []inference.Delta, err error) {
	d := Codec.StreamDecoder()
	for _, l := range lines {
		if out, err = d.Decode(out, nil, []byte(l)); err != nil {
			return out, err
		}
	}
	return d.Finish(out)
}

func TestStreams(t *testing.T) {
	t.Parallel()
	got, err := decode(
		`{"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":"","thinking":"h"},"done":false}`,
		`{"model":"m","message":{"content":"","thinking":"m"},"done":false}`, `{"model":"m","message":{"content":"Hello"},"done":false}`,
		`{"model":"m","message":{"content":"","tool_calls":[{"id":"c1","function":{"name":"get","arguments":{"k":1}}}]},"done":false}`,
		`{"model":"m","message":{"content":""},`+last)
	if err != nil {
		t.Fatal(err)
	}
	usage := inference.Usage{}
	usage.Quantities[inference.TextInput], usage.Quantities[inference.TextOutput] = 26, 5
	want := []inference.Delta{
		{Kind: inference.DeltaBegin, Model: "m", Created: 1767323045},
		{Kind: inference.DeltaOpen, Part: inference.Part{Kind: inference.PartReasoning}},
		{Kind: inference.DeltaFragment, Text: "h"},
		{Kind: inference.DeltaFragment, Text: "m"},
		{Kind: inference.DeltaClose},
		{Kind: inference.DeltaOpen, Block: 1, Part: inference.Part{Kind: inference.PartText}},
		{Kind: inference.DeltaFragment, Block: 1, Text: "Hello"},
		{Kind: inference.DeltaClose, Block: 1},
		{Kind: inference.DeltaOpen, Block: 2, Part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "c1", Name: "get"}}},
		{Kind: inference.DeltaFragment, Block: 2, Text: `{"k":1}`},
		{Kind: inference.DeltaClose, Block: 2},
		{Kind: inference.DeltaFinish, Stop: inference.StopTools},
		{Kind: inference.DeltaUsage, Usage: usage},
		{Kind: inference.DeltaEnd},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	const begun = `{"model":"m","message":{"content":"x"},"done":false}`
	if _, err := decode(begun); !errors.Is(err, wire.ErrCut) {
		t.Errorf("a stream that was cut: %v", err)
	}
	for _, e := range []string{`{"error":"the runner is gone"}`, `{"error":{"message":"the runner is gone"}}`} {
		got, err := decode(begun, e)
		if last := got[len(got)-1]; err != nil || last.Kind != inference.DeltaFailed || last.Failure.Message != "the runner is gone" {
			t.Errorf("%s: %+v, %v", e, last, err)
		}
	}
	for _, bad := range []string{`{}`, `[`, `{"message":{"content":1}}`, `{"message":{"content":"x"},"done":"yes"}`} {
		if got, err := decode(begun, bad); err == nil {
			t.Errorf("%s is a line: %+v", bad, got)
		}
	}
}

func FuzzStreamDecoder(f *testing.F) {
	f.Add([]byte(`{"message":{"content":"x"},"done":false}`), []byte(`{"message":{"content":""},`+last))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := Codec.StreamDecoder()
		out, err := d.Decode(nil, nil, a)
		if err == nil {
			out, _ = d.Decode(out, nil, b)
		}
		for i := range out {
			if out[i].Kind == inference.DeltaEnd && i != len(out)-1 {
				t.Errorf("something follows the end: %+v", out)
			}
		}
	})
}
