package openai

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// rounds is how many random cases a property is tried on.
const rounds = 300

// plainParts are parts without what only tells where they stood.
func plainParts(parts []inference.Part) []inference.Part {
	out := make([]inference.Part, 0, len(parts))
	for _, p := range parts {
		p.Path = ""
		if p.Kind != inference.PartReasoning {
			p.ID = ""
		}
		if p.Other != nil {
			rest := responseRest("", p.Other.Value)
			p.Other = &rest
		}
		if p.Result != nil {
			r := *p.Result
			r.Name, r.Parts = "", plainParts(r.Parts)
			p.Result = &r
		}
		out = append(out, p)
	}
	return out
}

// contribution is a contribution of one role: the format has items, so that turns of one role may come back as one or as several.
type contribution struct {
	Role  inference.Role
	Parts []inference.Part
}

func contributions(turns []inference.Turn) (out []contribution) {
	for _, t := range turns {
		if n := len(out); n > 0 && out[n-1].Role == t.Role {
			out[n-1].Parts = append(out[n-1].Parts, plainParts(t.Parts)...)
			continue
		}
		out = append(out, contribution{t.Role, plainParts(t.Parts)})
	}
	return out
}

// comparablePrompt is what of a prompt must survive.
func comparablePrompt(p *inference.Prompt) any {
	c := *p
	c.System, c.Turns, c.Tools = nil, nil, nil
	c.StreamUsage = true
	if c.Store == nil && c.PreviousID == "" && c.Conversation == "" {
		c.Store = new(bool)
	}
	conversation := contributions(append([]inference.Turn{{Role: inference.RoleSystem, Parts: p.System}}, p.Turns...))
	tools := make([]inference.Tool, 0, len(p.Tools))
	for _, t := range p.Tools {
		t.Path = ""
		if t.Other != nil {
			rest := responseRest("", t.Other.Value)
			t.Other, t.Description = &rest, ""
		}
		tools = append(tools, t)
	}
	return []any{c, conversation, tools}
}

func TestPromptsComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		p := newDice(seed).prompt()
		var l wire.Losses
		first, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &l)
		if err != nil || len(l.Dropped) != 0 {
			t.Fatalf("seed %d: %v, %v", seed, err, l.Dropped)
		}
		back, err := ResponsesCodec.DecodeRequest(first)
		if err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, first)
		}
		if got, want := shownJSON(t, comparablePrompt(back)), shownJSON(t, comparablePrompt(p)); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: got %s, want %s", seed, got, want)
		}
		second := again(t, first)
		if third := again(t, second); !bytes.Equal(second, third) {
			t.Fatalf("seed %d: got %s, want %s", seed, third, second)
		}
	}
}

// again decodes and encodes a request.
func again(t *testing.T, request []byte) []byte {
	t.Helper()
	p, err := ResponsesCodec.DecodeRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What the format cannot say is told, and the rest is as if it had not been there.
func TestLossesTellTheRest(t *testing.T) {
	t.Parallel()
	foreign := inference.Rest{Dialect: inference.Anthropic, Kind: inference.Messages, Path: "thing", Value: json.RawMessage(`1`)}
	spoil := map[string]func(*inference.Prompt){
		"top_k":             func(p *inference.Prompt) { p.TopK = "5" },
		"seed":              func(p *inference.Prompt) { p.Seed = "5" },
		"presence_penalty":  func(p *inference.Prompt) { p.PresencePenalty = "1" },
		"frequency_penalty": func(p *inference.Prompt) { p.FrequencyPenalty = "1" },
		"stop":              func(p *inference.Prompt) { p.Stop = []string{"a"} },
		"n":                 func(p *inference.Prompt) { p.Choices = 3 },
		"modalities":        func(p *inference.Prompt) { p.Output.Modalities = []string{"audio"} },
		"thing":             func(p *inference.Prompt) { p.Rest = append(p.Rest, foreign) },
		"turn.name":         func(p *inference.Prompt) { p.Turns[0].Name, p.Turns[0].Path = "Ann", "turn" },
		"sound":             func(p *inference.Prompt) { prependPart(p, inference.Part{Kind: inference.PartAudio, Path: "sound"}) },
		"other": func(p *inference.Prompt) {
			prependPart(p, inference.Part{Kind: inference.PartOther, Other: &foreign, Path: "other"})
		},
		"thought": func(p *inference.Prompt) {
			seal := &inference.Seal{Dialect: inference.Gemini, Data: "x"}
			prependPart(p, inference.Part{Kind: inference.PartReasoning, Text: "Hm.", Seal: seal, Path: "thought"})
		},
		"tool": func(p *inference.Prompt) {
			p.Tools = append(p.Tools, inference.Tool{Server: inference.ServerOther, Other: &foreign, Path: "tool"})
		},
	}
	for path, by := range spoil {
		for seed := range uint64(rounds / 20) {
			p, clean := newDice(seed).prompt(), newDice(seed).prompt()
			for len(p.Tools) == 0 { // so that a tool that is dropped is not the only one
				seed += rounds
				p, clean = newDice(seed).prompt(), newDice(seed).prompt()
			}
			by(p)
			l := wire.Losses{Policy: wire.DropLosses}
			got, err := ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &l)
			if err != nil || len(l.Dropped) != 1 || l.Dropped[0].Path != path {
				t.Fatalf("%s, seed %d: %v, %v", path, seed, err, l.Dropped)
			}
			want, err := ResponsesCodec.EncodeRequest(clean, wire.EncodeOptions{}, &wire.Losses{})
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s, seed %d: %v: got %s, want %s", path, seed, err, got, want)
			}
			_, err = ResponsesCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{Policy: wire.RefuseLosses})
			if (err == nil) != (path == "thought") { // that is changed, for the same meaning
				t.Fatalf("%s: not refused", path)
			}
		}
	}
}

// prependPart adds a turn of the assistant's at the beginning.
func prependPart(p *inference.Prompt, part inference.Part) {
	p.Turns = append([]inference.Turn{{Role: inference.RoleAssistant, Parts: []inference.Part{part}}}, p.Turns...)
}

func comparableAnswer(a *inference.Answer) any {
	c := *a
	c.Candidates = []inference.Candidate{{Stop: a.Candidates[0].Stop, Parts: plainParts(a.Candidates[0].Parts)}}
	return c
}

func TestAnswersComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		a := newDice(seed).answer()
		b, err := countingCodec().EncodeAnswer(a, newDice(seed).prompt())
		if err != nil {
			t.Fatal(err)
		}
		back, err := ResponsesCodec.DecodeAnswer(b)
		if err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, b)
		}
		if a.ServiceTier == "" {
			a.ServiceTier = back.ServiceTier // that of the prompt
		}
		if got, want := shownJSON(t, comparableAnswer(back)), shownJSON(t, comparableAnswer(a)); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: got %s, want %s", seed, got, want)
		}
	}
}

var someID = regexp.MustCompile(`"id":"[a-z]+_[^"]*"`)

// A stream tells the same as the whole answer, step by step, in order.
func TestStreamsComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(rounds) {
		d := newDice(seed)
		a := d.answer()
		p := d.prompt()
		p.ServiceTier = a.ServiceTier
		events := encodeResponseStream(countingCodec(), p, d.deltas(a))
		checkSteps(t, events)
		deltas, err := decodeResponseStream(t, ResponsesCodec, events)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		back := gatherDeltas(deltas)
		if got, want := shownJSON(t, comparableAnswer(back)), shownJSON(t, comparableAnswer(a)); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: got %s, want %s", seed, got, want)
		}
		whole, err := countingCodec().EncodeAnswer(a, p)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.LastIndex(events, []byte(`,"response":`))
		last := bytes.TrimSuffix(events[at+len(`,"response":`):], []byte("}\n\n"))
		if got, want := closedItems(last), closedItems(whole); got != want {
			t.Fatalf("seed %d: got %s, want %s", seed, got, want)
		}
	}
}

// closedItems is a response without ids, and without the status of items: a stream closes them before it knows how it ends.
func closedItems(response []byte) string {
	return strings.ReplaceAll(someID.ReplaceAllString(string(response), `"id":""`), `"status":"incomplete"`, `"status":"completed"`)
}

// checkSteps checks a stream as SDKs read it: items open and close one after another, and what is done is what was told.
func checkSteps(t *testing.T, stream []byte) {
	t.Helper()
	_, last := eventTypes(t, stream)
	open, next := false, 0.0
	var told strings.Builder
	var done []any
	for event := range strings.SplitSeq(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		_, data, _ := strings.Cut(event, "data: ")
		e := map[string]any{}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		name, _ := e["type"].(string)
		if index, ok := e["output_index"]; ok && index != next {
			t.Fatalf("%s about item %v, not %v", name, index, next)
		}
		switch {
		case name == "response.output_item.added":
			if open {
				t.Fatal("two items are open")
			}
			open = true
		case name == "response.output_item.done":
			done = append(done, e["item"])
			open = false
			next++
		case strings.HasSuffix(name, ".delta"):
			piece, _ := e["delta"].(string)
			told.WriteString(piece)
		case strings.HasSuffix(name, ".done") && e["part"] == nil:
			for _, member := range []string{"text", "refusal", "arguments", "input"} {
				if whole, ok := e[member].(string); ok && whole != told.String() {
					t.Fatalf("%s: %q was told as %q", name, whole, told.String())
				}
			}
			told.Reset()
		}
	}
	output, _ := memberAt(last, "response", "output").([]any)
	if open || len(output) != len(done) {
		t.Fatalf("%d items are done, %d are in the response", len(done), len(output))
	}
	for i := range output {
		isSame(t, "item", output[i], done[i])
	}
}
