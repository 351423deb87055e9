package fakeanthropic

import (
	"maps"
	"net/http"
	"strings"
)

// named is an event.
type named struct {
	name string
	data params
}

func event(name string, members params) named {
	members["type"] = name
	return named{name, members}
}

// events are those of a stream, in order.
func (a *answer) events(step Step) (out []named) {
	usage := maps.Clone(a.usage)
	usage["output_tokens"] = 1
	begin := a.message([]any{}, nil, nil, usage)
	final := params{"output_tokens": a.usage["output_tokens"]}
	if step.Fault == "no_usage" {
		delete(begin, "usage")
		final = nil
	}
	out = append(out, event("message_start", params{"message": begin}))
	index := 0
	block := func(start params, deltas ...params) {
		out = append(out, event("content_block_start", params{"index": index, "content_block": start}))
		if index == 0 {
			out = append(out, event("ping", params{}))
		}
		for _, d := range deltas {
			out = append(out, event("content_block_delta", params{"index": index, "delta": d}))
		}
		out = append(out, event("content_block_stop", params{"index": index}))
		index++
	}
	if len(a.thought) > 0 {
		deltas := pieces("thinking_delta", "thinking", a.thought)
		deltas = append(deltas, params{"type": "signature_delta", "signature": Signature(strings.Join(a.thought, ""))})
		block(params{"type": "thinking", "thinking": "", "signature": ""}, deltas...)
	}
	if len(a.text) > 0 {
		block(params{"type": "text", "text": ""}, pieces("text_delta", "text", a.text)...)
	}
	for i, name := range a.calls {
		deltas := append([]params{{"type": "input_json_delta", "partial_json": ""}}, pieces("input_json_delta", "partial_json", strings.SplitAfter(a.input, ","))...)
		block(params{"type": "tool_use", "id": callID(i), "name": name, "input": params{}}, deltas...)
	}
	if step.Fault == "unknown" {
		out = append(out, event("content_block_hum", params{"index": index}))
	}
	end := params{"delta": params{"stop_reason": a.reason, "stop_sequence": a.sequence}}
	if final != nil {
		end["usage"] = final
	}
	return append(out, event("message_delta", end), event("message_stop", params{}))
}

func pieces(typ, member string, texts []string) (out []params) {
	for _, text := range texts {
		out = append(out, params{"type": typ, member: text})
	}
	return out
}

// sendStream sends the events as the step says.
func (e *exchange) sendStream(a *answer, step Step) {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e.WriteHeader(http.StatusOK)
	events := a.events(step)
	for i, v := range events {
		if e.R.Context().Err() != nil || e.interrupt(step, i, events) {
			return
		}
		e.event(v, step)
	}
	e.Flush()
}

// interrupt does what a step says before the event at i; true ends the stream. Faults come before the last two events at the
// latest, so that a short answer has them too.
func (e *exchange) interrupt(step Step, i int, events []named) bool {
	if step.Fault == "early_error" && i == 1 {
		e.event(named{"error", faultErrors["529"].body()}, step)
		return true
	}
	if step.Fault == "nostop" {
		return events[i].name == "message_stop"
	}
	if i < step.After && i < len(events)-2 {
		return false
	}
	switch step.Fault {
	case "hang":
		e.Flush()
		e.Hang()
		return true
	case "cut":
		_, _ = e.Write([]byte("event: content_block_delta\ndata: {\"type\":\"content_bl"))
		e.Abort()
	case "eof":
		return true
	case "malformed":
		_, _ = e.Write([]byte("event: content_block_delta\ndata: {\"type\":\"content_bl\n\n"))
		return true
	case "error_frame":
		e.event(named{"error", faultErrors["529"].body()}, step)
		return true
	}
	return false
}

// event writes one event and, as the real one does, flushes it at once.
func (e *exchange) event(v named, step Step) {
	frame := []byte("event: " + v.name + "\ndata: " + string(marshal(v.data)) + "\n\n")
	if step.Fault == "split" {
		for i := range frame {
			_, _ = e.Write(frame[i : i+1])
			e.Flush()
		}
		return
	}
	_, _ = e.Write(frame)
	if step.Fault != "batched" {
		e.Flush()
	}
}
