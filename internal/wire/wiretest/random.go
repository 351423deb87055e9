// Package wiretest makes random conversations and compares what became of them on their way through protocols. It is for
// tests of codecs and of the bridges between them.
package wiretest

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Source makes things up. Equal seeds make equal things.
type Source struct{ r *rand.Rand }

// NewSource returns a source.
func NewSource(seed uint64) *Source { return &Source{rand.New(rand.NewPCG(seed, seed))} } //nolint:gosec // of tests

// pieces are what texts are made of: what JSON, SSE and UTF-8 make difficult.
var pieces = []string{
	"hello", " ", "world", "\n", "data: x", "\"quoted\"", "\\", "中文", "😀", "é", "{\"a\":1}", "[DONE]", "\t", "</s>", "0", "\u2028", "\r\n",
}

// Text returns a text that is not empty and has no blanks at its ends.
func (s *Source) Text() string {
	var b strings.Builder
	for range 1 + s.r.IntN(6) {
		b.WriteString(pieces[s.r.IntN(len(pieces))])
	}
	if out := strings.TrimSpace(b.String()); out != "" {
		return out
	}
	return "x"
}

// Coin returns true once in n.
func (s *Source) Coin(n int) bool { return s.r.IntN(n) == 0 }

// IntN returns a number below n.
func (s *Source) IntN(n int) int { return s.r.IntN(n) }

// Arguments returns a JSON object.
func (s *Source) Arguments() string {
	out := map[string]any{}
	for i := range s.r.IntN(3) {
		out["k"+strconv.Itoa(i)] = s.Text()
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (s *Source) id() string { return "call_" + strconv.FormatUint(s.r.Uint64(), 36) }

var toolNames = []string{"get_weather", "search", "run-code"}

func text(t string) inference.Part { return inference.Part{Kind: inference.PartText, Text: t} }

// Prompt returns a conversation that every chat protocol can carry: system texts, turns that alternate, parallel calls of
// tools with their results, and pictures.
func (s *Source) Prompt() *inference.Prompt {
	p := &inference.Prompt{Model: "m", MaxOutput: 100 + s.r.Int64N(1000)}
	if s.Coin(2) {
		p.System = []inference.Part{text(s.Text())}
	}
	for _, name := range toolNames {
		p.Tools = append(p.Tools, inference.Tool{
			Name: name, Description: s.Text(), Schema: json.RawMessage(`{"type":"object","properties":{"k0":{"type":"string"}}}`),
		})
	}
	if s.Coin(2) {
		p.Temperature = "0.5"
	}
	for range 1 + s.r.IntN(3) {
		s.exchange(p)
	}
	p.Turns = append(p.Turns, inference.Turn{Role: inference.RoleUser, Parts: []inference.Part{text(s.Text())}})
	return p
}

// exchange is a question, perhaps calls and their results, and an answer.
func (s *Source) exchange(p *inference.Prompt) {
	question := []inference.Part{text(s.Text())}
	if s.Coin(4) {
		question = append(question, inference.Part{Kind: inference.PartImage, Media: &inference.Media{Type: "image/png", Data: "iVBORw0KGgo="}})
	}
	p.Turns = append(p.Turns, inference.Turn{Role: inference.RoleUser, Parts: question})
	if s.Coin(2) {
		var calls, results []inference.Part
		if s.Coin(2) {
			calls = append(calls, text(s.Text()))
		}
		for range 1 + s.r.IntN(3) {
			c := s.call()
			calls = append(calls, c)
			results = append(results, inference.Part{Kind: inference.PartResult, Result: &inference.Result{
				ID: c.Call.ID, Name: c.Call.Name, Parts: []inference.Part{text(s.Text())},
			}})
		}
		p.Turns = append(p.Turns, inference.Turn{Role: inference.RoleAssistant, Parts: calls},
			inference.Turn{Role: inference.RoleUser, Parts: results})
	}
	p.Turns = append(p.Turns, inference.Turn{Role: inference.RoleAssistant, Parts: []inference.Part{text(s.Text())}})
}

func (s *Source) call() inference.Part {
	return inference.Part{
		Kind: inference.PartCall, Text: s.Arguments(),
		Call: &inference.Call{ID: s.id(), Name: toolNames[s.r.IntN(len(toolNames))]},
	}
}

// Answer returns an answer that every chat protocol can give: reasoning, text, calls, and usage of the usual classes.
func (s *Source) Answer() *inference.Answer {
	c := inference.Candidate{Stop: inference.StopEnd}
	if s.Coin(3) {
		c.Parts = append(c.Parts, inference.Part{Kind: inference.PartReasoning, Text: s.Text()})
	}
	if s.Coin(2) {
		c.Parts = append(c.Parts, text(s.Text()))
	}
	switch {
	case s.Coin(2):
		for range 1 + s.r.IntN(3) {
			c.Parts = append(c.Parts, s.call())
		}
		c.Stop = inference.StopTools
	case len(c.Parts) == 0 || c.Parts[len(c.Parts)-1].Kind != inference.PartText:
		c.Parts = append(c.Parts, text(s.Text()))
	case s.Coin(3):
		c.Stop = inference.StopLength
	}
	a := &inference.Answer{ID: "answer" + s.id(), Model: "m", Created: 1_760_000_000, Candidates: []inference.Candidate{c}, HasUsage: true}
	a.Usage.Quantities[inference.TextInput] = 1 + s.r.Int64N(1000)
	a.Usage.Quantities[inference.TextOutput] = 1 + s.r.Int64N(1000)
	if s.Coin(2) {
		a.Usage.Quantities[inference.TextInputCached] = 1 + s.r.Int64N(100)
	}
	return a
}

// Logprobs gives the texts of an answer tokens, some with others that were likely too.
func (s *Source) Logprobs(a *inference.Answer) {
	for i := range a.Candidates {
		for j := range a.Candidates[i].Parts {
			if p := &a.Candidates[i].Parts[j]; p.Kind == inference.PartText {
				for _, piece := range s.split(p.Text) {
					p.Logprobs = append(p.Logprobs, inference.Logprob{Token: piece, Value: "-0.5", Top: []inference.Logprob{
						{Token: piece, Value: "-0.5"}, {Token: s.Text(), Value: "-1.25e-3"},
					}})
				}
			}
		}
	}
}

// Deltas returns the stream of an answer, in pieces.
func (s *Source) Deltas(a *inference.Answer) []inference.Delta {
	out := []inference.Delta{{Kind: inference.DeltaBegin, ID: a.ID, Model: a.Model, Created: a.Created}}
	for i, c := range a.Candidates {
		for b, p := range c.Parts {
			head := p
			head.Text, head.Logprobs = "", nil
			out = append(out, inference.Delta{Kind: inference.DeltaOpen, Candidate: i, Block: b, Part: head})
			for n, piece := range s.split(p.Text) {
				d := inference.Delta{Kind: inference.DeltaFragment, Candidate: i, Block: b, Text: piece}
				if n == 0 {
					d.Part.Logprobs = p.Logprobs
				}
				out = append(out, d)
			}
			out = append(out, inference.Delta{Kind: inference.DeltaClose, Candidate: i, Block: b})
		}
		out = append(out, inference.Delta{Kind: inference.DeltaFinish, Candidate: i, Stop: c.Stop})
	}
	if a.HasUsage {
		out = append(out, inference.Delta{Kind: inference.DeltaUsage, Usage: a.Usage})
	}
	return append(out, inference.Delta{Kind: inference.DeltaEnd})
}

// Embedding returns a request for vectors that every protocol of embeddings can carry, and an answer to it.
func (s *Source) Embedding() (*inference.Embedding, *inference.Vectors) {
	e := &inference.Embedding{Model: "embed-m", Several: true}
	v := &inference.Vectors{Model: "embed-m", HasUsage: true}
	v.Usage.Quantities[inference.TextInput] = 7
	in := inference.EmbeddingInput{Dimensions: s.r.Int64N(5)}
	if s.Coin(2) {
		in.Purpose = inference.ForQuery
	}
	for i := range 1 + s.r.IntN(4) {
		in.Text = s.Text()
		e.Inputs = append(e.Inputs, in)
		v.Values = append(v.Values, json.RawMessage("[0.25,-1e-05,"+strconv.Itoa(i)+"]"))
	}
	return e, v
}

// split takes a text apart between characters.
func (s *Source) split(t string) []string {
	var out []string
	runes := []rune(t)
	for len(runes) > 0 {
		n := 1 + s.r.IntN(min(4, len(runes)))
		out = append(out, string(runes[:n]))
		runes = runes[n:]
	}
	return out
}
