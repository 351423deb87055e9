package anthropic

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// arrange makes of the conversation one that the format takes: speakers alternate and the user begins, every call is answered
// in the turn behind it before anything else is said there, and nothing is empty.
func (e *encoder) arrange() error {
	for i := range e.p.Turns {
		t, err := e.turn(&e.p.Turns[i])
		if err != nil {
			return err
		}
		if len(t.Parts) > 0 {
			e.append(t)
		}
	}
	if len(e.turns) > 0 && e.turns[0].Role == inference.RoleAssistant {
		e.turns = append([]inference.Turn{{Parts: []inference.Part{{Text: opening}}}}, e.turns...)
		e.l.Changed("messages", "begins with the assistant", "begins with a word of the user's", "The upstream wants the user to begin.")
	}
	if err := e.pair(); err != nil {
		return err
	}
	if len(e.turns) == 0 {
		return e.l.Refuse("messages", "The conversation says nothing.")
	}
	e.trimEnd()
	return nil
}

// opening is what the user is taken to have said where the assistant begins.
const opening = "(The conversation begins.)"

// turn is a turn without what the format has no place for.
func (e *encoder) turn(t *inference.Turn) (inference.Turn, error) {
	out := inference.Turn{Role: t.Role, Path: t.Path}
	for i := range t.Parts {
		p := t.Parts[i]
		switch p.Kind {
		case inference.PartText, inference.PartRefusal:
			if strings.TrimSpace(p.Text) == "" {
				continue
			}
			p.Kind = inference.PartText
		case inference.PartReasoning:
			if !isOwnThought(&p) {
				e.l.Changed(t.Path, "with its reasoning", "without it", "The upstream trusts no reasoning but its own.")
				continue
			}
		default:
		}
		out.Parts = append(out.Parts, p)
	}
	if t.Role != inference.RoleSystem {
		return out, nil
	}
	return e.inTheMiddle(out)
}

// inTheMiddle makes instructions that stand in the middle of a conversation words of the user's that are marked as such:
// moving them to the beginning would change what they are about.
func (e *encoder) inTheMiddle(t inference.Turn) (inference.Turn, error) {
	t.Role = inference.RoleUser
	parts := t.Parts
	t.Parts = nil
	for i := range parts {
		if parts[i].Kind != inference.PartText {
			if err := e.cannot(&parts[i]); err != nil {
				return t, err
			}
			continue
		}
		parts[i].Text = "<system>\n" + parts[i].Text + "\n</system>"
		t.Parts = append(t.Parts, parts[i])
	}
	e.l.Changed(t.Path, "system", "user", "The upstream takes instructions in the beginning alone.")
	return t, nil
}

// append adds a turn, or to the turn before if the same speaker goes on.
func (e *encoder) append(t inference.Turn) {
	if n := len(e.turns); n > 0 && e.turns[n-1].Role == t.Role {
		e.turns[n-1].Parts = append(e.turns[n-1].Parts, t.Parts...)
		return
	}
	e.turns = append(e.turns, t)
}

// noResult answers a call of which nobody says what came of it.
const noResult = "(no result)"

// pair puts the results of calls first in the turn behind them. A call without a result gets one that says so; a result
// without a call has no place.
func (e *encoder) pair() error {
	var out []inference.Turn
	var open []inference.Part // calls of the turn before
	for i := range e.turns {
		t := e.turns[i]
		if t.Role == inference.RoleAssistant {
			open = calls(t.Parts)
			out = append(out, t)
			if len(open) > 0 && i == len(e.turns)-1 {
				out = append(out, inference.Turn{Parts: e.answered(open, nil)})
			}
			continue
		}
		results, said, err := e.split(t.Parts, open)
		if err != nil {
			return err
		}
		t.Parts = append(e.answered(open, results), said...)
		open = nil
		if len(t.Parts) > 0 {
			out = append(out, t)
		}
	}
	e.turns = out
	return nil
}

func calls(parts []inference.Part) (out []inference.Part) {
	for i := range parts {
		if parts[i].Kind == inference.PartCall {
			out = append(out, parts[i])
		}
	}
	return out
}

// split takes the results of calls out of what a user says.
func (e *encoder) split(parts, open []inference.Part) (results, said []inference.Part, err error) {
	for i := range parts {
		p := &parts[i]
		switch {
		case p.Kind != inference.PartResult:
			said = append(said, *p)
		case isOpen(open, results, p.Result.ID):
			results = append(results, *p)
		default:
			if err := e.l.Content(p.Path, p.Result.ID, "There is no call just before it that this is the result of."); err != nil {
				return nil, nil, err
			}
		}
	}
	return results, said, nil
}

// isOpen reports whether a call waits for its result.
func isOpen(open, results []inference.Part, id string) bool {
	for i := range results {
		if results[i].Result.ID == id {
			return false
		}
	}
	for i := range open {
		if open[i].Call.ID == id {
			return true
		}
	}
	return false
}

// answered are the results with one for each call.
func (e *encoder) answered(open, results []inference.Part) []inference.Part {
	for i := range open {
		if c := &open[i]; isOpen(open, results, c.Call.ID) {
			e.l.Changed(c.Path, "without a result", noResult, "The upstream wants every call answered.")
			results = append(results, inference.Part{Kind: inference.PartResult, Result: &inference.Result{
				ID: c.Call.ID, Parts: []inference.Part{{Text: noResult}}, Error: true,
			}})
		}
	}
	return results
}

// trimEnd takes space from the end of an answer that the model is to go on with.
func (e *encoder) trimEnd() {
	last := &e.turns[len(e.turns)-1]
	if p := &last.Parts[len(last.Parts)-1]; last.Role == inference.RoleAssistant && p.Kind == inference.PartText {
		last.Parts = append([]inference.Part(nil), last.Parts...)
		last.Parts[len(last.Parts)-1].Text = strings.TrimRight(p.Text, " \t\r\n")
	}
}
