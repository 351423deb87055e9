package wiretest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Fold makes the answer that a stream tells.
func Fold(deltas []inference.Delta) *inference.Answer {
	a := &inference.Answer{}
	places := map[[2]int]int{} // of a block among its candidate's parts
	part := func(d *inference.Delta) *inference.Part {
		return &a.Candidates[d.Candidate].Parts[places[[2]int{d.Candidate, d.Block}]]
	}
	for i := range deltas {
		d := &deltas[i]
		for d.Candidate >= len(a.Candidates) {
			a.Candidates = append(a.Candidates, inference.Candidate{})
		}
		switch d.Kind {
		case inference.DeltaBegin:
			a.ID, a.Model, a.Created = d.ID, d.Model, d.Created
		case inference.DeltaOpen:
			c := &a.Candidates[d.Candidate]
			places[[2]int{d.Candidate, d.Block}] = len(c.Parts)
			c.Parts = append(c.Parts, d.Part)
		case inference.DeltaFragment:
			part(d).Text += d.Text
			part(d).Logprobs = append(part(d).Logprobs, d.Part.Logprobs...)
		case inference.DeltaSeal:
			part(d).Seal = &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}
		case inference.DeltaCite:
			part(d).Citations = append(part(d).Citations, d.Part.Citations...)
		case inference.DeltaFinish:
			a.Candidates[d.Candidate].Stop, a.Candidates[d.Candidate].Sequence = d.Stop, d.Sequence
		case inference.DeltaUsage:
			a.Usage, a.HasUsage = d.Usage, true
		case inference.DeltaClose, inference.DeltaEnd, inference.DeltaFailed:
		}
	}
	return a
}

// Said writes down what a conversation says, in the words that all protocols share: who says which text, which tools are
// called with which arguments under which ids, and what they returned, in order. Turns of one role that follow each other are
// one, and so are texts.
func Said(p *inference.Prompt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "system %q\n", texts(p.System))
	last := inference.Role(255)
	for i := range p.Turns {
		t := &p.Turns[i]
		if t.Role != last {
			fmt.Fprintf(&b, "role %d\n", t.Role)
			last = t.Role
		}
		b.WriteString(SaidBy(t.Parts))
	}
	for i := range p.Tools {
		fmt.Fprintf(&b, "tool %s %q %s\n", p.Tools[i].Name, p.Tools[i].Description, normal(string(p.Tools[i].Schema)))
	}
	return b.String()
}

// SaidBy writes down parts.
func SaidBy(parts []inference.Part) string {
	var b strings.Builder
	pending := ""
	flush := func() {
		if pending != "" {
			fmt.Fprintf(&b, "  text %q\n", pending)
			pending = ""
		}
	}
	for i := range parts {
		p := &parts[i]
		if p.Kind == inference.PartText {
			pending += p.Text
			continue
		}
		flush()
		switch p.Kind {
		case inference.PartReasoning:
			fmt.Fprintf(&b, "  reasoning %q\n", p.Text)
		case inference.PartCall:
			if p.Call.Custom {
				fmt.Fprintf(&b, "  custom call %s %s %q\n", p.Call.ID, p.Call.Name, p.Text)
				continue
			}
			fmt.Fprintf(&b, "  call %s %s %s\n", p.Call.ID, p.Call.Name, normal(p.Text))
		case inference.PartResult:
			fmt.Fprintf(&b, "  result %s %q\n", p.Result.ID, texts(p.Result.Parts))
		case inference.PartImage:
			fmt.Fprintf(&b, "  image %s %s%s\n", p.Media.Type, p.Media.URL, p.Media.Data)
		default:
			fmt.Fprintf(&b, "  part %d %q\n", p.Kind, p.Text)
		}
	}
	flush()
	return b.String()
}

func texts(parts []inference.Part) string {
	var out []string
	for i := range parts {
		out = append(out, parts[i].Text)
	}
	return strings.Join(out, "\n\n")
}

// normal writes JSON in one way; no arguments are an empty object.
func normal(s string) string {
	if s == "" {
		return "{}"
	}
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	out, err := json.Marshal(v)
	if err != nil {
		return s
	}
	return string(out)
}

// Told writes down what an answer says: its parts, why it ended, and the tokens of each class. Reasoning tokens are told
// apart only by some protocols, so they count as output here.
func Told(a *inference.Answer) string {
	var b strings.Builder
	for i := range a.Candidates {
		fmt.Fprintf(&b, "%sstop %d\n", SaidBy(a.Candidates[i].Parts), a.Candidates[i].Stop)
	}
	q := a.Usage.Quantities
	fmt.Fprintf(&b, "input %d cached %d written %d output %d\n", q[inference.TextInput], q[inference.TextInputCached],
		q[inference.TextCacheWrite]+q[inference.TextCacheWrite1h], q[inference.TextOutput]+q[inference.TextReasoning])
	return b.String()
}
