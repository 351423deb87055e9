package openai

import (
	"errors"
	"strings"
	"testing"
)

func TestPeekChat(t *testing.T) {
	t.Parallel()
	body := `{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true},
	"max_completion_tokens":64,"max_tokens":null,"n":2,"user":"u1","prompt_cache_key":"c","service_tier":"flex",
	"runMode":"simulation","tools":[{}],"temperature":0.5}`
	f, err := PeekChat([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if f.Model != "gpt-5-mini" || !f.Stream || !f.IncludeUsage || f.MaxOutput != 64 || f.N != 2 || f.User != "u1" ||
		f.PromptCacheKey != "c" || f.ServiceTier != "flex" || !f.SimulationMode ||
		f.MessageBytes != len(`[{"role":"user","content":"hi"}]`) || f.ToolBytes != 4 || f.Images != 0 {
		t.Errorf("got %+v", f)
	}
	f, err = PeekChat([]byte(`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"x"}}]}],"model":"a","n":null,"max_tokens":7}`))
	if err != nil || f.Stream || f.N != 1 || f.MaxOutput != 7 || f.SimulationMode || f.Images != 1 {
		t.Errorf("got %+v, %v", f, err)
	}
	if f.BoundInput(1000) != BoundTokens(f.MessageBytes)+1000 {
		t.Error("the bound forgets the picture")
	}
}

func TestPeekChatRefuses(t *testing.T) {
	t.Parallel()
	const m = `"model":"a","messages":[{}]`
	for _, c := range []struct{ body, param, code string }{
		{`[]`, "", CodeInvalidJSON},
		{`{` + m + `} {}`, "", CodeInvalidJSON},
		{`{` + m + `,"x":` + strings.Repeat("[", 600), "", CodeTooDeep},
		{`{` + m + `,"mod\u0065l":"b"}`, "model", CodeDuplicate},
		{`{` + m + `,"tools":[],"tools":[]}`, "tools", CodeDuplicate},
		{`{` + m + `,"Stream":true}`, "stream", "unknown_parameter"},
		{`{"messages":[{}]}`, "model", "missing_required_parameter"},
		{`{"model":null,"messages":[{}]}`, "model", "missing_required_parameter"},
		{`{"model":"","messages":[{}]}`, "model", "missing_required_parameter"},
		{`{"model":{"a":1},"messages":[{}]}`, "model", "invalid_type"},
		{`{"model":"\ud800","messages":[{}]}`, "model", "invalid_value"},
		{`{"model":"` + strings.Repeat("a", 257) + `","messages":[{}]}`, "model", "string_above_max_length"},
		{`{"model":"a"}`, "messages", "missing_required_parameter"},
		{`{"model":"a","messages":"hi"}`, "messages", "invalid_type"},
		{`{"model":"a","messages":[ ]}`, "messages", "empty_array"},
		{`{` + m + `,"stream":1}`, "stream", "invalid_type"},
		{`{` + m + `,"stream_options":{}}`, "stream_options", "invalid_value"},
		{`{` + m + `,"stream":true,"stream_options":[]}`, "stream_options", "invalid_type"},
		{`{` + m + `,"stream":true,"stream_options":{"include_usage":"yes"}}`, "stream_options.include_usage", "invalid_type"},
		{`{` + m + `,"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}`, "include_usage", CodeDuplicate},
		{`{` + m + `,"n":0}`, "n", "invalid_value"},
		{`{` + m + `,"n":-5}`, "n", "invalid_value"},
		{`{` + m + `,"n":129}`, "n", "invalid_value"},
		{`{` + m + `,"n":1.0}`, "n", "invalid_value"},
		{`{` + m + `,"n":"1"}`, "n", "invalid_type"},
		{`{` + m + `,"max_tokens":0}`, "max_tokens", "invalid_value"},
		{`{` + m + `,"max_tokens":1e400}`, "max_tokens", "invalid_value"},
		{`{` + m + `,"max_tokens":4611686018427387904}`, "max_tokens", "invalid_value"},
		{`{` + m + `,"max_completion_tokens":10000001}`, "max_completion_tokens", "invalid_value"},
		{`{` + m + `,"max_completion_tokens":1,"max_tokens":1}`, "max_tokens", "invalid_parameter_combination"},
		{`{` + m + `,"user":5}`, "user", "invalid_type"},
	} {
		_, err := PeekChat([]byte(c.body))
		var e *RequestError
		if !errors.As(err, &e) || e.Param != c.param || e.Code != c.code {
			t.Errorf("%.80s: got %#v", c.body, err)
		}
	}
}

func TestPeekEmbeddings(t *testing.T) {
	t.Parallel()
	for body, length := range map[string]int{
		`{"model":"e","input":"hi"}`: 4, `{"model":"e","input":["a","b"],"user":"u"}`: 9, `{"model":"e","input":[1,2]}`: 5,
	} {
		if f, err := PeekEmbeddings([]byte(body)); err != nil || f.InputBytes != length || f.Model != "e" || f.N != 1 {
			t.Errorf("%s: %+v, %v", body, f, err)
		}
	}
	for body, code := range map[string]string{
		`{"model":"e"}`:              "missing_required_parameter",
		`{"model":"e","input":""}`:   "invalid_value",
		`{"model":"e","input":[ ]}`:  "invalid_value",
		`{"model":"e","input":{}}`:   "invalid_type",
		`{"model":"e","input":null}`: "missing_required_parameter",
	} {
		var e *RequestError
		if _, err := PeekEmbeddings([]byte(body)); !errors.As(err, &e) || e.Code != code || e.Param != "input" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestPeekingAllocatesOnlyTexts(t *testing.T) {
	body := []byte(`{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}],"stream":true,"max_tokens":5}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = PeekChat(body) }); n > 1 {
		t.Errorf("%v allocations, want the model only", n)
	}
}
