package wire

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
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
	// ToolRules are what the upstream takes of tools. Who translates makes tools such before EncodeRequest.
	ToolRules() ToolRules
	// EncodeRequest writes a request for an upstream. What cannot be said goes to l, whose error ends the encoding; what
	// must be said and cannot be, whatever the policy, is l.Refuse. p is shared by attempts and is not written to.
	EncodeRequest(p *inference.Prompt, o EncodeOptions, l *Losses) ([]byte, error)
	// DecodeAnswer reads an upstream's whole answer. The error says that it is none.
	DecodeAnswer(body []byte) (*inference.Answer, error)
	// StreamDecoder reads one upstream's stream.
	StreamDecoder() StreamDecoder
}

// SealFinder is a Codec whose callers may send back what providers of other families sealed, as they were given it.
type SealFinder interface {
	// ForeignSeals reports whether a request has such seals: an upstream of this format would refuse it.
	ForeignSeals(body []byte) bool
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
