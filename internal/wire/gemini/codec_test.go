package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

func said(text string) inference.Turn {
	return inference.Turn{Parts: []inference.Part{{Text: text}}, Path: "messages[0]"}
}

func prompt(model string, turns ...inference.Turn) *inference.Prompt {
	return &inference.Prompt{Model: model, Turns: turns}
}

// encode encodes with the usual policy, and returns what was lost.
func encode(t *testing.T, p *inference.Prompt) (string, []wire.Loss) {
	t.Helper()
	var l wire.Losses
	out, err := gemini.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out) {
		t.Fatalf("no JSON: %s", out)
	}
	return string(out), l.Dropped
}

func refused(t *testing.T, p *inference.Prompt, policy wire.LossPolicy) *fault.Error {
	t.Helper()
	l := wire.Losses{Policy: policy}
	out, err := gemini.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l)
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("not refused: %s, %v", out, err)
	}
	return f
}

func wants(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s is missing in %s", p, got)
		}
	}
}

func TestRequestsAsGoogleWantsThem(t *testing.T) {
	t.Parallel()
	three := int64(3)
	p := prompt("gemini-2.5-pro", said("hi"))
	p.System = []inference.Part{{Text: "be brief"}}
	p.MaxOutput, p.Choices, p.Stop = 100, 2, []string{"a", "b", "c", "d", "e", "f"}
	p.Temperature, p.TopP, p.TopK, p.Seed, p.PresencePenalty = "0.50", "1", "40", "99999999999", "0.1"
	p.TopLogprobs = &three
	p.Output = inference.Output{Kind: inference.OutputSchema, Schema: json.RawMessage(`{"type":"object","additionalProperties":false}`), Modalities: []string{"text", "image"}}
	p.Reasoning.Effort = "medium"
	p.User, p.Verbosity = "u", "low"
	got, lost := encode(t, p)
	wants(t, got, `"systemInstruction":{"parts":[{"text":"be brief"}]}`, `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`,
		`"maxOutputTokens":100`, `"candidateCount":2`, `"stopSequences":["a","b","c","d","e"]`, `"temperature":0.50`, `"topK":40`,
		`"seed":1215752191`, `"responseLogprobs":true,"logprobs":3`, `"responseMimeType":"application/json"`,
		`"responseJsonSchema":{"type":"object","additionalProperties":false}`, `"responseModalities":["TEXT","IMAGE"]`,
		`"thinkingConfig":{"includeThoughts":true,"thinkingBudget":8192}`)
	var paths []string
	for _, l := range lost {
		paths = append(paths, l.Path)
	}
	if strings.Join(paths, " ") != "stop seed user verbosity" {
		t.Errorf("lost %v", paths)
	}
	if strings.Contains(got, `"model"`) || strings.Contains(got, `"stream"`) {
		t.Errorf("what is in the address is in the body: %s", got)
	}
	bare, lost := encode(t, prompt("gemini-2.5-pro", said("hi")))
	if bare != `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}` || len(lost) != 0 {
		t.Errorf("got %s, lost %v", bare, lost)
	}
}

func TestThinkingByModel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model string
		r     inference.Reasoning
		want  string
	}{
		{"gemini-2.5-flash", inference.Reasoning{Effort: "none"}, `{"thinkingBudget":0}`},
		{"gemini-2.5-pro", inference.Reasoning{Effort: "none"}, `{"thinkingBudget":128}`},
		{"gemini-2.5-flash", inference.Reasoning{Effort: "max"}, `{"includeThoughts":true,"thinkingBudget":24576}`},
		{"gemini-2.5-pro", inference.Reasoning{Effort: "max"}, `{"includeThoughts":true,"thinkingBudget":32768}`},
		{"gemini-2.5-pro", inference.Reasoning{Budget: -1, HasBudget: true, Summary: "hidden"}, `{"thinkingBudget":-1}`},
		{"gemini-2.5-pro", inference.Reasoning{Adaptive: true}, `{"includeThoughts":true,"thinkingBudget":-1}`},
		{"gemini-2.5-pro", inference.Reasoning{Budget: 5000, HasBudget: true}, `{"includeThoughts":true,"thinkingBudget":5000}`},
		{"gemini-3-flash-preview", inference.Reasoning{Effort: "none"}, `{"thinkingLevel":"minimal"}`},
		{"gemini-3-pro-preview", inference.Reasoning{Effort: "minimal"}, `{"includeThoughts":true,"thinkingLevel":"low"}`},
		{"gemini-3-pro-preview", inference.Reasoning{Budget: 30000, HasBudget: true}, `{"includeThoughts":true,"thinkingLevel":"high"}`},
		{"google/gemini-3-pro-preview", inference.Reasoning{Effort: "xhigh"}, `{"includeThoughts":true,"thinkingLevel":"high"}`},
	} {
		p := prompt(c.model, said("hi"))
		p.Reasoning = c.r
		got, _ := encode(t, p)
		if !strings.Contains(got, `"thinkingConfig":`+c.want) {
			t.Errorf("%s %+v: %s", c.model, c.r, got)
		}
	}
	p := prompt("gemini-2.0-flash", said("hi"))
	p.Reasoning.Effort = "high"
	if got, lost := encode(t, p); strings.Contains(got, "thinking") || len(lost) != 1 {
		t.Errorf("a model that does not think: %s %v", got, lost)
	}
}

func call(id, name, args string, seal *inference.Seal) inference.Part {
	return inference.Part{Kind: inference.PartCall, Text: args, Call: &inference.Call{ID: id, Name: name}, Seal: seal, Path: "messages[1].tool_calls[0]"}
}

func result(id, text string) inference.Part {
	return inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: id, Parts: []inference.Part{{Text: text}}}, Path: "messages[2]"}
}

func model(parts ...inference.Part) inference.Turn {
	return inference.Turn{Role: inference.RoleAssistant, Parts: parts}
}

func user(parts ...inference.Part) inference.Turn { return inference.Turn{Parts: parts} }

func TestCallsAndTheirResults(t *testing.T) {
	t.Parallel()
	own := &inference.Seal{Dialect: inference.Gemini, Data: "QUJD"}
	others := &inference.Seal{Dialect: inference.Anthropic, Data: "sig"}
	p := prompt("gemini-3-pro-preview",
		said("weather?"),
		model(call("a", "f", "", nil), call("b", "g", `{"x":1}`, nil)),
		user(result("a", "sunny"), result("b", `{"degrees":21}`)),
		model(call("c", "f", `not json`, own), call("d", "g", `{}`, nil)),
		user(inference.Part{Text: "and?"}, result("d", `{"result":1}`),
			inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: "c", Error: true, Parts: []inference.Part{{Text: "boom"}}}}),
		model(inference.Part{Kind: inference.PartReasoning, Text: "hm", Seal: others}, inference.Part{Text: "done"}),
		said("thanks"),
	)
	got, lost := encode(t, p)
	wants(t, got,
		`{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"b","name":"g","args":{"x":1}}}]}`,
		`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"result":"sunny"}}},{"functionResponse":{"id":"b","name":"g","response":{"degrees":21}}}]}`,
		`{"functionCall":{"id":"c","name":"f","args":{"_raw":"not json"}},"thoughtSignature":"QUJD"},{"functionCall":{"id":"d","name":"g","args":{}}}`,
		`{"role":"user","parts":[{"functionResponse":{"id":"d","name":"g","response":{"result":"{\"result\":1}"}}},{"functionResponse":{"id":"c","name":"f","response":{"error":"boom"}}},{"text":"and?"}]}`,
		`{"role":"model","parts":[{"text":"done"}]}`)
	if len(lost) != 2 || strings.Contains(got, "hm") || strings.Contains(got, `"sig"`) {
		t.Errorf("lost %+v", lost)
	}
	unsigned, _ := encode(t, prompt("gemini-2.5-pro", said("x"), model(call("a", "f", "{}", nil)), user(result("a", "y"))))
	if strings.Contains(unsigned, "thoughtSignature") {
		t.Errorf("a model that signs nothing is sent signatures: %s", unsigned)
	}
}

func TestCallsAreAnsweredAndResultsBelongToCalls(t *testing.T) {
	t.Parallel()
	got, lost := encode(t, prompt("g", said("x"), model(call("a", "f", "{}", nil), call("b", "f", "{}", nil)), user(result("b", "y"))))
	wants(t, got, `{"functionResponse":{"id":"a","name":"f","response":{"result":""}}}`)
	if len(lost) != 1 {
		t.Errorf("lost %+v", lost)
	}
	if f := refused(t, prompt("g", user(result("nobody", "y"))), wire.DropLosses); f.Path != "messages[2]" {
		t.Errorf("at %s", f.Path)
	}
}

func TestRolesAreMergedAndInterjectionsMarked(t *testing.T) {
	t.Parallel()
	got, lost := encode(t, prompt("g", said("a"), said("b"),
		inference.Turn{Role: inference.RoleSystem, Parts: []inference.Part{{Text: "now in French"}}, Path: "messages[2]"}, model(inference.Part{Text: "c"}), model(inference.Part{Text: "d"})))
	want := `"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"},{"text":"<system>\nnow in French\n</system>"}]},{"role":"model","parts":[{"text":"c"},{"text":"d"}]}]`
	if !strings.Contains(got, want) || len(lost) != 1 {
		t.Errorf("got %s, lost %+v", got, lost)
	}
}

func TestMedia(t *testing.T) {
	t.Parallel()
	media := func(kind inference.PartKind, m inference.Media) inference.Part {
		return inference.Part{Kind: kind, Media: &m, Path: "messages[0].content[0]"}
	}
	got, _ := encode(t, prompt("g", user(
		media(inference.PartImage, inference.Media{Type: "image/png", Data: "QUJD"}),
		media(inference.PartImage, inference.Media{URL: "https://example.com/a.webp?x=1"}),
		media(inference.PartAudio, inference.Media{Data: "QUJD", Format: "mp3"}),
		media(inference.PartDocument, inference.Media{Data: "QUJD", Name: "a.PDF"}),
		media(inference.PartDocument, inference.Media{Text: true, Data: "plain"}),
		media(inference.PartVideo, inference.Media{URL: "gs://b/v"}),
	)))
	wants(t, got, `{"inlineData":{"mimeType":"image/png","data":"QUJD"}}`, `{"fileData":{"mimeType":"image/webp","fileUri":"https://example.com/a.webp?x=1"}}`,
		`{"inlineData":{"mimeType":"audio/mp3","data":"QUJD"}}`, `{"inlineData":{"mimeType":"application/pdf","data":"QUJD"}}`, `{"text":"plain"}`,
		`{"fileData":{"mimeType":"video/mp4","fileUri":"gs://b/v"}}`)
	for _, m := range []inference.Media{{FileID: "file-1"}, {URL: "http://example.com/a.png"}, {}} {
		p := prompt("g", user(media(inference.PartImage, m)))
		if f := refused(t, p, wire.DropParameters); f.Path != "messages[0].content[0]" || f.Code != "unsupported_parameter" {
			t.Errorf("%+v: %v", m, f)
		}
		l := wire.Losses{Policy: wire.DropLosses}
		if _, err := gemini.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l); err != nil || len(l.Dropped) != 1 {
			t.Errorf("%+v: %v, %+v", m, err, l.Dropped)
		}
	}
}

func TestToolsAndTheChoiceAmongThem(t *testing.T) {
	t.Parallel()
	f := inference.Tool{Name: "f", Description: "d", Schema: json.RawMessage(`{"type":"object"}`), Path: "tools[0]"}
	for _, c := range []struct {
		choice inference.ToolChoice
		want   string
	}{
		{inference.ToolChoice{}, ``},
		{inference.ToolChoice{Mode: inference.ToolsAuto}, `"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}`},
		{inference.ToolChoice{Mode: inference.ToolsNone, Names: []string{"f"}}, `"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}`},
		{inference.ToolChoice{Mode: inference.ToolsRequired, Names: []string{"f"}}, `"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}`},
		{inference.ToolChoice{Mode: inference.ToolsAuto, Names: []string{"f"}}, `"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["f"]}}`},
	} {
		p := prompt("g", said("x"))
		p.Tools, p.Choice = []inference.Tool{f, {Name: "g"}, {Server: inference.WebSearch}}, c.choice
		got, _ := encode(t, p)
		wants(t, got, `"tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object"}},{"name":"g"}]}]`, c.want)
		if c.want == "" && strings.Contains(got, "toolConfig") {
			t.Errorf("a choice that nobody made: %s", got)
		}
		back, err := gemini.Codec.DecodeRequest([]byte(got))
		if err != nil || back.Choice.Mode != c.choice.Mode || len(back.Tools) != 3 {
			t.Errorf("came back as %+v, %v", back, err)
		}
	}
	p := prompt("g", said("x"))
	p.Choice.Mode = inference.ToolsRequired
	if got, _ := encode(t, p); strings.Contains(got, "toolConfig") {
		t.Errorf("a choice among nothing: %s", got)
	}
	for _, bad := range []inference.Tool{
		{Name: "1st", Path: "tools[0]"}, {Name: strings.Repeat("n", 65), Path: "tools[0]"}, {Name: "c", Custom: true, Path: "tools[0]"}, {Name: "s", Server: inference.ServerOther, Path: "tools[0]"},
	} {
		p.Tools = []inference.Tool{bad}
		if f := refused(t, p, wire.DropParameters); !strings.HasPrefix(f.Path, "tools[0]") {
			t.Errorf("%s: at %s", bad.Name, f.Path)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	p := prompt("g", said("x"))
	p.Serial, p.Tools = true, []inference.Tool{{Name: "f"}}
	if f := refused(t, p, wire.RefuseLosses); f.Path != "parallel_tool_calls" {
		t.Errorf("at %s", f.Path)
	}
	p = prompt("g", said("x"))
	p.PreviousID = "resp_1"
	if f := refused(t, p, wire.DropLosses); f.Path != "previous_response_id" {
		t.Errorf("at %s", f.Path)
	}
	p = prompt("g", said("x"))
	p.Choices = 9
	if f := refused(t, p, wire.DropLosses); f.Path != "n" {
		t.Errorf("at %s", f.Path)
	}
	p = prompt("g", said("x"))
	p.Rest = []inference.Rest{
		{Dialect: inference.Gemini, Kind: inference.GenerateContent, Path: "safety_settings", Value: json.RawMessage(`[]`)},
		{Dialect: inference.Gemini, Kind: inference.GenerateContent, Path: "generationConfig.speechConfig", Value: json.RawMessage(`{"a":1}`)},
		{Dialect: inference.OpenAI, Kind: inference.Chat, Path: "logit_bias", Value: json.RawMessage(`{}`)},
	}
	got, lost := encode(t, p)
	wants(t, got, `"safetySettings":[]`, `"generationConfig":{"speechConfig":{"a":1}}`)
	if len(lost) != 1 || lost[0].Path != "logit_bias" {
		t.Errorf("lost %+v", lost)
	}
}

func TestCallersOfGoogleAreRead(t *testing.T) {
	t.Parallel()
	body := `{"model":"models/m","system_instruction":{"parts":{"text":"s"}},"contents":[
		{"parts":[{"text":"a"},{"inline_data":{"mime_type":"image/png","data":"QUJD"}}]},
		{"role":"model","parts":[{"text":"hm","thought":true},{"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"QUJD"},{"functionCall":{"name":"f"}}]},
		{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"result":"one"}}},{"functionResponse":{"name":"f","response":{"n":2}}}]}],
		"generationConfig":{"maxOutputTokens":7,"topK":3,"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","nullable":true,"properties":{"a":{"type":"STRING"}}},
			"thinkingConfig":{"thinkingLevel":"HIGH","includeThoughts":true},"responseModalities":["TEXT"],"speechConfig":{}},
		"tools":[{"function_declarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"x":{"type":"INTEGER"}}}}]},{"codeExecution":{}}],
		"safetySettings":[{}],"runMode":"simulation"}`
	p, err := gemini.Codec.DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	calls, results := p.Turns[1].Parts, p.Turns[2].Parts
	if p.Turns[0].Parts[1].Kind != inference.PartImage || calls[0].Kind != inference.PartReasoning || calls[1].Seal.Data != "QUJD" || calls[1].Text != `{"x":1}` || calls[2].Text != "{}" {
		t.Errorf("%+v", p.Turns)
	}
	if calls[1].Call.ID == calls[2].Call.ID || results[0].Result.ID != calls[1].Call.ID || results[1].Result.ID != calls[2].Call.ID {
		t.Errorf("results are tied to %s and %s", results[0].Result.ID, results[1].Result.ID)
	}
	if results[0].Result.Parts[0].Text != "one" || results[1].Result.Parts[0].Text != `{"n":2}` {
		t.Errorf("%+v", results)
	}
	if p.MaxOutput != 7 || p.TopK != "3" || p.Reasoning.Effort != "high" || p.Reasoning.Summary != "auto" || p.Output.Kind != inference.OutputSchema || p.Output.Modalities[0] != "text" {
		t.Errorf("%+v", p)
	}
	if got := string(p.Output.Schema); got != `{"properties":{"a":{"type":"string"}},"type":["object","null"]}` {
		t.Errorf("schema %s", got)
	}
	if len(p.Tools) != 2 || p.Tools[1].Server != inference.ServerOther || len(p.Rest) != 2 {
		t.Errorf("tools %+v, rest %+v", p.Tools, p.Rest)
	}
	again, err := gemini.Codec.DecodeRequest([]byte(body))
	if err != nil || again.Turns[1].Parts[1].Call.ID != calls[1].Call.ID {
		t.Error("the same conversation has other ids each time")
	}
	for body, path := range map[string]string{
		`{"contents":[{"role":"bot","parts":[]}]}`:                            "contents[0].role",
		`{"contents":[{"parts":[{"functionCall":{}}]}]}`:                      "contents[0].parts[0].functionCall.name",
		`{"contents":[{"parts":[{"functionResponse":{"response":{}}}]}]}`:     "contents[0].parts[0].functionResponse.name",
		`{"contents":[{"parts":[{"functionCall":{"name":"f","args":"x"}}]}]}`: "contents[0].parts[0].functionCall.args",
		`{"toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}`:           "toolConfig.functionCallingConfig.mode",
		`{"tools":[{"functionDeclarations":[{}]}]}`:                           "tools[0].functionDeclarations[0].name",
	} {
		_, err := gemini.Codec.DecodeRequest([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Path != path {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestSealsOfOthersTravelThroughGooglesProtocol: a caller of Google's sends back what another provider sealed.
func TestSealsOfOthersTravelThroughGooglesProtocol(t *testing.T) {
	t.Parallel()
	for _, seal := range []inference.Seal{
		{Dialect: inference.Anthropic, Data: "sig+/=="}, {Dialect: inference.OpenAI, Data: "enc", Whole: true}, {Dialect: inference.Gemini, Data: "QUJD"},
	} {
		a := &inference.Answer{Candidates: []inference.Candidate{{Parts: []inference.Part{{Kind: inference.PartReasoning, Text: "hm", Seal: &seal}, {Text: "x"}}, Stop: inference.StopEnd}}}
		out, err := gemini.Codec.EncodeAnswer(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		var whole struct {
			Candidates []struct {
				Content json.RawMessage `json:"content"`
			} `json:"candidates"`
		}
		if err := json.Unmarshal(out, &whole); err != nil {
			t.Fatal(err)
		}
		p, err := gemini.Codec.DecodeRequest([]byte(`{"contents":[` + string(whole.Candidates[0].Content) + `]}`))
		if err != nil || *p.Turns[0].Parts[0].Seal != seal {
			t.Errorf("%+v became %s", seal, out)
		}
	}
}

func TestThoughtsComeBackInPiecesAndAreOneUnderTheirSeal(t *testing.T) {
	t.Parallel()
	p, err := gemini.Codec.DecodeRequest([]byte(`{"contents":[{"role":"model","parts":[
		{"text":"Let","thought":true},{"text":" me","thought":true},{"thought":true,"thoughtSignature":"c2ln"},{"text":"next","thought":true},
		{"text":"said"},{"text":"last","thought":true}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range p.Turns[0].Parts {
		seal := ""
		if part.Seal != nil {
			seal = part.Seal.Data
		}
		got = append(got, part.Text+"/"+seal)
	}
	if want := "Let me/c2ln next/ said/ last/"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
