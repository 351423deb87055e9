package anthropic

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamEncoder writes the events of a message.
func (codec) StreamEncoder(*inference.Prompt) wire.StreamEncoder { return &streamEncoder{} }

// streamEncoder writes the first answer. Blocks begin with the first of what is in them: an empty one is none, and whether
// reasoning can be read or is only a seal is not known before.
type streamEncoder struct {
	w        jsondoc.Writer
	part     inference.Part // of the open block
	pending  bool           // the block is open and its beginning was not written
	written  bool           // its beginning was
	seal     *inference.Seal
	index    int
	stop     inference.Stop
	sequence string
	usage    inference.Usage
}

// Append writes the events that tell d.
func (e *streamEncoder) Append(dst []byte, d *inference.Delta) []byte {
	if d.Candidate != 0 {
		return dst
	}
	e.w.B = dst
	switch d.Kind {
	case inference.DeltaBegin:
		e.begin(d)
	case inference.DeltaOpen:
		e.open(d)
	case inference.DeltaFragment:
		e.fragment(d.Text)
	case inference.DeltaSeal:
		e.seals(&inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole})
	case inference.DeltaCite:
		e.cite(d.Part.Citations)
	case inference.DeltaClose:
		e.close()
	case inference.DeltaFinish:
		e.stop, e.sequence = d.Stop, d.Sequence
	case inference.DeltaUsage:
		e.usage = d.Usage
	case inference.DeltaEnd:
		e.end()
	case inference.DeltaFailed:
		f := fault.New(502, "upstream_error", d.Failure.Message)
		if d.Failure.Category == inference.Overloaded {
			f.Status = 503
		}
		e.w.B = append(e.w.B, ErrorFrame(f)...)
	}
	out := e.w.B
	e.w.B = nil
	return out
}

// event begins an event's data, whose members follow; finish ends it.
func (e *streamEncoder) event(name string) *jsondoc.Writer {
	e.w.B = append(append(append(e.w.B, "event: "...), name...), "\ndata: "...)
	return e.w.Open('{').Key("type").Str(name)
}

func (e *streamEncoder) finish() {
	e.w.Close('}')
	e.w.B = append(e.w.B, "\n\n"...)
}

func (e *streamEncoder) begin(d *inference.Delta) {
	w := e.event("message_start").Key("message").Open('{').Key("id").Str(messageID(d.ID)).Key("type").Str("message").
		Key("role").Str("assistant").Key("model").Str(d.Model).Key("content").Raw("[]").Key("stop_reason").Null().
		Key("stop_sequence").Null().Key("usage")
	writeUsage(w, &e.usage)
	w.Close('}')
	e.finish()
}

func (e *streamEncoder) open(d *inference.Delta) {
	e.part, e.seal, e.pending, e.written = d.Part, d.Part.Seal, true, false
	switch d.Part.Kind {
	case inference.PartCall:
		e.start(func(w *jsondoc.Writer) {
			w.Key("type").Str("tool_use").Key("id").Str(d.Part.Call.ID).Key("name").Str(d.Part.Call.Name).Key("input").Raw("{}")
		})
	case inference.PartImage:
		e.fragment(pictureText(&d.Part))
	case inference.PartOther:
		if isOurs(d.Part.Other) {
			e.startWith(func(w *jsondoc.Writer) { w.Bytes(d.Part.Other.Value) })
		}
	default:
	}
}

// start writes the beginning of a block, whose members are given.
func (e *streamEncoder) start(members func(*jsondoc.Writer)) {
	e.startWith(func(w *jsondoc.Writer) {
		w.Open('{')
		members(w)
		w.Close('}')
	})
}

func (e *streamEncoder) startWith(block func(*jsondoc.Writer)) {
	e.pending, e.written = false, true
	block(e.event("content_block_start").Key("index").Int(int64(e.index)).Key("content_block"))
	e.finish()
}

// delta writes a piece of the open block.
func (e *streamEncoder) delta(kind, member, text string) {
	e.event("content_block_delta").Key("index").Int(int64(e.index)).Key("delta").Open('{').Key("type").Str(kind).
		Key(member).Str(text).Close('}')
	e.finish()
}

func (e *streamEncoder) fragment(text string) {
	if text == "" {
		return
	}
	switch e.part.Kind {
	case inference.PartReasoning:
		e.thinking()
		e.delta("thinking_delta", "thinking", text)
	case inference.PartCall:
		e.delta("input_json_delta", "partial_json", text)
	case inference.PartText, inference.PartRefusal, inference.PartImage, inference.PartAudio:
		e.texts()
		e.delta("text_delta", "text", text)
	default:
	}
}

func (e *streamEncoder) texts() {
	if e.pending {
		e.start(func(w *jsondoc.Writer) { w.Key("type").Str("text").Key("text").Str("") })
	}
}

func (e *streamEncoder) thinking() {
	if e.pending {
		e.start(func(w *jsondoc.Writer) {
			w.Key("type").Str("thinking").Key("thinking").Str("").Key("signature").Str("")
		})
	}
}

// seals takes the seal of the open block. Where the reasoning itself is in it, and nothing of it was told, the block is that.
func (e *streamEncoder) seals(s *inference.Seal) {
	switch {
	case e.part.Kind == inference.PartCall:
		e.seal = s
	case e.part.Kind != inference.PartReasoning:
	case s.Whole && e.pending:
		e.redacted(sealText(s))
	default:
		e.thinking()
		e.delta("signature_delta", "signature", sealText(s))
	}
}

func (e *streamEncoder) redacted(data string) {
	e.start(func(w *jsondoc.Writer) { w.Key("type").Str("redacted_thinking").Key("data").Str(data) })
}

func (e *streamEncoder) cite(cited []inference.Citation) {
	if e.part.Kind != inference.PartText {
		return
	}
	e.texts()
	for i := range cited {
		w := e.event("content_block_delta").Key("index").Int(int64(e.index)).Key("delta").Open('{').Key("type").Str("citations_delta").Key("citation")
		writeCitation(w, &cited[i])
		w.Close('}')
		e.finish()
	}
}

// close ends the open block, if it began. The seal of a call has a block of its own behind it.
func (e *streamEncoder) close() {
	e.stopBlock()
	if e.part.Kind == inference.PartCall && e.seal != nil {
		e.redacted(callSealText(e.seal))
		e.stopBlock()
	}
	e.seal, e.pending = nil, false
}

func (e *streamEncoder) stopBlock() {
	if !e.written {
		return
	}
	e.event("content_block_stop").Key("index").Int(int64(e.index))
	e.finish()
	e.index++
	e.written = false
}

// end writes why the message stops and what it took, which is told after that, and then its end.
func (e *streamEncoder) end() {
	w := e.event("message_delta").Key("delta").Open('{').Key("stop_reason").Str(reasonOf(e.stop)).Key("stop_sequence")
	writeSequence(w, e.stop, e.sequence)
	w.Close('}').Key("usage")
	writeUsage(w, &e.usage)
	e.finish()
	e.w.B = append(e.w.B, stopFrame...)
}
