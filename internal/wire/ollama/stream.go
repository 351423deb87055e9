package ollama

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// StreamDecoder reads one stream.
func (codec) StreamDecoder() wire.StreamDecoder { return &decoder{} }

type decoder struct {
	begun, ended bool
	blocks       int // opened so far
	open         bool
	kind         inference.PartKind // of the block that is open
	called       bool
}

// Decode reads one line.
func (d *decoder) Decode(dst []inference.Delta, _, data []byte) ([]inference.Delta, error) {
	r, err := read(data)
	switch {
	case err != nil || d.ended:
		return dst, err
	case r.failure != "":
		d.ended = true
		return append(dst, inference.Delta{Kind: inference.DeltaFailed, Failure: &inference.Failure{
			Category: inference.ServerError, Message: r.failure,
		}}), nil
	case !r.answered && !r.done:
		return dst, errNoAnswer
	}
	if !d.begun {
		d.begun = true
		dst = append(dst, inference.Delta{Kind: inference.DeltaBegin, Model: r.model, Created: r.at()})
	}
	dst = d.say(dst, inference.PartReasoning, r.thinking)
	dst = d.say(dst, inference.PartText, r.content)
	for _, call := range r.calls {
		dst = d.call(dst, call)
	}
	if r.done {
		dst = d.finish(dst, &r)
	}
	return dst, nil
}

// say goes on with a text, in a block of its kind.
func (d *decoder) say(dst []inference.Delta, kind inference.PartKind, text string) []inference.Delta {
	if text == "" {
		return dst
	}
	if !d.open || d.kind != kind {
		dst = d.begin(d.close(dst), inference.Part{Kind: kind})
	}
	return append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: d.blocks - 1, Text: text})
}

func (d *decoder) begin(dst []inference.Delta, head inference.Part) []inference.Delta {
	d.open, d.kind = true, head.Kind
	d.blocks++
	return append(dst, inference.Delta{Kind: inference.DeltaOpen, Block: d.blocks - 1, Part: head})
}

func (d *decoder) close(dst []inference.Delta) []inference.Delta {
	if !d.open {
		return dst
	}
	d.open = false
	return append(dst, inference.Delta{Kind: inference.DeltaClose, Block: d.blocks - 1})
}

// call is whole when it comes.
func (d *decoder) call(dst []inference.Delta, call inference.Part) []inference.Delta {
	d.called = true
	arguments := call.Text
	call.Text = ""
	dst = d.begin(d.close(dst), call)
	if arguments != "" {
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: d.blocks - 1, Text: arguments})
	}
	return d.close(dst)
}

func (d *decoder) finish(dst []inference.Delta, r *reply) []inference.Delta {
	d.ended = true
	dst = append(d.close(dst), inference.Delta{Kind: inference.DeltaFinish, Stop: r.stop(d.called)})
	if u, told := r.usage(); told {
		dst = append(dst, inference.Delta{Kind: inference.DeltaUsage, Usage: u})
	}
	return append(dst, inference.Delta{Kind: inference.DeltaEnd})
}

// Finish says whether the stream was complete.
func (d *decoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	if !d.ended {
		return dst, wire.ErrCut
	}
	return dst, nil
}
