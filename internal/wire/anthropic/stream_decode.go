package anthropic

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamDecoder reads the events of a message.
func (codec) StreamDecoder() wire.StreamDecoder { return &streamDecoder{open: map[int64]*openBlock{}} }

type streamDecoder struct {
	open     map[int64]*openBlock // by the upstream's index
	blocks   int                  // opened so far
	calls    int
	figures  figures
	begun    bool
	finished bool
	ended    bool
}

// openBlock is a block whose pieces are coming.
type openBlock struct {
	number int
	kind   inference.PartKind
	whole  string // the input of a call that came with its beginning
	told   bool   // a piece of it came
}

// Decode reads one event.
func (d *streamDecoder) Decode(dst []inference.Delta, _, data []byte) ([]inference.Delta, error) {
	if string(data) == "[DONE]" {
		return dst, nil
	}
	doc, err := jsondoc.Parse(data)
	if err != nil {
		return dst, err
	}
	var kind string
	var index int64
	var message, block, delta, usage jsondoc.Value
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "index":
			return v.Whole(&index)
		case "message":
			message = v
		case "content_block":
			block = v
		case "delta":
			delta = v
		case "usage":
			usage = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	switch kind {
	case "message_start":
		return d.start(dst, message)
	case "content_block_start":
		return d.begin(dst, index, block)
	case "content_block_delta":
		return d.piece(dst, index, delta)
	case "content_block_stop":
		return d.close(dst, index), nil
	case "message_delta":
		d.figures.add(usage.Raw)
		return d.turn(dst, delta)
	case "message_stop":
		return d.Finish(dst)
	case "error":
		return append(dst, failed(data)), nil
	}
	return dst, nil
}

func (d *streamDecoder) start(dst []inference.Delta, message jsondoc.Value) ([]inference.Delta, error) {
	begin := inference.Delta{Kind: inference.DeltaBegin}
	err := message.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "id":
			return v.Text(&begin.ID)
		case "model":
			return v.Text(&begin.Model)
		case "usage":
			d.figures.add(v.Raw)
			return tierOf(v, &begin.ServiceTier)
		}
		return nil
	})
	d.figures.output = figure{} // a place-holder
	if d.begun || err != nil {
		return dst, errNoAnswer
	}
	d.begun = true
	return append(dst, begin), nil
}

// maxBlocks bounds what an upstream can make us remember.
const maxBlocks = 4096

func (d *streamDecoder) begin(dst []inference.Delta, index int64, v jsondoc.Value) ([]inference.Delta, error) {
	reader := decoder{names: map[string]string{}}
	p, err := reader.block(v)
	if err != nil || !d.begun || d.open[index] != nil || d.blocks >= maxBlocks {
		return dst, errNoAnswer
	}
	b := &openBlock{number: d.blocks, kind: p.Kind}
	d.open[index] = b
	d.blocks++
	text, seal := p.Text, p.Seal
	p.Text, p.Seal, p.Path = "", nil, ""
	own(p.Other)
	dst = append(dst, inference.Delta{Kind: inference.DeltaOpen, Block: b.number, Part: p})
	switch {
	case p.Kind == inference.PartCall:
		d.calls++
		b.whole = text
	case text != "":
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: text})
	}
	if seal != nil {
		dst = append(dst, sealDelta(b.number, seal))
	}
	return dst, nil
}

// own makes a kept value independent of the event that it came in.
func own(r *inference.Rest) {
	if r != nil {
		r.Value = bytes.Clone(r.Value)
	}
}

func sealDelta(block int, s *inference.Seal) inference.Delta {
	return inference.Delta{Kind: inference.DeltaSeal, Block: block, Text: s.Data, Dialect: s.Dialect, Whole: s.Whole}
}

func (d *streamDecoder) piece(dst []inference.Delta, index int64, v jsondoc.Value) ([]inference.Delta, error) {
	b := d.open[index]
	if b == nil {
		return dst, errNoAnswer
	}
	var kind, text, signature string
	var cited jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&kind)
		case "text", "thinking", "partial_json":
			return v.Text(&text)
		case "signature":
			return v.Text(&signature)
		case "citation":
			cited = v
		}
		return nil
	})
	switch {
	case err != nil:
		return dst, err
	case b.kind == inference.PartOther:
	case kind == "signature_delta" && signature != "":
		dst = append(dst, sealDelta(b.number, readSeal(signature, false)))
	case kind == "citations_delta" && cited.IsObject():
		c, err := citation(cited)
		if err != nil {
			return dst, err
		}
		own(c.Other)
		dst = append(dst, inference.Delta{Kind: inference.DeltaCite, Block: b.number, Part: inference.Part{Citations: []inference.Citation{c}}})
	case text != "":
		b.told = true
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: text})
	}
	return dst, nil
}

// close ends a block. Arguments that came with its beginning are told now, as are those of a call that has none.
func (d *streamDecoder) close(dst []inference.Delta, index int64) []inference.Delta {
	b := d.open[index]
	if b == nil {
		return dst
	}
	delete(d.open, index)
	if b.kind == inference.PartCall && !b.told {
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: b.whole})
	}
	return append(dst, inference.Delta{Kind: inference.DeltaClose, Block: b.number})
}

// turn reads why the message stops, and what it took.
func (d *streamDecoder) turn(dst []inference.Delta, v jsondoc.Value) ([]inference.Delta, error) {
	var reason, sequence string
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "stop_reason":
			return v.Text(&reason)
		case "stop_sequence":
			return v.Text(&sequence)
		}
		return nil
	})
	if err != nil || !d.begun {
		return dst, errNoAnswer
	}
	if reason != "" && !d.finished {
		d.finished = true
		dst = append(dst, inference.Delta{Kind: inference.DeltaFinish, Stop: stopOf(reason, d.calls > 0), Sequence: sequence})
	}
	if u, ok := d.figures.usage(); ok {
		dst = append(dst, inference.Delta{Kind: inference.DeltaUsage, Usage: u})
	}
	return dst, nil
}

// Finish ends the stream of a message that is complete. Some servers close the connection without saying more.
func (d *streamDecoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	switch {
	case d.ended:
		return dst, nil
	case !d.finished:
		return dst, wire.ErrCut
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaEnd}), nil
}

// failures are what errors in a stream mean.
var failures = map[string]inference.Category{
	"overloaded_error": inference.Overloaded, "rate_limit_error": inference.RateLimited, "timeout_error": inference.Timeout,
	"invalid_request_error": inference.InvalidRequest, "authentication_error": inference.Authentication,
	"permission_error": inference.Permission, "billing_error": inference.QuotaExhausted,
}

func failed(data []byte) inference.Delta {
	typ, message := ParseError(data)
	category, ok := failures[typ]
	if !ok {
		category = inference.ServerError
	}
	return inference.Delta{Kind: inference.DeltaFailed, Failure: &inference.Failure{Category: category, Code: typ, Message: message}}
}
