package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamEncoder writes chat completion chunks.
func (chatCodec) StreamEncoder(p *inference.Prompt) wire.StreamEncoder {
	return &chatStreamEncoder{usageWanted: p != nil && p.StreamUsage}
}

type chatStreamEncoder struct {
	usageWanted bool
	head        []byte // what all chunks begin with
	candidates  []chatStreamCandidate
	usage       inference.Usage
	hasUsage    bool
	tier        string
	logprobs    []inference.Logprob // of the piece that is told
	w           jsondoc.Writer
}

// chatStreamCandidate is what was told of one answer.
type chatStreamCandidate struct {
	begun   bool
	kind    inference.PartKind // of the open block
	call    inference.Part     // of an open call
	calls   int                // so far; the index of the open one is one less
	thought []byte             // the text of the open block of reasoning, for its seal
	sealed  int
}

func (e *chatStreamEncoder) of(i int) *chatStreamCandidate {
	for len(e.candidates) <= i {
		e.candidates = append(e.candidates, chatStreamCandidate{})
	}
	return &e.candidates[i]
}

// Append writes the chunk that tells d.
func (e *chatStreamEncoder) Append(dst []byte, d *inference.Delta) []byte {
	e.w.B = dst
	switch d.Kind {
	case inference.DeltaBegin:
		e.begin(d)
	case inference.DeltaOpen:
		e.open(d)
	case inference.DeltaFragment:
		e.fragment(d)
	case inference.DeltaSeal:
		e.seal(d)
	case inference.DeltaCite:
		e.chunk(d.Candidate, func(w *jsondoc.Writer) { w.Key("annotations"); writeAnnotations(w, d.Part.Citations) }, "")
	case inference.DeltaClose:
		e.of(d.Candidate).thought = nil
	case inference.DeltaFinish:
		e.chunk(d.Candidate, func(*jsondoc.Writer) {}, finishOf(d.Stop))
	case inference.DeltaUsage:
		e.usage, e.hasUsage = d.Usage, true
	case inference.DeltaEnd:
		e.end()
	case inference.DeltaFailed:
		e.w.B = append(e.w.B, ErrorFrame(500, "server_error", d.Failure.Code, "", d.Failure.Message)...)
	}
	out := e.w.B
	e.w.B = nil
	return out
}

func (e *chatStreamEncoder) begin(d *inference.Delta) {
	e.tier = d.ServiceTier
	w := jsondoc.Writer{B: []byte("data: ")}
	w.Open('{').Key("id").Str(chatID(d.ID)).Key("object").Str("chat.completion.chunk").Key("created").Int(d.Created).
		Key("model").Str(d.Model)
	if d.ServiceTier != "" {
		w.Key("service_tier").Str(d.ServiceTier)
	}
	w.Key("choices").Open('[')
	e.head = w.B
}

// chunk writes one chunk of a candidate, whose first one tells the role.
func (e *chatStreamEncoder) chunk(candidate int, delta func(*jsondoc.Writer), finish string) {
	c := e.of(candidate)
	e.w.B = append(e.w.B, e.head...)
	e.w.Open('{').Key("index").Int(int64(candidate)).Key("delta").Open('{')
	if !c.begun {
		c.begun = true
		e.w.Key("role").Str("assistant")
	}
	delta(&e.w)
	e.w.Close('}')
	if len(e.logprobs) > 0 {
		e.w.Key("logprobs")
		writeChoiceLogprobs(&e.w, []inference.Part{{Kind: c.kind, Logprobs: e.logprobs}})
	}
	e.w.Key("finish_reason")
	if finish == "" {
		e.w.Null()
	} else {
		e.w.Str(finish)
	}
	e.w.Close('}').Close(']')
	e.w.B = append(e.w.B, "}\n\n"...)
}

func (e *chatStreamEncoder) open(d *inference.Delta) {
	c := e.of(d.Candidate)
	c.kind, c.thought = d.Part.Kind, nil
	switch d.Part.Kind {
	case inference.PartCall:
		c.call = d.Part
		c.calls++
		e.chunk(d.Candidate, func(w *jsondoc.Writer) {
			w.Key("tool_calls").Open('[')
			writeCall(w, &d.Part, c.calls-1, "")
			w.Close(']')
		}, "")
	case inference.PartText:
		if !c.begun {
			e.chunk(d.Candidate, func(w *jsondoc.Writer) { w.Key("content").Str("") }, "")
		}
	case inference.PartImage:
		e.chunk(d.Candidate, func(w *jsondoc.Writer) { writeImages(w, []inference.Part{d.Part}) }, "")
	default:
	}
}

func (e *chatStreamEncoder) fragment(d *inference.Delta) {
	c := e.of(d.Candidate)
	switch c.kind {
	case inference.PartText:
		e.member(d, "content")
	case inference.PartRefusal:
		e.member(d, "refusal")
	case inference.PartReasoning:
		c.thought = append(c.thought, d.Text...)
		e.member(d, "reasoning_content")
	case inference.PartCall:
		kind, member := "function", "arguments"
		if c.call.Call != nil && c.call.Call.Custom {
			kind, member = "custom", "input"
		}
		e.chunk(d.Candidate, func(w *jsondoc.Writer) {
			w.Key("tool_calls").Open('[').Open('{').Key("index").Int(int64(c.calls - 1)).Key(kind).Open('{').
				Key(member).Str(d.Text).Close('}').Close('}').Close(']')
		}, "")
	default:
	}
}

func (e *chatStreamEncoder) member(d *inference.Delta, name string) {
	e.logprobs = d.Part.Logprobs
	e.chunk(d.Candidate, func(w *jsondoc.Writer) { w.Key(name).Str(d.Text) }, "")
	e.logprobs = nil
}

// seal tells the seal of the open block.
func (e *chatStreamEncoder) seal(d *inference.Delta) {
	c := e.of(d.Candidate)
	p := inference.Part{Text: string(c.thought), Seal: &inference.Seal{Dialect: d.Dialect, Data: d.Text, Whole: d.Whole}}
	switch {
	case c.kind == inference.PartReasoning:
		c.sealed++
		e.chunk(d.Candidate, func(w *jsondoc.Writer) {
			w.Key("reasoning_details").Open('[')
			writeDetail(w, &p, c.sealed-1)
			w.Close(']')
		}, "")
	case c.kind == inference.PartCall && d.Dialect == inference.Gemini:
		e.chunk(d.Candidate, func(w *jsondoc.Writer) {
			w.Key("tool_calls").Open('[').Open('{').Key("index").Int(int64(c.calls - 1))
			writeCallSeal(w, d.Text)
			w.Close('}').Close(']')
		}, "")
	}
}

func (e *chatStreamEncoder) end() {
	if e.usageWanted && e.hasUsage {
		e.w.B = append(e.w.B, e.head...)
		e.w.Close(']').Key("usage")
		writeChatUsage(&e.w, &e.usage)
		e.w.B = append(e.w.B, "}\n\n"...)
	}
	e.w.B = append(e.w.B, DoneFrame...)
}
