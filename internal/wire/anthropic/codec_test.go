package anthropic_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// toMessages translates a chat completion request.
func toMessages(t *testing.T, body string, o wire.EncodeOptions, policy wire.LossPolicy) (map[string]any, []wire.Loss, error) {
	t.Helper()
	p, err := openai.ChatCodec.DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	l := wire.Losses{Policy: policy}
	out, err := anthropic.Codec.EncodeRequest(p, o, &l)
	if err != nil {
		return nil, l.Dropped, err
	}
	if _, err := anthropic.Messages.Peek(out); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return object(t, out), l.Dropped, nil
}

func object(t *testing.T, text []byte) (out map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func lost(losses []wire.Loss, path string) bool {
	return slices.ContainsFunc(losses, func(l wire.Loss) bool { return l.Path == path })
}

// Each case is a trap: what a chat completion request says, and what of it must stand in the request for a message.
func TestChatBecomesMessages(t *testing.T) {
	t.Parallel()
	const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	call := func(id, args string) string {
		return `{"role":"assistant","content":null,"tool_calls":[{"id":"` + id + `","type":"function","function":{"name":"f","arguments":` + args + `}}]}`
	}
	for _, c := range []struct {
		name, members string // members of the request beside model
		want          string // members of the outcome
		lost          []string
	}{
		{
			"a limit is needed", `"messages":[{"role":"user","content":"hi"}]`,
			`{"max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}`, nil,
		},
		{
			"instructions in the beginning", `"messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"},{"role":"user","content":"hi"}]`,
			`{"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`, nil,
		},
		{
			"one instruction is a text", `"messages":[{"role":"system","content":"a"},{"role":"user","content":"hi"}]`, `{"system":"a"}`, nil,
		},
		{
			"instructions in the middle", `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"},{"role":"system","content":"z"},{"role":"user","content":"w"}]`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"},{"role":"user","content":[{"type":"text","text":"<system>\nz\n</system>"},{"type":"text","text":"w"}]}]}`,
			[]string{"messages[2]"},
		},
		{
			"speakers alternate", `"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"},{"role":"assistant","content":"d"}]`,
			`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]}]}`, nil,
		},
		{
			"the user begins", `"messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]`,
			`{"messages":[{"role":"user","content":"(The conversation begins.)"},{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}`,
			[]string{"messages"},
		},
		{
			"space is no text", `"messages":[{"role":"user","content":[{"type":"text","text":" "},{"type":"text","text":"b"}]},{"role":"assistant","content":""},{"role":"user","content":"c"}]`,
			`{"messages":[{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}]}`, nil,
		},
		{
			"an answer that is begun has no space at its end", `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b \n"}]`,
			`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`, nil,
		},
		{
			"results are one turn, first", `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"z\":1,\"a\":2}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"b","content":"2"},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"so?"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g"}}]`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"z":1,"a":2}},{"type":"tool_use","id":"b","name":"g","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":"2"},{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"text","text":"so?"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"g","input_schema":{"type":"object","properties":{}}}]}`, nil,
		},
		{
			"a call without result", `"messages":[{"role":"user","content":"x"},` + call("a", `"{}"`) + `,{"role":"user","content":"y"}],"tools":[{"type":"function","function":{"name":"f"}}]`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"(no result)","is_error":true},{"type":"text","text":"y"}]}]}`,
			[]string{"messages[1].tool_calls[0]"},
		},
		{
			"arguments that are no JSON, ids of another form", `"messages":[{"role":"user","content":"x"},` + call("a:b", `"{oops"`) + `,{"role":"tool","tool_call_id":"a:b","content":""}],"tools":[{"type":"function","function":{"name":"f"}}]`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_cd6f1a7b4f9b6b5a0c1d2e3f","name":"f","input":{"_raw":"{oops"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_cd6f1a7b4f9b6b5a0c1d2e3f"}]}]}`,
			[]string{"messages[1].tool_calls[0]"},
		},
		{
			"tools that are not named any more", `"messages":[{"role":"user","content":"x"},` + call("a", `"{}"`) + `,{"role":"tool","tool_call_id":"a","content":"1"}]`,
			`{"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"none"}}`,
			[]string{"tools"},
		},
		{
			"a schema without a type", `"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"properties":{"b":{},"a":{}}}}}],"tool_choice":"required","parallel_tool_calls":false`,
			`{"tools":[{"name":"f","description":"d","strict":true,"input_schema":{"type":"object","properties":{"b":{},"a":{}}}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}}`, nil,
		},
		{
			"one tool at a time", `"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false`,
			`{"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}`, nil,
		},
		{
			"a certain tool", `"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`,
			`{"tool_choice":{"type":"tool","name":"g"},"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}},{"name":"g","input_schema":{"type":"object","properties":{}}}]}`, nil,
		},
		{
			"some of the tools", `"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}`,
			`{"tool_choice":{"type":"auto"},"tools":[{"name":"g","input_schema":{"type":"object","properties":{}}}]}`,
			[]string{"tools[0]"},
		},
		{
			"a choice without tools", `"messages":[{"role":"user","content":"x"}],"tool_choice":"auto","parallel_tool_calls":false`, `{"tool_choice":null,"tools":null}`, nil,
		},
		{
			"temperature is bounded", `"messages":[{"role":"user","content":"x"}],"temperature":1.7,"stop":["a"," "],"user":"u","max_tokens":9`,
			`{"temperature":1,"stop_sequences":["a"],"metadata":{"user_id":"u"},"max_tokens":9}`,
			[]string{"temperature", "stop"},
		},
		{
			"temperature or top_p", `"messages":[{"role":"user","content":"x"}],"temperature":0.50,"top_p":0.9`, `{"temperature":0.5,"top_p":null}`, []string{"top_p"},
		},
		{
			"what there is no word for", `"messages":[{"role":"user","content":"x"}],"seed":7,"presence_penalty":0.5,"frequency_penalty":0,"logprobs":true,"logit_bias":{"1":2},"store":true,"n":1`,
			`{"seed":null}`,
			[]string{"seed", "presence_penalty", "logprobs", "logit_bias", "store"},
		},
		{
			"reasoning has a budget below the limit", `"messages":[{"role":"user","content":"x"}],"reasoning_effort":"high","max_completion_tokens":4000,"temperature":0.3,"top_p":1`,
			`{"thinking":{"type":"enabled","budget_tokens":3000},"max_tokens":4000,"temperature":null,"top_p":null}`,
			[]string{"reasoning", "temperature"},
		},
		{
			"no room for reasoning", `"messages":[{"role":"user","content":"x"}],"reasoning_effort":"low","max_tokens":100`, `{"thinking":null}`, []string{"reasoning"},
		},
		{
			"no reasoning", `"messages":[{"role":"user","content":"x"}],"reasoning_effort":"none"`, `{"thinking":null}`, nil,
		},
		{
			"a tool that must be called", `"messages":[{"role":"user","content":"x"}],"reasoning_effort":"low","max_tokens":9000,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`,
			`{"thinking":null,"tool_choice":{"type":"any"}}`,
			[]string{"reasoning"},
		},
		{
			"results of calls made without reasoning", `"messages":[{"role":"user","content":"x"},` + call("a", `"{}"`) + `,{"role":"tool","tool_call_id":"a","content":"1"}],"reasoning_effort":"low","max_tokens":9000,"tools":[{"type":"function","function":{"name":"f"}}]`,
			`{"thinking":null}`,
			[]string{"reasoning"},
		},
		{
			"sealed reasoning goes back, other does not", `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"sig","format":"anthropic-claude-v1"},{"type":"reasoning.encrypted","data":"enc","format":"openai-responses-v1"}]},{"role":"user","content":"z"}]`,
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}`,
			[]string{"messages[1]"},
		},
		{
			"pictures", `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,` + png + `","detail":"auto"}},{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]`,
			`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + png + `"}},{"type":"image","source":{"type":"url","url":"https://x.example/a.png"}}]}]}`,
			[]string{"messages[0].content[0]"},
		},
		{
			"documents", `"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="}},{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,aGk="}}]}]`,
			`{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERg=="},"title":"a.pdf"},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hi"},"title":"a.txt"}]}]}`, nil,
		},
		{
			"structured output of open objects",
			`"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{}}}}`,
			`{"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{},"additionalProperties":false}}}}`,
			[]string{"response_format"},
		},
		{
			"structured output", `"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}`,
			`{"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`, nil,
		},
		{
			"JSON", `"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}`, `{"system":"Answer with one JSON object and nothing else."}`, []string{"response_format"},
		},
		{
			"marks for the cache, at most four", `"messages":[{"role":"user","content":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}},`, 5), ",") + `]}]`,
			`{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}},`, 4) + `{"type":"text","text":"x"}]}]}`,
			[]string{"messages[0].content[4].cache_control"},
		},
	} {
		got, losses, err := toMessages(t, `{"model":"m",`+c.members+`}`, wire.EncodeOptions{}, wire.DropParameters)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for key, want := range object(t, []byte(c.want)) {
			if key == "messages" {
				got[key], want = stable(t, got[key]), stable(t, want)
			}
			if diff := cmp.Diff(want, got[key]); diff != "" {
				t.Errorf("%s: %s: %s", c.name, key, diff)
			}
		}
		for _, path := range c.lost {
			if !lost(losses, path) {
				t.Errorf("%s: %s is not among the losses %+v", c.name, path, losses)
			}
		}
		if len(losses) > 0 && len(c.lost) == 0 {
			t.Errorf("%s: lost %+v", c.name, losses)
		}
	}
}

// stable gives ids that are made of another the same name.
func stable(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for {
		at := strings.Index(s, `"toolu_`)
		if at < 0 {
			break
		}
		s = s[:at] + `"made"` + s[at+len(`"toolu_`)+24+1:]
	}
	var out any
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatMessagesCannotSayIsRefusedByPath(t *testing.T) {
	t.Parallel()
	user := `"messages":[{"role":"user","content":"x"}]`
	for _, c := range []struct {
		members, path string
		always        bool // whatever the policy
	}{
		{`"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]},{"role":"user","content":"x"}]`, "messages[0].content[0]", false},
		{`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x.example/a.png"}}]},{"role":"user","content":"x"}]`, "messages[0].content[0]", false},
		{`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,SUkqAA=="}}]},{"role":"user","content":"x"}]`, "messages[0].content[0]", false},
		{`"messages":[{"role":"tool","tool_call_id":"nobody","content":"1"},{"role":"user","content":"x"}]`, "messages[0]", false},
		{user + `,"tools":[{"type":"custom","custom":{"name":"f"}}]`, "tools[0]", false},
		{user + `,"web_search_options":{}`, "web_search_options", false},
		{user + `,"modalities":["text","audio"]`, "modalities", false},
		{user + `,"n":2`, "n", true},
		{user + `,"tools":[{"type":"function","function":{"name":"a.b"}}]`, "tools[0]", true},
		{user + `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"array"}}}]`, "tools[0]", true},
		{`"messages":[{"role":"system","content":"x"}]`, "messages", true},
	} {
		_, _, err := toMessages(t, `{"model":"m",`+c.members+`}`, wire.EncodeOptions{}, wire.DropParameters)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Status != 400 || f.Path != c.path {
			t.Errorf("%s: %v, want it at %s", c.members, err, c.path)
		}
		if _, losses, err := toMessages(t, `{"model":"m",`+c.members+`}`, wire.EncodeOptions{}, wire.DropLosses); (err != nil) != c.always || err == nil && len(losses) == 0 {
			t.Errorf("%s: with all losses dropped: %v, %+v", c.members, err, losses)
		}
	}
	if _, _, err := toMessages(t, `{"model":"m",`+user+`,"seed":1}`, wire.EncodeOptions{}, wire.RefuseLosses); !errors.Is(err, wire.ErrUntranslatable) {
		t.Errorf("a parameter with all losses refused: %v", err)
	}
}

func TestOptionsOfUpstreams(t *testing.T) {
	t.Parallel()
	body := `{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":0.5,"max_tokens":100000}`
	got, losses, err := toMessages(t, body, wire.EncodeOptions{FixedSampling: true, ModelOutput: 64_000}, wire.DropParameters)
	if err != nil || got["temperature"] != nil || got["max_tokens"] != 64_000.0 || !lost(losses, "temperature") || !lost(losses, "max_tokens") {
		t.Errorf("%v, %+v, %v", got, losses, err)
	}
}

// fromMessages translates a request for a message.
func fromMessages(t *testing.T, body string) (map[string]any, []wire.Loss, error) {
	t.Helper()
	p, err := anthropic.Codec.DecodeRequest([]byte(body))
	if err != nil {
		return nil, nil, err
	}
	var l wire.Losses
	out, err := openai.ChatCodec.EncodeRequest(p, wire.EncodeOptions{AskUsage: true}, &l)
	if err != nil {
		return nil, l.Dropped, err
	}
	return object(t, out), l.Dropped, nil
}

func TestMessagesBecomeChat(t *testing.T) {
	t.Parallel()
	got, losses, err := fromMessages(t, `{"model":"m","max_tokens":2000,"stream":true,"top_k":5,"stop_sequences":["a"],"metadata":{"user_id":"u"},
		"service_tier":"standard_only","thinking":{"type":"enabled","budget_tokens":1024},
		"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2"},{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
		"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"z":{},"a":{}}}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},
		"messages":[{"role":"user","content":"x"},
			{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"I will."},{"type":"tool_use","id":"t1","name":"f","input":{"z":1,"a":2}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"1"}]},{"type":"text","text":"so?"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, []byte(`{"model":"m","max_tokens":2000,"stream":true,"stream_options":{"include_usage":true},"stop":["a"],"user":"u","service_tier":"default",
		"reasoning_effort":"low","parallel_tool_calls":false,"tool_choice":"required",
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"z":{},"a":{}}}}}],
		"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"x"},
			{"role":"assistant","content":"I will.","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"z\":1,\"a\":2}"}}]},
			{"role":"tool","tool_call_id":"t1","content":"1"},{"role":"user","content":"so?"}]}`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !lost(losses, "top_k") {
		t.Errorf("%+v", losses)
	}
	for body, path := range map[string]string{
		`{"messages":[{"role":"system","content":"x"}]}`:                                           "messages[0].role",
		`{"messages":[{"role":"user"}]}`:                                                           "messages[0].content",
		`{"messages":[{"role":"user","content":["x"]}]}`:                                           "messages[0].content[0]",
		`{"messages":[{"role":"assistant","content":[{"type":"tool_use","name":"f"}]}]}`:           "messages[0].content[0].id",
		`{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}`:                        "messages[0].content[0].tool_use_id",
		`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"x"}}]}]}`:        "messages[0].content[0].source.type",
		`{"messages":[{"role":"user","content":[{"type":"search_result","source":"s"}]}]}`:         "messages[0].content[0]",
		`{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"memory_20250818"}]}`:        "tools[0]",
		`{"messages":[{"role":"user","content":"x"}],"mcp_servers":[{"url":"https://x.example"}]}`: "mcp_servers",
		`{"thinking":{"type":"x"}}`:                                                                "thinking.type",
		`{"tool_choice":{"type":"x"}}`:                                                             "tool_choice.type",
	} {
		_, _, err := fromMessages(t, body)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Path != path {
			t.Errorf("%s: %v, want it at %s", body, err, path)
		}
	}
}

// Usage is disjoint here and inclusive there: nothing is counted twice or lost on the way.
func TestAnswersCross(t *testing.T) {
	t.Parallel()
	message := `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Hello."},
		{"type":"tool_use","id":"t1","name":"f","input":{"z":1,"a":2}}],"stop_reason":"tool_use","stop_sequence":null,
		"usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":40,"service_tier":"standard"}}`
	a, err := anthropic.Codec.DecodeAnswer([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	chat, err := openai.ChatCodec.EncodeAnswer(a, &inference.Prompt{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"prompt_tokens":60,"completion_tokens":40,"total_tokens":100`, `"cached_tokens":30,"cache_write_tokens":20`, `"finish_reason":"tool_calls"`,
		`"content":"Hello."`, `"reasoning_content":"hm"`, `"signature":"s","format":"anthropic-claude-v1"`, `"arguments":"{\"z\":1,\"a\":2}"`,
	} {
		if !strings.Contains(string(chat), want) {
			t.Errorf("%s lacks %s", chat, want)
		}
	}
	back, err := openai.ChatCodec.DecodeAnswer(chat)
	if err != nil {
		t.Fatal(err)
	}
	again, err := anthropic.Codec.EncodeAnswer(back, &inference.Prompt{})
	if err != nil {
		t.Fatal(err)
	}
	u, ok := anthropic.Usage(again)
	if !ok || u.Quantities != a.Usage.Quantities {
		t.Errorf("%+v became %+v", a.Usage, u)
	}
	for _, want := range []string{`"stop_reason":"tool_use"`, `"input":{"z":1,"a":2}`, `"thinking":"hm","signature":"s"`} {
		if !strings.Contains(string(again), want) {
			t.Errorf("%s lacks %s", again, want)
		}
	}
}

func TestStopReasons(t *testing.T) {
	t.Parallel()
	for reason, finish := range map[string]string{
		"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "model_context_window_exceeded": "length", "tool_use": "stop",
		"refusal": "content_filter", "pause_turn": "stop",
	} {
		a, err := anthropic.Codec.DecodeAnswer([]byte(`{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"` + reason + `","stop_sequence":"q"}`))
		if err != nil {
			t.Fatal(err)
		}
		chat, _ := openai.ChatCodec.EncodeAnswer(a, nil)
		if !strings.Contains(string(chat), `"finish_reason":"`+finish+`"`) {
			t.Errorf("%s became %s", reason, chat)
		}
		own, _ := anthropic.Codec.EncodeAnswer(a, nil)
		if reason != "tool_use" && !strings.Contains(string(own), `"stop_reason":"`+reason+`"`) {
			t.Errorf("%s became %s", reason, own)
		}
	}
	for _, body := range []string{`{}`, `{"type":"error","error":{"type":"api_error","message":"x"}}`, `[]`, `<html>`} {
		if _, err := anthropic.Codec.DecodeAnswer([]byte(body)); err == nil {
			t.Errorf("%s is an answer", body)
		}
	}
}
