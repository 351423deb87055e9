package bedrock

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

func user(parts ...inference.Part) inference.Turn {
	return inference.Turn{Role: inference.RoleUser, Parts: parts, Path: "messages[0]"}
}

func model(parts ...inference.Part) inference.Turn {
	return inference.Turn{Role: inference.RoleAssistant, Parts: parts, Path: "messages[1]"}
}

func call(id, arguments string) inference.Part {
	return inference.Part{Kind: inference.PartCall, Text: arguments, Call: &inference.Call{ID: id, Name: "get"}, Path: "call"}
}

func result(id string, parts ...inference.Part) inference.Part {
	return inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: id, Parts: parts}}
}

func encode(t *testing.T, p *inference.Prompt, l *wire.Losses) string {
	t.Helper()
	got, err := Codec.EncodeRequest(p, wire.EncodeOptions{}, l)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(got) {
		t.Fatalf("not JSON: %s", got)
	}
	return string(got)
}

func reasons(l *wire.Losses) string {
	var out []string
	for _, d := range l.Dropped {
		out = append(out, d.Path)
	}
	return strings.Join(out, " ")
}

func TestRequests(t *testing.T) {
	t.Parallel()
	tool := inference.Tool{Name: "get", Description: "Gets.", Schema: json.RawMessage(`{"type":"object"}`)}
	const spec = `{"toolSpec":{"name":"get","description":"Gets.","inputSchema":{"json":{"type":"object"}}}}`
	for _, c := range []struct {
		name   string
		prompt inference.Prompt
		want   string
		losses string
	}{
		{
			name: "the least", prompt: inference.Prompt{Turns: []inference.Turn{user(said("hi"))}},
			want: `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{}}`,
		},
		{
			name: "sampling, instructions and a cached prefix", prompt: inference.Prompt{
				System: []inference.Part{{Text: "Be kind.", Cache: &inference.CacheMark{TTL: "1h"}}}, MaxOutput: 9, Stop: []string{"x"},
				Sampling: inference.Sampling{Temperature: "1.5", TopP: "0.9"}, Turns: []inference.Turn{user(said("hi"))},
			},
			want: `{"system":[{"text":"Be kind."},{"cachePoint":{"type":"default","ttl":"1h"}}],"messages":[{"role":"user","content":[{"text":"hi"}]}],` +
				`"inferenceConfig":{"maxTokens":9,"temperature":1,"topP":0.9,"stopSequences":["x"]}}`,
			losses: "temperature",
		},
		{
			name: "roles alternate, blank texts go, results come first", prompt: inference.Prompt{
				Tools: []inference.Tool{tool}, Turns: []inference.Turn{
					user(said("a")),
					{Role: inference.RoleSystem, Parts: []inference.Part{said("b")}, Path: "messages[1]"},
					user(said("  ")),
					model(said("c"), call("id.1", `{"k":1}`), call("id:1", "")), user(said("d"), result("id.1", said("e")), result("id:1")),
				},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]},` +
				`{"role":"assistant","content":[{"text":"c"},{"toolUse":{"toolUseId":"` + callID("id.1") + `","name":"get","input":{"k":1}}},` +
				`{"toolUse":{"toolUseId":"` + callID("id:1") + `","name":"get","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"` + callID("id.1") + `","content":[{"text":"e"}]}},` +
				`{"toolResult":{"toolUseId":"` + callID("id:1") + `","content":[{"text":"(no output)"}]}},{"text":"d"}]}],` +
				`"inferenceConfig":{},"toolConfig":{"tools":[` + spec + `]}}`,
			losses: "messages[1]",
		},
		{
			name: "tools that the conversation speaks of are defined", prompt: inference.Prompt{
				Choice: inference.ToolChoice{Mode: inference.ToolsNone},
				Turns:  []inference.Turn{user(said("a")), model(call("1", "no JSON")), user(inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: "1", Error: true}})},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"1","name":"get","input":{"_raw":"no JSON"}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"1","content":[{"text":"(no output)"}],"status":"error"}}]}],` +
				`"inferenceConfig":{},"toolConfig":{"tools":[{"toolSpec":{"name":"get","inputSchema":{"json":` + noSchema + `}}}]}}`,
			losses: "call tool_choice",
		},
		{
			name: "one tool that must be called", prompt: inference.Prompt{
				Tools: []inference.Tool{tool, {Name: "other"}}, Choice: inference.ToolChoice{Mode: inference.ToolsRequired, Names: []string{"get"}},
				Turns: []inference.Turn{user(said("a"))},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{},"toolConfig":{"tools":[` + spec + `],"toolChoice":{"tool":{"name":"get"}}}}`,
		},
		{
			name: "none is no tools", prompt: inference.Prompt{
				Tools: []inference.Tool{tool}, Choice: inference.ToolChoice{Mode: inference.ToolsNone}, Turns: []inference.Turn{user(said("a"))},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{}}`,
		},
		{
			name: "Claude thinks, and is not sampled or made to call", prompt: inference.Prompt{
				Model: "us.anthropic.claude", MaxOutput: 4096, Sampling: inference.Sampling{Temperature: "0.2", TopK: "5"},
				Reasoning: inference.Reasoning{Effort: "high"}, Tools: []inference.Tool{tool},
				Choice: inference.ToolChoice{Mode: inference.ToolsRequired}, Turns: []inference.Turn{user(said("a"))},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{"maxTokens":4096},"toolConfig":{"tools":[` + spec + `]},` +
				`"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2048}}}`,
			losses: "reasoning temperature tool_choice top_k",
		},
		{
			name: "Claude's top_k", prompt: inference.Prompt{
				Model: "anthropic.claude", Sampling: inference.Sampling{TopK: "5"}, Turns: []inference.Turn{user(said("a"))},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{},"additionalModelRequestFields":{"top_k":5}}`,
		},
		{
			name: "reasoning goes back to who sealed it", prompt: inference.Prompt{Turns: []inference.Turn{user(said("a")), model(
				inference.Part{Kind: inference.PartReasoning, Text: "hm", Seal: &inference.Seal{Dialect: inference.Bedrock, Data: "sig"}},
				inference.Part{Kind: inference.PartReasoning, Seal: &inference.Seal{Dialect: inference.Bedrock, Data: "cmVk", Whole: true}},
				inference.Part{Kind: inference.PartReasoning, Text: "foreign", Seal: &inference.Seal{Dialect: inference.Anthropic, Data: "sig"}, Path: "foreign"},
				said("b")), user(said("c"))}},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[` +
				`{"reasoningContent":{"reasoningText":{"text":"hm","signature":"sig"}}},{"reasoningContent":{"redactedContent":"cmVk"}},{"text":"b"}]},` +
				`{"role":"user","content":[{"text":"c"}]}],"inferenceConfig":{}}`,
			losses: "foreign",
		},
		{
			name: "media", prompt: inference.Prompt{Turns: []inference.Turn{user(
				inference.Part{Kind: inference.PartImage, Media: &inference.Media{Type: "image/jpeg", Data: "QQ=="}},
				inference.Part{Kind: inference.PartImage, Media: &inference.Media{URL: "s3://b/k.png"}},
				inference.Part{Kind: inference.PartDocument, Media: &inference.Media{Text: true, Data: "plain", Name: "a_b.txt", Citations: true}})}},
			want: `{"messages":[{"role":"user","content":[{"image":{"format":"jpeg","source":{"bytes":"QQ=="}}},` +
				`{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/k.png"}}}},` +
				`{"document":{"format":"txt","name":"a b txt","source":{"bytes":"cGxhaW4="},"citations":{"enabled":true}}}]}],"inferenceConfig":{}}`,
		},
		{
			name: "a schema of the answer", prompt: inference.Prompt{
				Model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0", Turns: []inference.Turn{user(said("a"))}, Output: inference.Output{
					Kind: inference.OutputSchema, Name: "n", Schema: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`),
				},
			},
			want: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{},"outputConfig":{"textFormat":{"type":"json_schema",` +
				`"structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}","name":"n"}}}}}`,
			losses: "response_format",
		},
		{
			name: "a schema to whom it cannot bind", prompt: inference.Prompt{
				Model: "amazon.nova-pro-v1:0", Turns: []inference.Turn{user(said("a"))}, Output: inference.Output{
					Kind: inference.OutputSchema, Schema: json.RawMessage(`{"type":"object"}`),
				},
			},
			want: `{"system":[{"text":"` + jsonHint + ` It must match this JSON Schema:\n{\"type\":\"object\"}"}],` +
				`"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{}}`,
			losses: "response_format",
		},
		{
			name: "JSON without a schema", prompt: inference.Prompt{
				System: []inference.Part{said("Be kind.")}, Turns: []inference.Turn{user(said("a"))}, Output: inference.Output{Kind: inference.OutputJSON},
			},
			want: `{"system":[{"text":"Be kind."},{"text":"` + jsonHint + `"}],` +
				`"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{}}`,
			losses: "response_format",
		},
		{
			name: "what there are no words for", prompt: inference.Prompt{
				User: "u", Verbosity: "low", Serial: true, Tools: []inference.Tool{tool}, Turns: []inference.Turn{user(said("a"))},
				Rest: []inference.Rest{{Dialect: inference.OpenAI, Path: "logit_bias", Value: json.RawMessage(`{}`)}, {Dialect: inference.Bedrock, Path: "guardrailConfig", Value: json.RawMessage(`{"x":1}`)}},
			},
			want:   `{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{},"toolConfig":{"tools":[` + spec + `]},"guardrailConfig":{"x":1}}`,
			losses: "parallel_tool_calls verbosity user logit_bias",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l wire.Losses
			if got := encode(t, &c.prompt, &l); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := reasons(&l); got != c.losses {
				t.Errorf("losses %q, want %q", got, c.losses)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	picture := inference.Part{Kind: inference.PartImage, Media: &inference.Media{URL: "https://x.example/a.png"}, Path: "messages[0].content[0]"}
	for path, p := range map[string]inference.Prompt{
		"messages[1]":            {Turns: []inference.Turn{model(said("a")), user(said("b"))}},
		"messages":               {Turns: []inference.Turn{user(said(" "))}},
		"n":                      {Choices: 2, Turns: []inference.Turn{user(said("a"))}},
		"previous_response_id":   {PreviousID: "r", Turns: []inference.Turn{user(said("a"))}},
		"messages[0].content[0]": {Turns: []inference.Turn{user(picture)}},
		"tools[0]":               {Tools: []inference.Tool{{Name: "x", Server: inference.WebSearch, Path: "tools[0]"}}, Turns: []inference.Turn{user(said("a"))}},
	} {
		_, err := Codec.EncodeRequest(&p, wire.EncodeOptions{}, &wire.Losses{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Path != path || f.Code != wire.ErrUntranslatable.Code {
			t.Errorf("%s: %v", path, err)
		}
	}
	_, err := Codec.EncodeRequest(&inference.Prompt{User: "u", Turns: []inference.Turn{user(said("a"))}}, wire.EncodeOptions{}, &wire.Losses{Policy: wire.RefuseLosses})
	if err == nil {
		t.Error("a strict policy lets a parameter go")
	}
	dropped := inference.Prompt{Turns: []inference.Turn{user(picture)}}
	if got := encode(t, &dropped, &wire.Losses{Policy: wire.DropLosses}); !strings.Contains(got, `[{"text":"(nothing)"}]`) {
		t.Errorf("a message of which nothing is left: %s", got)
	}
}

func TestIdsOfCalls(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 65)
	for _, id := range []string{"", "a.b", "a:b", "é", long, strings.Repeat(".", 200)} {
		got := callID(id)
		if len(got) > maxID || got == "" || callID(id) != got || callID(got) != got {
			t.Errorf("%q becomes %q", id, got)
		}
	}
	if callID("a.b") == callID("a:b") || callID("toolu_01-x") != "toolu_01-x" {
		t.Error("ids are mixed up")
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	a, err := Codec.DecodeAnswer([]byte(`{"output":{"message":{"role":"assistant","content":[
		{"reasoningContent":{"reasoningText":{"text":"hm","signature":"sig"}}},{"text":"Hello"},
		{"toolUse":{"toolUseId":"t1","name":"get","input":{"k":[1]}}},{"citationsContent":{"x":1}}]}},
		"stopReason":"tool_use","usage":{"inputTokens":5,"outputTokens":7,"totalTokens":42,"cacheReadInputTokens":20,"cacheWriteInputTokens":10},"metrics":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []inference.Part{
		{Kind: inference.PartReasoning, Text: "hm", Seal: &inference.Seal{Dialect: inference.Bedrock, Data: "sig"}},
		said("Hello"),
		{Kind: inference.PartCall, Text: `{"k":[1]}`, Call: &inference.Call{ID: "t1", Name: "get"}},
	}
	parts := a.Candidates[0].Parts
	if len(parts) != 4 || !reflect.DeepEqual(parts[:3], want) || parts[3].Kind != inference.PartOther || string(parts[3].Other.Value) != `{"citationsContent":{"x":1}}` {
		t.Errorf("got %+v", parts)
	}
	if a.Candidates[0].Stop != inference.StopTools || !a.HasUsage || a.Usage.InputTokens()+a.Usage.OutputTokens() != 42 ||
		a.Usage.Quantities[inference.TextInputCached] != 20 || a.Usage.Quantities[inference.TextCacheWrite] != 10 {
		t.Errorf("got %+v", a)
	}
	for _, none := range []string{`{}`, `[]`, `{"message":"x"}`, `{"output":{"message":{"content":[{"toolUse":{"name":"x"}}]}}}`, `{"output":{"message":{"content":[{"text":1}]}}}`} {
		if _, err := Codec.DecodeAnswer([]byte(none)); err == nil {
			t.Errorf("%s is an answer", none)
		}
	}
	for _, usage := range []string{`null`, `{}`, `{"inputTokens":-1,"outputTokens":1}`, `{"inputTokens":1.5}`, `{"inputTokens":99999999999}`} {
		a, err := Codec.DecodeAnswer([]byte(`{"output":{"message":{"content":[]}},"stopReason":"end_turn","usage":` + usage + `}`))
		if err != nil || a.HasUsage || !a.Usage.IsZero() {
			t.Errorf("%s: %+v, %v", usage, a, err)
		}
	}
}

// events are names and data, taken apart by the first space.
func decode(t *testing.T, events ...string) ([]inference.Delta, error) {
	t.Helper()
	d := Codec.StreamDecoder()
	var out []inference.Delta
	for _, e := range events {
		name, data, _ := strings.Cut(e, " ")
		var err error
		if out, err = d.Decode(out, []byte(name), []byte(data)); err != nil {
			return out, err
		}
	}
	return d.Finish(out)
}

func TestStreams(t *testing.T) {
	t.Parallel()
	got, err := decode(t, `messageStart {"role":"assistant","p":"abc"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig"}}}`, `contentBlockStop {"contentBlockIndex":0}`,
		`contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Hello"}}`, `contentBlockStop {"contentBlockIndex":1}`,
		`contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"get"}}}`,
		`contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"k\":"}}}`,
		`contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"1}"}}}`, `contentBlockStop {"contentBlockIndex":2}`,
		`contentBlockStop {"contentBlockIndex":3}`, `newKindOfEvent {"x":1}`, `messageStop {"stopReason":"tool_use"}`,
		`metadata {"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12},"metrics":{"latencyMs":1}}`)
	if err != nil {
		t.Fatal(err)
	}
	usage := inference.Usage{}
	usage.Quantities[inference.TextInput], usage.Quantities[inference.TextOutput] = 5, 7
	want := []inference.Delta{
		{Kind: inference.DeltaBegin},
		{Kind: inference.DeltaOpen, Part: inference.Part{Kind: inference.PartReasoning}},
		{Kind: inference.DeltaFragment, Text: "hm"},
		{Kind: inference.DeltaSeal, Text: "sig", Dialect: inference.Bedrock},
		{Kind: inference.DeltaClose},
		{Kind: inference.DeltaOpen, Block: 1},
		{Kind: inference.DeltaFragment, Block: 1, Text: "Hello"},
		{Kind: inference.DeltaClose, Block: 1},
		{Kind: inference.DeltaOpen, Block: 2, Part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "t1", Name: "get"}}},
		{Kind: inference.DeltaFragment, Block: 2, Text: `{"k":`},
		{Kind: inference.DeltaFragment, Block: 2, Text: "1}"},
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
	const start, stop = `messageStart {"role":"assistant"}`, `messageStop {"stopReason":"end_turn"}`
	if _, err := decode(t, start, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"x"}}`); !errors.Is(err, wire.ErrCut) {
		t.Errorf("a stream that was cut: %v", err)
	}
	if got, err := decode(t, start, stop); err != nil || got[len(got)-1].Kind != inference.DeltaEnd {
		t.Errorf("a stream that did not tell its usage: %+v, %v", got, err)
	}
	got, err := decode(t, start, `exception {"type":"throttlingException","message":"slow down"}`)
	want := inference.Failure{Category: inference.RateLimited, Code: "throttlingException", Message: "slow down"}
	if last := got[len(got)-1]; err != nil || last.Kind != inference.DeltaFailed || *last.Failure != want {
		t.Errorf("an exception: %+v, %v", last, err)
	}
	for _, bad := range []string{
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"x"}}}`, `contentBlockDelta {"delta":{"text":1}}`,
		`messageStop {}`, `messageStart [`, `contentBlockDelta {"contentBlockIndex":"x"}`,
	} {
		if got, err := decode(t, start, bad); err == nil {
			t.Errorf("%s is an event: %+v", bad, got)
		}
	}
}

func FuzzStreamDecoder(f *testing.F) {
	f.Add("contentBlockDelta", []byte(`{"contentBlockIndex":0,"delta":{"text":"x"}}`), []byte(`{"contentBlockIndex":0}`))
	f.Add("messageStop", []byte(`{"stopReason":"x"}`), []byte(`{"usage":{"inputTokens":1}}`))
	f.Fuzz(func(t *testing.T, name string, a, b []byte) {
		d := Codec.StreamDecoder()
		out, err := d.Decode(nil, []byte(name), a)
		if err == nil {
			out, err = d.Decode(out, []byte("metadata"), b)
		}
		if err == nil {
			out, _ = d.Finish(out)
		}
		for i := range out {
			if out[i].Kind == inference.DeltaEnd && i != len(out)-1 {
				t.Errorf("something follows the end: %+v", out)
			}
		}
	})
}
