package openai

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
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
	if !utf8.Valid(body) {
		return wire.Ask{}, fault.ErrBadJSON.Saying("The request body is not valid UTF-8.")
	}
	facts, err := read(body)
	if err != nil {
		return wire.Ask{Model: facts.Model}, requestFault(body, err)
	}
	sticky := facts.PromptCacheKey
	if sticky == "" {
		sticky = facts.User
	}
	return wire.Ask{
		Model: facts.Model, Stream: facts.Stream, WantsUsage: facts.IncludeUsage, MaxOutput: facts.MaxOutput,
		Choices: facts.N, InputBound: facts.BoundInput(ImageTokens), StickyKey: sticky, Simulation: facts.SimulationMode,
		ServiceClass: facts.ServiceTier, FormatFacts: &facts,
	}, nil
}

var (
	errDuplicate = fault.New(400, "duplicate_key", "A parameter is given more than once.")
	errDepth     = fault.New(400, "json_too_deep", "The request body is nested too deeply.")
)

func requestFault(body []byte, err error) error {
	var r *RequestError
	if !errors.As(err, &r) {
		return fault.ErrBadJSON.Because(err)
	}
	f := fault.ErrInvalid
	switch {
	case bytes.Equal(bytes.TrimSpace(body), tokenNull):
	case r.Code == CodeInvalidJSON:
		f = fault.ErrBadJSON
	case r.Code == CodeTooDeep:
		f = errDepth
	case r.Code == CodeDuplicate:
		f = errDuplicate
	}
	return f.Saying(r.Message).At(r.Param)
}

type chatFormat struct{ common }

// Kind returns inference.Chat.
func (chatFormat) Kind() inference.Kind { return inference.Chat }

// Peek reads a chat completion request.
func (chatFormat) Peek(body []byte) (wire.Ask, error) { return peek(body, PeekChat) }

// InputTokens estimates messages and tools.
func (chatFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	var c Count
	for _, k := range []int{keyMessages, keyTools, keyFunctions} {
		c.Add(facts.spans[k].In(body))
	}
	return c.Tokens()
}

var shapeKeys = jsonscan.NewKeys("choices", "data", "error")

// holds reports whether body is an object with an array at the key shapeKeys[at].
func holds(body []byte, at int) bool {
	var out [3]jsonscan.Field
	if _, _, err := shapeKeys.Scan(body, out[:]); err != nil || !out[at].Found() {
		return false
	}
	return body[out[at].Start] == '['
}

// Answer meters a whole chat completion.
func (chatFormat) Answer(body []byte) (wire.Metered, bool) {
	if !holds(body, 0) {
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
func (chatFormat) Meter(o wire.MeterOptions) wire.Meter {
	return &meter{StreamMeter: StreamMeter{HideUsage: o.HideUsage}}
}

// End returns the [DONE] event.
func (chatFormat) End() []byte { return []byte(DoneFrame) }

// meter adapts StreamMeter to the relay.
type meter struct {
	StreamMeter
	edited []byte
	data   []byte
}

// Event looks at one event.
func (m *meter) Event(raw, data []byte) ([]byte, wire.Sign) {
	if len(data) == 0 {
		return raw, wire.Goes
	}
	action := m.Feed(data)
	switch {
	case m.Done:
		return nil, wire.Ended
	case m.Failed:
		return nil, wire.Broken
	case action == Drop:
		return nil, m.sign()
	case action == Strip:
		m.data = StripUsage(m.data[:0], data)
		m.edited = AppendFrame(m.edited[:0], m.data)
		return m.edited, m.sign()
	}
	return raw, m.sign()
}

func (m *meter) sign() wire.Sign {
	if m.Finished {
		return wire.Finished
	}
	return wire.Goes
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
	return EstimateTokens(facts.spans[keyInput].In(body))
}

// Answer meters a list of embeddings.
func (embeddingsFormat) Answer(body []byte) (wire.Metered, bool) {
	if !holds(body, 1) {
		return wire.Metered{}, false
	}
	u, ok := Usage(inference.Embeddings, body)
	return wire.Metered{Usage: u, Known: ok}, true
}

// Meter returns a meter that lets everything pass; embeddings are not streamed.
func (embeddingsFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

// End returns nothing.
func (embeddingsFormat) End() []byte { return nil }
