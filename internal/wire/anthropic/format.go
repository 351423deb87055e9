// Package anthropic reads and writes the Messages format: what routing and pricing must know of a request, byte-exact
// changes of it, usage, stream metering, errors and lists. Source: the provider sheet "anthropic".
package anthropic

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Messages is the format of the operation, as the relay uses it. CountTokens reads the requests of the operation beside it,
// which counts the input of such a request; nothing else of it is used.
var (
	Messages    wire.Format = messagesFormat{}
	CountTokens wire.Format = messagesFormat{counts: true}
)

// messagesFormat reads requests for messages, or for the count of their input, which need no output limit.
type messagesFormat struct{ counts bool }

// Kind returns inference.Messages.
func (messagesFormat) Kind() inference.Kind { return inference.Messages }

// Dialect returns inference.Anthropic.
func (messagesFormat) Dialect() inference.Dialect { return inference.Anthropic }

// Peek reads a request.
func (m messagesFormat) Peek(body []byte) (wire.Ask, error) {
	f, err := Peek(body, m.counts)
	if err != nil {
		return wire.Ask{Model: f.Model}, err
	}
	return wire.Ask{
		Model: f.Model, Stream: f.Stream, WantsUsage: true, MaxOutput: f.MaxTokens, Choices: 1, InputBound: f.boundInput(),
		Searches: f.Searches, StickyKey: f.UserID, Simulation: f.SimulationMode, ServiceClass: f.ServiceTier,
		FormatFacts: &f, Needs: f.needs(),
	}, nil
}

// factsOf are what Peek stored.
func factsOf(a *wire.Ask) *Facts {
	return a.FormatFacts.(*Facts) //nolint:forcetypeassert // nothing else is stored
}

// Edit makes the change; runMode is Gantry's own and never goes out. These streams tell their usage unasked.
func (messagesFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	f := factsOf(a)
	var list []jsonscan.Edit
	if c.Model != "" && c.Model != f.Model {
		list = append(list, jsonscan.Edit{Field: f.spans[keyModel], Text: jsondoc.AppendString(nil, c.Model)})
	}
	if span := f.spans[keyMaxTokens]; c.MaxOutput > 0 && c.MaxOutput != f.MaxTokens {
		limit := strconv.AppendInt(nil, c.MaxOutput, 10)
		if span.Found() {
			list = append(list, jsonscan.Edit{Field: span, Text: limit})
		} else {
			list = append(list, jsonscan.Edit{At: f.insertAt, Text: append(append([]byte(`"max_tokens":`), limit...), ',')})
		}
	}
	if f.spans[keyRunMode].Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, f.spans[keyRunMode])})
	}
	if len(list) == 0 && dst == nil {
		return body
	}
	return jsonscan.Apply(dst, body, list...)
}

// Meter returns a meter for a stream of events.
func (messagesFormat) Meter(wire.MeterOptions) wire.Meter { return &meter{} }

// End returns the event that ends a message.
func (messagesFormat) End() []byte { return []byte(stopFrame) }

// Passes returns the headers in which a request says which version of the format it is written in, and what it uses of what
// is not generally available.
func (messagesFormat) Passes() []string { return passed }

var passed = []string{"Anthropic-Version", "Anthropic-Beta"}

// ErrorBody writes the error envelope. The request id is a header in this protocol.
func (messagesFormat) ErrorBody(f *fault.Error) []byte { return ErrorBody(f) }

// ErrorFrame writes the error as a stream's last event.
func (messagesFormat) ErrorFrame(f *fault.Error) []byte { return ErrorFrame(f) }

// Status returns the status with which the protocol answers the fault.
func (messagesFormat) Status(f *fault.Error) int { return Status(f) }

var (
	_ wire.Counting     = messagesFormat{}
	_ wire.Texter       = messagesFormat{}
	_ wire.HeaderPasser = messagesFormat{}
	_ wire.StatusTeller = messagesFormat{}
)
