package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// StreamEncoder writes the pieces of a streamed answer: one for each piece of a text, one for each call as a whole. Why it
// ended and what it took come last, together.
func (codec) StreamEncoder(*inference.Prompt) wire.StreamEncoder { return &streamEncoder{} }

type streamEncoder struct {
	id, model  string
	candidates []streamCandidate
	usage      inference.Usage
	told       bool
	w          jsondoc.Writer
}

// streamCandidate is what was told of one candidate.
type streamCandidate struct {
	part  inference.Part // the open block
	args  []byte         // of a call, so far
	stop  inference.Stop
	cited []inference.Citation
}

func (e *streamEncoder) of(i int) *streamCandidate {
	for len(e.candidates) <= i {
		e.candidates = append(e.candidates, streamCandidate{})
	}
	return &e.candidates[i]
}

// Append writes the events that tell d.
func (e *streamEncoder) Append(dst []byte, d *inference.Delta) []byte {
	e.w.B = dst
	switch d.Kind {
	case inference.DeltaBegin:
		e.id, e.model = d.ID, d.Model
	case inference.DeltaOpen:
		e.of(d.Candidate).part = d.Part
	case inference.DeltaFragment:
		e.fragment(d)
	case inference.DeltaSeal:
		e.seal(d)
	case inference.DeltaCite:
		c := e.of(d.Candidate)
		c.cited = append(c.cited, d.Part.Citations...)
	case inference.DeltaClose:
		e.close(d.Candidate)
	case inference.DeltaFinish:
		e.of(d.Candidate).stop = d.Stop
	case inference.DeltaUsage:
		e.usage, e.told = d.Usage, true
	case inference.DeltaEnd:
		e.end()
	case inference.DeltaFailed:
		f := fault.New(500, d.Failure.Code, d.Failure.Message)
		e.w.B = append(e.w.B, openai.AppendFrame(nil, ErrorBody(f))...)
	}
	out := e.w.B
	e.w.B = nil
	return out
}

// fragment writes a piece of a text. A call's arguments are kept: in this protocol they come whole.
func (e *streamEncoder) fragment(d *inference.Delta) {
	c := e.of(d.Candidate)
	switch c.part.Kind {
	case inference.PartText, inference.PartRefusal, inference.PartReasoning:
		e.piece(d.Candidate, &inference.Part{Kind: c.part.Kind, Text: d.Text, Logprobs: d.Part.Logprobs})
	default:
		c.args = append(c.args, d.Text...)
	}
}

// seal writes the seal of a text at once, and keeps that of a call for it.
func (e *streamEncoder) seal(d *inference.Delta) {
	c := e.of(d.Candidate)
	s := &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}
	switch c.part.Kind {
	case inference.PartText, inference.PartRefusal, inference.PartReasoning:
		e.piece(d.Candidate, &inference.Part{Kind: c.part.Kind, Seal: s})
	default:
		c.part.Seal = s
	}
}

func (e *streamEncoder) close(candidate int) {
	c := e.of(candidate)
	switch c.part.Kind {
	case inference.PartText, inference.PartRefusal, inference.PartReasoning:
	default:
		c.part.Text = string(c.args)
		e.piece(candidate, &c.part)
	}
	c.part, c.args = inference.Part{}, nil
}

// piece writes one event with one part.
func (e *streamEncoder) piece(candidate int, p *inference.Part) {
	e.begin()
	e.w.Open('{').Key("content").Open('{').Key("parts").Open('[')
	writePart(&e.w, p)
	e.w.Close(']').Key("role").Str("model").Close('}').Key("index").Int(int64(candidate))
	if len(p.Logprobs) > 0 {
		writeLogprobs(&e.w, []inference.Part{*p})
	}
	e.w.Close('}').Close(']')
	e.finish(false)
}

func (e *streamEncoder) begin() {
	e.w.B = append(e.w.B, "data: "...)
	e.w.Open('{').Key("candidates").Open('[')
}

func (e *streamEncoder) finish(usage bool) {
	if usage && e.told {
		writeUsage(&e.w, &e.usage)
	}
	e.w.Key("modelVersion").Str(e.model).Key("responseId").Str(e.id).Close('}')
	e.w.B = append(e.w.B, "\n\n"...)
}

// end writes the last event: why each candidate ended, and what all of them took.
func (e *streamEncoder) end() {
	if len(e.candidates) == 0 {
		e.of(0).stop = inference.StopEnd
	}
	e.begin()
	for i := range e.candidates {
		c := &e.candidates[i]
		e.w.Open('{').Key("content").Open('{').Key("parts").Raw(`[{"text":""}]`).Key("role").Str("model").Close('}').
			Key("finishReason").Str(reasonOf(c.stop))
		writeSources(&e.w, c.cited)
		e.w.Key("index").Int(int64(i)).Close('}')
	}
	e.w.Close(']')
	e.finish(true)
}
