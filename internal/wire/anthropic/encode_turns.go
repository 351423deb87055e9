package anthropic

import (
	"strconv"
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
		e.append(t)
	}
	if err := e.pair(); err != nil {
		return err
	}
	paired := e.turns
	e.turns = nil
	for i := range paired {
		e.append(e.withoutLastThoughts(paired[i]))
	}
	if len(e.turns) == 0 {
		return e.l.Refuse("messages", "The conversation says nothing.")
	}
	if e.turns[0].Role == inference.RoleAssistant {
		e.turns = append([]inference.Turn{{Parts: []inference.Part{{Text: opening}}}}, e.turns...)
		e.l.Changed("messages", "begins with the assistant", "begins with a word of the user's", "The upstream wants the user to begin.")
	}
	e.trimEnd()
	return nil
}

// withoutLastThoughts is an answer that does not end with reasoning: the upstream wants what it led to.
func (e *encoder) withoutLastThoughts(t inference.Turn) inference.Turn {
	n := len(t.Parts)
	for n > 0 && t.Parts[n-1].Kind == inference.PartReasoning {
		n--
	}
	if n < len(t.Parts) {
		e.l.Changed(t.Path, "ends with reasoning", "ends before it", "The upstream takes no answer that is reasoning to its end.")
	}
	t.Parts = t.Parts[:n]
	return t
}

// opening is what the user is taken to have said where the assistant begins.
const opening = "(The conversation begins.)"

// turn is a turn without what the format has no place for.
func (e *encoder) turn(t *inference.Turn) (inference.Turn, error) {
	out := inference.Turn{Role: t.Role, Path: t.Path}
	parts, err := e.kept(t.Parts)
	if err != nil {
		return out, err
	}
	for _, p := range parts {
		if p.Kind == inference.PartReasoning && !isOwnThought(&p) {
			e.l.Changed(t.Path, "with its reasoning", "without it", "The upstream trusts no reasoning but its own.")
			continue
		}
		out.Parts = append(out.Parts, p)
	}
	if t.Role != inference.RoleSystem {
		return out, nil
	}
	return e.inTheMiddle(out)
}

// kept are the parts that the format has words for; texts that are nothing but space are none.
func (e *encoder) kept(parts []inference.Part) (out []inference.Part, err error) {
	for _, p := range parts {
		keep := true
		switch p.Kind {
		case inference.PartText, inference.PartRefusal:
			p.Kind = inference.PartText
			keep = strings.TrimSpace(p.Text) != ""
		case inference.PartImage:
			keep, err = e.keepImage(&p)
		case inference.PartDocument:
			keep, err = e.keepDocument(&p)
		case inference.PartResult:
			r := *p.Result
			r.Parts, err = e.kept(r.Parts)
			p.Result = &r
		case inference.PartOther:
			if keep = isOurs(p.Other); !keep {
				err = e.cannot(&p)
			}
		case inference.PartAudio, inference.PartVideo:
			keep, err = false, e.cannot(&p)
		case inference.PartReasoning, inference.PartCall:
		}
		if err != nil {
			return nil, err
		}
		if keep {
			out = append(out, p)
		}
	}
	return out, nil
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
	if len(t.Parts) == 0 {
		return
	}
	if n := len(e.turns); n > 0 && e.turns[n-1].Role == t.Role {
		e.turns[n-1].Parts = append(e.turns[n-1].Parts, t.Parts...)
		return
	}
	e.turns = append(e.turns, t)
}

// noResult answers a call of which nobody says what came of it.
const noResult = "(no result)"

// pair puts the results of calls first in the turn behind them. A call without a result gets one that says so; a result
// without a call has no place. Calls whose ids came before get others: some servers number the calls of each turn anew.
func (e *encoder) pair() error {
	var out []inference.Turn
	var open []openCall
	used := map[string]bool{}
	for i := range e.turns {
		t := e.turns[i]
		if t.Role == inference.RoleAssistant {
			t.Parts, open = opened(t.Parts, used)
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

// openCall is a call that waits for its result: under id in this format, under given in the caller's.
type openCall struct {
	id, given, path string
	answered        bool
}

func opened(parts []inference.Part, used map[string]bool) (out []inference.Part, open []openCall) {
	for _, p := range parts {
		if p.Kind == inference.PartCall {
			c := openCall{id: p.Call.ID, given: p.Call.ID, path: p.Path}
			for n := 2; used[c.id]; n++ {
				c.id = c.given + "-" + strconv.Itoa(n)
			}
			used[c.id] = true
			call := *p.Call
			call.ID, p.Call = c.id, &call
			open = append(open, c)
		}
		out = append(out, p)
	}
	return out, open
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
func (e *encoder) split(parts []inference.Part, open []openCall) (results, said []inference.Part, err error) {
	for _, p := range parts {
		if p.Kind != inference.PartResult {
			said = append(said, p)
			continue
		}
		c := waiting(open, p.Result.ID)
		if c == nil {
			if err := e.l.Content(p.Path, p.Result.ID, "There is no call just before it that this is the result of."); err != nil {
				return nil, nil, err
			}
			continue
		}
		c.answered = true
		result := *p.Result
		result.ID, p.Result = c.id, &result
		results = append(results, p)
	}
	return results, said, nil
}

// waiting is the first call of an id that waits for its result; nil: none.
func waiting(open []openCall, id string) *openCall {
	for i := range open {
		if c := &open[i]; c.given == id && !c.answered {
			return c
		}
	}
	return nil
}

// answered are the results with one for each call.
func (e *encoder) answered(open []openCall, results []inference.Part) []inference.Part {
	for _, c := range open {
		if !c.answered {
			e.l.Changed(c.path, "without a result", noResult, "The upstream wants every call answered.")
			results = append(results, inference.Part{Kind: inference.PartResult, Result: &inference.Result{
				ID: c.id, Parts: []inference.Part{{Text: noResult}}, Error: true,
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
