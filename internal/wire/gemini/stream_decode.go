package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamDecoder reads the pieces of a streamed answer.
func (codec) StreamDecoder() wire.StreamDecoder { return &streamDecoder{} }

type streamDecoder struct {
	begun, ended bool
	blocked      bool
	searches     int64
	candidates   []streamState
}

// streamState is how far one candidate is.
type streamState struct {
	blocks  int // opened so far; the open one is the last
	open    bool
	kind    inference.PartKind
	sealed  bool // the open block has its seal
	called  bool
	stopped bool
}

// Decode reads one piece.
func (d *streamDecoder) Decode(dst []inference.Delta, _, data []byte) ([]inference.Delta, error) {
	if string(data) == "[DONE]" {
		return dst, nil
	}
	r, ok := readResponse(data)
	if !ok {
		return dst, errNoAnswer
	}
	if isObject(r.in(aError)) {
		f := ParseError(data)
		return append(dst, failed(f.Status, f.Message)), nil
	}
	doc, err := jsondoc.Parse(data)
	if err != nil {
		return dst, err
	}
	begin := inference.Delta{Kind: inference.DeltaBegin}
	var list jsondoc.Value
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "responseId":
			return v.Text(&begin.ID)
		case "modelVersion":
			return v.Text(&begin.Model)
		case "candidates":
			list = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	if !d.begun {
		d.begun = true
		dst = append(dst, begin)
	}
	err = list.Elements(func(v jsondoc.Value) error {
		dst, err = d.candidate(dst, v)
		return err
	})
	if err == nil && r.isBlocked() {
		d.blocked = true
		dst = append(dst, inference.Delta{Kind: inference.DeltaFinish, Stop: inference.StopRefusal})
	}
	return d.usage(dst, &r), err
}

func failed(code, message string) inference.Delta {
	category, known := categories[code]
	if !known {
		category = inference.ServerError
	}
	return inference.Delta{Kind: inference.DeltaFailed, Failure: &inference.Failure{Category: category, Code: code, Message: message}}
}

var categories = map[string]inference.Category{
	"UNAVAILABLE": inference.Overloaded, "RESOURCE_EXHAUSTED": inference.RateLimited, "DEADLINE_EXCEEDED": inference.Timeout,
	"INVALID_ARGUMENT": inference.InvalidRequest,
}

func (d *streamDecoder) usage(dst []inference.Delta, r *response) []inference.Delta {
	var t tally
	t.count(r.in(aCandidates))
	d.searches = max(d.searches, t.searches)
	u, told := Usage(r.in(aUsage))
	if !told {
		return dst
	}
	u.Quantities[inference.Search] = d.searches
	return append(dst, inference.Delta{Kind: inference.DeltaUsage, Usage: u})
}

func (d *streamDecoder) candidate(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	c, err := readPieces(v)
	if err != nil || c.index < 0 || c.index >= MaxCandidates {
		return dst, errNoAnswer
	}
	for int64(len(d.candidates)) <= c.index {
		d.candidates = append(d.candidates, streamState{})
	}
	s := &d.candidates[c.index]
	if s.stopped {
		return dst, nil
	}
	for i := range c.Parts {
		dst = s.part(dst, int(c.index), &c.Parts[i])
	}
	if len(c.sources) > 0 && s.open && s.kind == inference.PartText {
		dst = append(dst, inference.Delta{
			Kind: inference.DeltaCite, Candidate: int(c.index), Block: s.blocks - 1, Part: inference.Part{Citations: unplaced(c.sources)},
		})
	}
	if isMalformed(c.reason) {
		s.stopped = true
		return append(dst, failed(c.reason, errMalformed.Error())), nil
	}
	if stop := stopOf(c.reason, s.called); stop != inference.StopUnsaid {
		dst = s.close(dst, int(c.index))
		s.stopped = true
		dst = append(dst, inference.Delta{Kind: inference.DeltaFinish, Candidate: int(c.index), Stop: stop})
	}
	return dst, nil
}

// unplaced are sources for the whole of a text: their places are known only when it is complete.
func unplaced(sources []inference.Citation) []inference.Citation {
	out := make([]inference.Citation, len(sources))
	for i, c := range sources {
		c.Start, c.End = 0, 0
		out[i] = c
	}
	return out
}

// readPieces reads a candidate part by part: unlike in a whole answer none are put together.
func readPieces(v jsondoc.Value) (candidate, error) {
	var c candidate
	var logprobs []inference.Logprob
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		if !v.Given() {
			return nil
		}
		switch camel(key) {
		case "index":
			return v.Whole(&c.index)
		case "finishReason":
			return v.Text(&c.reason)
		case "content":
			return v.Members(func(key string, v jsondoc.Value) error {
				if key != "parts" {
					return nil
				}
				return v.Elements(func(v jsondoc.Value) error {
					r, err := readPart(v)
					c.Parts = append(c.Parts, r.Part)
					return err
				})
			})
		case "groundingMetadata":
			c.sources, err = readSources(v)
		case "logprobsResult":
			logprobs, err = readLogprobs(v)
		}
		return err
	})
	likely(c.Parts, logprobs)
	return c, err
}

func (s *streamState) part(dst []inference.Delta, index int, p *inference.Part) []inference.Delta {
	p.Path = ""
	if p.Kind == inference.PartText || p.Kind == inference.PartReasoning {
		return s.say(dst, index, p)
	}
	text := p.Text
	p.Text = ""
	if p.Kind == inference.PartCall {
		s.called = true
		if p.Call.ID == "" {
			p.Call.ID = newCallID()
		}
	}
	seal := p.Seal
	p.Seal = nil
	dst = s.begin(s.close(dst, index), index, p)
	if text != "" {
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Candidate: index, Block: s.blocks - 1, Text: text})
	}
	return s.close(s.seal(dst, index, seal), index)
}

// say adds a text to the open block if it is one of its kind, else to a new one. A signature without text is the open one's.
func (s *streamState) say(dst []inference.Delta, index int, p *inference.Part) []inference.Delta {
	if p.Text == "" && (p.Seal == nil || p.Kind == inference.PartText) {
		if s.open && s.kind == inference.PartText {
			return s.seal(dst, index, p.Seal)
		}
		return dst
	}
	if !s.open || s.kind != p.Kind || s.sealed && p.Text != "" {
		dst = s.begin(s.close(dst, index), index, &inference.Part{Kind: p.Kind})
	}
	if p.Text != "" {
		dst = append(dst, inference.Delta{
			Kind: inference.DeltaFragment, Candidate: index, Block: s.blocks - 1, Text: p.Text, Part: inference.Part{Logprobs: p.Logprobs},
		})
	}
	return s.seal(dst, index, p.Seal)
}

func (s *streamState) begin(dst []inference.Delta, index int, p *inference.Part) []inference.Delta {
	s.open, s.kind, s.sealed = true, p.Kind, false
	s.blocks++
	return append(dst, inference.Delta{Kind: inference.DeltaOpen, Candidate: index, Block: s.blocks - 1, Part: *p})
}

func (s *streamState) seal(dst []inference.Delta, index int, seal *inference.Seal) []inference.Delta {
	if seal == nil {
		return dst
	}
	s.sealed = true
	return append(dst, inference.Delta{
		Kind: inference.DeltaSeal, Candidate: index, Block: s.blocks - 1, Text: seal.Data, Dialect: seal.Dialect, Whole: seal.Whole,
	})
}

func (s *streamState) close(dst []inference.Delta, index int) []inference.Delta {
	if !s.open {
		return dst
	}
	s.open = false
	return append(dst, inference.Delta{Kind: inference.DeltaClose, Candidate: index, Block: s.blocks - 1})
}

// Finish ends the stream where each candidate was finished: nothing else says that it is complete.
func (d *streamDecoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	if d.ended {
		return dst, nil
	}
	if len(d.candidates) == 0 && !d.blocked {
		return dst, wire.ErrCut
	}
	for i := range d.candidates {
		if !d.candidates[i].stopped {
			return dst, wire.ErrCut
		}
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaEnd}), nil
}
