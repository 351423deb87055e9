package translate_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

// oddNames are what callers of a protocol call their tools, be it allowed or not.
func oddNames(caller wire.Codec) []string {
	long := strings.Repeat("mcp__server__", 7)
	switch caller.Kind() {
	case inference.Messages:
		return []string{long + "a", long + "b", "get_weather"}
	case inference.GenerateContent:
		return []string{"weather.get", "weather_get", strings.Repeat("x", 64)}
	default:
		return []string{"wetter.hölen/1", long, "run code"}
	}
}

// odd gives the tools of a conversation odd names; where the caller's protocol has them, one takes free text.
func odd(caller wire.Codec, p *inference.Prompt, answers ...*inference.Answer) {
	names := oddNames(caller)
	to := map[string]string{}
	for i := range p.Tools {
		to[p.Tools[i].Name] = names[i]
		p.Tools[i].Name = names[i]
	}
	custom := ""
	if caller.Dialect() == inference.OpenAI {
		last := &p.Tools[len(p.Tools)-1]
		last.Custom, last.Schema, custom = true, nil, last.Name
	}
	free := map[string]bool{}
	rename := func(parts []inference.Part) {
		for i := range parts {
			if c := parts[i].Call; c != nil {
				if c.Name = to[c.Name]; c.Name == custom {
					c.Custom, free[c.ID] = true, true
					parts[i].Text = "free \"text\"\n😀\\ " + parts[i].Text
				}
			}
			if r := parts[i].Result; r != nil {
				r.Name, r.Custom = to[r.Name], free[r.ID]
			}
		}
	}
	for i := range p.Turns {
		rename(p.Turns[i].Parts)
	}
	for _, a := range answers {
		rename(a.Candidates[0].Parts)
	}
}

// theirs makes an answer in the words of the upstream, of which tools are the names in the caller's order.
func theirs(a *inference.Answer, rules wire.ToolRules, own, tools []inference.Tool) *inference.Answer {
	out := *a
	out.Candidates = slices.Clone(a.Candidates)
	parts := slices.Clone(a.Candidates[0].Parts)
	for i := range parts {
		if parts[i].Call == nil {
			continue
		}
		c := *parts[i].Call
		c.Name = tools[slices.IndexFunc(own, func(t inference.Tool) bool { return t.Name == c.Name })].Name
		if c.Custom && !rules.Custom {
			raw, _ := json.Marshal(map[string]string{"input": parts[i].Text}) //nolint:errchkjson // a text
			c.Custom, parts[i].Text = false, string(raw)
		}
		parts[i].Call = &c
	}
	out.Candidates[0].Parts = parts
	return &out
}

// TestToolsOfAnyName: the upstream sees names and inputs that it takes, and the caller its own, whole and streamed.
func TestToolsOfAnyName(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		rules := b.Upstream.ToolRules()
		for seed := range uint64(rounds / 3) {
			s := wiretest.NewSource(seed)
			p, a := s.Prompt(), s.Answer()
			odd(b.Caller, p, a)
			c := crossed(t, b, p, seed%2 == 0)
			got, err := both(b).DecodeRequest(c.Body)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, c.Body)
			}
			checkTools(t, &rules, got)
			raw := theirs(a, rules, p.Tools, got.Tools)
			var back *inference.Answer
			if seed%2 == 0 {
				back = streamedBack(t, b, c, s, raw, p)
			} else {
				back = wholeBack(t, b, c, raw, p)
			}
			if g, w := wiretest.Told(back), wiretest.Told(a); g != w {
				t.Fatalf("seed %d: got\n%swant\n%s", seed, g, w)
			}
		}
	})
}

func checkTools(t *testing.T, rules *wire.ToolRules, p *inference.Prompt) {
	t.Helper()
	known := map[string]bool{}
	for _, tool := range p.Tools {
		known[tool.Name] = true
		if !rules.Takes(tool.Name) || tool.Custom && !rules.Custom {
			t.Errorf("the tool %+v", tool)
		}
	}
	if len(known) != len(p.Tools) {
		t.Errorf("tools with the same name: %v", known)
	}
	for _, turn := range p.Turns {
		for _, part := range turn.Parts {
			if part.Call != nil && (!known[part.Call.Name] || part.Call.Custom && !rules.Custom || !part.Call.Custom && !json.Valid([]byte(part.Text))) {
				t.Errorf("the call %+v %s", part.Call, part.Text)
			}
			if r := part.Result; r != nil && (r.Name != "" && !known[r.Name] || r.Custom && !rules.Custom) {
				t.Errorf("the result %+v", r)
			}
		}
	}
}

func wholeBack(t *testing.T, b *translate.Bridge, c *translate.Crossing, a *inference.Answer, p *inference.Prompt) *inference.Answer {
	t.Helper()
	raw, err := both(b).EncodeAnswer(a, p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(c.Whole(io.NopCloser(bytes.NewReader(raw))))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	back, err := b.Caller.DecodeAnswer(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return back
}

func streamedBack(t *testing.T, b *translate.Bridge, c *translate.Crossing, s *wiretest.Source, a *inference.Answer, p *inference.Prompt) *inference.Answer {
	t.Helper()
	var src io.Reader = bytes.NewReader(streamOf(both(b), p, s.Deltas(a)))
	if s.Coin(2) {
		src = iotest.OneByteReader(src)
	}
	out, err := io.ReadAll(c.Stream(io.NopCloser(src)))
	if err != nil {
		t.Fatal(err)
	}
	return wiretest.Fold(deltasOf(t, b.Caller, out))
}

// TestNamesStay: what an upstream takes goes out as it came, and what it does not take always becomes the same.
func TestNamesStay(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"a.b"}}],"tool_choice":{"type":"function","function":{"name":"a.b"}}}`
	for _, upstream := range []wire.UpstreamCodec{anthropic.Codec, bedrock.Codec, openai.ResponsesCodec} {
		c := asked(t, bridgeOf(openai.ChatCodec, upstream), body)
		if strings.Contains(string(c.Body), "a.b") || strings.Count(string(c.Body), `"a_b_`) != 2 {
			t.Errorf("%s: %s", upstream.Dialect(), c.Body)
		}
		again := asked(t, bridgeOf(openai.ChatCodec, upstream), body)
		if !bytes.Equal(c.Body, again.Body) || len(c.Losses) != 1 || c.Losses[0].Path != "tools[0].name" || c.Losses[0].Before != "a.b" {
			t.Errorf("%s: %+v", c.Body, c.Losses)
		}
	}
	if c := asked(t, bridgeOf(openai.ChatCodec, gemini.Codec), body); strings.Count(string(c.Body), `"a.b"`) != 2 || len(c.Losses) > 0 {
		t.Errorf("%s: %+v", c.Body, c.Losses)
	}
}

const grammar = `{"model":"m","input":"a","tools":[{"type":"custom","name":"patch","description":"Patches.",` +
	`"format":{"type":"grammar","syntax":"lark","definition":"start: x"}}],"tool_choice":{"type":"custom","name":"patch"}}`

// TestGrammarsAreTold: a tool of free text is a function to others; its grammar is lost, or refused.
func TestGrammarsAreTold(t *testing.T) {
	t.Parallel()
	for _, upstream := range []wire.UpstreamCodec{anthropic.Codec, bedrock.Codec, openai.ChatCodec, gemini.Codec} {
		b := bridgeOf(openai.ResponsesCodec, upstream)
		c := asked(t, b, grammar)
		if !strings.Contains(string(c.Body), `"input":{"type":"string"`) || strings.Contains(string(c.Body), "custom") {
			t.Errorf("%s", c.Body)
		}
		if len(c.Losses) != 2 || c.Losses[1].Path != "tools[0].format" || !strings.Contains(c.Losses[1].Before, "start: x") {
			t.Errorf("%+v", c.Losses)
		}
		b.Policy = wire.RefuseLosses
		if _, err := b.Request([]byte(grammar), "m", false, 9); err == nil {
			t.Error("a grammar is lost against the policy")
		}
	}
}
