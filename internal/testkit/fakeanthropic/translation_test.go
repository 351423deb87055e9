package fakeanthropic_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// anyPart is something that callers of other protocols say, in any order and with any mistake.
func anyPart(t *rapid.T) inference.Part {
	text := rapid.SampledFrom([]string{"", " ", "x", "say more "}).Draw(t, "text")
	id := "call:" + strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "id"))
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return inference.Part{Kind: inference.PartCall, Text: rapid.SampledFrom([]string{"", "{}", "[1]", "{oops"}).Draw(t, "args"), Call: &inference.Call{ID: id, Name: "f"}}
	case 1:
		return inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: id, Parts: []inference.Part{{Text: text}}}}
	case 2:
		return inference.Part{Kind: inference.PartReasoning, Text: "hm", Seal: rapid.SampledFrom([]*inference.Seal{
			nil, {Dialect: inference.Gemini, Data: "s"}, {Dialect: inference.Anthropic, Data: fakeanthropic.Signature("hm")},
		}).Draw(t, "seal")}
	case 3:
		return inference.Part{Kind: inference.PartImage, Media: &inference.Media{URL: "http://x.example/a.png"}}
	case 4:
		return inference.Part{Kind: inference.PartRefusal, Text: text}
	}
	return inference.Part{Text: text}
}

func anyPrompt(t *rapid.T) *inference.Prompt {
	p := &inference.Prompt{Model: "claude-haiku-4-5", MaxOutput: rapid.SampledFrom([]int64{0, 100, 9000}).Draw(t, "limit")}
	for range rapid.IntRange(1, 6).Draw(t, "turns") {
		turn := inference.Turn{Role: inference.Role(rapid.IntRange(0, 2).Draw(t, "role"))}
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			if part := anyPart(t); part.Kind != inference.PartCall || turn.Role == inference.RoleAssistant {
				turn.Parts = append(turn.Parts, distinct(turn.Parts, part)...)
			}
		}
		p.Turns = append(p.Turns, turn)
	}
	p.Reasoning.Effort = rapid.SampledFrom([]string{"", "none", "low", "max"}).Draw(t, "effort")
	p.Temperature = json.Number(rapid.SampledFrom([]string{"", "0.5", "1.9"}).Draw(t, "temperature"))
	p.TopP = json.Number(rapid.SampledFrom([]string{"", "0.5"}).Draw(t, "top_p"))
	p.Choice.Mode = inference.ToolMode(rapid.IntRange(0, 3).Draw(t, "choice"))
	p.Serial = rapid.Bool().Draw(t, "serial")
	if rapid.Bool().Draw(t, "tools") {
		p.Tools = []inference.Tool{{Name: "f", Schema: json.RawMessage(rapid.SampledFrom([]string{"", "{}", `{"properties":{}}`}).Draw(t, "schema"))}}
	}
	return p
}

// distinct leaves out a second call of one id, which no protocol has, and what only an assistant or only a user says.
func distinct(parts []inference.Part, next inference.Part) []inference.Part {
	for i := range parts {
		if parts[i].Kind == inference.PartCall && next.Kind == inference.PartCall && parts[i].Call.ID == next.Call.ID {
			return nil
		}
	}
	return []inference.Part{next}
}

// Whatever callers of other protocols say, what is made of it is refused here or taken there.
func TestWhatIsTranslatedIsTaken(t *testing.T) {
	t.Parallel()
	url := start(t)
	rapid.Check(t, func(r *rapid.T) {
		p := anyPrompt(r)
		for i := range p.Turns {
			if p.Turns[i].Role == inference.RoleAssistant {
				p.Turns[i].Parts = without(p.Turns[i].Parts, inference.PartResult, inference.PartImage)
			} else {
				p.Turns[i].Parts = without(p.Turns[i].Parts, inference.PartReasoning, inference.PartRefusal)
			}
		}
		body, err := anthropic.Codec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{Policy: wire.DropLosses})
		if err != nil {
			return
		}
		if status, text := post(t, url, string(body)); status != http.StatusOK {
			r.Fatalf("%s\n%d %s", body, status, text)
		}
	})
}

func without(parts []inference.Part, kinds ...inference.PartKind) (out []inference.Part) {
	for i := range parts {
		if parts[i].Kind != kinds[0] && parts[i].Kind != kinds[1] {
			out = append(out, parts[i])
		}
	}
	return out
}
