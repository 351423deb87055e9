package openai

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The formats of this dialect, as the relay uses them.
var (
	Chat       wire.Format = format{inference.Chat, PeekChat, "choices"}
	Embeddings wire.Format = format{inference.Embeddings, PeekEmbeddings, "data"}
)

// format is one operation of the dialect.
type format struct {
	kind inference.Kind
	peek func([]byte) (Facts, error)
	// result is the member of an answer that holds what was asked for.
	result string
}

// Kind returns the operation.
func (f format) Kind() inference.Kind { return f.kind }

// Dialect returns inference.OpenAI.
func (f format) Dialect() inference.Dialect { return inference.OpenAI }

// Peek reads a request. Codes: invalid_json, json_too_deep, invalid_parameter with the parameter's name.
func (f format) Peek(body []byte) (wire.Ask, error) {
	facts, err := f.peek(body)
	if err != nil {
		return wire.Ask{}, faultOf(err)
	}
	sticky := facts.PromptCacheKey
	if sticky == "" {
		sticky = facts.User
	}
	return wire.Ask{
		Model: facts.Model, Stream: facts.Stream, WantsUsage: facts.IncludeUsage, MaxOutput: facts.MaxOutput, Choices: facts.N,
		InputBound: facts.BoundInput(ImageTokens), StickyKey: sticky, Simulation: facts.SimulationMode,
		FormatFacts: &facts, ServiceClass: facts.ServiceTier,
	}, nil
}

// InputTokens estimates the request's input.
func (f format) InputTokens(body []byte, a *wire.Ask) int64 {
	facts, ok := a.FormatFacts.(*Facts)
	if !ok {
		return EstimateTokens(body)
	}
	return facts.EstimateInput(body)
}

var errTooDeep = fault.New(400, CodeTooDeep, "The request body is nested too deeply.")

func faultOf(err error) *fault.Error {
	var e *RequestError
	if !errors.As(err, &e) {
		return fault.From(err)
	}
	switch e.Code {
	case CodeInvalidJSON:
		return fault.ErrBadJSON.Saying(e.Message)
	case CodeTooDeep:
		return errTooDeep
	}
	return fault.ErrInvalid.Saying(e.Message).At(e.Param)
}

// Edit appends the request with the change made. runMode is Gantry's own and never goes out.
func (f format) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts, ok := a.FormatFacts.(*Facts)
	if !ok {
		return append(dst, body...)
	}
	return facts.Rewrite(dst, body, Change{
		Model: c.Model, MaxOutput: c.MaxOutput, MaxOutputParam: c.MaxOutputParam, AskUsage: c.AskUsage, StripRunMode: true,
	})
}

var resultKeys = jsonscan.NewKeys("choices", "data", "error")

// Answer checks that the answer is an object with its result and no error, and meters it.
func (f format) Answer(body []byte) (wire.Metered, bool) {
	var out [3]jsonscan.Field
	if _, _, err := resultKeys.Scan(body, out[:]); err != nil {
		return wire.Metered{}, false
	}
	result := out[0]
	if f.result == "data" {
		result = out[1]
	}
	if failed := out[2].Found() && !jsonscan.IsNull(body, out[2]); failed || !result.Found() || body[result.Start] != '[' {
		return wire.Metered{}, false
	}
	var m StreamMeter
	if f.kind == inference.Chat {
		m.FeedAnswer(body)
	} else {
		m.Usage, m.HasUsage = Usage(f.kind, body)
	}
	return m.metered(), true
}

func (m *StreamMeter) metered() wire.Metered {
	return wire.Metered{Usage: m.Usage, Known: m.HasUsage, OutputTokens: m.Tokens()}
}

// Meter returns a meter for one stream.
func (f format) Meter(o wire.MeterOptions) wire.Meter {
	return &meter{StreamMeter: StreamMeter{HideUsage: o.HideUsage}}
}

// ErrorBody is the fault in OpenAI's envelope.
func (f format) ErrorBody(e *fault.Error) []byte {
	return ErrorBody(e.Status, "", e.Code, e.Path, e.Message)
}

// ErrorFrame is the fault as an event.
func (f format) ErrorFrame(e *fault.Error) []byte {
	return ErrorFrame(e.Status, "", e.Code, e.Path, e.Message)
}

// End is the terminator of a stream.
func (f format) End() []byte { return []byte(DoneFrame) }

// meter is a StreamMeter in the words of the relay.
type meter struct {
	StreamMeter
	begun bool
	buf   []byte
}

// Event looks at one event. Comments before the first event are withheld: an upstream that only says that it is alive has
// not answered yet, and another may still be tried.
func (m *meter) Event(raw, data []byte) (deliver []byte, sign wire.Sign) {
	if data == nil {
		if !m.begun || !terminated(raw) {
			return nil, wire.Goes
		}
		return raw, wire.Goes
	}
	finished := m.Finished
	action := m.Feed(data)
	switch {
	case m.Done:
		return nil, wire.Ended
	case m.Failed || !looksWhole(data):
		return nil, wire.Broken
	case action == Drop:
		return nil, wire.Goes
	}
	m.begun = true
	sign = wire.Goes
	if m.Finished && !finished {
		sign = wire.Finished
	}
	return m.form(action, raw, data), sign
}

// form returns the event's bytes: its own where nothing has to change.
func (m *meter) form(action Action, raw, data []byte) []byte {
	switch {
	case action == Strip:
		m.buf = append(m.buf[:0], "data: "...)
		m.buf = append(StripUsage(m.buf, data), "\n\n"...)
	case terminated(raw):
		return raw
	default:
		m.buf = AppendFrame(m.buf[:0], data)
	}
	return m.buf
}

// Result is what was metered so far.
func (m *meter) Result() wire.Metered { return m.metered() }

// looksWhole reports whether data can be a whole object: half a chunk would break the caller's decoder.
func looksWhole(data []byte) bool {
	data = skipSpace(data)
	for len(data) > 0 && data[len(data)-1] <= ' ' {
		data = data[:len(data)-1]
	}
	return len(data) >= 2 && data[0] == '{' && data[len(data)-1] == '}'
}

// terminated reports whether an event's bytes end with a blank line.
func terminated(raw []byte) bool {
	end := len(raw)
	if end > 0 && raw[end-1] == '\n' {
		end--
	}
	if end > 0 && raw[end-1] == '\r' {
		end--
	}
	return end < len(raw) && (end == 0 || raw[end-1] == '\n' || raw[end-1] == '\r')
}
