package wire

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Codec translates one chat format from and to the pivot (inference.Prompt, Answer, Delta). It is safe for concurrent use.
// Decoding an encoding gives back what the format can say; what it cannot say was told to Losses.
type Codec interface {
	UpstreamCodec

	// DecodeRequest reads a caller's request. It keeps what it does not know in Rest and PartOther. The error is a
	// *fault.Error with the path of the field. The prompt may share memory with body.
	DecodeRequest(body []byte) (*inference.Prompt, error)
	// EncodeAnswer writes a whole answer for a caller who asked p.
	EncodeAnswer(a *inference.Answer, p *inference.Prompt) ([]byte, error)
	// StreamEncoder writes one stream for a caller who asked p.
	StreamEncoder(p *inference.Prompt) StreamEncoder
}

// UpstreamCodec is the half of a codec that speaks to upstreams. It is all there is to formats that callers do not speak.
type UpstreamCodec interface {
	Kind() inference.Kind
	Dialect() inference.Dialect
	// EncodeRequest writes a request for an upstream. What cannot be said goes to l, whose error ends the encoding; what
	// must be said and cannot be, whatever the policy, is l.Refuse. p is shared by attempts and is not written to.
	EncodeRequest(p *inference.Prompt, o EncodeOptions, l *Losses) ([]byte, error)
	// DecodeAnswer reads an upstream's whole answer. The error says that it is none.
	DecodeAnswer(body []byte) (*inference.Answer, error)
	// StreamDecoder reads one upstream's stream.
	StreamDecoder() StreamDecoder
}

// EncodeOptions are what an upstream wants of a request within its format.
type EncodeOptions struct {
	// MaxOutputParam is the member that limits output tokens; "" means the format's usual one.
	MaxOutputParam string
	// AskUsage says that the upstream tells the usage of a stream when asked.
	AskUsage bool
	// ReturnReasoning says that the upstream wants to see the reasoning of earlier turns again; others get none.
	ReturnReasoning bool
	// FixedSampling says that the upstream refuses requests that say how tokens are chosen.
	FixedSampling bool
	// ModelOutput is how many tokens the model can put out; 0: not known. For formats that demand a limit.
	ModelOutput int64
}

// StreamDecoder reads one stream. It is not safe for concurrent use.
type StreamDecoder interface {
	// Decode appends to dst what an event says. name is the event's, where the format names events; data may be used only
	// until the call returns, so texts in dst are copies. The error says that this is no event of the format.
	Decode(dst []inference.Delta, name, data []byte) ([]inference.Delta, error)
	// Finish appends what is left when the upstream has closed the stream. The error, ErrCut, says that it was not complete.
	Finish(dst []inference.Delta) ([]inference.Delta, error)
}

// StreamEncoder writes one stream. It is not safe for concurrent use. The deltas come from a Serial: one block of a
// candidate is open at a time.
type StreamEncoder interface {
	// Append appends the events that tell d, framed as server-sent events, and the stream's terminator for DeltaEnd.
	Append(dst []byte, d *inference.Delta) []byte
}

// ErrCut says that a stream ended before it was complete.
var ErrCut = errors.New("wire: the stream was cut")

// LossPolicy is what becomes of what a format cannot say.
type LossPolicy uint8

// The policies. By default parameters are dropped, with an entry in the request's log, and content is refused.
const (
	DropParameters LossPolicy = iota
	RefuseLosses
	DropLosses
)

// Losses hears what an encoder cannot say. The zero value drops parameters and refuses content.
type Losses struct {
	Policy LossPolicy
	// Dropped lists what was left out or changed.
	Dropped []Loss
}

// Loss is something of a request that did not go out as it came.
type Loss struct {
	Path string
	// Before and After are shortened texts of the values; After is "" for what was dropped.
	Before, After string
	Reason        string
}

// ErrUntranslatable refuses what the upstream's protocol has no words for.
var ErrUntranslatable = fault.New(400, "unsupported_parameter", "The model does not support this parameter.")

// Parameter drops a member that only tunes the answer. Error: ErrUntranslatable at path, where the policy refuses all losses.
func (l *Losses) Parameter(path, value, reason string) error {
	if l.Policy == RefuseLosses {
		return l.Refuse(path, reason)
	}
	l.add(path, value, "", reason)
	return nil
}

// Content drops a piece of the conversation, or a tool. Error: ErrUntranslatable at path, unless the policy drops all losses.
func (l *Losses) Content(path, value, reason string) error {
	if l.Policy != DropLosses {
		return l.Refuse(path, reason)
	}
	l.add(path, value, "", reason)
	return nil
}

// Changed notes that a value went out otherwise than it came, but means the same or as near as the upstream gets.
func (l *Losses) Changed(path, before, after, reason string) { l.add(path, before, after, reason) }

// Refuse returns the error for what no policy lets go.
func (l *Losses) Refuse(path, reason string) error { return ErrUntranslatable.Saying(reason).At(path) }

// maxShown is how much of a value the log of a request shows.
const maxShown = 200

func (l *Losses) add(path, before, after, reason string) {
	l.Dropped = append(l.Dropped, Loss{path, shown(before), shown(after), reason})
}

func shown(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return s[:cut] + "…"
}
