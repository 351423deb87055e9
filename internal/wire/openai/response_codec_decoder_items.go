package openai

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// decodedItem is an item of a stream, as far as it was told.
type decodedItem struct {
	index  int64
	id     string
	typ    string
	blocks []*decodedBlock
	done   bool
	// missed says that pieces came before the item: only what is whole can be told.
	missed bool
	// source is the event that the text of reasoning comes from: some servers tell both the summary and the reasoning itself.
	source string
}

// decodedBlock is a block of an item: within a message one for each of its parts.
type decodedBlock struct {
	part   int64
	number int
	// sent says that some of its text was told, of the present paragraph where it has several.
	sent   bool
	any    bool
	cited  bool
	closed bool
}

// id is the item's own.
func (i *responseItem) id(d *responseDecoder) string { return d.text(i.of(itemID), "", "") }

// add makes an item.
func (d *responseDecoder) add(index int64, id, typ string) *decodedItem {
	i := &decodedItem{index: index, id: id, typ: typ}
	d.items = append(d.items, i)
	return i
}

// known returns the latest item with the id, or else the latest that has the index and is fit; nil when there is none. Not all
// servers count their items.
func (d *responseDecoder) known(index int64, id string, fit func(*decodedItem) bool) *decodedItem {
	var found *decodedItem
	for _, i := range d.items {
		if id != "" && i.id == id {
			return i
		}
		if i.index == index && fit(i) {
			found = i
		}
	}
	return found
}

// outputIndex is that of the event; -1: it does not say.
func (d *responseDecoder) outputIndex() int64 {
	if v := d.of(evOutputIndex); isGiven(v) {
		return d.integer(v, "")
	}
	return -1
}

// target returns the item that the event is about. It is made if nothing told of it.
func (d *responseDecoder) target() *decodedItem {
	index, id := d.outputIndex(), d.texts(evItemID)
	if i := d.known(index, id, func(*decodedItem) bool { return true }); i != nil {
		return i
	}
	if index < 0 && id == "" && len(d.items) > 0 {
		return d.items[len(d.items)-1]
	}
	return d.add(index, id, "")
}

// itemEvent opens what needs no further event, or closes an item.
func (d *responseDecoder) itemEvent(i *responseItem, done bool) {
	index, id := d.outputIndex(), i.id(d)
	to := d.known(index, id, func(k *decodedItem) bool { return k.typ == "" || done && k.typ == i.typ && !k.done })
	if to == nil {
		to = d.add(index, id, i.typ)
	}
	to.typ, to.id = i.typ, id
	switch {
	case done:
		d.settle(to, i)
	case i.typ == "function_call", i.typ == "custom_tool_call", i.typ == "reasoning":
		d.inside(to, d.parts(i)[0])
	}
}

// repeated settles an item of the whole response: the one with its id, or the one that came in its place.
func (d *responseDecoder) repeated(place int, i *responseItem) {
	to := d.known(-1, i.id(d), func(*decodedItem) bool { return false })
	if to == nil && place < len(d.items) && (d.items[place].typ == i.typ || d.items[place].typ == "") {
		to = d.items[place]
	}
	if to == nil {
		to = d.add(int64(place), i.id(d), i.typ)
	}
	d.settle(to, i)
}

// open opens a block of an item.
func (d *responseDecoder) open(i *decodedItem, part int64, p inference.Part) *decodedBlock {
	b := &decodedBlock{part: part, number: d.blocks}
	d.blocks++
	i.blocks = append(i.blocks, b)
	d.calls = d.calls || p.Kind == inference.PartCall
	p.Text, p.Path, p.Citations, p.Logprobs, p.Seal = "", "", nil, nil, nil
	if p.ID == "" {
		p.ID = i.id
	}
	d.emit(inference.Delta{Kind: inference.DeltaOpen, Block: b.number, Part: p})
	return b
}

// find returns a block of a message, or opens it.
func (d *responseDecoder) find(i *decodedItem, part int64, p inference.Part) *decodedBlock {
	for _, b := range i.blocks {
		if b.part == part {
			return b
		}
	}
	return d.open(i, part, p)
}

// inside returns the one block of an item that is no message, or opens it.
func (d *responseDecoder) inside(i *decodedItem, p inference.Part) *decodedBlock {
	return d.find(i, 0, p)
}

func (d *responseDecoder) tell(b *decodedBlock, text string) { d.tellLikely(b, text, nil) }

func (d *responseDecoder) tellLikely(b *decodedBlock, text string, likely []inference.Logprob) {
	if text != "" && !b.closed {
		b.sent, b.any = true, true
		d.emit(inference.Delta{Kind: inference.DeltaFragment, Block: b.number, Text: text, Part: inference.Part{Logprobs: likely}})
	}
}

func (d *responseDecoder) close(b *decodedBlock) {
	if !b.closed {
		b.closed = true
		d.emit(inference.Delta{Kind: inference.DeltaClose, Block: b.number})
	}
}

func (d *responseDecoder) closeAll() {
	for _, i := range d.items {
		for _, b := range i.blocks {
			d.close(b)
		}
	}
}

// inner follows the events of texts and arguments.
func (d *responseDecoder) inner(name []byte) {
	d.begin()
	switch string(name) {
	case "response.content_part.added", "response.content_part.done":
		d.contentPart(len(name) == len("response.content_part.done"))
	case "response.output_text.delta":
		d.tellLikely(d.textOf(inference.PartText), d.texts(evDelta), d.logprobs(d.of(evLogprobs), ""))
	case "response.output_text.done":
		d.untoldLikely(d.textOf(inference.PartText), d.texts(evText), d.logprobs(d.of(evLogprobs), ""))
	case "response.refusal.delta":
		d.tell(d.textOf(inference.PartRefusal), d.texts(evDelta))
	case "response.refusal.done":
		d.untold(d.textOf(inference.PartRefusal), d.texts(evRefusal))
	case "response.output_text.annotation.added":
		d.annotation()
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		d.arguments(d.texts(evDelta), true)
	case "response.function_call_arguments.done":
		d.arguments(d.texts(evArguments), false)
	case "response.custom_tool_call_input.done":
		d.arguments(d.texts(evInput), false)
	case "response.reasoning_summary_part.added":
		d.paragraph()
	case "response.reasoning_summary_text.delta":
		d.thought("summary", d.texts(evDelta), true)
	case "response.reasoning_summary_text.done":
		d.thought("summary", d.texts(evText), false)
	case "response.reasoning_text.delta":
		d.thought("text", d.texts(evDelta), true)
	case "response.reasoning_text.done":
		d.thought("text", d.texts(evText), false)
	}
}

// untold tells a text of which no piece has come.
func (d *responseDecoder) untold(b *decodedBlock, text string) { d.untoldLikely(b, text, nil) }

func (d *responseDecoder) untoldLikely(b *decodedBlock, text string, likely []inference.Logprob) {
	if !b.sent {
		d.tellLikely(b, text, likely)
	}
}

// textOf returns the block of a message that the event is about.
func (d *responseDecoder) textOf(kind inference.PartKind) *decodedBlock {
	return d.find(d.target(), d.integer(d.of(evContentIndex), ""), inference.Part{Kind: kind})
}

func (d *responseDecoder) contentPart(done bool) {
	raw := d.of(evPart)
	var out [numPartKeys]jsonscan.Field
	if !d.scan(partKeys, raw, out[:], "") {
		return
	}
	p, _ := d.part(raw, "")
	if p.Kind != inference.PartText && p.Kind != inference.PartRefusal || string(unquoted(out[partType].In(raw))) == "reasoning_text" {
		return
	}
	b := d.find(d.target(), d.integer(d.of(evContentIndex), ""), inference.Part{Kind: p.Kind})
	d.untoldLikely(b, p.Text, p.Logprobs)
	if done {
		d.cite(b, p.Citations)
		d.close(b)
	}
}

func (d *responseDecoder) annotation() {
	b := d.textOf(inference.PartText)
	if v := d.of(evAnnotation); isObject(v) && !b.closed {
		b.cited = true
		d.emitCitation(b, d.citation(bytes.Clone(v), ""))
	}
}

// cite tells the sources of a text, unless the stream told them one by one.
func (d *responseDecoder) cite(b *decodedBlock, list []inference.Citation) {
	if b.cited || b.closed {
		return
	}
	for _, c := range list {
		if c.Other != nil {
			c.Other.Value = bytes.Clone(c.Other.Value)
		}
		d.emitCitation(b, c)
	}
}

func (d *responseDecoder) emitCitation(b *decodedBlock, c inference.Citation) {
	p := inference.Part{Citations: []inference.Citation{c}}
	d.emit(inference.Delta{Kind: inference.DeltaCite, Block: b.number, Part: p})
}

// arguments goes on with a call that was opened; one without a name cannot be.
func (d *responseDecoder) arguments(text string, piece bool) {
	i := d.target()
	switch {
	case len(i.blocks) == 0:
		i.missed = true
	case !piece:
		d.untold(i.blocks[0], text)
	case !i.missed:
		d.tell(i.blocks[0], text)
	}
}

// paragraph parts the paragraphs of a summary.
func (d *responseDecoder) paragraph() {
	b := d.inside(d.target(), inference.Part{Kind: inference.PartReasoning})
	if b.any {
		d.tell(b, "\n\n")
	}
	b.sent = false
}

func (d *responseDecoder) thought(source, text string, piece bool) {
	i := d.target()
	if i.source == "" {
		i.source = source
	}
	if i.source != source {
		return
	}
	b := d.inside(i, inference.Part{Kind: inference.PartReasoning})
	if piece {
		d.tell(b, text)
	} else {
		d.untold(b, text)
	}
}

// settle tells of a whole item what the stream has not told, and closes it.
func (d *responseDecoder) settle(to *decodedItem, i *responseItem) {
	if to.done {
		return
	}
	to.done, to.typ = true, i.typ
	if to.id == "" {
		to.id = i.id(d)
	}
	for n, p := range d.parts(i) {
		if p.Kind == inference.PartOther {
			p.Other.Value, p.Other.Path = bytes.Clone(p.Other.Value), ""
		}
		b := d.find(to, int64(n), p)
		if !b.any {
			d.tellLikely(b, p.Text, p.Logprobs)
		}
		d.cite(b, p.Citations)
		if p.Seal != nil && !b.closed {
			seal := inference.Delta{Kind: inference.DeltaSeal, Block: b.number, Text: p.Seal.Data, Dialect: p.Seal.Dialect, Whole: p.Seal.Whole}
			d.emit(seal)
		}
		d.close(b)
	}
	for _, b := range to.blocks {
		d.close(b)
	}
}
