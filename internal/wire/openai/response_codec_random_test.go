package openai

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// dice make random prompts and answers of what the format can say.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 7))} }

func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func (d dice) pick(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) text() string {
	pieces := []string{"a", "Hello ", "\"quoted\"", "line\nbreak", "\r\n", "\\u0000", "日本語", "🙂", "</script>", "\u2028", "\x00", "data: x\n\n", "{}", "'"}
	var b strings.Builder
	for range 1 + d.IntN(6) {
		b.WriteString(pieces[d.IntN(len(pieces))])
	}
	return b.String()
}

func (d dice) id(prefix string) string { return fmt.Sprintf("%s%d", prefix, d.Uint64()) }

func (d dice) flag() *bool {
	if d.oneIn(3) {
		return nil
	}
	on := d.oneIn(2)
	return &on
}

func (d dice) schema() json.RawMessage {
	return json.RawMessage(d.pick(`{"type":"object","properties":{}}`, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`))
}

func (d dice) prompt() *inference.Prompt {
	p := &inference.Prompt{
		Model: "m", Stream: d.oneIn(2), Serial: d.oneIn(3), Store: d.flag(), MaxOutput: int64(d.IntN(3) * 100),
		Verbosity: d.pick("", "low", "high"), User: d.pick("", "u"), CacheKey: d.pick("", "k"), ServiceTier: d.pick("", "flex"),
		PreviousID: d.pick("", "", "resp_1"), Conversation: d.pick("", "", "conv_1"),
	}
	p.Temperature, p.TopP = json.Number(d.pick("", "0", "0.70", "2")), json.Number(d.pick("", "1", "0.5e0"))
	if d.oneIn(3) {
		n := int64(d.IntN(21))
		p.TopLogprobs = &n
	}
	if d.oneIn(3) {
		p.Metadata = json.RawMessage(`{"a":"b"}`)
	}
	p.Reasoning = inference.Reasoning{Effort: d.pick("", "low", "high"), Summary: d.pick("", "auto"), Seals: d.oneIn(2)}
	p.Output = d.output()
	d.tools(p)
	for range d.IntN(3) {
		p.System = append(p.System, inference.Part{Text: d.text(), Cache: d.mark()})
	}
	for range 1 + d.IntN(6) {
		p.Turns = append(p.Turns, d.turn())
	}
	return p
}

func (d dice) output() inference.Output {
	switch d.IntN(3) {
	case 0:
		return inference.Output{Kind: inference.OutputJSON}
	case 1:
		return inference.Output{
			Kind: inference.OutputSchema, Name: "n", Description: d.pick("", d.text()), Schema: d.schema(), Strict: d.flag(),
		}
	}
	return inference.Output{}
}

func (d dice) tools(p *inference.Prompt) {
	for i := range d.IntN(4) {
		t := inference.Tool{Name: fmt.Sprintf("t%d", i), Description: d.pick("", d.text())}
		switch d.IntN(4) {
		case 0:
			t.Custom = true
			if d.oneIn(2) {
				t.Grammar = json.RawMessage(`{"type":"grammar","grammar":{"syntax":"lark","definition":"start: /./"}}`)
			}
		case 1:
			rest := responseRest("", json.RawMessage(`{"type":"file_search","vector_store_ids":["v"]}`))
			t = inference.Tool{Name: "file_search", Server: inference.ServerOther, Other: &rest}
		default:
			on := d.oneIn(2)
			t.Schema, t.Strict = d.schema(), &on
		}
		p.Tools = append(p.Tools, t)
	}
	if len(p.Tools) == 0 {
		p.Serial = false
		return
	}
	p.Choice.Mode = inference.ToolMode(d.IntN(4))
	if p.Choice.Mode == inference.ToolsAuto || p.Choice.Mode == inference.ToolsRequired {
		for _, t := range p.Tools {
			if t.Server == "" && d.oneIn(2) {
				p.Choice.Names = append(p.Choice.Names, t.Name)
			}
		}
	}
}

func (d dice) mark() *inference.CacheMark {
	if d.oneIn(4) {
		return &inference.CacheMark{Dialect: inference.OpenAI}
	}
	return nil
}

func (d dice) turn() inference.Turn {
	t := inference.Turn{Role: inference.Role(d.IntN(3))}
	for range 1 + d.IntN(4) {
		switch t.Role {
		case inference.RoleUser:
			t.Parts = append(t.Parts, d.userPart())
		case inference.RoleAssistant:
			t.Parts = append(t.Parts, d.assistantPart())
		case inference.RoleSystem:
			t.Parts = append(t.Parts, inference.Part{Text: d.text(), Cache: d.mark()})
		}
	}
	return t
}

func (d dice) userPart() inference.Part {
	if d.oneIn(4) {
		r := &inference.Result{ID: d.pick("c1", "c2"), Custom: d.oneIn(2)}
		for range 1 + d.IntN(3) {
			r.Parts = append(r.Parts, d.mediaPart())
		}
		return inference.Part{Kind: inference.PartResult, Result: r}
	}
	return d.mediaPart()
}

func (d dice) mediaPart() inference.Part {
	p := inference.Part{Cache: d.mark()}
	switch d.IntN(7) {
	case 0:
		p.Kind, p.Media = inference.PartImage, &inference.Media{URL: "https://example.com/a.png", Detail: d.pick("", "low")}
	case 1:
		p.Kind, p.Media = inference.PartImage, &inference.Media{Data: "aGk=", Type: "image/png"}
	case 2:
		p.Kind, p.Media = inference.PartDocument, &inference.Media{Data: "aGk=", Type: "application/pdf", Name: "a.pdf"}
	case 3:
		p.Kind, p.Media = inference.PartDocument, &inference.Media{FileID: "file-1"}
	case 4:
		rest := responseRest("input[0].content[0]", json.RawMessage(`{"type":"hologram","x":1}`))
		p = inference.Part{Kind: inference.PartOther, Other: &rest}
	default:
		p.Text = d.text()
	}
	return p
}

func (d dice) assistantPart() inference.Part {
	switch d.IntN(6) {
	case 0:
		return d.reasoning()
	case 1:
		return d.call()
	case 2:
		return inference.Part{Kind: inference.PartRefusal, Text: d.text()}
	case 3:
		id := d.id("ws_")
		rest := responseRest("input[0]", json.RawMessage(`{"type":"web_search_call","id":"`+id+`","status":"completed","action":{"type":"search","query":"q","queries":["q"]}}`))
		return inference.Part{Kind: inference.PartOther, ID: id, Other: &rest}
	}
	return d.cited()
}

func (d dice) reasoning() inference.Part {
	p := inference.Part{Kind: inference.PartReasoning, Text: d.pick("", d.text()), ID: d.id("rs_")}
	if d.oneIn(2) {
		p.Seal = &inference.Seal{Dialect: inference.OpenAI, Data: "sealed", Whole: true}
	}
	return p
}

func (d dice) call() inference.Part {
	c := &inference.Call{ID: d.pick("c1", "c2"), Name: d.pick("t0", "t1"), Custom: d.oneIn(2)}
	return inference.Part{Kind: inference.PartCall, Call: c, Text: d.pick(`{"a":1}`, "{broken", d.text())}
}

func (d dice) cited() inference.Part {
	p := inference.Part{Text: d.text()}
	for range d.IntN(4) / 2 {
		p.Citations = append(p.Citations, inference.Citation{URL: "https://example.com", Title: d.pick("", "t"), Start: d.IntN(2), End: 2})
	}
	return p
}

func (d dice) answer() *inference.Answer {
	a := &inference.Answer{ID: "resp_1", Model: "m", Created: 1_700_000_000, ServiceTier: d.pick("", "flex"), HasUsage: d.oneIn(2)}
	c := inference.Candidate{Stop: inference.StopEnd}
	for range d.IntN(6) {
		part := d.assistantPart()
		if part.Kind == inference.PartCall {
			c.Stop = inference.StopTools
		}
		c.Parts = append(c.Parts, part)
	}
	if d.oneIn(4) {
		c.Stop = [...]inference.Stop{inference.StopLength, inference.StopRefusal, inference.StopPause}[d.IntN(3)]
	}
	if a.HasUsage {
		for _, r := range []inference.Resource{inference.TextInput, inference.TextInputCached, inference.TextCacheWrite, inference.AudioInput, inference.TextOutput, inference.TextReasoning} {
			a.Usage.Quantities[r] = int64(1 + d.IntN(100))
		}
	}
	for _, part := range c.Parts {
		if a.HasUsage && part.Kind == inference.PartOther {
			a.Usage.Quantities[inference.Search]++
		}
	}
	a.Candidates = []inference.Candidate{c}
	return a
}

// deltas tell an answer, with texts in pieces; calls that follow each other come interleaved.
func (d dice) deltas(a *inference.Answer) []inference.Delta {
	out := []inference.Delta{{Kind: inference.DeltaBegin, ID: a.ID, Model: a.Model, Created: a.Created, ServiceTier: a.ServiceTier}}
	parts := a.Candidates[0].Parts
	for i := 0; i < len(parts); {
		run := [][]inference.Delta{d.block(i, parts[i])}
		for i++; i < len(parts) && parts[i].Kind == inference.PartCall && parts[i-1].Kind == inference.PartCall; i++ {
			run = append(run, d.block(i, parts[i]))
		}
		out = d.weave(out, run)
	}
	if a.HasUsage {
		out = append(out, inference.Delta{Kind: inference.DeltaUsage}, inference.Delta{Kind: inference.DeltaUsage, Usage: a.Usage})
	}
	return append(out, inference.Delta{Kind: inference.DeltaFinish, Stop: a.Candidates[0].Stop}, inference.Delta{Kind: inference.DeltaEnd})
}

// weave puts blocks next to each other that open in order, and otherwise as it comes.
func (d dice) weave(out []inference.Delta, run [][]inference.Delta) []inference.Delta {
	for _, block := range run {
		out = append(out, block[0])
	}
	for left := len(run); left > 0; {
		n := d.IntN(len(run))
		if len(run[n]) == 1 {
			continue
		}
		out = append(out, run[n][1])
		run[n] = append(run[n][:1:1], run[n][2:]...)
		if len(run[n]) == 1 {
			left--
		}
	}
	return out
}

func (d dice) block(n int, part inference.Part) []inference.Delta {
	open := part
	open.Text, open.Citations, open.Seal = "", nil, nil
	out := []inference.Delta{{Kind: inference.DeltaOpen, Block: n, Part: open}}
	for rest := []rune(part.Text); len(rest) > 0; {
		size := 1 + d.IntN(len(rest))
		out = append(out, inference.Delta{Kind: inference.DeltaFragment, Block: n, Text: string(rest[:size])})
		rest = rest[size:]
	}
	for _, c := range part.Citations {
		out = append(out, inference.Delta{Kind: inference.DeltaCite, Block: n, Part: inference.Part{Citations: []inference.Citation{c}}})
	}
	if part.Seal != nil {
		s := part.Seal
		out = append(out, inference.Delta{Kind: inference.DeltaSeal, Block: n, Text: s.Data, Dialect: s.Dialect, Whole: s.Whole})
	}
	return append(out, inference.Delta{Kind: inference.DeltaClose, Block: n})
}
