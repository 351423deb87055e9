package wire

import "github.com/gantry-ai/gantry/internal/inference"

// noOutput stands for what a tool returned where nobody says it.
const noOutput = "No output."

// Pair returns the turns with the results of tools right behind the turn that called them, which is where most upstreams demand
// them and callers of responses may have them elsewhere. Late ones move up, and calls that the conversation goes on from
// without a result get one that says so; both are changes. Results without a call are content that cannot be sent. Turns that
// are in order come back as they are. Error: that of the losses.
func Pair(turns []inference.Turn, l *Losses) ([]inference.Turn, error) {
	if paired(turns) {
		return turns, nil
	}
	p := pairing{turns: turns, losses: l, of: map[place]place{}, left: map[string][]place{}}
	if err := p.assign(); err != nil {
		return nil, err
	}
	return p.arranged(), nil
}

// paired reports whether each turn that calls tools is followed by one with their results, in order, and no other turn has any.
func paired(turns []inference.Turn) bool {
	before := inference.Turn{}
	for _, t := range turns {
		if !answered(before.Parts, t.Parts) {
			return false
		}
		before = t
	}
	return true
}

func answered(calls, results []inference.Part) bool {
	for i, n := 0, 0; ; i, n = i+1, n+1 {
		i, n = next(calls, i, inference.PartCall), next(results, n, inference.PartResult)
		if i == len(calls) || n == len(results) {
			return i == len(calls) && n == len(results)
		}
		if calls[i].Call.ID != results[n].Result.ID {
			return false
		}
	}
}

// next is the place of the next part of a kind, from one on.
func next(parts []inference.Part, from int, kind inference.PartKind) int {
	for from < len(parts) && parts[from].Kind != kind {
		from++
	}
	return from
}

// place is that of a part: its turn, and where it stands there.
type place struct{ turn, part int }

type pairing struct {
	turns  []inference.Turn
	losses *Losses
	of     map[place]place    // the result of a call
	left   map[string][]place // results that have no call yet, by id and in order
}

func (p *pairing) at(at place) *inference.Part { return &p.turns[at.turn].Parts[at.part] }

// each visits the parts of a kind.
func (p *pairing) each(kind inference.PartKind, visit func(place)) {
	for i := range p.turns {
		for n := range p.turns[i].Parts {
			if p.turns[i].Parts[n].Kind == kind {
				visit(place{i, n})
			}
		}
	}
}

// assign gives each call the first result behind it that has its id and no other call: some callers use ids anew. A result that
// is not behind the first call left is behind none, and is lost.
func (p *pairing) assign() error {
	p.each(inference.PartResult, func(at place) { p.left[p.at(at).Result.ID] = append(p.left[p.at(at).Result.ID], at) })
	var err error
	lost := func(at place) {
		if part := p.at(at); err == nil {
			err = p.losses.Content(part.Path, part.Result.ID, "No call of a tool has this id.")
		}
	}
	p.each(inference.PartCall, func(call place) {
		id := p.at(call).Call.ID
		for len(p.left[id]) > 0 && p.left[id][0].turn <= call.turn {
			lost(p.left[id][0])
			p.left[id] = p.left[id][1:]
		}
		if len(p.left[id]) > 0 {
			p.of[call], p.left[id] = p.left[id][0], p.left[id][1:]
		}
	})
	p.each(inference.PartResult, func(at place) {
		if left := p.left[p.at(at).Result.ID]; len(left) > 0 && left[0] == at {
			lost(at)
			p.left[p.at(at).Result.ID] = left[1:]
		}
	})
	return err
}

func (p *pairing) arranged() (out []inference.Turn) {
	for i, t := range p.turns {
		var results, others []inference.Part
		for n := range t.Parts {
			if t.Parts[n].Kind != inference.PartResult {
				others = append(others, t.Parts[n])
			}
			if t.Parts[n].Kind == inference.PartCall {
				results = p.answer(results, place{i, n})
			}
		}
		if len(others) > 0 || len(t.Parts) == 0 {
			t.Parts = others
			out = append(out, t)
		}
		if len(results) > 0 {
			out = append(out, inference.Turn{Role: inference.RoleUser, Parts: results, Path: results[0].Path})
		}
	}
	return out
}

// answer appends the result of a call; calls with which the conversation ends may still get one.
func (p *pairing) answer(results []inference.Part, call place) []inference.Part {
	part := p.at(call)
	at, found := p.of[call]
	switch {
	case found:
		if at.turn != call.turn+1 {
			p.losses.Changed(p.at(at).Path, "later", "right behind its call", "The upstream wants results behind their calls.")
		}
		return append(results, *p.at(at))
	case call.turn == len(p.turns)-1:
		return results
	}
	p.losses.Changed(part.Path, "without a result", noOutput, "The upstream wants a result of every call.")
	return append(results, inference.Part{Kind: inference.PartResult, Path: part.Path, Result: &inference.Result{
		ID: part.Call.ID, Name: part.Call.Name, Custom: part.Call.Custom, Parts: []inference.Part{{Text: noOutput}},
	}})
}
