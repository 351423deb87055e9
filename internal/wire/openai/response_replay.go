package openai

import (
	"encoding/json"
	"maps"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// Replay tells a response as the events that would have made it, numbered from 0, always the same ones for the same response:
// a caller who has lost its stream goes on behind the last number that it got.
type Replay struct {
	// After is the number behind which the caller wants to go on; -1: all.
	After int64

	next int64
	out  []byte
}

// object is a JSON object whose members stay as they were written.
type object map[string]json.RawMessage

// Begin tells that the response was made and is under way. pending is the response without an answer.
func (r *Replay) Begin(pending []byte) []byte {
	r.out = nil
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		r.tell(name, object{"response": pending})
	}
	return r.out
}

// End tells the rest of a response that has ended. The status decides the last event.
func (r *Replay) End(response []byte) []byte {
	r.out = nil
	var whole struct {
		Status string            `json:"status"`
		Output []json.RawMessage `json:"output"`
	}
	_ = json.Unmarshal(response, &whole) // what is not valid has no items
	for i, item := range whole.Output {
		r.item(i, item)
	}
	name := "response.completed"
	switch whole.Status {
	case "incomplete", "failed", "cancelled":
		name = "response." + whole.Status
	}
	r.tell(name, object{"response": response})
	return r.out
}

// tell writes an event, unless the caller has it.
func (r *Replay) tell(name string, body object) {
	body["type"], body["sequence_number"] = quoted(name), number(r.next)
	r.next++
	if r.next-1 <= r.After {
		return
	}
	data, _ := json.Marshal(body) //nolint:errchkjson // every member is JSON
	r.out = append(append(append(r.out, "event: "...), name...), '\n')
	r.out = append(append(append(r.out, "data: "...), data...), "\n\n"...)
}

func quoted(s string) json.RawMessage { return jsondoc.AppendString(nil, s) }

func number(n int64) json.RawMessage { return strconv.AppendInt(nil, n, 10) }

// with is a copy of an object with other members.
func (o object) with(more object) object {
	out := make(object, len(o)+len(more))
	maps.Copy(out, o)
	maps.Copy(out, more)
	return out
}

func (o object) json() json.RawMessage {
	b, _ := json.Marshal(o) //nolint:errchkjson // every member is JSON
	return b
}

// text is a member that is a string.
func (o object) text(name string) string {
	var s string
	_ = json.Unmarshal(o[name], &s) // another type is no text
	return s
}

// item tells one item: that it begins, what it says, and the whole of it.
func (r *Replay) item(index int, raw json.RawMessage) {
	var item object
	if json.Unmarshal(raw, &item) != nil {
		return
	}
	at := object{"output_index": number(int64(index))}
	begun := item.with(object{"status": quoted("in_progress")})
	inner := at.with(object{"item_id": orNull(item["id"])})
	switch item.text("type") {
	case "message":
		begun["content"] = json.RawMessage("[]")
		r.tell("response.output_item.added", at.with(object{"item": begun.json()}))
		r.content(inner, item["content"])
	case "function_call":
		begun["arguments"] = quoted("")
		r.tell("response.output_item.added", at.with(object{"item": begun.json()}))
		r.tell("response.function_call_arguments.delta", inner.with(object{"delta": orNull(item["arguments"])}))
		r.tell("response.function_call_arguments.done", inner.with(object{
			"arguments": orNull(item["arguments"]), "name": orNull(item["name"]),
		}))
	case "reasoning":
		begun["summary"] = json.RawMessage("[]")
		r.tell("response.output_item.added", at.with(object{"item": begun.json()}))
		r.summary(inner, item["summary"])
	default:
		r.tell("response.output_item.added", at.with(object{"item": begun.json()}))
	}
	r.tell("response.output_item.done", at.with(object{"item": raw}))
}

func orNull(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("null")
	}
	return v
}

// content tells the parts of a message.
func (r *Replay) content(of object, raw json.RawMessage) {
	var parts []object
	_ = json.Unmarshal(raw, &parts) // a message without parts says nothing
	for i, part := range parts {
		at := of.with(object{"content_index": number(int64(i))})
		member, event := "text", "response.output_text"
		if part.text("type") == "refusal" {
			member, event = "refusal", "response.refusal"
		}
		r.tell("response.content_part.added", at.with(object{"part": part.with(object{member: quoted("")}).json()}))
		said := at
		if member == "text" {
			said = at.with(object{"logprobs": json.RawMessage("[]")})
		}
		r.tell(event+".delta", said.with(object{"delta": orNull(part[member])}))
		r.tell(event+".done", said.with(object{member: orNull(part[member])}))
		r.tell("response.content_part.done", at.with(object{"part": part.json()}))
	}
}

// summary tells the parts of what is shown of a thought.
func (r *Replay) summary(of object, raw json.RawMessage) {
	var parts []object
	_ = json.Unmarshal(raw, &parts) // a thought that is not shown has none
	for i, part := range parts {
		at := of.with(object{"summary_index": number(int64(i))})
		r.tell("response.reasoning_summary_part.added", at.with(object{"part": part.with(object{"text": quoted("")}).json()}))
		r.tell("response.reasoning_summary_text.delta", at.with(object{"delta": orNull(part["text"])}))
		r.tell("response.reasoning_summary_text.done", at.with(object{"text": orNull(part["text"])}))
		r.tell("response.reasoning_summary_part.done", at.with(object{"part": part.json()}))
	}
}
