package anthropic_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// word is a text that says something.
var word = rapid.StringMatching(`[a-zA-Z0-9é好😀"\\\n .]{0,12}[a-z]`)

func maybeMark() *rapid.Generator[*inference.CacheMark] {
	return rapid.Custom(func(t *rapid.T) *inference.CacheMark {
		if rapid.IntRange(0, 9).Draw(t, "marked") > 0 {
			return nil
		}
		return &inference.CacheMark{TTL: rapid.SampledFrom([]string{"", "5m", "1h"}).Draw(t, "ttl")}
	})
}

// said is what either of the two can say.
func said(t *rapid.T) inference.Part {
	p := inference.Part{Text: word.Draw(t, "text"), Cache: maybeMark().Draw(t, "mark")}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		p.Kind, p.Text, p.Media = inference.PartImage, "", &inference.Media{URL: "https://x.example/" + rapid.StringMatching(`[a-z]+`).Draw(t, "path")}
	case 1:
		p.Kind, p.Text, p.Media = inference.PartDocument, "", &inference.Media{
			Type: "text/plain", Text: true, Data: word.Draw(t, "data"), Title: word.Draw(t, "title"), Citations: rapid.Bool().Draw(t, "cite"),
		}
	}
	return p
}

// conversation is one as this format has it: speakers alternate, and calls are answered at once.
func conversation(t *rapid.T) (turns []inference.Turn) {
	calls := 0
	var open []inference.Part
	for i := range rapid.IntRange(1, 5).Draw(t, "turns") {
		turn := inference.Turn{Role: inference.Role(i % 2)}
		for _, c := range open {
			turn.Parts = append(turn.Parts, inference.Part{Kind: inference.PartResult, Result: &inference.Result{
				ID: c.Call.ID, Name: c.Call.Name, Parts: []inference.Part{{Text: word.Draw(t, "result")}}, Error: rapid.Bool().Draw(t, "failed"),
			}})
		}
		open = nil
		if turn.Role == inference.RoleAssistant && rapid.Bool().Draw(t, "thought") {
			seal := &inference.Seal{Dialect: inference.Anthropic, Data: rapid.StringMatching(`[A-Za-z0-9+]{4,9}`).Draw(t, "seal")}
			thought := inference.Part{Kind: inference.PartReasoning, Text: word.Draw(t, "thinking"), Seal: seal}
			if seal.Whole = rapid.Bool().Draw(t, "redacted"); seal.Whole {
				thought.Text = ""
			}
			turn.Parts = append(turn.Parts, thought)
		}
		turn.Parts = append(turn.Parts, inference.Part{Text: word.Draw(t, "opening")})
		if turn.Role == inference.RoleUser {
			for range rapid.IntRange(0, 2).Draw(t, "more") {
				turn.Parts = append(turn.Parts, said(t))
			}
		}
		turns = append(turns, turn)
		if turn.Role == inference.RoleUser || rapid.Bool().Draw(t, "silent") {
			continue
		}
		for range rapid.IntRange(1, 3).Draw(t, "calls") {
			calls++
			c := inference.Part{Kind: inference.PartCall, Text: `{"n":` + string(rune('0'+calls%10)) + `}`, Call: &inference.Call{
				ID: "toolu_" + string(rune('a'+calls)), Name: rapid.SampledFrom([]string{"f", "g"}).Draw(t, "name"),
			}}
			open = append(open, c)
		}
		turns[len(turns)-1].Parts = append(turns[len(turns)-1].Parts, open...)
	}
	if last := len(turns) - 1; turns[last].Role == inference.RoleAssistant {
		turns = turns[:last]
	}
	return turns
}

func prompt(t *rapid.T) *inference.Prompt {
	p := &inference.Prompt{
		Model: word.Draw(t, "model"), Stream: rapid.Bool().Draw(t, "stream"), StreamUsage: true, MaxOutput: rapid.Int64Range(1, 9999).Draw(t, "limit"),
		Turns: conversation(t), User: rapid.StringMatching(`[a-z]{0,9}`).Draw(t, "user"), ServiceTier: rapid.SampledFrom([]string{"", "auto", "default"}).Draw(t, "tier"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "system") {
		p.System = append(p.System, inference.Part{Text: word.Draw(t, "instruction"), Cache: maybeMark().Draw(t, "mark")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "stops") {
		p.Stop = append(p.Stop, word.Draw(t, "stop"))
	}
	for _, name := range []string{"f", "g"} {
		p.Tools = append(p.Tools, inference.Tool{Name: name, Description: word.Draw(t, "description"), Schema: json.RawMessage(`{"type":"object","z":1,"a":2}`)})
	}
	p.Choice.Mode = rapid.SampledFrom([]inference.ToolMode{inference.ToolsAuto, inference.ToolsNone, inference.ToolsRequired}).Draw(t, "mode")
	if p.Choice.Mode == inference.ToolsRequired && rapid.Bool().Draw(t, "one") {
		p.Choice.Names = []string{"g"}
	}
	p.Serial = p.Choice.Mode != inference.ToolsNone && rapid.Bool().Draw(t, "serial")
	switch rapid.IntRange(0, 2).Draw(t, "sampling") {
	case 0:
		p.Temperature, p.TopK = "0.50", "5"
	case 1:
		p.TopP = "0.9"
	}
	if rapid.Bool().Draw(t, "structured") {
		p.Output = inference.Output{Kind: inference.OutputSchema, Schema: json.RawMessage(`{"type":"object"}`)}
	}
	return p
}

// places are where things stood, which is not what was said.
var places = cmp.Options{
	cmpopts.IgnoreFields(inference.Part{}, "Path"), cmpopts.IgnoreFields(inference.Turn{}, "Path"), cmpopts.IgnoreFields(inference.Tool{}, "Path"),
	cmpopts.EquateEmpty(),
}

// What this format can say is what its encoding says, and an encoding that was decoded is encoded the same.
func TestRequestsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := prompt(t)
		var l wire.Losses
		out, err := anthropic.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l)
		if err != nil {
			t.Fatal(err)
		}
		back, err := anthropic.Codec.DecodeRequest(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		again, err := anthropic.Codec.EncodeRequest(back, wire.EncodeOptions{}, &wire.Losses{})
		if err != nil || string(again) != string(out) {
			t.Fatalf("%s became %s: %v", out, again, err)
		}
		if diff := cmp.Diff(p, back, places); diff != "" && len(l.Dropped) == 0 {
			t.Fatalf("%s\n%s", out, diff)
		}
		if _, err := anthropic.Messages.Peek(out); err != nil {
			t.Fatal(err)
		}
	})
}

func answer(t *rapid.T) *inference.Answer {
	c := inference.Candidate{Stop: rapid.SampledFrom([]inference.Stop{
		inference.StopEnd, inference.StopLength, inference.StopContext, inference.StopRefusal, inference.StopPause,
	}).Draw(t, "stop")}
	for i := range rapid.IntRange(1, 4).Draw(t, "parts") {
		p := inference.Part{Text: word.Draw(t, "text")}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			p.Kind, p.Seal = inference.PartReasoning, &inference.Seal{Dialect: inference.Anthropic, Data: "sig"}
			if p.Seal.Whole = rapid.Bool().Draw(t, "redacted"); p.Seal.Whole {
				p.Text = ""
			}
		case 1:
			p.Kind, p.Text = inference.PartCall, `{"n":`+string(rune('0'+i))+`}`
			p.Call = &inference.Call{ID: "toolu_" + string(rune('a'+i)), Name: "f"}
			if rapid.Bool().Draw(t, "sealed") {
				p.Seal = &inference.Seal{Dialect: inference.Gemini, Data: "thought"}
			}
			if c.Stop == inference.StopEnd {
				c.Stop = inference.StopTools
			}
		}
		c.Parts = append(c.Parts, p)
	}
	a := &inference.Answer{ID: "msg_1", Model: word.Draw(t, "model"), Candidates: []inference.Candidate{c}, HasUsage: true}
	for _, r := range []inference.Resource{
		inference.TextInput, inference.TextInputCached, inference.TextCacheWrite, inference.TextCacheWrite1h, inference.TextOutput, inference.Search,
	} {
		a.Usage.Quantities[r] = rapid.Int64Range(1, 9999).Draw(t, r.String())
	}
	return a
}

// collect puts a stream together as a whole answer.
func collect(deltas []inference.Delta) *inference.Answer {
	a := &inference.Answer{Candidates: make([]inference.Candidate, 1)}
	c := &a.Candidates[0]
	for _, d := range deltas {
		switch d.Kind {
		case inference.DeltaBegin:
			a.ID, a.Model = d.ID, d.Model
		case inference.DeltaOpen:
			c.Parts = append(c.Parts, d.Part)
		case inference.DeltaFragment:
			c.Parts[d.Block].Text += d.Text
		case inference.DeltaSeal:
			c.Parts[d.Block].Seal = &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}
		case inference.DeltaFinish:
			c.Stop = d.Stop
		case inference.DeltaUsage:
			a.Usage, a.HasUsage = d.Usage, true
		default:
		}
	}
	return a
}

func TestAnswersComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := answer(t)
		out, err := anthropic.Codec.EncodeAnswer(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := anthropic.Codec.DecodeAnswer(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(a, back, places); diff != "" {
			t.Fatalf("%s\n%s", out, diff)
		}
	})
}

// deltasOf tells an answer as a stream, in pieces of any length.
func deltasOf(t *rapid.T, a *inference.Answer) []inference.Delta {
	out := []inference.Delta{{Kind: inference.DeltaBegin, ID: a.ID, Model: a.Model}}
	c := &a.Candidates[0]
	for i, p := range c.Parts {
		text, seal := p.Text, p.Seal
		p.Text, p.Seal = "", nil
		out = append(out, inference.Delta{Kind: inference.DeltaOpen, Block: i, Part: p})
		for runes := []rune(text); len(runes) > 0; {
			n := rapid.IntRange(1, len(runes)).Draw(t, "piece")
			out = append(out, inference.Delta{Kind: inference.DeltaFragment, Block: i, Text: string(runes[:n])})
			runes = runes[n:]
		}
		if seal != nil {
			out = append(out, inference.Delta{Kind: inference.DeltaSeal, Block: i, Text: seal.Data, Dialect: seal.Dialect, Whole: seal.Whole})
		}
		out = append(out, inference.Delta{Kind: inference.DeltaClose, Block: i})
	}
	return append(out, inference.Delta{Kind: inference.DeltaFinish, Stop: c.Stop}, inference.Delta{Kind: inference.DeltaUsage, Usage: a.Usage},
		inference.Delta{Kind: inference.DeltaEnd})
}

// A stream says what the whole answer says, and the meter reads the same usage of it.
func TestStreamsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		a := answer(r)
		for i := range a.Candidates[0].Parts { // the seal of a call is a block of its own in a stream
			if p := &a.Candidates[0].Parts[i]; p.Kind == inference.PartCall {
				p.Seal = nil
			}
		}
		encoder := anthropic.Codec.StreamEncoder(nil)
		var stream []byte
		for _, d := range deltasOf(r, a) {
			stream = encoder.Append(stream, &d)
		}
		decoder := anthropic.Codec.StreamDecoder()
		var deltas []inference.Delta
		var err error
		for _, data := range dataOf(string(stream)) {
			if deltas, err = decoder.Decode(deltas, nil, []byte(data)); err != nil {
				r.Fatalf("%s: %v", stream, err)
			}
		}
		if diff := cmp.Diff(a, collect(deltas), places); diff != "" {
			r.Fatalf("%s\n%s", stream, diff)
		}
		m, _, signs := through(t, string(stream))
		if signs[len(signs)-1] != wire.Ended || m.Result().Usage.Quantities != a.Usage.Quantities {
			r.Fatalf("%s\n%+v", stream, m.Result())
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add(question)
	f.Add(`{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"image","source":{}}]}],"tools":[{"name":"f"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := anthropic.Codec.DecodeRequest([]byte(body))
		if err != nil {
			return
		}
		out, err := anthropic.Codec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{Policy: wire.DropLosses})
		if err == nil && !json.Valid(out) {
			t.Errorf("%s became %s", body, out)
		}
	})
}

func FuzzStreamDecoder(f *testing.F) {
	f.Add(`{"type":"message_start","message":{}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}}`)
	f.Add(`{"type":"message_start","message":{"usage":{"input_tokens":1}}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		d, e := anthropic.Codec.StreamDecoder(), anthropic.Codec.StreamEncoder(nil)
		var deltas []inference.Delta
		for _, data := range []string{first, second} {
			deltas, _ = d.Decode(deltas, nil, []byte(data))
		}
		deltas, _ = d.Finish(deltas)
		var serial wire.Serial
		var stream []byte
		for _, delta := range deltas {
			for _, ordered := range serial.Append(nil, delta) {
				stream = e.Append(stream, &ordered)
			}
		}
		for _, data := range dataOf(string(stream)) {
			if !json.Valid([]byte(data)) {
				t.Errorf("%s", data)
			}
		}
	})
}
