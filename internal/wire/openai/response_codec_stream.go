package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// responseStream writes a response step by step: the events that tell of it, and the output that the last of them repeats
// whole, because that is what SDKs read. One item is open at a time; a message goes on over several blocks of text.
type responseStream struct {
	codec responsesCodec
	p     *inference.Prompt
	echo  []byte
	out   responsePen
	mute  bool // there is no stream, only the response at the end

	id, model, tier string
	created         int64
	begun, ended    bool
	sequence        int64

	items responsePen // those that are complete, as elements of the output
	index int64       // of the item that is open, or comes next
	item  openItem

	stop     inference.Stop
	usage    inference.Usage
	hasUsage bool
}

// openItem is the item that is being written.
type openItem struct {
	kind itemKind
	id   string
	// of is the id of the part that it began with, as the pivot has it.
	of   string
	call inference.Call

	content responsePen // parts of a message that are complete
	parts   int64
	block   blockKind
	text    []byte // of the block, escaped as within a JSON string
	cites   responsePen
	cited   int64
	// logprobs are the tokens of the block, as elements of a list.
	logprobs responsePen
	seal     *inference.Seal
}

// itemKind and blockKind say what is open.
type (
	itemKind  uint8
	blockKind uint8
)

const (
	noItem itemKind = iota
	messageItem
	reasoningItem
	callItem
	customItem
)

const (
	noBlock blockKind = iota
	textBlock
	refusalBlock
	innerBlock // the one text of an item that is no message
)

// StreamEncoder returns an encoder for one stream.
func (c responsesCodec) StreamEncoder(p *inference.Prompt) wire.StreamEncoder { return c.stream(p) }

func (c responsesCodec) stream(p *inference.Prompt) *responseStream {
	return &responseStream{codec: c, p: p, echo: echo(p)}
}

// Append appends the events that tell d. Other answers than the first have no place in a response.
func (s *responseStream) Append(dst []byte, d *inference.Delta) []byte {
	if d.Candidate > 0 || s.ended {
		return dst
	}
	s.out.B = dst
	if !s.begun {
		s.begin(d)
	}
	switch d.Kind {
	case inference.DeltaBegin:
	case inference.DeltaOpen:
		s.openBlock(&d.Part)
	case inference.DeltaFragment:
		s.fragment(d.Text, d.Part.Logprobs)
	case inference.DeltaSeal:
		s.sealed(d)
	case inference.DeltaCite:
		s.cite(d.Part.Citations)
	case inference.DeltaClose:
		s.closeBlock()
	case inference.DeltaFinish:
		s.finish(d)
	case inference.DeltaUsage:
		s.usage, s.hasUsage = d.Usage, true
	case inference.DeltaEnd:
		s.end()
	case inference.DeltaFailed:
		s.fail(d.Failure)
	}
	dst, s.out.B = s.out.B, nil
	return dst
}

// begin tells that the response is under way. What the first delta does not say is ours.
func (s *responseStream) begin(d *inference.Delta) {
	s.begun = true
	s.id, s.created = s.codec.identity(d.ID, d.Created)
	s.model, s.tier = d.Model, d.ServiceTier
	if s.model == "" {
		s.model = s.p.Model
	}
	if s.tier == "" {
		s.tier = s.p.ServiceTier
	}
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		s.lifecycle(name, "in_progress", nil)
	}
}

func (s *responseStream) finish(d *inference.Delta) {
	s.stop = d.Stop
	if d.ServiceTier != "" {
		s.tier = d.ServiceTier
	}
}

func (s *responseStream) end() {
	status := replyStatusOf(s.stop)
	s.closeBlock()
	s.closeItem(status)
	s.lifecycle("response."+status, status, nil)
	s.ended = true
}

// fail ends the response with an error. What was begun stays as far as it came.
func (s *responseStream) fail(f *inference.Failure) {
	if f == nil {
		f = &inference.Failure{Category: inference.ServerError}
	}
	s.closeBlockAs("incomplete")
	s.closeItem("incomplete")
	s.lifecycle("response.failed", "failed", f)
	s.ended = true
}

// sealed keeps the proof of what is open.
func (s *responseStream) sealed(d *inference.Delta) {
	s.item.seal = &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}
}
