package gemini

import (
	"bytes"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Generate is the format of :generateContent and :streamGenerateContent. What this protocol says in the address is in the
// format.
type Generate struct {
	// Model is what the caller asks for.
	Model string
	// Stream says that the answer is wanted in pieces: as events (alt=sse), or else, with Array, as a JSON array.
	Stream, Array bool
}

// Kind returns inference.GenerateContent.
func (Generate) Kind() inference.Kind { return inference.GenerateContent }

// Dialect returns inference.Gemini.
func (Generate) Dialect() inference.Dialect { return inference.Gemini }

// Bounds of what input takes that is no text.
const (
	// unseen is how many input tokens a request may have that names what only the upstream knows: more than any model's window.
	unseen = 2_000_000
	// fileTokens is what a sound, a film or a document takes besides its bytes.
	fileTokens = 30_000
)

// Peek reads a request.
func (g Generate) Peek(body []byte) (wire.Ask, error) {
	a := wire.Ask{Model: g.Model, Stream: g.Stream, WantsUsage: true, Choices: 1}
	facts, err := peek(body, g.Model)
	if err != nil {
		return a, err
	}
	a.MaxOutput, a.Choices, a.InputBound = facts.MaxOutput, facts.Candidates, facts.boundInput()
	a.Simulation, a.StickyKey, a.Searches, a.FormatFacts = facts.SimulationMode, facts.CachedContent, facts.Searches, &facts
	if facts.Pictures > 0 {
		a.Needs |= wire.NeedsImages
	}
	if facts.Functions {
		a.Needs |= wire.NeedsTools
	}
	return a, nil
}

// prompting are the members that become part of the prompt.
var prompting = [...]int{keyContents, keySystem, keySystemSnake, keyTools, keyConfig, keyConfigSnake}

// boundInput is more input tokens than the request can take.
func (f *Facts) boundInput() int64 {
	n := 0
	for _, key := range prompting {
		n += f.spans[key].End - f.spans[key].Start
	}
	bound := openai.BoundTokens(n) + int64(f.Pictures)*openai.ImageTokens + int64(f.Files)*fileTokens
	if f.CachedContent != "" || f.Fetches {
		bound += unseen
	}
	return bound
}

func factsOf(a *wire.Ask) *Facts {
	return a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates contents, system instruction and tools; a picture counts as openai.ImageTokens.
func (g Generate) InputTokens(body []byte, a *wire.Ask) int64 {
	f := factsOf(a)
	return openai.EstimateTokens([]byte(g.Text(body, a, len(body)))) + openai.EstimateTokens(f.spans[keyTools].In(body)) +
		int64(f.Pictures+f.Files)*openai.ImageTokens
}

// CountInput counts what InputTokens estimates by a model's vocabulary.
func (g Generate) CountInput(body []byte, a *wire.Ask, family tokens.Family) int64 {
	f := factsOf(a)
	return tokens.Count(family, g.Text(body, a, len(body))) + tokens.Count(family, string(f.spans[keyTools].In(body))) +
		int64(f.Pictures+f.Files)*openai.ImageTokens
}

// Edit makes the change; runMode is Gantry's own and never goes out. These streams tell their usage unasked.
func (g Generate) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	f := factsOf(a)
	var list []jsonscan.Edit
	if span := f.spans[keyModel]; span.Found() && c.Model != "" {
		list = append(list, jsonscan.Edit{Field: span, Text: jsondoc.AppendString(nil, "models/"+c.Model)})
	}
	if c.MaxOutput > 0 && c.MaxOutput != f.MaxOutput {
		list = append(list, f.capEdit(c.MaxOutput))
	}
	if span := f.spans[keyRunMode]; span.Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, span)})
	}
	if len(list) == 0 && dst == nil {
		return body
	}
	return jsonscan.Apply(dst, body, list...)
}

// capEdit sets the cap where it stands, else in the configuration that is there, else in one of its own.
func (f *Facts) capEdit(limit int64) jsonscan.Edit {
	number := strconv.AppendInt(nil, limit, 10)
	member := append([]byte(`"maxOutputTokens":`), number...)
	object := append(append([]byte{'{'}, member...), '}')
	for _, key := range [...]int{keyConfig, keyConfigSnake} {
		if span := f.spans[key]; span.Found() && f.config.insertAt == 0 { // it is null
			return jsonscan.Edit{Field: span, Text: object}
		}
	}
	switch {
	case f.config.cap.Found():
		return jsonscan.Edit{Field: f.config.cap, Text: number}
	case f.config.members > 0:
		return jsonscan.Edit{At: f.config.insertAt, Text: append(member, ',')}
	case f.config.insertAt > 0:
		return jsonscan.Edit{At: f.config.insertAt, Text: member}
	}
	return jsonscan.Edit{At: f.insertAt, Text: append(append([]byte(`"generationConfig":`), object...), ',')}
}

// Meter returns a meter for a stream.
func (g Generate) Meter(o wire.MeterOptions) wire.Meter {
	return &meter{array: g.Array, choices: max(1, o.Choices)}
}

// End returns nothing: the last event ends these streams, with its bracket where they are an array.
func (Generate) End() []byte { return nil }

// ErrorBody writes Google's envelope; where the caller reads an array, within one.
func (g Generate) ErrorBody(f *fault.Error) []byte {
	if g.Stream && g.Array {
		return append(append([]byte{'['}, ErrorBody(f)...), ']')
	}
	return ErrorBody(f)
}

// ErrorFrame writes the envelope as a stream's last event.
func (g Generate) ErrorFrame(f *fault.Error) []byte {
	if g.Array {
		return append(ErrorBody(f), ']')
	}
	return openai.AppendFrame(nil, ErrorBody(f))
}

// StreamType is the content type of streams.
func (g Generate) StreamType() string {
	if g.Array {
		return "application/json"
	}
	return "text/event-stream"
}

// Text returns what system instruction and contents say, one part to a line, at most limit bytes and the rest of the part in
// which they end.
func (Generate) Text(body []byte, a *wire.Ask, limit int) string {
	f := factsOf(a)
	var out bytes.Buffer
	say := func(key, value []byte) {
		if s := text(value); string(key) == "text" && s != "" && out.Len() < limit {
			if out.Len() > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(s)
		}
	}
	if span, ok := f.given(body, keySystem); ok {
		parts(span.In(body), say)
	}
	for it := jsonscan.AnyElements(f.spans[keyContents].In(body)); it.Next() && out.Len() < limit; {
		parts(it.Value, say)
	}
	return out.String()
}

var (
	_ wire.Format   = Generate{}
	_ wire.Texter   = Generate{}
	_ wire.Counting = Generate{}
	_ wire.Typed    = Generate{}
)
