package bedrock

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// StreamDecoder reads one stream.
func (codec) StreamDecoder() wire.StreamDecoder { return &decoder{blocks: map[int64]*blockState{}} }

type decoder struct {
	blocks          map[int64]*blockState // those that are open, by their index
	opened          int
	begun, finished bool
	ended           bool
}

// blockState is a block that is open.
type blockState struct{ number int }

// maxBlocks bounds what an upstream can make us remember.
const maxBlocks = 4096

// Decode reads one event. Events that are not known say nothing.
func (d *decoder) Decode(dst []inference.Delta, name, data []byte) ([]inference.Delta, error) {
	doc, err := jsondoc.Parse(data)
	if err != nil || d.ended {
		return dst, err
	}
	switch string(name) {
	case "messageStart":
		return d.begin(dst), nil
	case "contentBlockStart", "contentBlockDelta", "contentBlockStop":
		return d.block(d.begin(dst), string(name), doc)
	case "messageStop":
		return d.stop(d.begin(dst), doc)
	case "metadata":
		return d.metadata(dst, doc)
	case "exception":
		return d.fail(dst, doc)
	}
	return dst, nil
}

// begin says once that the answer begins.
func (d *decoder) begin(dst []inference.Delta) []inference.Delta {
	if d.begun {
		return dst
	}
	d.begun = true
	return append(dst, inference.Delta{Kind: inference.DeltaBegin})
}

func (d *decoder) block(dst []inference.Delta, name string, doc jsondoc.Value) ([]inference.Delta, error) {
	var index int64
	var content jsondoc.Value
	err := doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "contentBlockIndex":
			return v.Whole(&index)
		case "start", "delta":
			content = v
		}
		return nil
	})
	switch {
	case err != nil:
		return dst, err
	case name == "contentBlockStop":
		return d.closeBlock(dst, index), nil
	}
	return dst, content.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "text":
			dst, err = d.fragment(dst, index, inference.Part{Kind: inference.PartText}, v)
		case "toolUse":
			dst, err = d.call(dst, index, v)
		case "reasoningContent":
			dst, err = d.reasoning(dst, index, v)
		}
		return err
	})
}

// open returns the block of an index, opening it where it is not.
func (d *decoder) open(dst []inference.Delta, index int64, head inference.Part) ([]inference.Delta, *blockState, error) {
	if b := d.blocks[index]; b != nil {
		return dst, b, nil
	}
	if d.opened >= maxBlocks {
		return dst, nil, errNoAnswer
	}
	b := &blockState{number: d.opened}
	d.blocks[index] = b
	d.opened++
	return append(dst, inference.Delta{Kind: inference.DeltaOpen, Block: b.number, Part: head}), b, nil
}

func (d *decoder) closeBlock(dst []inference.Delta, index int64) []inference.Delta {
	b := d.blocks[index]
	if b == nil {
		return dst // a text that was empty
	}
	delete(d.blocks, index)
	return append(dst, inference.Delta{Kind: inference.DeltaClose, Block: b.number})
}

func (d *decoder) fragment(dst []inference.Delta, index int64, head inference.Part, v jsondoc.Value) ([]inference.Delta, error) {
	text, err := v.String()
	if err != nil || text == "" {
		return dst, err
	}
	dst, b, err := d.open(dst, index, head)
	if err != nil {
		return dst, err
	}
	return append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: text}), nil
}

// call reads the head of a call, or a piece of its arguments.
func (d *decoder) call(dst []inference.Delta, index int64, v jsondoc.Value) ([]inference.Delta, error) {
	var call inference.Call
	var input jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "toolUseId":
			return v.Text(&call.ID)
		case "name":
			return v.Text(&call.Name)
		case "input":
			input = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	if d.blocks[index] == nil && call.ID == "" {
		return dst, errNoAnswer
	}
	head := inference.Part{Kind: inference.PartCall, Call: &call}
	if dst, _, err = d.open(dst, index, head); err != nil {
		return dst, err
	}
	return d.fragment(dst, index, head, input)
}

func (d *decoder) reasoning(dst []inference.Delta, index int64, v jsondoc.Value) ([]inference.Delta, error) {
	p, err := reasoningContent(v)
	if err != nil {
		return dst, err
	}
	dst, b, err := d.open(dst, index, inference.Part{Kind: inference.PartReasoning})
	if err != nil {
		return dst, err
	}
	if p.Text != "" {
		dst = append(dst, inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: p.Text})
	}
	if p.Seal != nil {
		dst = append(dst, inference.Delta{
			Kind: inference.DeltaSeal, Block: b.number, Dialect: p.Seal.Dialect, Whole: p.Seal.Whole, Text: p.Seal.Data,
		})
	}
	return dst, nil
}

func (d *decoder) stop(dst []inference.Delta, doc jsondoc.Value) ([]inference.Delta, error) {
	var reason string
	err := doc.Members(func(key string, v jsondoc.Value) error {
		if key == "stopReason" {
			return v.Text(&reason)
		}
		return nil
	})
	if err != nil || reason == "" {
		return dst, errNoAnswer
	}
	d.finished = true
	return append(dst, inference.Delta{Kind: inference.DeltaFinish, Stop: stopOf(reason)}), nil
}

// metadata is the last event: what was used.
func (d *decoder) metadata(dst []inference.Delta, doc jsondoc.Value) ([]inference.Delta, error) {
	err := doc.Members(func(key string, v jsondoc.Value) error {
		if key != "usage" {
			return nil
		}
		u, told, err := usageOf(v)
		if told {
			dst = append(dst, inference.Delta{Kind: inference.DeltaUsage, Usage: u})
		}
		return err
	})
	if err != nil || !d.finished {
		return dst, err
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaEnd}), nil
}

// failures are the exceptions of streams.
var failures = map[string]inference.Category{
	"throttlingException": inference.RateLimited, "serviceUnavailableException": inference.Overloaded,
	"validationException": inference.InvalidRequest, "modelTimeoutException": inference.Timeout,
}

func (d *decoder) fail(dst []inference.Delta, doc jsondoc.Value) ([]inference.Delta, error) {
	f := &inference.Failure{Category: inference.ServerError}
	err := doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "type":
			return v.Text(&f.Code)
		case "message":
			return v.Text(&f.Message)
		}
		return nil
	})
	if k, ok := failures[f.Code]; ok {
		f.Category = k
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaFailed, Failure: f}), err
}

// Finish ends a stream that had said why it ended and was closed before it told what was used.
func (d *decoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	switch {
	case d.ended:
		return dst, nil
	case !d.finished:
		return dst, wire.ErrCut
	}
	d.ended = true
	return append(dst, inference.Delta{Kind: inference.DeltaEnd}), nil
}
