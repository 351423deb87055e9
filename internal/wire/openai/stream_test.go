package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
)

const chunk = `{"id":"chatcmpl-t1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-5-mini","choices":[`

func TestStreamMeterFollowsAStream(t *testing.T) {
	t.Parallel()
	m := StreamMeter{HideUsage: true}
	for _, c := range []struct {
		data string
		want Action
	}{
		{chunk + `{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}`, Strip},
		{chunk + `{"index":0,"delta":{"reasoning_content":"hmm hmm "},"finish_reason":null}],"usage":null}`, Strip},
		{chunk + `{"index":0,"delta":{"content":"say \"delta\": no"},"finish_reason":null},{"index":1,"delta":{"content":"\u4f60\u597d你"}}]}`, Forward},
		{chunk + `{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_9","type":"function","function":{"name":"get","arguments":""}}]}}]}`, Forward},
		{chunk + `{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\""}}]}, "finish_reason": null}]}`, Forward},
		{chunk + `{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null,"obfuscation":"x"}`, Strip},
		{chunk + `],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`, Drop},
		{`[DONE]`, Forward},
	} {
		if got := m.Feed([]byte(c.data)); got != c.want {
			t.Errorf("%s: %v, want %v", c.data, got, c.want)
		}
	}
	if want := (Count{Narrow: int64(len(`say "delta": no` + "get" + `{"a"`)), Wide: 3}); m.Text != want {
		t.Errorf("text %+v, want %+v", m.Text, want)
	}
	if m.Reasoning != (Count{Narrow: 8}) || !m.HasUsage || m.Usage.OutputTokens() != 7 || !m.Finished || !m.Done || m.Failed {
		t.Errorf("got %+v", m)
	}
	e := m.Estimate(3)
	if !e.Estimated || e.InputTokens() != 3 || e.OutputTokens() != m.Tokens() || e.Quantities[inference.TextReasoning] != 2 {
		t.Errorf("estimate %+v", e)
	}
}

func TestStreamMeterLeavesTheCallersUsageAlone(t *testing.T) {
	t.Parallel()
	var m StreamMeter
	for _, data := range []string{
		chunk + `{"delta":{"content":"x"}}],"usage":null}`,
		chunk + `],"usage":{"prompt_tokens":5,"completion_tokens":7}}`,
	} {
		if got := m.Feed([]byte(data)); got != Forward {
			t.Errorf("%s: %v", data, got)
		}
	}
	if !m.HasUsage {
		t.Error("usage not seen")
	}
	// SiliconFlow tells a running usage on every chunk: the last counts, and its text must reach the caller.
	m.HideUsage = true
	if got := m.Feed([]byte(chunk + `{"delta":{"content":"x"}}],"usage":{"prompt_tokens":5,"completion_tokens":9}}`)); got != Forward {
		t.Errorf("got %v", got)
	}
	if m.Usage.OutputTokens() != 9 {
		t.Errorf("got %v", m.Usage)
	}
	// One that cannot be trusted does not replace one that can.
	m.Feed([]byte(chunk + `],"usage":{"prompt_tokens":5,"completion_tokens":-9}}`))
	if m.Usage.OutputTokens() != 9 {
		t.Errorf("got %v", m.Usage)
	}
}

func TestStreamMeterKnowsErrors(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]bool{
		`{"error":{"message":"overloaded","type":"server_error"}}`:       true,
		`{"error": "overloaded"}`:                                        true,
		`{"choices":[],"error":null}`:                                    false,
		chunk + `{"delta":{"content":"\"error\":1"}}]}`:                  false,
		chunk + `{"delta":{"content":"x"},"error":{"only":"inside"}}]}`:  false,
		`{"error":{"message":"never counted","delta":{"content":"no"}}}`: true,
	} {
		var m StreamMeter
		if m.Feed([]byte(data)); m.Failed != want {
			t.Errorf("%s: %v", data, m.Failed)
		}
		if m.Failed && !m.Text.IsZero() {
			t.Errorf("%s: error text was counted", data)
		}
	}
}

func TestFeedAnswer(t *testing.T) {
	t.Parallel()
	var m StreamMeter
	m.FeedAnswer([]byte(`{"choices":[{"message":{"role":"assistant","content":"four","reasoning_content":"12345678"}},
		{"message":{"content":[{"type":"text","text":"four"}],"tool_calls":[{"id":"x","function":{"name":"ab","arguments":"{}"}}]}}]}`))
	if m.Text.Narrow != 12 || m.Reasoning.Narrow != 8 || m.HasUsage {
		t.Errorf("got %+v", m)
	}
	m.FeedAnswer([]byte(`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if !m.HasUsage || m.Usage.OutputTokens() != 2 {
		t.Errorf("got %+v", m)
	}
}

func TestStripUsage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"choices":[{"delta":{"content":"\"usage\":null}"}}],"usage":null}`: `{"choices":[{"delta":{"content":"\"usage\":null}"}}]}`,
		`{"usage": null, "choices": []}`:                                     `{ "choices": []}`,
		`{"choices":[],"usage":null,"obfuscation":"x"}`:                      `{"choices":[],"obfuscation":"x"}`,
		`{"choices":[{"usage":null}]}`:                                       `{"choices":[{"usage":null}]}`,
		`not JSON`:                                                           `not JSON`,
	} {
		if got := string(StripUsage(nil, []byte(in))); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func TestFeedingTextDoesNotAllocate(t *testing.T) {
	data := []byte(chunk + `{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	m, buf := StreamMeter{HideUsage: true}, make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { m.Feed(data); buf = StripUsage(buf[:0], data) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEstimateTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, "a": 1, "abcd": 1, "abcde": 2, `\n\t\"\\`: 1, "你好你": 2, `\u4f60\u597d\u4f60`: 2, "éé": 1, `\u00e9`: 1, `\u0433\u0434`: 1,
		strings.Repeat("word ", 100): 125, `\`: 1, `\u12`: 1,
	} {
		if got := EstimateTokens([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
		if EstimateTokens([]byte(text)) > BoundTokens(len(text)) {
			t.Errorf("%q: the estimate is above the bound", text)
		}
	}
}

func FuzzStreamMeter(f *testing.F) {
	f.Add([]byte(chunk+`{"index":0,"delta":{"content":"a\u00e9"},"finish_reason":null}],"usage":null}`), true)
	f.Add([]byte(`{"delta":{"tool_calls":[{"function":{"arguments":"\\"}},1,null]},"error":{}}`), false)
	f.Add([]byte(`{"delta":{"content":"\`), false)
	for _, s := range faultyStreams {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, hide bool) {
		m := StreamMeter{HideUsage: hide}
		action := m.Feed(data)
		if action != Forward && !hide {
			t.Errorf("%v although the caller asked", action)
		}
		if m.Tokens() < 0 || m.Tokens() > BoundTokens(len(data)) {
			t.Errorf("%d tokens of %d bytes", m.Tokens(), len(data))
		}
		if json.Valid(data) && !json.Valid(StripUsage(nil, data)) {
			t.Errorf("%s became %s", data, StripUsage(nil, data))
		}
	})
}
