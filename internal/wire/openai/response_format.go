package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Responses is the format of the operation, as the relay uses it.
var Responses wire.Format = responseFormat{}

type responseFormat struct{}

// Kind returns inference.Responses.
func (responseFormat) Kind() inference.Kind { return inference.Responses }

// Dialect returns inference.OpenAI.
func (responseFormat) Dialect() inference.Dialect { return inference.OpenAI }

// Peek reads a request.
func (responseFormat) Peek(body []byte) (wire.Ask, error) {
	facts, err := PeekResponses(body)
	if err != nil {
		return wire.Ask{Model: facts.Model}, requestFault(err)
	}
	bound := facts.BoundInput(ImageTokens)
	if facts.continues(body) {
		bound += unseenContext
	}
	a := wire.Ask{
		Model: facts.Model, Stream: facts.Stream, WantsUsage: true, MaxOutput: facts.MaxOutput, Choices: 1, InputBound: bound,
		StickyKey: facts.sticky(), Simulation: facts.SimulationMode, ServiceClass: facts.ServiceTier, Searches: facts.Searches,
		FormatFacts: &facts, Background: facts.Background,
	}
	if facts.Images > 0 {
		a.Needs |= wire.NeedsImages
	}
	if span, ok := facts.given(body, keyTools); ok && !emptyArray(span.In(body)) {
		a.Needs |= wire.NeedsTools
	}
	return a, nil
}

// sticky is what keeps a conversation where its cache is.
func (f *ResponseFacts) sticky() string {
	switch {
	case f.PromptCacheKey != "":
		return f.PromptCacheKey
	case f.User != "":
		return f.User
	}
	return f.PreviousResponseID
}

func responseFacts(a *wire.Ask) *ResponseFacts {
	return a.FormatFacts.(*ResponseFacts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates input, instructions and tools.
func (responseFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	f := responseFacts(a)
	c := Count{}
	c.addWithoutFiles(f.response[keyInstructions].In(body))
	return f.EstimateInput(body) + c.Tokens()
}

// CountInput counts input, instructions and tools by a model's vocabulary; pictures count as in InputTokens.
func (r responseFormat) CountInput(body []byte, a *wire.Ask, family tokens.Family) int64 {
	f := responseFacts(a)
	n := int64(f.Images)*ImageTokens + tokens.Count(family, string(f.spans[keyTools].In(body)))
	return n + perRequest + tokens.Count(family, r.Text(body, a, len(body)))
}

// Text returns what instructions and input say, one part to a line.
func (responseFormat) Text(body []byte, a *wire.Ask, limit int) string {
	f := responseFacts(a)
	t := texts{limit: limit}
	t.content(f.response[keyInstructions].In(body))
	input := f.spans[keyInput].In(body)
	if len(input) > 0 && input[0] == '"' {
		t.add(input)
	}
	for it := jsonscan.AnyElements(input); it.Next() && !t.full(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			switch string(m.Key) {
			case "content", "output", "summary", "arguments", "input":
				t.content(m.Value)
			}
		}
	}
	return string(t.out)
}

// Edit makes the change; runMode is Gantry's own and never goes out, and nothing is in the background for an upstream. These streams tell their usage unasked.
func (responseFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	f := responseFacts(a)
	var list []jsonscan.Edit
	if c.Model != "" && c.Model != f.Model {
		list = append(list, jsonscan.Edit{Field: f.spans[keyModel], Text: jsondoc.AppendString(nil, c.Model)})
	}
	if span := f.response[keyMaxOutputTokens]; c.MaxOutput > 0 && c.MaxOutput != f.MaxOutput {
		if span.Found() {
			list = append(list, jsonscan.Edit{Field: span, Text: strconv.AppendInt(nil, c.MaxOutput, 10)})
		} else {
			list = append(list, jsonscan.Edit{At: f.insertAt, Text: append(appendCap(nil, "max_output_tokens", c.MaxOutput), ',')})
		}
	}
	if f.spans[keyRunMode].Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, f.spans[keyRunMode])})
	}
	if f.Background {
		list = append(list, jsonscan.Edit{Field: f.response[keyInBackground], Text: []byte("false")})
	}
	if len(list) == 0 && dst == nil {
		return body
	}
	return jsonscan.Apply(dst, body, list...)
}

const (
	rStatus = iota
	rOutput
	rError
	numAnswerParts
)

var responseParts = jsonscan.NewKeys("status", "output", "error")

// Answer meters a whole response. One that failed is no answer, though its status is 200.
func (responseFormat) Answer(body []byte) (wire.Metered, bool) {
	var out [numAnswerParts]jsonscan.Field
	if _, _, err := responseParts.Scan(body, out[:]); err != nil || !out[rOutput].Found() || body[out[rOutput].Start] != '[' {
		return wire.Metered{}, false
	}
	if out[rError].Found() && !jsonscan.IsNull(body, out[rError]) {
		return wire.Metered{}, false
	}
	switch string(unquoted(out[rStatus].In(body))) {
	case "failed", "cancelled", "queued", "in_progress":
		return wire.Metered{}, false
	}
	m := wire.Metered{}
	m.Usage, m.Known = Usage(inference.Responses, body)
	m.Usage.Quantities[inference.Search] = countSearches(body)
	if !m.Known {
		var c Count
		c.addOutput(out[rOutput].In(body))
		m.OutputTokens = c.Tokens()
	}
	return m, true
}

// addOutput counts the texts and calls of a response's items.
func (c *Count) addOutput(output []byte) {
	for it := jsonscan.AnyElements(output); it.Next(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			switch string(m.Key) {
			case "content", "summary":
				addContent(c, m.Value)
			case "name", "arguments", "input":
				addText(c, m.Value)
			}
		}
	}
}

// CountAnswer counts the text of a whole response by a model's vocabulary.
func (responseFormat) CountAnswer(body []byte, family tokens.Family) int64 {
	var out [numAnswerParts]jsonscan.Field
	if _, _, err := responseParts.Scan(body, out[:]); err != nil {
		return 0
	}
	d := newDelivered(family, true)
	c := Count{sink: d}
	c.addOutput(out[rOutput].In(body))
	return d.total()
}

// countSearches counts the searches that a response made.
func countSearches(response []byte) (n int64) {
	var out [numAnswerParts]jsonscan.Field
	if _, _, err := responseParts.Scan(response, out[:]); err != nil {
		return 0
	}
	for it := jsonscan.AnyElements(out[rOutput].In(response)); it.Next(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			if typ := string(unquoted(m.Value)); string(m.Key) == "type" && (typ == "web_search_call" || typ == "file_search_call") {
				n++
			}
		}
	}
	return n
}

// Meter returns a meter for a stream of events.
func (responseFormat) Meter(o wire.MeterOptions) wire.Meter { return newEventMeter(responseEvents, o) }

// End returns nothing: the event that completes the response is the last.
func (responseFormat) End() []byte { return nil }

// ErrorBody writes the error envelope. The request id is a header in this protocol.
func (responseFormat) ErrorBody(f *fault.Error) []byte { return common{}.ErrorBody(f) }

// ErrorFrame writes the error as a stream's last event.
func (responseFormat) ErrorFrame(f *fault.Error) []byte { return errorEvent(f) }

var (
	_ wire.Counting = responseFormat{}
	_ wire.Texter   = responseFormat{}
	_ wire.Storing  = responseFormat{}
)
