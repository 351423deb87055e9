package openai

import (
	"bytes"
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Chat and Embeddings are the formats of the two operations, as the relay uses them.
var (
	Chat       wire.Format = chatFormat{}
	Embeddings wire.Format = embeddingsFormat{}
)

// common is what all OpenAI formats share.
type common struct{}

// Dialect returns inference.OpenAI.
func (common) Dialect() inference.Dialect { return inference.OpenAI }

// ErrorBody writes the error envelope. The request id is a header in this protocol.
func (common) ErrorBody(f *fault.Error) []byte {
	return ErrorBody(f.Status, errorType(f), f.Code, f.Path, f.Message)
}

// ErrorFrame writes the envelope as a stream's last event.
func (common) ErrorFrame(f *fault.Error) []byte {
	return ErrorFrame(f.Status, errorType(f), f.Code, f.Path, f.Message)
}

// errorType is the type that official clients expect for what only Gantry can say.
func errorType(f *fault.Error) string {
	if f.Status == 402 {
		return "insufficient_quota"
	}
	return ErrorType(f.Status)
}

// Edit makes the change; runMode is Gantry's own and never goes out.
func (common) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	return facts.Rewrite(dst, body, Change{
		Model: c.Model, MaxOutput: c.MaxOutput, MaxOutputParam: c.MaxOutputParam, AskUsage: c.AskUsage, StripRunMode: true,
	})
}

// peek reads the facts with one of the package's readers and words their errors as faults.
func peek(body []byte, read func([]byte) (Facts, error)) (wire.Ask, error) {
	facts, err := read(body)
	if err != nil {
		return wire.Ask{Model: facts.Model}, requestFault(err)
	}
	sticky := facts.PromptCacheKey
	if sticky == "" {
		sticky = facts.User
	}
	return wire.Ask{
		Model: facts.Model, Stream: facts.Stream, WantsUsage: facts.IncludeUsage, MaxOutput: facts.MaxOutput,
		Choices: facts.N, InputBound: facts.BoundInput(ImageTokens), StickyKey: sticky, Simulation: facts.SimulationMode,
		ServiceClass: facts.ServiceTier, FormatFacts: &facts, Needs: facts.needs(body), Inputs: facts.inputs,
	}, nil
}

// needs reads what a model must be able to do. Within a text the quotes of "image_url" would be escaped, so a message that
// speaks of pictures is not taken for one that holds them.
func (f *Facts) needs(body []byte) wire.Needs {
	var out wire.Needs
	if f.Images > 0 && bytes.Contains(f.spans[keyMessages].In(body), []byte(`"image_url"`)) {
		out |= wire.NeedsImages
	}
	for _, key := range [...]int{keyTools, keyFunctions} {
		if span, ok := f.given(body, key); ok && !emptyArray(span.In(body)) {
			out |= wire.NeedsTools
		}
	}
	return out
}

var (
	errDuplicate = fault.New(400, "duplicate_key", "A parameter is given more than once.")
	errDepth     = fault.New(400, "json_too_deep", "The request body is nested too deeply.")
	errMalformed = fault.New(400, CodeMalformed, "The form cannot be read.")
	errFileType  = fault.New(400, CodeFileType, "Files of this type are not taken.")
	errAddress   = fault.New(400, CodeAddress, "This address must not be fetched.")
)

func requestFault(err error) error {
	var r *RequestError
	if !errors.As(err, &r) {
		return fault.ErrBadJSON.Because(err)
	}
	f := fault.ErrInvalid
	switch {
	case r.Code == CodeInvalidJSON:
		f = fault.ErrBadJSON
	case r.Code == CodeTooDeep:
		f = errDepth
	case r.Code == CodeDuplicate:
		f = errDuplicate
	case r.Code == CodeMalformed:
		f = errMalformed
	case r.Code == CodeFileType:
		f = errFileType
	case r.Code == CodeAddress:
		f = errAddress
	}
	return f.Saying(r.Message).At(r.Param)
}

type chatFormat struct{ common }

// Kind returns inference.Chat.
func (chatFormat) Kind() inference.Kind { return inference.Chat }

// Peek reads a chat completion request.
func (chatFormat) Peek(body []byte) (wire.Ask, error) { return peek(body, PeekChat) }

// InputTokens estimates messages, tools and schema.
func (chatFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	return facts.EstimateInput(body)
}

var shapeKeys = jsonscan.NewKeys("choices", "data", "error")

const (
	shapeChoices = iota
	shapeData
	shapeError
	numShapes
)

// holds reports whether body is an object with an array at the key shapeKeys[at], and with no error.
func holds(body []byte, at int) bool {
	var out [numShapes]jsonscan.Field
	if _, _, err := shapeKeys.Scan(body, out[:]); err != nil || !out[at].Found() {
		return false
	}
	if out[shapeError].Found() && !jsonscan.IsNull(body, out[shapeError]) {
		return false
	}
	return body[out[at].Start] == '['
}

// Answer meters a whole chat completion.
func (chatFormat) Answer(body []byte) (wire.Metered, bool) {
	if !holds(body, shapeChoices) {
		return wire.Metered{}, false
	}
	if u, ok := Usage(inference.Chat, body); ok {
		return wire.Metered{Usage: u, Known: true}, true
	}
	var m StreamMeter
	m.FeedAnswer(body)
	return wire.Metered{OutputTokens: m.Tokens()}, true
}

// Meter returns a meter for a stream of chunks.
func (chatFormat) Meter(o wire.MeterOptions) wire.Meter { return newMeter(o) }

func newMeter(o wire.MeterOptions) *meter {
	m := &meter{StreamMeter: StreamMeter{HideUsage: o.HideUsage}}
	if o.NoUsage || o.Family != tokens.Other { // without a vocabulary, what is metered anyway is as good
		m.text = newDelivered(o.Family, o.NoUsage)
		m.Text.sink, m.Reasoning.sink = m.text, m.text
	}
	return m
}

// End returns the [DONE] event.
func (chatFormat) End() []byte { return []byte(DoneFrame) }

// meter is a StreamMeter in the words of the relay.
type meter struct {
	StreamMeter
	begun bool
	buf   []byte
	text  *delivered // nil: nobody counts by a vocabulary
}

// Event looks at one event. Comments before the first event are withheld: an upstream that only says that it is alive has
// not answered yet, and another may still be tried. Nothing is counted that is not delivered.
func (m *meter) Event(raw, data []byte) (deliver []byte, sign wire.Sign) {
	if len(data) == 0 {
		if !m.begun || !terminated(raw) || !isComment(raw) {
			return nil, wire.Goes
		}
		return raw, wire.Goes
	}
	if !m.begun {
		raw = bytes.TrimPrefix(raw, byteOrderMark)
	}
	finished := m.Finished
	action := m.Feed(data)
	switch {
	case m.Done:
		return nil, wire.Ended
	case m.Garbled:
		return nil, wire.Garbled
	case m.Failed:
		return nil, wire.Broken
	case action == Drop, !m.begun && m.saysNothing(data):
		return nil, wire.Goes
	}
	m.begun, m.like.plain = true, isPlain(raw, data)
	sign = wire.Goes
	if m.Finished && !finished {
		sign = wire.Finished
	}
	return m.form(action, raw, data), sign
}

// saysNothing reports whether a first event has no choice and no usage, as the one has in which Azure says what its filter
// thinks of the prompt: OpenAI's own streams have none, and clients take the first choice of what comes.
func (m *meter) saysNothing(data []byte) bool { return !m.HasUsage && hasNoChoices(data) }

// form returns the event's bytes: its own where nothing has to change.
func (m *meter) form(action Action, raw, data []byte) []byte {
	switch {
	case action == Strip:
		m.buf = append(m.buf[:0], "data: "...)
		m.buf = append(StripUsage(m.buf, oneLine(data)), "\n\n"...)
	case terminated(raw):
		return raw
	default:
		m.buf = AppendFrame(m.buf[:0], oneLine(data))
	}
	return m.buf
}

// Result returns the usage that the stream told, or the count of what was delivered.
func (m *meter) Result() wire.Metered {
	return wire.Metered{Usage: m.Usage, Known: m.HasUsage, OutputTokens: m.Tokens()}
}

type embeddingsFormat struct{ common }

// Kind returns inference.Embeddings.
func (embeddingsFormat) Kind() inference.Kind { return inference.Embeddings }

// Peek reads an embeddings request.
func (embeddingsFormat) Peek(body []byte) (wire.Ask, error) { return peek(body, PeekEmbeddings) }

// InputTokens estimates the input.
func (embeddingsFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	return facts.EstimateInput(body)
}

// Answer meters a list of embeddings.
func (embeddingsFormat) Answer(body []byte) (wire.Metered, bool) {
	if !holds(body, shapeData) {
		return wire.Metered{}, false
	}
	u, ok := Usage(inference.Embeddings, body)
	return wire.Metered{Usage: u, Known: ok}, true
}

// Meter returns a meter that lets everything pass; embeddings are not streamed.
func (embeddingsFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

// End returns nothing.
func (embeddingsFormat) End() []byte { return nil }
