package openai

import (
	"crypto/rand"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Realtime is the format of sessions in which both sides send events when they like. A session is no request with an answer:
// its events are read by PeekRealtimeAsk and PeekRealtimeNews. As a format it says what goes wrong before there is a session,
// and what a session may be asked for. Source: the provider sheet "openai", section 7.
var Realtime wire.Format = realtimeFormat{}

type realtimeFormat struct{ common }

// Kind returns inference.Realtime.
func (realtimeFormat) Kind() inference.Kind { return inference.Realtime }

var modelKey = jsonscan.NewKeys("model")

// Peek reads the model of a session's description.
func (realtimeFormat) Peek(body []byte) (wire.Ask, error) {
	var out [1]jsonscan.Field
	if _, _, err := modelKey.Scan(body, out[:]); err != nil {
		return wire.Ask{}, requestFault(scanError(err))
	}
	model, err := text(body, out[0], "model", MaxModelBytes)
	if err == nil && model == "" {
		err = missing("model", "A session needs a model.")
	}
	if err != nil {
		return wire.Ask{}, requestFault(err)
	}
	return wire.Ask{Model: model, Stream: true, Choices: 1}, nil
}

// InputTokens estimates the description.
func (realtimeFormat) InputTokens(body []byte, _ *wire.Ask) int64 { return EstimateTokens(body) }

// Edit leaves the description as it is.
func (realtimeFormat) Edit(dst, body []byte, _ *wire.Ask, _ wire.Change) []byte {
	return append(dst, body...)
}

// Answer takes no answers: a session has none.
func (realtimeFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

// Meter returns a meter that counts nothing: what a session takes is told by its events.
func (realtimeFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

// ErrorFrame writes the error as an event of a session.
func (realtimeFormat) ErrorFrame(f *fault.Error) []byte { return RealtimeError(f, "") }

// End returns nothing: sessions end with their connection.
func (realtimeFormat) End() []byte { return nil }

// Passes are the headers that choose the protocol's version.
func (realtimeFormat) Passes() []string { return []string{"Openai-Beta"} }

// RealtimeError is an error as an event. about is the id of the client's event that is at fault; "": none is.
func RealtimeError(f *fault.Error, about string) []byte {
	b := jsondoc.AppendString([]byte(`{"type":"error","event_id":`), "event_"+rand.Text())
	b = jsondoc.AppendString(append(b, `,"error":{"type":`...), errorType(f))
	b = jsondoc.AppendString(append(b, `,"code":`...), f.Code)
	b = jsondoc.AppendString(append(b, `,"message":`...), f.Message)
	b = appendNullable(append(b, `,"param":`...), f.Path)
	b = appendNullable(append(b, `,"event_id":`...), about)
	return append(b, "}}"...)
}

// RealtimeErrorText is the type and the message of an error as events tell it; "" where there is none.
func RealtimeErrorText(object []byte) (typ, message string) {
	_, typ, _, message = ParseError(object)
	return typ, message
}

// RealtimeUpdate is the event that sets a session up as an object says.
func RealtimeUpdate(session []byte) []byte {
	b := append([]byte(`{"type":"session.update","session":`), session...)
	return append(b, '}')
}

// RealtimeRetype returns a server's event under another type; e must have been read from it.
func RealtimeRetype(event []byte, e *RealtimeNews, name string) []byte {
	return jsonscan.Apply(nil, event, jsonscan.Edit{Field: e.typ, Text: jsondoc.AppendString(nil, name)})
}

var (
	_ wire.Format       = realtimeFormat{}
	_ wire.HeaderPasser = realtimeFormat{}
)
