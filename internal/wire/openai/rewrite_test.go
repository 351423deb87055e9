package openai

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRewrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in, want string
		change         Change
	}{
		{
			"model", `{ "model" : "a" ,"messages":[{}]}`, `{ "model" : "b\"\u0001é" ,"messages":[{}]}`,
			Change{Model: "b\"\x01é"},
		},
		{"same model", `{"mod\u0065l":"a","messages":[{}]}`, `{"mod\u0065l":"a","messages":[{}]}`, Change{Model: "a"}},
		{"cap put in", `{"model":"a","messages":[{}]}`, `{"max_tokens":9,"model":"a","messages":[{}]}`, Change{MaxOutput: 9}},
		{
			"cap put in by name", `{"model":"a","messages":[{}]}`, `{"max_completion_tokens":9,"model":"a","messages":[{}]}`,
			Change{MaxOutput: 9, MaxOutputParam: "max_completion_tokens"},
		},
		{
			"cap keeps the caller's name", `{"max_completion_tokens":5,"model":"a","messages":[{}]}`,
			`{"max_completion_tokens":9,"model":"a","messages":[{}]}`,
			Change{MaxOutput: 9},
		},
		{
			"cap renamed", `{"max_completion_tokens" : 5,"model":"a","messages":[{}]}`,
			`{"max_tokens":9,"model":"a","messages":[{}]}`,
			Change{MaxOutput: 9, MaxOutputParam: "max_tokens"},
		},
		{
			"the caller's cap renamed", `{"max_completion_tokens":5,"model":"a","messages":[{}]}`,
			`{"max_tokens":5,"model":"a","messages":[{}]}`,
			Change{MaxOutputParam: "max_tokens"},
		},
		{"no cap to rename", `{"model":"a","messages":[{}]}`, `{"model":"a","messages":[{}]}`, Change{MaxOutputParam: "max_tokens"}},
		{
			"cap moved to a null", `{"max_completion_tokens":5,"max_tokens":null,"model":"a","messages":[{}]}`,
			`{"max_completion_tokens":null,"max_tokens":9,"model":"a","messages":[{}]}`,
			Change{MaxOutput: 9, MaxOutputParam: "max_tokens"},
		},
		{
			"null cap", `{"max_tokens":null,"model":"a","messages":[{}]}`, `{"max_tokens":9,"model":"a","messages":[{}]}`,
			Change{MaxOutput: 9},
		},
		{
			"usage asked", `{"model":"a","messages":[{}],"stream":true}`,
			`{"stream_options":{"include_usage":true},"model":"a","messages":[{}],"stream":true}`,
			Change{AskUsage: true},
		},
		{
			"usage turned on", `{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":false,"x":1}}`,
			`{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":true,"x":1}}`,
			Change{AskUsage: true},
		},
		{
			"usage added", `{"model":"a","messages":[{}],"stream":true,"stream_options":{ "x":1}}`,
			`{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":true, "x":1}}`,
			Change{AskUsage: true},
		},
		{
			"usage in empty options", `{"model":"a","messages":[{}],"stream":true,"stream_options":{}}`,
			`{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}`,
			Change{AskUsage: true},
		},
		{
			"usage in null options", `{"model":"a","messages":[{}],"stream":true,"stream_options":null}`,
			`{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}`,
			Change{AskUsage: true},
		},
		{
			"all", `{"runMode":"x","model":"a","messages":[{}],"stream":true}`,
			`{"max_tokens":1,"stream_options":{"include_usage":true},"model":"b","messages":[{}],"stream":true}`,
			Change{Model: "b", MaxOutput: 1, AskUsage: true, StripRunMode: true},
		},
		{
			"run mode last", `{"model":"a","messages":[{}] , "runMode":"simulation"}`, `{"model":"a","messages":[{}] }`,
			Change{StripRunMode: true},
		},
		{"nothing", `{"model":"a","messages":[{}]}`, `{"model":"a","messages":[{}]}`, Change{StripRunMode: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := PeekChat([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(f.Rewrite(nil, []byte(c.in), c.change)); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Rewriting changes what it is told to, and nothing else that a decoder sees.
func TestRewriteChangesNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		request := drawRequest(t)
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := PeekChat(body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		change := Change{
			Model:          rapid.String().Draw(t, "new model"),
			MaxOutput:      rapid.Int64Range(0, MaxOutputCap).Draw(t, "cap"),
			MaxOutputParam: rapid.SampledFrom([]string{"", "max_tokens", "max_completion_tokens"}).Draw(t, "param"),
			AskUsage:       facts.Stream && rapid.Bool().Draw(t, "ask"),
			StripRunMode:   rapid.Bool().Draw(t, "strip"),
		}
		before := string(body)
		var got map[string]any
		if err := json.Unmarshal(facts.Rewrite(nil, body, change), &got); err != nil {
			t.Fatal(err)
		}
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		if diff := cmp.Diff(expected(request, change), got); diff != "" {
			t.Errorf("%s\n%+v\n%s", body, change, diff)
		}
	})
}

func drawRequest(t *rapid.T) map[string]any {
	text := rapid.String()
	request := map[string]any{"messages": []any{map[string]any{"role": "user", "content": text.Draw(t, "content")}}}
	request["model"] = rapid.StringMatching(`.{1,20}`).Draw(t, "model")
	maybe := func(name string, value any) {
		if rapid.Bool().Draw(t, "has "+name) {
			request[name] = value
		}
	}
	maybe(rapid.SampledFrom([]string{"max_tokens", "max_completion_tokens"}).Draw(t, "which"), 7.0)
	maybe("runMode", "simulation")
	maybe("temperature", 0.5)
	maybe(text.Draw(t, "extra key")+"-", text.Draw(t, "extra"))
	if rapid.Bool().Draw(t, "stream") {
		request["stream"] = true
		maybe("stream_options", rapid.SampledFrom([]any{
			nil, map[string]any{}, map[string]any{"include_usage": false, "x": "}"}, map[string]any{"include_usage": true}, map[string]any{"x": 1.0},
		}).Draw(t, "options"))
	}
	return request
}

// expected does to the decoded request what Rewrite does to its bytes.
func expected(request map[string]any, c Change) map[string]any {
	if c.Model != "" {
		request["model"] = c.Model
	}
	for _, given := range []string{"max_tokens", "max_completion_tokens"} {
		if n, ok := request[given].(float64); ok && c.MaxOutput == 0 {
			c.MaxOutput = int64(n)
		}
	}
	if c.MaxOutput > 0 {
		name := c.MaxOutputParam
		if _, ok := request["max_completion_tokens"]; ok && name == "" {
			name = "max_completion_tokens"
		} else if name == "" {
			name = "max_tokens"
		}
		delete(request, "max_tokens")
		delete(request, "max_completion_tokens")
		request[name] = float64(c.MaxOutput)
	}
	if c.AskUsage {
		options, _ := request["stream_options"].(map[string]any)
		merged := map[string]any{"include_usage": true}
		if x, ok := options["x"]; ok {
			merged["x"] = x
		}
		request["stream_options"] = merged
	}
	if c.StripRunMode {
		delete(request, "runMode")
	}
	return request
}

func FuzzPeekAndRewrite(f *testing.F) {
	f.Add([]byte(`{"model":"a","messages":[{}],"stream":true,"stream_options":{"include_usage":null},"runMode":"x"}`))
	f.Add([]byte(`{"max_tokens":null,"max_completion_tokens":3, "messages":[1],"model":"\u00e9"}`))
	f.Add([]byte(`{"model":"a","messages":[{"content":"}{"}],"stream":true}{"model":"b"}`))
	f.Add([]byte("\xEF\xBB\xBF{\"model\":\"a\",\"messages\":[{\"content\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		facts, err := PeekChat(body)
		if err != nil {
			return
		}
		out := facts.Rewrite(nil, body, Change{Model: "m", MaxOutput: 3, MaxOutputParam: "max_tokens", AskUsage: facts.Stream, StripRunMode: true})
		again, err := PeekChat(out)
		if err != nil {
			t.Fatalf("%s became %s: %v", body, out, err)
		}
		if again.Model != "m" || again.MaxOutput != 3 || again.IncludeUsage != facts.Stream || again.SimulationMode {
			t.Errorf("%s became %s", body, out)
		}
	})
}
