package openai

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// sense is what an event means for the meter.
type sense uint8

const (
	saysNothing sense = iota
	saysText          // its delta is text of the answer
	saysThought       // its delta is reasoning
	completes         // the answer, or one of several, is complete
	fails
)

// eventSort is what the events of a format mean, by type.
type eventSort struct {
	kind inference.Kind
	of   map[string]sense
}

// Source: the provider sheet "openai", sections 2 and 4.
var (
	responseEvents = &eventSort{inference.Responses, map[string]sense{
		"response.output_text.delta":             saysText,
		"response.refusal.delta":                 saysText,
		"response.function_call_arguments.delta": saysText,
		"response.custom_tool_call_input.delta":  saysText,
		"response.mcp_call_arguments.delta":      saysText,
		"response.reasoning_text.delta":          saysThought,
		"response.reasoning_summary_text.delta":  saysThought,
		"response.completed":                     completes,
		"response.incomplete":                    completes,
		"response.failed":                        fails,
		"response.cancelled":                     fails,
		"error":                                  fails,
	}}
	generationEvents = &eventSort{inference.ImageGenerations, map[string]sense{"image_generation.completed": completes, "error": fails}}
	editEvents       = &eventSort{inference.ImageEdits, map[string]sense{"image_edit.completed": completes, "error": fails}}
	noEvents         = &eventSort{inference.VideoGenerations, nil}
	speechEvents     = &eventSort{inference.Speech, map[string]sense{"speech.audio.done": completes, "error": fails}}
	transcriptEvents = &eventSort{inference.Transcriptions, map[string]sense{
		"transcript.text.delta": saysText, "transcript.text.done": completes, "error": fails,
	}}
)

// eventMeter follows a stream whose events name their type. Its last event is kept back until the charge is durable.
type eventMeter struct {
	sort      *eventSort
	ask       *wire.Ask
	choices   int64 // how many events complete the answer
	completed int64
	begun     bool
	last      []byte
	usage     inference.Usage
	known     bool
	text      Count
	reasoning Count
	words     *delivered // nil: nobody counts by a vocabulary
	buf       []byte
	names     *wire.Names // nil: things are called as the upstream calls them
	answer    []byte
}

func newEventMeter(s *eventSort, o wire.MeterOptions) *eventMeter {
	m := &eventMeter{sort: s, ask: o.Ask, choices: max(1, o.Choices), names: o.Names}
	if s.kind == inference.Responses {
		m.choices = 1
		if o.NoUsage || o.Family != tokens.Other {
			m.words = newDelivered(o.Family, o.NoUsage)
			m.text.sink, m.reasoning.sink = m.words, m.words
		}
	}
	return m
}

const (
	eType = iota
	eDelta
	eResponse
	eError
	numEventKeys
)

var eventKeys = jsonscan.NewKeys("type", "delta", "response", "error")

// Event looks at one event. Nothing is counted that is not delivered.
func (m *eventMeter) Event(raw, data []byte) (deliver []byte, sign wire.Sign) {
	if len(data) == 0 {
		if !m.begun || !terminated(raw) || !isComment(raw) {
			return nil, wire.Goes
		}
		return raw, wire.Goes
	}
	if bytes.Equal(data, tokenDone) {
		return nil, wire.Goes // some write it behind the event that says so
	}
	var spans [numEventKeys]jsonscan.Field
	if _, _, err := eventKeys.Scan(data, spans[:]); err != nil {
		return nil, wire.Garbled
	}
	name := unquoted(spans[eType].In(data))
	if m.names != nil && isObject(spans[eResponse].In(data)) {
		raw, data = m.rename(name, data, spans[eResponse])
		if _, _, err := eventKeys.Scan(data, spans[:]); err != nil {
			return nil, wire.Garbled
		}
	}
	switch m.sort.of[string(name)] {
	case saysText:
		addText(&m.text, spans[eDelta].In(data))
	case saysThought:
		addText(&m.reasoning, spans[eDelta].In(data))
	case completes:
		return m.complete(m.form(raw, data, name), data, spans[eResponse].In(data))
	case fails:
		return nil, wire.Broken
	case saysNothing:
		if e := spans[eError].In(data); len(name) == 0 && isObject(e) {
			return nil, wire.Broken
		}
	}
	m.begin(&raw)
	return m.form(raw, data, name), wire.Goes
}

func (m *eventMeter) begin(raw *[]byte) {
	if !m.begun {
		*raw = bytes.TrimPrefix(*raw, byteOrderMark)
	}
	m.begun = true
}

// complete takes the usage of an event that completes something, and keeps it back if nothing more is to come.
func (m *eventMeter) complete(event, data, response []byte) ([]byte, wire.Sign) {
	m.completed++
	body := data
	switch m.sort.kind {
	case inference.Responses:
		if !isObject(response) {
			return nil, wire.Garbled
		}
		body = response
		if m.names != nil {
			m.answer = bytes.Clone(response)
		}
		m.usage.Quantities[inference.Search] = countSearches(body)
	case inference.Transcriptions:
		m.transcribed(body)
	case inference.Speech:
	default:
		m.usage.Quantities[inference.Image]++
	}
	if u, ok := Usage(m.sort.kind, body); ok {
		m.known = true
		for r, n := range u.Quantities {
			m.usage.Quantities[r] += n
		}
	}
	if m.completed < m.choices {
		m.begin(&event)
		return event, wire.Goes
	}
	m.last = bytes.Clone(event)
	return nil, wire.Ended
}

// transcribed takes the seconds that the event which completes a transcript may tell.
func (m *eventMeter) transcribed(body []byte) {
	if span, ok := findUsage(body); ok {
		if u, tokens := readTranscriptUsage(m.sort.kind, span); !tokens {
			m.usage = u
		}
	}
}

// unquoted is the inside of a JSON string without escapes.
func unquoted(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// form returns the event's bytes: its own where nothing has to change.
func (m *eventMeter) form(raw, data, name []byte) []byte {
	if terminated(raw) {
		return raw
	}
	m.buf = m.buf[:0]
	if len(name) > 0 {
		m.buf = append(append(append(m.buf, "event: "...), name...), '\n')
	}
	m.buf = AppendFrame(m.buf, oneLine(data))
	return m.buf
}

// rename makes the response of an event one of ours.
func (m *eventMeter) rename(name, data []byte, response jsonscan.Field) (raw, renamed []byte) {
	renamed = append([]byte(nil), data[:response.Start]...)
	renamed = Responses.(wire.Storing).Rename(renamed, response.In(data), m.names) //nolint:forcetypeassert // see response_stored.go
	renamed = append(renamed, data[response.End:]...)
	raw = append(append([]byte("event: "), name...), '\n')
	return AppendFrame(raw, oneLine(renamed)), renamed
}

// Answer returns the whole response of a stream that has ended.
func (m *eventMeter) Answer() []byte { return m.answer }

// Last returns the event that ended the stream.
func (m *eventMeter) Last() []byte { return m.last }

// Result returns the usage that the stream told, or the count of what was delivered.
func (m *eventMeter) Result() wire.Metered {
	switch {
	case m.ask == nil:
	case m.sort.kind == inference.Speech:
		return speechFormat{}.complete(m.ask, m.usage, m.known)
	case m.sort.kind == inference.Transcriptions:
		metered := transcriptFormat{}.heard(m.ask, heard{usage: m.usage, told: m.known})
		if !m.known {
			metered.Usage.Quantities[inference.TextOutput] = m.Tokens()
		}
		return metered
	}
	return wire.Metered{Usage: m.usage, Known: m.known, OutputTokens: m.Tokens()}
}

// Tokens is the count so far: the estimate, or where the text is counted as it comes, what is certain of that.
func (m *eventMeter) Tokens() int64 {
	if m.words != nil && m.words.counter != nil {
		return m.words.counter.Floor()
	}
	return m.text.Tokens() + m.reasoning.Tokens()
}

// Delivered counts what was delivered by the model's vocabulary. It is for the end of a stream.
func (m *eventMeter) Delivered() int64 {
	if m.words == nil {
		return m.text.Tokens() + m.reasoning.Tokens()
	}
	return m.words.total()
}

// Release gives back the memory that counting takes. Delivered may not be called afterwards.
func (m *eventMeter) Release() {
	if m.words != nil {
		m.words.release()
	}
}

// errorEvent writes an error as the last event of a stream of named events: with the members of the event that official
// clients know, and with the envelope, by which they know that it is an error.
func errorEvent(f *fault.Error) []byte {
	b := jsondoc.AppendString([]byte("event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":"), f.Code)
	b = jsondoc.AppendString(append(b, `,"message":`...), f.Message)
	b = appendNullable(append(b, `,"param":`...), f.Path)
	envelope := common{}.ErrorBody(f)
	b = append(append(b, ','), envelope[1:len(envelope)-1]...)
	return append(b, "}\n\n"...)
}

var (
	_ wire.Closer       = (*eventMeter)(nil)
	_ wire.MeterCounter = (*eventMeter)(nil)
	_ wire.AnswerKeeper = (*eventMeter)(nil)
)
