package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

// TestChatRequestsComeBack decodes requests and writes them anew: they mean the same.
func TestChatRequestsComeBack(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"plain": `{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"temperature":0.20,"top_p":1,"stop":["a","b"],"n":2,"seed":7}`,
		"tools": `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"},
			{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
			{"id":"c2","type":"custom","custom":{"name":"g","input":"free"}}]},
			{"role":"tool","tool_call_id":"c1","content":"1"},{"role":"tool","tool_call_id":"c2","content":"2"}],
			"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},
			{"type":"custom","custom":{"name":"g","format":{"type":"text"}}}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false}`,
		"allowed tools": `{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],
			"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"h"}}]}}}`,
		"media": `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"look"},
			{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,AAAA"}},
			{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
			{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}]}`,
		"schema": `{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},
			"reasoning_effort":"low","verbosity":"high","logprobs":true,"top_logprobs":3,"user":"u","prompt_cache_key":"k","service_tier":"flex"}`,
		"unknown": `{"model":"m","messages":[{"role":"user","content":[{"type":"future","x":1}]}],"logit_bias":{"1":2},"future":[1]}`,
		"web":     `{"model":"m","messages":[{"role":"user","content":"hi"}],"web_search_options":{"search_context_size":"low"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := openai.ChatCodec.DecodeRequest([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			var l wire.Losses
			out, err := openai.ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &l)
			if err != nil || len(l.Dropped) > 0 {
				t.Fatal(err, l.Dropped)
			}
			if got, want := sorted(t, out), sorted(t, []byte(body)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func sorted(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestChatRequestsThatAreWrong are refused at the field.
func TestChatRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	for body, path := range map[string]string{
		`{"messages":[{"role":"wizard","content":"x"}]}`:                                               "messages[0].role",
		`{"messages":[{"role":"user","content":7}]}`:                                                   "messages[0].content",
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"detail":"low"}}]}]}`: "messages[0].content[0].image_url.url",
		`{"messages":[{"role":"tool","content":"x"}]}`:                                                 "messages[0].tool_call_id",
		`{"messages":[],"tools":[{"type":"function","function":{}}]}`:                                  "tools[0]",
		`{"messages":[],"tool_choice":"perhaps"}`:                                                      "tool_choice",
		`{"messages":[],"temperature":"warm"}`:                                                         "temperature",
		`{"messages":[],"stop":[1]}`:                                                                   "stop[0]",
	} {
		_, err := openai.ChatCodec.DecodeRequest([]byte(body))
		if f := fault.From(err); err == nil || f.Status != 400 || f.Path != path {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestWhatChatCannotSay is dropped with a note or refused, as the platform wants it.
func TestWhatChatCannotSay(t *testing.T) {
	t.Parallel()
	foreign := &inference.Rest{Dialect: inference.Anthropic, Kind: inference.Messages, Path: "messages[0].content[0]", Value: []byte(`{}`)}
	for name, c := range map[string]struct {
		prompt inference.Prompt
		policy wire.LossPolicy
		path   string // of the refusal
		lost   string // paths of what was dropped
	}{
		"top_k":         {inference.Prompt{Sampling: inference.Sampling{TopK: "5"}}, wire.DropParameters, "", "top_k"},
		"top_k refused": {inference.Prompt{Sampling: inference.Sampling{TopK: "5"}}, wire.RefuseLosses, "top_k", ""},
		"foreign part": {inference.Prompt{Turns: []inference.Turn{{Parts: []inference.Part{
			{Kind: inference.PartOther, Other: foreign, Path: foreign.Path},
		}}}}, wire.DropParameters, foreign.Path, ""},
		"foreign part dropped": {inference.Prompt{Turns: []inference.Turn{{Parts: []inference.Part{
			{Kind: inference.PartOther, Other: foreign, Path: foreign.Path},
		}}}}, wire.DropLosses, "", foreign.Path},
		"foreign parameter": {inference.Prompt{Rest: []inference.Rest{{Dialect: inference.Gemini, Path: "safetySettings"}}}, wire.DropParameters, "", "safetySettings"},
		"server tool":       {inference.Prompt{Tools: []inference.Tool{{Server: inference.ServerOther, Other: foreign, Path: "tools[0]"}}}, wire.DropParameters, "tools[0]", ""},
		"stored answer":     {inference.Prompt{PreviousID: "resp_1"}, wire.DropLosses, "previous_response_id", ""},
		"five stops":        {inference.Prompt{Stop: []string{"a", "b", "c", "d", "e"}}, wire.DropParameters, "", "stop"},
	} {
		l := wire.Losses{Policy: c.policy}
		_, err := openai.ChatCodec.EncodeRequest(&c.prompt, wire.EncodeOptions{}, &l)
		var lost []string
		for _, d := range l.Dropped {
			lost = append(lost, d.Path)
		}
		path := ""
		if err != nil {
			path = fault.From(err).Path
		}
		if path != c.path || strings.Join(lost, " ") != c.lost {
			t.Errorf("%s: refused at %q, lost %v", name, path, lost)
		}
	}
}

// TestChatStreamsOfAllKinds reads what servers of this protocol really send. Source: the sheet "translation", sections 3 and 4.
func TestChatStreamsOfAllKinds(t *testing.T) {
	t.Parallel()
	chunk := func(delta string) string { return `{"id":"x","choices":[{"index":0,"delta":` + delta + `}]}` }
	stop := `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	for name, c := range map[string]struct {
		events []string
		said   string
		stop   inference.Stop
	}{
		"text":                 {[]string{chunk(`{"role":"assistant","content":""}`), chunk(`{"content":"a"}`), chunk(`{"content":"b"}`), stop, "[DONE]"}, "  text \"ab\"\n", inference.StopEnd},
		"reasoning":            {[]string{chunk(`{"reasoning_content":"r"}`), chunk(`{"content":"a","reasoning_content":null}`), stop}, "  reasoning \"r\"\n  text \"a\"\n", inference.StopEnd},
		"empty content":        {[]string{chunk(`{"content":"","tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}`), stop}, "  call c f {}\n", inference.StopTools},
		"whole arguments":      {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":1}"}}]}`), stop}, "  call c f {\"a\":1}\n", inference.StopTools},
		"arguments first":      {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"arguments":"{\"a\""}}]}`), chunk(`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":":1}"}}]}`), stop}, "  call c f {\"a\":1}\n", inference.StopTools},
		"split name":           {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"get_","arguments":""}}]}`), chunk(`{"tool_calls":[{"index":0,"function":{"name":"x","arguments":"{}"}}]}`), stop}, "  call c get_x {}\n", inference.StopTools},
		"repeated name and id": {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}`), chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"}"}}]}`), stop}, "  call c f {}\n", inference.StopTools},
		"no index":             {[]string{chunk(`{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}`), chunk(`{"tool_calls":[{"id":"d","function":{"name":"g","arguments":"{}"}}]}`), stop}, "  call c f {}\n  call d g {}\n", inference.StopTools},
		"always index 0":       {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}`), chunk(`{"tool_calls":[{"index":0,"id":"d","function":{"name":"g","arguments":"{"}}]}`), chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}`), stop}, "  call c f {}\n  call d g {}\n", inference.StopTools},
		"interleaved":          {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}`), chunk(`{"tool_calls":[{"index":1,"id":"d","function":{"name":"g","arguments":"{"}}]}`), chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"}"}},{"index":1,"function":{"arguments":"}"}}]}`), stop}, "  call c f {}\n  call d g {}\n", inference.StopTools},
		"arguments as object":  {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":{"a":1}}}]}`), stop}, "  call c f {\"a\":1}\n", inference.StopTools},
		"no arguments":         {[]string{chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f"}}]}`), stop}, "  call c f {}\n", inference.StopTools},
		"azure preamble":       {[]string{`{"choices":[],"prompt_filter_results":[]}`, chunk(`{"content":"a"}`), stop}, "  text \"a\"\n", inference.StopEnd},
		"parts":                {[]string{chunk(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]}]}`), chunk(`{"content":[{"type":"text","text":"a"}]}`), stop}, "  reasoning \"r\"\n  text \"a\"\n", inference.StopEnd},
		"length":               {[]string{chunk(`{"content":"a"}`), `{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`}, "  text \"a\"\n", inference.StopLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var serial wire.Serial
			var deltas []inference.Delta
			d := openai.ChatCodec.StreamDecoder()
			for _, e := range c.events {
				out, err := d.Decode(nil, nil, []byte(e))
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range out {
					deltas = serial.Append(deltas, x)
				}
			}
			last, err := d.Finish(nil)
			if err != nil {
				t.Fatal(err)
			}
			a := wiretest.Fold(append(deltas, last...))
			if got := wiretest.SaidBy(a.Candidates[0].Parts); got != c.said || a.Candidates[0].Stop != c.stop {
				t.Errorf("got %s(%d), want %s(%d)", got, a.Candidates[0].Stop, c.said, c.stop)
			}
		})
	}
}

// TestChatStreamsThatFail tell their errors, and are never complete without a reason to stop.
func TestChatStreamsThatFail(t *testing.T) {
	t.Parallel()
	d := openai.ChatCodec.StreamDecoder()
	out, err := d.Decode(nil, nil, []byte(`{"error":{"message":"overloaded","code":"busy"}}`))
	if err != nil || len(out) != 1 || out[0].Kind != inference.DeltaFailed || out[0].Failure.Code != "busy" {
		t.Errorf("%+v, %v", out, err)
	}
	d = openai.ChatCodec.StreamDecoder()
	if _, err := d.Decode(nil, nil, []byte(`{"choices":[{"index":0,"delta":{"content":"a"}}]}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(nil, nil, []byte("[DONE]")); err == nil {
		t.Error("a stream without a finish_reason is complete")
	}
	if _, err := d.Decode(nil, nil, []byte(`{"choices":[{"index":100000,"delta":{}}]}`)); err == nil {
		t.Error("an index is believed")
	}
}

// TestSealsTravel: what other providers need to see again goes through clients of this protocol and comes back.
func TestSealsTravel(t *testing.T) {
	t.Parallel()
	a := &inference.Answer{ID: "x", Candidates: []inference.Candidate{{Stop: inference.StopTools, Parts: []inference.Part{
		{Kind: inference.PartReasoning, Text: "hm", Seal: &inference.Seal{Dialect: inference.Anthropic, Data: "sig"}},
		{Kind: inference.PartReasoning, Seal: &inference.Seal{Dialect: inference.Anthropic, Data: "redacted", Whole: true}},
		{Kind: inference.PartReasoning, Text: "ho", Seal: &inference.Seal{Dialect: inference.Bedrock, Data: "bedrock's"}},
		{Kind: inference.PartCall, Text: "{}", Call: &inference.Call{ID: "c", Name: "f"}, Seal: &inference.Seal{Dialect: inference.Gemini, Data: "thought"}},
	}}}}
	raw, err := openai.ChatCodec.EncodeAnswer(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]json.RawMessage
	var choices []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer["choices"], &choices); err != nil {
		t.Fatal(err)
	}
	p, err := openai.ChatCodec.DecodeRequest([]byte(`{"messages":[{"role":"user","content":"q"},` + string(choices[0]["message"]) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range a.Candidates[0].Parts {
		got := p.Turns[1].Parts[i]
		if got.Kind != want.Kind || got.Text != want.Text || got.Seal == nil || *got.Seal != *want.Seal {
			t.Errorf("part %d: %+v with %+v", i, got, got.Seal)
		}
	}
}

func FuzzChatCodec(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"tools":[{"type":"function","function":{"name":"f"}}]}`))
	f.Add([]byte(`{"choices":[{"index":0,"message":{"content":"a","tool_calls":[{"id":"c","function":{"name":"f"}}]},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"x"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if p, err := openai.ChatCodec.DecodeRequest(raw); err == nil {
			_, _ = openai.ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{})
		}
		if a, err := openai.ChatCodec.DecodeAnswer(raw); err == nil {
			_, _ = openai.ChatCodec.EncodeAnswer(a, nil)
		}
		d, e := openai.ChatCodec.StreamDecoder(), openai.ChatCodec.StreamEncoder(nil)
		for range 2 {
			out, err := d.Decode(nil, nil, raw)
			if err != nil {
				return
			}
			var serial wire.Serial
			for _, x := range out {
				for _, y := range serial.Append(nil, x) {
					e.Append(nil, &y)
				}
			}
		}
	})
}

func TestMembersOfAnyNameGoBack(t *testing.T) {
	t.Parallel()
	const member = `"odd\n\"name\\":1`
	p, err := openai.ChatCodec.DecodeRequest([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}],` + member + `}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := openai.ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{})
	if err != nil || !json.Valid(got) || !strings.Contains(string(got), member) {
		t.Errorf("%s: %v", got, err)
	}
}
