package openai

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// The traps of shared/providers/translation.md, section 4, as far as they concern this format, by their numbers there.
func TestTraps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"1 the input includes what was cached", trapInclusiveUsage},
		{"4 arguments that come whole are not dropped", trapWholeArguments},
		{"5 usage of a response that is incomplete or failed", trapUsageOfFailures},
		{"6 foreign seals come back where they belong", trapForeignSeals},
		{"8 output in the shapes of responses", trapShapes},
		{"9 reasoning stays before what it led to", trapOrder},
		{"10 results stay with their calls", trapResults},
		{"11 items are done one after another", trapDoneInOrder},
		{"12 reasoning without a seal comes back", trapReasoningBack},
		{"13 the limit is not the end", trapLimit},
		{"19 a stream without its last event is cut", trapCut},
		{"20 more than one answer is refused", trapChoices},
		{"22 errors in a stream", trapStreamErrors},
		{"24 loose numbers and null lists", trapLooseAnswers},
		{"25 a call without arguments has an empty object", trapEmptyArguments},
		{"29 a choice without tools is not sent", trapChoiceWithoutTools},
		{"an answer is not stored because nobody said no", trapStore},
		{"functions are strict only on demand", trapStrict},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func decodedPrompt(t *testing.T, body string) *inference.Prompt {
	t.Helper()
	p, err := countingCodec().DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// encodedRequest is a request as generic JSON.
func encodedRequest(t *testing.T, p *inference.Prompt, l *wire.Losses) map[string]any {
	t.Helper()
	b, err := countingCodec().EncodeRequest(p, wire.EncodeOptions{}, l)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return out
}

// memberAt follows names and indexes into generic JSON; nil where there is nothing.
func memberAt(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func itemTypes(list any) (out []string) {
	items, _ := list.([]any)
	for _, i := range items {
		s, _ := memberAt(i, "type").(string)
		out = append(out, s)
	}
	return out
}

func isSame(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// aTurn is what a user says.
func aTurn() inference.Turn {
	return inference.Turn{Parts: []inference.Part{{Text: "a"}}}
}

func trapInclusiveUsage(t *testing.T) {
	t.Helper()
	a := &inference.Answer{HasUsage: true, Candidates: []inference.Candidate{{Stop: inference.StopEnd}}}
	for r, n := range map[inference.Resource]int64{
		inference.TextInput: 7, inference.TextInputCached: 100, inference.TextCacheWrite: 20, inference.TextCacheWrite1h: 3,
		inference.ImageInput: 5, inference.AudioInput: 2, inference.TextOutput: 11, inference.TextReasoning: 13, inference.AudioOutput: 1,
		inference.ImageOutput: 4,
	} {
		a.Usage.Quantities[r] = n
	}
	b, err := ResponsesCodec.EncodeAnswer(a, &inference.Prompt{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `"usage":{"input_tokens":137,"input_tokens_details":{"cached_tokens":100,"cache_write_tokens":23,"audio_tokens":2,` +
		`"image_tokens":5},"output_tokens":29,"output_tokens_details":{"reasoning_tokens":13,"audio_tokens":1,"image_tokens":4},` +
		`"total_tokens":166}`
	if !strings.Contains(string(b), want) {
		t.Errorf("got %s, want %s", b, want)
	}
	again, err := ResponsesCodec.DecodeAnswer(b)
	if err != nil {
		t.Fatal(err)
	}
	a.Usage.Quantities[inference.TextCacheWrite] += 3 // the format has one figure for both
	a.Usage.Quantities[inference.TextCacheWrite1h] = 0
	isSame(t, "usage", again.Usage, a.Usage)
}

const anAnswerHead = `data: {"type":"response.created","response":{"id":"resp_1","status":"in_progress","output":[]}}` + "\n\n"

func responseDeltas(t *testing.T, events ...string) ([]inference.Delta, error) {
	t.Helper()
	var all strings.Builder
	for _, e := range events {
		all.WriteString("data: " + e + "\n\n")
	}
	return decodeResponseStream(t, countingCodec(), []byte(all.String()))
}

func responseOf(t *testing.T, events ...string) *inference.Answer {
	t.Helper()
	deltas, err := responseDeltas(t, events...)
	if err != nil {
		t.Fatal(err)
	}
	return gatherDeltas(deltas)
}

func trapWholeArguments(t *testing.T) {
	t.Helper()
	const (
		call  = `{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}`
		added = `{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":""}}`
		end   = `{"type":"response.completed","response":{"status":"completed","output":[` + call + `]}}`
	)
	for name, events := range map[string][]string{
		"in done":      {added, `{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{\"a\":1}"}`, end},
		"in the item":  {added, `{"type":"response.output_item.done","output_index":0,"item":` + call + `}`, end},
		"in added":     {strings.Replace(added, `"arguments":""`, `"arguments":"{\"a\":1}"`, 1), end},
		"at the end":   {end},
		"before added": {`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"fc_1","delta":"{\"a\""}`, added, `{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"fc_1","delta":":1}"}`, end},
		"in pieces":    {added, `{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\""}`, `{"type":"response.function_call_arguments.delta","item_id":"fc_1","delta":":1}"}`, end},
	} {
		a := responseOf(t, events...)
		want := []inference.Part{{Kind: inference.PartCall, ID: "fc_1", Text: `{"a":1}`, Call: &inference.Call{ID: "c", Name: "f"}}}
		isSame(t, name, a.Candidates[0].Parts, want)
		isSame(t, name, a.Candidates[0].Stop, inference.StopTools)
	}
}

func trapUsageOfFailures(t *testing.T) {
	t.Helper()
	const usage = `"usage":{"input_tokens":10,"output_tokens":5,"total_tokens":15}`
	incomplete := `{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[],` + usage + `}}`
	a := responseOf(t, incomplete)
	isSame(t, "incomplete", a.Usage.InputTokens()+a.Usage.OutputTokens(), int64(15))
	isSame(t, "stop", a.Candidates[0].Stop, inference.StopRefusal)
	failed := `{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow down."},` + usage + `}}`
	deltas, err := responseDeltas(t, failed)
	if err != nil {
		t.Fatal(err)
	}
	isSame(t, "failed", gatherDeltas(deltas).Usage.OutputTokens(), int64(5))
	last := deltas[len(deltas)-1]
	isSame(t, "failure", last.Failure, &inference.Failure{Category: inference.RateLimited, Code: "rate_limit_exceeded", Message: "Slow down."})
}

// A seal of another provider goes out as encrypted content, and comes back to what it sealed.
func trapForeignSeals(t *testing.T) {
	t.Helper()
	gemini := &inference.Seal{Dialect: inference.Gemini, Data: "sig:1"}
	claude := &inference.Seal{Dialect: inference.Anthropic, Data: "sig2"}
	redacted := &inference.Seal{Dialect: inference.Anthropic, Data: "all", Whole: true}
	parts := []inference.Part{
		{Kind: inference.PartReasoning, Text: "Hm.", Seal: claude},
		{Kind: inference.PartReasoning, Seal: redacted},
		{Kind: inference.PartCall, Text: "{}", Call: &inference.Call{ID: "c1", Name: "f"}, Seal: gemini},
		{Kind: inference.PartCall, Text: "{}", Call: &inference.Call{ID: "c2", Name: "f"}},
	}
	b, err := countingCodec().EncodeAnswer(&inference.Answer{Candidates: []inference.Candidate{{Parts: parts, Stop: inference.StopTools}}}, &inference.Prompt{})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Output json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	p := decodedPrompt(t, `{"model":"m","input":`+string(answer.Output)+`}`)
	if len(p.Turns) != 1 || len(p.Turns[0].Parts) != 4 {
		t.Fatalf("got %+v", p.Turns)
	}
	for i, want := range []*inference.Seal{claude, redacted, gemini, nil} {
		isSame(t, "seal", p.Turns[0].Parts[i].Seal, want)
	}
	var l wire.Losses
	out := encodedRequest(t, p, &l)
	if got := itemTypes(out["input"]); !slices.Equal(got, []string{"function_call", "function_call"}) {
		t.Errorf("foreign seals went to an upstream: %v", out["input"])
	}
	if len(l.Dropped) != 3 || l.Dropped[0].Path != "input[0]" {
		t.Errorf("got %v", l.Dropped)
	}
}

func trapShapes(t *testing.T) {
	t.Helper()
	a := &inference.Answer{ID: "chatcmpl-1", Created: 5, Candidates: []inference.Candidate{{Stop: inference.StopTools, Parts: []inference.Part{
		{Kind: inference.PartReasoning, Text: "Hm."},
		{Text: "Hi."},
		{Kind: inference.PartCall, Text: `{"a":1}`, Call: &inference.Call{ID: "c", Name: "f"}},
	}}}}
	b, err := countingCodec().EncodeAnswer(a, &inference.Prompt{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	isSame(t, "types", itemTypes(out["output"]), []string{"reasoning", "message", "function_call"})
	isSame(t, "text", memberAt(out, "output", 1, "content", 0, "text"), any("Hi."))
	isSame(t, "annotations", memberAt(out, "output", 1, "content", 0, "annotations"), any([]any{}))
	isSame(t, "arguments", memberAt(out, "output", 2, "arguments"), any(`{"a":1}`))
	for i, prefix := range []string{"rs_", "msg_", "fc_"} {
		if id, _ := memberAt(out, "output", i, "id").(string); !strings.HasPrefix(id, prefix) || len(id) != len(prefix)+32 {
			t.Errorf("id %q", id)
		}
	}
	if id, _ := out["id"].(string); !strings.HasPrefix(id, "resp_") {
		t.Errorf("id %q", id)
	}
	for _, member := range []string{"created_at", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "text", "reasoning", "metadata", "instructions", "error", "incomplete_details", "usage", "truncation"} {
		if _, ok := out[member]; !ok {
			t.Errorf("no %s in %s", member, b)
		}
	}
}

func trapOrder(t *testing.T) {
	t.Helper()
	const input = `[{"role":"user","content":"a"},
		{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"y"},{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"1"},{"type":"function_call_output","call_id":"c2","output":"2"},
		{"type":"reasoning","id":"rs_3","summary":[],"encrypted_content":"z"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"b"}]}]`
	p := decodedPrompt(t, `{"model":"m","input":`+input+`}`)
	isSame(t, "turns", len(p.Turns), 4)
	var l wire.Losses
	out := encodedRequest(t, p, &l)
	want := []string{"message", "reasoning", "function_call", "reasoning", "function_call", "function_call_output", "function_call_output", "reasoning", "message"}
	isSame(t, "items", itemTypes(out["input"]), want)
	isSame(t, "losses", len(l.Dropped), 0)
}

// Results that follow each other are one turn and have their tools' names, in whatever order they come; late ones stay late.
func trapResults(t *testing.T) {
	t.Helper()
	p := decodedPrompt(t, `{"model":"m","input":[{"type":"function_call","call_id":"c1","name":"f","arguments":""},
		{"type":"custom_tool_call","call_id":"c2","name":"g","input":"x"},
		{"type":"custom_tool_call_output","call_id":"c2","output":"2"},{"type":"function_call_output","call_id":"c1","output":"1"},
		{"role":"user","content":"and?"},{"type":"function_call_output","call_id":"c9","output":"late"}]}`)
	isSame(t, "turns", len(p.Turns), 4)
	results := p.Turns[1].Parts
	isSame(t, "names", []string{results[0].Result.Name, results[1].Result.Name}, []string{"g", "f"})
	isSame(t, "custom", []bool{results[0].Result.Custom, results[1].Result.Custom}, []bool{true, false})
	isSame(t, "late", p.Turns[3].Parts[0].Result.Name, "")
	if _, err := ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{}); !errors.Is(err, wire.ErrUntranslatable) {
		t.Errorf("a result without a call: %v", err)
	}
	p = decodedPrompt(t, `{"model":"m","input":[{"type":"function_call","call_id":"c1","name":"f","arguments":""},
		{"type":"function_call","call_id":"c2","name":"f","arguments":""},{"type":"function_call_output","call_id":"c2","output":"2"},
		{"role":"user","content":"and?"},{"type":"function_call_output","call_id":"c1","output":"1"}]}`)
	b, err := ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{})
	if err != nil {
		t.Fatal(err)
	}
	var chat map[string]any
	if err := json.Unmarshal(b, &chat); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"assistant", "tool", "tool", "user"} {
		isSame(t, "role", memberAt(chat, "messages", i, "role"), any(want))
	}
}

func trapDoneInOrder(t *testing.T) {
	t.Helper()
	c := countingCodec()
	out := encodeResponseStream(c, &inference.Prompt{}, []inference.Delta{
		{Kind: inference.DeltaBegin},
		{Kind: inference.DeltaOpen, Block: 0},
		{Kind: inference.DeltaFragment, Block: 0, Text: "a"},
		{Kind: inference.DeltaOpen, Block: 1, Part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "c1", Name: "f"}}},
		{Kind: inference.DeltaOpen, Block: 2, Part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "c2", Name: "g"}}},
		{Kind: inference.DeltaFragment, Block: 2, Text: "{}"},
		{Kind: inference.DeltaFragment, Block: 1, Text: "{}"},
		{Kind: inference.DeltaFinish, Stop: inference.StopTools},
		{Kind: inference.DeltaEnd},
	})
	names, last := eventTypes(t, out)
	isSame(t, "events", names, []string{
		"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
		"response.output_text.done", "response.content_part.done", "response.output_item.done",
		"response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done",
		"response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done",
		"response.completed",
	})
	isSame(t, "output", itemTypes(memberAt(last, "response", "output")), []string{"message", "function_call", "function_call"})
}

// A caller sends back what it was given; upstreams that want their reasoning back find it.
func trapReasoningBack(t *testing.T) {
	t.Helper()
	p := decodedPrompt(t, `{"model":"m","input":[
		{"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"raw"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
		{"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]}]}`)
	isSame(t, "texts", []string{p.Turns[0].Parts[0].Text, p.Turns[0].Parts[2].Text}, []string{"raw", "a\n\nb"})
	isSame(t, "reasoning and call are one turn", len(p.Turns), 1)
}

func trapLimit(t *testing.T) {
	t.Helper()
	for stop, want := range map[inference.Stop][2]any{
		inference.StopEnd: {"completed", nil}, inference.StopSequence: {"completed", nil}, inference.StopTools: {"completed", nil},
		inference.StopLength: {"incomplete", "max_output_tokens"}, inference.StopContext: {"incomplete", "max_output_tokens"},
		inference.StopRefusal: {"incomplete", "content_filter"}, inference.StopPause: {"incomplete", nil}, inference.StopUnsaid: {"incomplete", nil},
	} {
		parts := []inference.Delta{
			{Kind: inference.DeltaOpen}, {Kind: inference.DeltaFragment, Text: "a"}, {Kind: inference.DeltaFinish, Stop: stop}, {Kind: inference.DeltaEnd},
		}
		names, last := eventTypes(t, encodeResponseStream(countingCodec(), &inference.Prompt{}, parts))
		status, _ := want[0].(string)
		isSame(t, "last event", names[len(names)-1], "response."+status)
		isSame(t, "status", memberAt(last, "response", "status"), want[0])
		isSame(t, "item", memberAt(last, "response", "output", 0, "status"), want[0])
		isSame(t, "reason", memberAt(last, "response", "incomplete_details", "reason"), want[1])
	}
	for reason, want := range map[string]inference.Stop{
		`{"reason":"max_output_tokens"}`: inference.StopLength, `{"reason":"content_filter"}`: inference.StopRefusal,
		`{"reason":"max_tool_calls"}`: inference.StopPause, `null`: inference.StopPause,
	} {
		a, err := ResponsesCodec.DecodeAnswer([]byte(`{"status":"incomplete","incomplete_details":` + reason + `,"output":[]}`))
		if err != nil || a.Candidates[0].Stop != want {
			t.Errorf("%s: got %v, %v", reason, a, err)
		}
	}
}

func trapCut(t *testing.T) {
	t.Helper()
	_, err := decodeResponseStream(t, countingCodec(), []byte(anAnswerHead))
	if !errors.Is(err, wire.ErrCut) {
		t.Errorf("got %v", err)
	}
	if _, err := responseDeltas(t, `{"choices":[]}`); err == nil {
		t.Error("an event of another format was taken")
	}
	if _, err := responseDeltas(t, `{"type":"response.completed"}`); err == nil {
		t.Error("an end without its response was taken")
	}
}

func trapChoices(t *testing.T) {
	t.Helper()
	p := &inference.Prompt{Choices: 2, Turns: []inference.Turn{aTurn()}}
	if _, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{}); !errors.Is(err, wire.ErrUntranslatable) {
		t.Errorf("got %v", err)
	}
	l := wire.Losses{Policy: wire.DropLosses}
	if _, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &l); err != nil || len(l.Dropped) != 1 {
		t.Errorf("got %v, %v", err, l.Dropped)
	}
}

func trapStreamErrors(t *testing.T) {
	t.Helper()
	for event, want := range map[string]inference.Failure{
		`{"type":"error","code":"server_error","message":"m","param":null}`:                               {Category: inference.ServerError, Code: "server_error", Message: "m"},
		`{"type":"error","error":{"type":"rate_limit_error","code":null,"message":"m"}}`:                  {Category: inference.RateLimited, Code: "rate_limit_error", Message: "m"},
		`{"error":{"code":"context_length_exceeded","message":"m"}}`:                                      {Category: inference.ContextLength, Code: "context_length_exceeded", Message: "m"},
		`{"type":"response.failed","response":{"error":{"code":"invalid_prompt","message":"m"}}}`:         {Category: inference.InvalidRequest, Code: "invalid_prompt", Message: "m"},
		`{"type":"response.cancelled","response":{"status":"cancelled","output":[]}}`:                     {Category: inference.ServerError},
		`{"type":"response.failed","response":{"status":"failed","error":null,"output":[],"usage":null}}`: {Category: inference.ServerError},
	} {
		deltas, err := responseDeltas(t, event, `[DONE]`)
		if err != nil || len(deltas) != 2 {
			t.Errorf("%s: got %v, %v", event, deltas, err)
			continue
		}
		isSame(t, event, *deltas[1].Failure, want)
	}
	out := encodeResponseStream(countingCodec(), &inference.Prompt{}, []inference.Delta{
		{Kind: inference.DeltaOpen},
		{Kind: inference.DeltaFragment, Text: "a"},
		{Kind: inference.DeltaFailed, Failure: &inference.Failure{Category: inference.Overloaded, Message: "The upstream is busy."}},
		{Kind: inference.DeltaEnd},
	})
	names, last := eventTypes(t, out)
	isSame(t, "events", names[len(names)-3:], []string{"response.content_part.done", "response.output_item.done", "response.failed"})
	isSame(t, "error", memberAt(last, "response", "error"), any(map[string]any{"code": "server_error", "message": "The upstream is busy."}))
	isSame(t, "item", memberAt(last, "response", "output", 0, "status"), any("incomplete"))
}

func trapLooseAnswers(t *testing.T) {
	t.Helper()
	a, err := ResponsesCodec.DecodeAnswer([]byte(`{"id":"resp_1","created_at":1760000000.0,"output":[null,
		{"type":"reasoning","summary":null},
		{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"a\ud800","annotations":null},{"type":"hologram"}]},
		{"type":"function_call","id":"fc_1","name":"f","arguments":{"a":1}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	isSame(t, "created", a.Created, int64(1_760_000_000))
	parts := a.Candidates[0].Parts
	if len(parts) != 3 || parts[1].Text != "a\uFFFD" || parts[2].Call.ID != "fc_1" || parts[2].Text != `{"a":1}` {
		t.Errorf("got %+v", parts)
	}
}

func trapEmptyArguments(t *testing.T) {
	t.Helper()
	call := inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "c", Name: "f"}}
	b, err := countingCodec().EncodeAnswer(&inference.Answer{Candidates: []inference.Candidate{{Parts: []inference.Part{call}}}}, &inference.Prompt{})
	if err != nil || !strings.Contains(string(b), `"arguments":"{}"`) {
		t.Errorf("got %s, %v", b, err)
	}
	p := &inference.Prompt{Turns: []inference.Turn{{Role: inference.RoleAssistant, Parts: []inference.Part{call}}}}
	isSame(t, "request", memberAt(encodedRequest(t, p, &wire.Losses{}), "input", 0, "arguments"), any("{}"))
}

func trapChoiceWithoutTools(t *testing.T) {
	t.Helper()
	var l wire.Losses
	out := encodedRequest(t, &inference.Prompt{Serial: true, Choice: inference.ToolChoice{Mode: inference.ToolsRequired}, Turns: []inference.Turn{aTurn()}}, &l)
	isSame(t, "choice", out["tool_choice"], nil)
	isSame(t, "parallel", out["parallel_tool_calls"], nil)
	isSame(t, "losses", len(l.Dropped), 1)
}

func trapStore(t *testing.T) {
	t.Helper()
	p := &inference.Prompt{Turns: []inference.Turn{aTurn()}}
	isSame(t, "unsaid", encodedRequest(t, p, &wire.Losses{})["store"], any(false))
	p.PreviousID = "resp_1"
	isSame(t, "continued", encodedRequest(t, p, &wire.Losses{})["store"], nil)
	yes := true
	p.Store = &yes
	isSame(t, "said", encodedRequest(t, p, &wire.Losses{})["store"], any(true))
}

func trapStrict(t *testing.T) {
	t.Helper()
	yes := true
	p := &inference.Prompt{Tools: []inference.Tool{{Name: "f"}, {Name: "g", Strict: &yes}}, Turns: []inference.Turn{aTurn()}}
	out := encodedRequest(t, p, &wire.Losses{})
	isSame(t, "f", memberAt(out, "tools", 0, "strict"), any(false))
	isSame(t, "g", memberAt(out, "tools", 1, "strict"), any(true))
	isSame(t, "parameters", memberAt(out, "tools", 0, "parameters"), any(map[string]any{"type": "object", "properties": map[string]any{}}))
}
