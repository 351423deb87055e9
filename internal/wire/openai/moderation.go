package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Moderations is the format of requests to judge a text or pictures.
var Moderations wire.Format = moderationFormat{}

// DefaultModeration is the model of a request that names none. Source: the protocol.
const DefaultModeration = "omni-moderation-latest"

type moderationFormat struct{ plainFormat }

// PeekModeration reads the facts of a request. The error is a *RequestError.
func PeekModeration(body []byte) (Facts, error) {
	var f Facts
	err := f.scan(body)
	if _, given := f.given(body, keyModel); err == nil && given {
		err = f.readModel(body)
	} else {
		f.Model = DefaultModeration
	}
	if err == nil {
		err = f.readInput(body)
	}
	if err == nil {
		f.Images = countImages(f.spans[keyInput].In(body))
		f.said.addWithoutFiles(f.spans[keyInput].In(body))
		err = f.readTexts(body)
	}
	f.N = 1
	return f, err
}

// Kind returns inference.Moderations.
func (moderationFormat) Kind() inference.Kind { return inference.Moderations }

// Peek reads a request.
func (moderationFormat) Peek(body []byte) (wire.Ask, error) { return peek(body, PeekModeration) }

// InputTokens estimates the input.
func (moderationFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	return a.FormatFacts.(*Facts).EstimateInput(body) //nolint:forcetypeassert // what Peek stored
}

// Edit names the model, also where the request does not.
func (f moderationFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	if _, given := facts.given(body, keyModel); given {
		return f.plainFormat.Edit(dst, body, a, c)
	}
	model := c.Model
	if model == "" {
		model = facts.Model
	}
	var list []jsonscan.Edit
	if span := facts.spans[keyModel]; span.Found() { // null
		list = append(list, jsonscan.Edit{Field: span, Text: jsondoc.AppendString(nil, model)})
	} else {
		list = append(list, jsonscan.Edit{At: facts.insertAt, Text: append(jsondoc.AppendString([]byte(`"model":`), model), ',')})
	}
	if facts.spans[keyRunMode].Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, facts.spans[keyRunMode])})
	}
	return jsonscan.Apply(dst, body, list...)
}

// Answer takes no answers: they are metered with their request.
func (moderationFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

// AnswerTo takes a list of results. Nobody tells usage: the tokens are those of the request.
func (f moderationFormat) AnswerTo(a *wire.Ask, body []byte) (wire.Metered, bool) {
	if !holdsList(body, resultKeys) {
		return wire.Metered{}, false
	}
	m := wire.Metered{Known: true, Guessed: inference.ResourcesOf(inference.TextInput)}
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	m.Usage.Quantities[inference.TextInput] = facts.said.Tokens() + int64(facts.Images)*ImageTokens
	return m, true
}

// ContentType returns that of JSON.
func (moderationFormat) ContentType(*wire.Ask, string) string { return "application/json" }

// Meter returns a meter that lets everything pass; moderations are not streamed.
func (moderationFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

var resultKeys = jsonscan.NewKeys("results", "error")

// holdsList reports whether body is an object with an array at the first of two keys, and nothing at the second.
func holdsList(body []byte, keys *jsonscan.Keys) bool {
	var out [2]jsonscan.Field
	if _, _, err := keys.Scan(body, out[:]); err != nil || !out[0].Found() {
		return false
	}
	return body[out[0].Start] == '[' && (!out[1].Found() || jsonscan.IsNull(body, out[1]))
}

var _ wire.Answerer = moderationFormat{}
