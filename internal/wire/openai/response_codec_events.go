package openai

import "github.com/gantry-ai/gantry/internal/inference"

// event begins an event; its members follow, and sent. False says that nobody listens.
func (s *responseStream) event(name string) bool { return s.eventOf(name, "") }

// eventOf is event with a name of two pieces.
func (s *responseStream) eventOf(subject, verb string) bool {
	if s.mute {
		return false
	}
	w := &s.out
	w.B = append(append(append(w.B, "event: "...), subject...), verb...)
	w.B = append(append(append(w.B, "\ndata: {\"type\":\""...), subject...), verb...)
	w.B = append(w.B, '"')
	w.integer("sequence_number", s.sequence)
	s.sequence++
	return true
}

func (s *responseStream) sent() { s.out.B = append(s.out.B, "}\n\n"...) }

// lifecycle tells the whole response.
func (s *responseStream) lifecycle(name, status string, f *inference.Failure) {
	if s.event(name) {
		s.out.key("response")
		s.response(status, f)
		s.sent()
	}
}

func (s *responseStream) tellItem(name, status string) {
	if s.event(name) {
		s.out.integer("output_index", s.index)
		s.out.key("item")
		s.writeItem(&s.out, status)
		s.sent()
	}
}

func (s *responseStream) tellRaw(name string, item []byte) {
	if s.event(name) {
		s.out.integer("output_index", s.index)
		s.out.raw("item", item)
		s.sent()
	}
}

// place tells which item an event is about, and within a message which part.
func (s *responseStream) place() {
	s.out.text("item_id", s.item.id)
	s.out.integer("output_index", s.index)
	switch s.item.kind {
	case messageItem:
		s.out.integer("content_index", s.item.parts)
	case reasoningItem:
		s.out.integer("summary_index", 0)
	case noItem, callItem, customItem:
	}
}

func (s *responseStream) tellPart(name string) {
	if s.event(name) {
		s.place()
		s.out.key("part")
		s.messagePart(&s.out)
		s.sent()
	}
}

func (s *responseStream) tellSummaryPart(name string, text []byte) {
	if s.event(name) {
		s.place()
		s.out.object("part")
		s.out.text("type", "summary_text")
		s.out.inside("text", text)
		s.out.close('}')
		s.sent()
	}
}

// inside writes a text that is escaped already.
func (w *responsePen) inside(name string, text []byte) {
	w.key(name)
	w.B = append(w.B, '"')
	w.B = append(w.B, text...)
	w.B = append(w.B, '"')
}

// textEvent is the beginning of the names of events about the text of the open block.
func (s *responseStream) textEvent() string {
	switch s.item.kind {
	case reasoningItem:
		return "response.reasoning_summary_text"
	case callItem:
		return "response.function_call_arguments"
	case customItem:
		return "response.custom_tool_call_input"
	case noItem, messageItem:
	}
	if s.item.block == refusalBlock {
		return "response.refusal"
	}
	return "response.output_text"
}

// textMember is the member that has the whole text in the event that says that it is done.
func (s *responseStream) textMember() string {
	switch s.item.kind {
	case callItem:
		return "arguments"
	case customItem:
		return "input"
	case noItem, messageItem, reasoningItem:
	}
	if s.item.block == refusalBlock {
		return "refusal"
	}
	return "text"
}

func (s *responseStream) tellDelta(text, likely []byte) {
	if s.eventOf(s.textEvent(), ".delta") {
		s.place()
		s.out.inside("delta", text)
		s.logprobs(likely)
		s.sent()
	}
}

// tellDone tells the whole text of the block. Reasoning that was never told has none.
func (s *responseStream) tellDone() {
	i := &s.item
	if i.kind == reasoningItem && len(i.text) == 0 {
		return
	}
	if s.eventOf(s.textEvent(), ".done") {
		s.place()
		if i.kind == callItem {
			s.out.text("name", i.call.Name)
		}
		s.out.inside(s.textMember(), i.text)
		s.logprobs(i.logprobs.B)
		s.sent()
	}
	if i.kind == reasoningItem {
		s.tellSummaryPart("response.reasoning_summary_part.done", i.text)
	}
}

// logprobs are a member that clients demand of texts, also where there are none.
func (s *responseStream) logprobs(elements []byte) {
	if s.item.block == textBlock {
		s.out.elements("logprobs", elements)
	}
}

// elements writes a list of which the elements are JSON already.
func (w *responsePen) elements(name string, elements []byte) {
	w.array(name)
	w.B = append(w.B, elements...)
	w.close(']')
}

func (s *responseStream) tellAnnotation(annotation []byte) {
	if s.event("response.output_text.annotation.added") {
		s.place()
		s.out.integer("annotation_index", s.item.cited)
		s.out.raw("annotation", annotation)
		s.sent()
	}
}

// writeItem writes the open item as far as it has come.
func (s *responseStream) writeItem(w *responsePen, status string) {
	i := &s.item
	w.open()
	w.text("id", i.id)
	switch i.kind {
	case messageItem:
		w.text("type", "message")
		w.text("status", status)
		w.text("role", "assistant")
		w.array("content")
		w.B = append(w.B, i.content.B...)
		w.close(']')
	case reasoningItem:
		w.text("type", "reasoning")
		w.array("summary")
		if len(i.text) > 0 {
			w.open()
			w.text("type", "summary_text")
			w.inside("text", i.text)
			w.close('}')
		}
		w.close(']')
		if i.seal != nil {
			w.text("encrypted_content", wrapSeal(i.seal, sealsText))
		}
	case callItem, customItem:
		s.writeCall(w, status)
	case noItem:
	}
	w.close('}')
}

func (s *responseStream) writeCall(w *responsePen, status string) {
	i := &s.item
	typ := "function_call"
	if i.kind == customItem {
		typ = "custom_tool_call"
	}
	w.text("type", typ)
	w.text("status", status)
	w.text("call_id", i.call.ID)
	w.text("name", i.call.Name)
	w.inside(s.textMember(), i.text)
}

// messagePart writes the open part of a message as far as it has come.
func (s *responseStream) messagePart(w *responsePen) {
	i := &s.item
	w.open()
	if i.block == refusalBlock {
		w.text("type", "refusal")
		w.inside("refusal", i.text)
	} else {
		w.text("type", "output_text")
		w.inside("text", i.text)
		w.elements("annotations", i.cites.B)
		w.elements("logprobs", i.logprobs.B)
	}
	w.close('}')
}
