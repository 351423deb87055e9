package openai

import (
	"bytes"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// openBlock begins what a part is. Kinds that the format has no item for are left out.
func (s *responseStream) openBlock(part *inference.Part) {
	switch part.Kind {
	case inference.PartText:
		s.openText(part, textBlock)
	case inference.PartRefusal:
		s.openText(part, refusalBlock)
	case inference.PartReasoning:
		s.openItem(reasoningItem, prefixReasoning, part)
	case inference.PartCall:
		kind, prefix := callItem, prefixCall
		if part.Call != nil && part.Call.Custom {
			kind, prefix = customItem, prefixCustom
		}
		s.openItem(kind, prefix, part)
	case inference.PartImage:
		s.picture(part)
	case inference.PartOther:
		s.other(part)
	default:
		s.closeItem("completed")
	}
}

func (s *responseStream) openItem(kind itemKind, prefix string, part *inference.Part) {
	s.closeItem("completed")
	s.item = openItem{kind: kind, id: s.codec.itemID(prefix, part.ID), of: part.ID, block: innerBlock, seal: part.Seal}
	if part.Call != nil {
		s.item.call = *part.Call
	}
	s.tellItem("response.output_item.added", "in_progress")
}

// openText begins a text, within the message that is open where it belongs to that.
func (s *responseStream) openText(part *inference.Part, kind blockKind) {
	i := &s.item
	if i.kind != messageItem || i.of != part.ID {
		s.openItem(messageItem, prefixMessage, part)
	}
	i.block, i.seal = kind, part.Seal
	s.tellPart("response.content_part.added")
}

// fragment goes on with the block that is open.
func (s *responseStream) fragment(text string, likely []inference.Logprob) {
	i := &s.item
	if i.block == noBlock || text == "" {
		return
	}
	first, from := len(i.text) == 0, len(i.text)
	i.text = appendInside(i.text, text)
	if first && i.kind == reasoningItem {
		s.tellSummaryPart("response.reasoning_summary_part.added", nil)
	}
	told := len(i.logprobs.B)
	logprobElements(&i.logprobs.Writer, likely)
	s.tellDelta(i.text[from:], bytes.TrimPrefix(i.logprobs.B[told:], []byte{','}))
}

// appendInside appends what stands for s within a JSON string.
func appendInside(dst []byte, s string) []byte {
	from := len(dst)
	dst = jsondoc.AppendString(dst, s)
	copy(dst[from:], dst[from+1:len(dst)-1])
	return dst[:len(dst)-2]
}

func (s *responseStream) cite(citations []inference.Citation) {
	i := &s.item
	if i.block != textBlock {
		return
	}
	for n := range citations {
		from := len(i.cites.B)
		if !i.cites.annotation(&citations[n]) {
			continue
		}
		s.tellAnnotation([]byte(strings.TrimPrefix(string(i.cites.B[from:]), ",")))
		i.cited++
	}
}

// annotation writes a source, unless only another dialect knows what it is.
func (w *responsePen) annotation(c *inference.Citation) bool {
	switch {
	case isResponseRest(c.Other):
		w.rawElement(c.Other.Value)
	case c.URL != "":
		w.open()
		w.text("type", "url_citation")
		w.integer("start_index", int64(c.Start))
		w.integer("end_index", int64(c.End))
		w.text("url", c.URL)
		w.text("title", c.Title)
		w.close('}')
	default:
		return false
	}
	return true
}

func (e *promptWriter) annotations(list []inference.Citation) {
	e.array("annotations")
	for i := range list {
		e.annotation(&list[i])
	}
	e.close(']')
}

func (s *responseStream) closeBlock() { s.closeBlockAs("completed") }

// closeBlockAs ends the block. Only a message waits for more.
func (s *responseStream) closeBlockAs(status string) {
	i := &s.item
	if i.block == noBlock {
		return
	}
	if i.kind == callItem && len(i.text) == 0 {
		s.fragment("{}", nil) // a call without arguments
	}
	s.tellDone()
	if i.kind != messageItem {
		s.closeItem(status)
		return
	}
	s.tellPart("response.content_part.done")
	s.messagePart(&i.content)
	i.parts++
	seal := i.seal
	i.block, i.text, i.cites, i.cited, i.logprobs, i.seal = noBlock, nil, responsePen{}, 0, responsePen{}, nil
	if seal != nil {
		s.closeItem(status)
		s.sealBefore(seal)
	}
}

// closeItem ends the item that is open, and adds it to the output.
func (s *responseStream) closeItem(status string) {
	i := &s.item
	if i.kind == noItem {
		return
	}
	s.tellItem("response.output_item.done", status)
	s.writeItem(&s.items, status)
	s.index++
	seal := i.seal
	if i.kind != callItem && i.kind != customItem {
		seal = nil
	}
	s.item = openItem{}
	s.sealBefore(seal)
}

// sealBefore writes the seal of an item that has no place for one, as an item behind it.
func (s *responseStream) sealBefore(seal *inference.Seal) {
	if seal == nil || seal.Dialect == inference.OpenAI {
		return
	}
	bound := &inference.Seal{Dialect: inference.OpenAI, Data: wrapSeal(seal, sealsBefore)}
	s.openItem(reasoningItem, prefixReasoning, &inference.Part{Seal: bound})
	s.closeItem("completed")
}

// picture writes one that the model made.
func (s *responseStream) picture(part *inference.Part) {
	s.closeItem("completed")
	if part.Media == nil || part.Media.Data == "" {
		return
	}
	var w responsePen
	w.open()
	id := s.codec.itemID(prefixImage, part.ID)
	w.text("id", id)
	w.pictureMembers(part)
	w.close('}')
	s.finished(w.B, "response.image_generation_call.completed", id)
}

// other writes an item as it is, if it is one of this format's.
func (s *responseStream) other(part *inference.Part) {
	s.closeItem("completed")
	if isResponseRest(part.Other) && isObject(part.Other.Value) {
		s.finished(part.Other.Value, "", "")
	}
}

// finished adds an item that came whole.
func (s *responseStream) finished(item []byte, event, id string) {
	s.tellRaw("response.output_item.added", item)
	if event != "" && s.event(event) {
		s.out.text("item_id", id)
		s.out.integer("output_index", s.index)
		s.sent()
	}
	s.tellRaw("response.output_item.done", item)
	s.items.rawElement(item)
	s.index++
}
