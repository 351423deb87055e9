package openai

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamDecoder reads chat completion chunks.
func (chatCodec) StreamDecoder() wire.StreamDecoder { return &chatStreamDecoder{} }

type chatStreamDecoder struct {
	begun, ended bool
	candidates   []*chatStreamState
}

// chatStreamState is how far one answer is.
type chatStreamState struct {
	index    int
	blocks   int // opened so far
	open     int // the block of text, refusal or reasoning that is open; -1: none
	kind     inference.PartKind
	calls    []*chatStreamCall
	finished bool
}

// chatStreamCall is a call whose pieces are coming. It opens when its name is known and more than that came.
type chatStreamCall struct {
	number int // the index that the upstream gave it
	block  int // -1: not opened yet
	part   inference.Part
	early  []byte // arguments that came before the name
}

// Decode reads one chunk.
func (d *chatStreamDecoder) Decode(dst []inference.Delta, _, data []byte) ([]inference.Delta, error) {
	if string(data) == "[DONE]" {
		return d.Finish(dst)
	}
	doc, err := jsondoc.Parse(data)
	if err != nil {
		return dst, err
	}
	begin := inference.Delta{Kind: inference.DeltaBegin}
	var choices, failure jsondoc.Value
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&begin.ID)
		case "model":
			return v.Text(&begin.Model)
		case "created":
			return v.Whole(&begin.Created)
		case "service_tier":
			return v.Text(&begin.ServiceTier)
		case "choices":
			choices = v
		case "error":
			failure = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	if failure.Given() {
		return append(dst, failed(data)), nil
	}
	if !d.begun {
		d.begun = true
		dst = append(dst, begin)
	}
	err = choices.Elements(func(v jsondoc.Value) error {
		dst, err = d.choice(dst, v)
		return err
	})
	if u, told := Usage(inference.Chat, data); told {
		dst = append(dst, inference.Delta{Kind: inference.DeltaUsage, Usage: u})
	}
	return dst, err
}

// failed is the error that an event reports.
func failed(data []byte) inference.Delta {
	code, _, _, message := ParseError(data)
	return inference.Delta{Kind: inference.DeltaFailed, Failure: &inference.Failure{
		Category: inference.ServerError, Code: code, Message: message,
	}}
}

// Finish ends the stream where each answer was finished. Some servers close the connection without saying more.
func (d *chatStreamDecoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	if d.ended {
		return dst, nil
	}
	if len(d.candidates) == 0 {
		return dst, wire.ErrCut
	}
	for _, s := range d.candidates {
		if s != nil && !s.finished {
			return dst, wire.ErrCut
		}
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaEnd}), nil
}

// What an upstream can make us remember: answers, calls of one, and bytes of a call that has no name yet.
const (
	maxCandidates = MaxN
	maxCalls      = 128
	maxNameless   = 8 << 20
)

func (d *chatStreamDecoder) choice(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	var index int64
	var delta, logprobs jsondoc.Value
	var finish string
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "index":
			return v.Whole(&index)
		case "delta", "message":
			delta = v
		case "finish_reason":
			return v.Text(&finish)
		case "logprobs":
			logprobs = v
		}
		return nil
	})
	if err != nil || index < 0 || index >= maxCandidates {
		return dst, errNoAnswer
	}
	for int64(len(d.candidates)) <= index {
		d.candidates = append(d.candidates, nil)
	}
	s := d.candidates[index]
	if s == nil {
		s = &chatStreamState{index: int(index), open: -1}
		d.candidates[index] = s
	}
	if s.finished {
		return dst, nil
	}
	from := len(dst)
	if dst, err = s.delta(dst, delta); err != nil {
		return dst, err
	}
	if err = likelyPieces(dst[from:], logprobs); err != nil || finish == "" {
		return dst, err
	}
	return s.end(dst, finish), nil
}

// delta reads what a chunk adds. Reasoning comes before content, and content before calls, whatever their order in the chunk.
func (s *chatStreamState) delta(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	var content, reasoning, refusal string
	var details, toolCalls, legacy, cited, images jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "content":
			return streamContent(v, &content, &reasoning)
		case "reasoning_content", "reasoning":
			if v.IsString() {
				return v.Text(&reasoning)
			}
		case "refusal":
			return v.Text(&refusal)
		case "reasoning_details":
			details = v
		case "tool_calls":
			toolCalls = v
		case "function_call":
			legacy = v
		case "annotations":
			cited = v
		case "images":
			images = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	dst = s.say(dst, inference.PartReasoning, reasoning)
	if dst, err = s.seals(dst, details); err != nil {
		return dst, err
	}
	dst = s.say(dst, inference.PartText, content)
	dst = s.say(dst, inference.PartRefusal, refusal)
	if dst, err = s.pictures(dst, images); err != nil {
		return dst, err
	}
	if dst, err = s.cites(dst, cited); err != nil {
		return dst, err
	}
	err = toolCalls.Elements(func(v jsondoc.Value) error {
		dst, err = s.call(dst, v)
		return err
	})
	if err != nil || !legacy.Given() {
		return dst, err
	}
	c, err := s.numbered(0, "", false)
	if err != nil {
		return dst, err
	}
	return s.piece(dst, c, legacy, "")
}

// streamContent reads content that is a text, or a list of parts as Mistral's is.
func streamContent(v jsondoc.Value, content, reasoning *string) error {
	if !v.IsArray() {
		return v.Text(content)
	}
	parts, err := chatContent(v)
	for i := range parts {
		switch parts[i].Kind {
		case inference.PartText:
			*content += parts[i].Text
		case inference.PartReasoning:
			*reasoning += parts[i].Text
		default:
		}
	}
	return err
}

// say goes on with a text, in a block of its kind.
func (s *chatStreamState) say(dst []inference.Delta, kind inference.PartKind, text string) []inference.Delta {
	if text == "" {
		return dst
	}
	if s.open >= 0 && s.kind != kind {
		dst = s.close(dst)
	}
	if s.open < 0 {
		s.open, s.kind = s.blocks, kind
		dst = s.opened(dst, inference.Part{Kind: kind})
	}
	return append(dst, inference.Delta{Kind: inference.DeltaFragment, Candidate: s.index, Block: s.open, Text: text})
}

func (s *chatStreamState) opened(dst []inference.Delta, p inference.Part) []inference.Delta {
	s.blocks++
	return append(dst, inference.Delta{Kind: inference.DeltaOpen, Candidate: s.index, Block: s.blocks - 1, Part: p})
}

func (s *chatStreamState) close(dst []inference.Delta) []inference.Delta {
	if s.open < 0 {
		return dst
	}
	dst = append(dst, inference.Delta{Kind: inference.DeltaClose, Candidate: s.index, Block: s.open})
	s.open = -1
	return dst
}

// seals reads reasoning_details, of which the text was told as reasoning_content too.
func (s *chatStreamState) seals(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	parts, err := reasoningDetails(v)
	for i := range parts {
		p := &parts[i]
		if p.Seal == nil {
			continue
		}
		if s.open < 0 || s.kind != inference.PartReasoning {
			dst = s.close(dst)
			s.open, s.kind = s.blocks, inference.PartReasoning
			dst = s.opened(dst, inference.Part{Kind: inference.PartReasoning})
		}
		dst = append(dst, inference.Delta{
			Kind: inference.DeltaSeal, Candidate: s.index, Block: s.open, Text: p.Seal.Data, Dialect: p.Seal.Dialect, Whole: p.Seal.Whole,
		})
		dst = s.close(dst)
	}
	return dst, err
}

func (s *chatStreamState) cites(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	found, err := annotations(v)
	if len(found) == 0 || err != nil {
		return dst, err
	}
	if s.open < 0 || s.kind != inference.PartText {
		dst = s.close(dst)
		s.open, s.kind = s.blocks, inference.PartText
		dst = s.opened(dst, inference.Part{Kind: inference.PartText})
	}
	return append(dst, inference.Delta{
		Kind: inference.DeltaCite, Candidate: s.index, Block: s.open, Part: inference.Part{Citations: found},
	}), nil
}

// pictures reads images, which come whole.
func (s *chatStreamState) pictures(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	err := v.Elements(func(v jsondoc.Value) error {
		p, err := chatPart(v)
		if err != nil || p.Kind != inference.PartImage {
			return err
		}
		dst = s.close(dst)
		dst = s.opened(dst, p)
		dst = append(dst, inference.Delta{Kind: inference.DeltaClose, Candidate: s.index, Block: s.blocks - 1})
		return nil
	})
	return dst, err
}

// call reads a piece of a call. Calls are told apart by their index; where there is none, a new id begins a new one.
func (s *chatStreamState) call(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	number, hasNumber := int64(0), false
	var id string
	var inner, extra jsondoc.Value
	custom := false
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "index":
			hasNumber = v.Given()
			return v.Whole(&number)
		case "id":
			return v.Text(&id)
		case "function", "custom":
			inner, custom = v, key == "custom"
		case "extra_content":
			extra = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	c, err := s.numbered(int(number), id, hasNumber)
	if err != nil {
		return dst, err
	}
	c.part.Call.Custom = c.part.Call.Custom || custom
	if extra.Given() {
		if err := callSeal(&c.part, extra); err != nil {
			return dst, err
		}
	}
	return s.piece(dst, c, inner, id)
}

// numbered returns the call that a piece belongs to. The number of another call with an id of its own is a new call's:
// some servers number all of them 0.
func (s *chatStreamState) numbered(number int, id string, hasNumber bool) (*chatStreamCall, error) {
	for _, c := range slices.Backward(s.calls) {
		known := c.part.Call.ID
		if hasNumber && c.number != number {
			continue
		}
		if id == "" || known == "" || id == known {
			return c, nil
		}
	}
	if len(s.calls) == maxCalls {
		return nil, errNoAnswer
	}
	c := &chatStreamCall{number: number, block: -1, part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: id}}}
	s.calls = append(s.calls, c)
	return c, nil
}

// piece takes up what came of a call: names may come in pieces or again and again, arguments whole or before the name.
func (s *chatStreamState) piece(dst []inference.Delta, c *chatStreamCall, inner jsondoc.Value, id string) ([]inference.Delta, error) {
	var p inference.Part
	p.Call = &inference.Call{}
	if err := inner.Members(func(key string, v jsondoc.Value) error { return callMember(&p, key, v) }); err != nil {
		return dst, err
	}
	if c.part.Call.ID == "" {
		c.part.Call.ID = id
	}
	if c.block < 0 && p.Call.Name != c.part.Call.Name {
		c.part.Call.Name += p.Call.Name
	}
	if p.Text == "" {
		return dst, nil
	}
	if c.block < 0 && c.part.Call.Name == "" {
		if len(c.early)+len(p.Text) > maxNameless {
			return dst, errNoAnswer
		}
		c.early = append(c.early, p.Text...)
		return dst, nil
	}
	dst = s.begin(dst, c)
	return append(dst, inference.Delta{Kind: inference.DeltaFragment, Candidate: s.index, Block: c.block, Text: p.Text}), nil
}

// begin opens a call, and those before it.
func (s *chatStreamState) begin(dst []inference.Delta, c *chatStreamCall) []inference.Delta {
	dst = s.close(dst)
	for _, other := range s.calls {
		if other.block < 0 {
			dst = s.beginOne(dst, other)
		}
		if other == c {
			break
		}
	}
	return dst
}

func (s *chatStreamState) beginOne(dst []inference.Delta, c *chatStreamCall) []inference.Delta {
	if c.part.Call.ID == "" {
		c.part.Call.ID = newCallID()
	}
	c.block = s.blocks
	dst = s.opened(dst, c.part)
	if len(c.early) > 0 {
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Candidate: s.index, Block: c.block, Text: string(c.early)})
		c.early = nil
	}
	return dst
}

// end closes everything and finishes the answer.
func (s *chatStreamState) end(dst []inference.Delta, finish string) []inference.Delta {
	dst = s.close(dst)
	for _, c := range s.calls {
		if c.block < 0 {
			dst = s.beginOne(dst, c)
		}
	}
	for _, c := range s.calls {
		dst = append(dst, inference.Delta{Kind: inference.DeltaClose, Candidate: s.index, Block: c.block})
	}
	s.finished = true
	return append(dst, inference.Delta{Kind: inference.DeltaFinish, Candidate: s.index, Stop: stopOf(finish, len(s.calls) > 0)})
}
