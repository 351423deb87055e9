package fakeopenai

import (
	"maps"
	"net/http"
	"strings"
)

// responseEvents collects the events of a streamed response.
type responseEvents struct{ all []map[string]any }

func (r *responseEvents) add(name string, more map[string]any) {
	more["type"], more["sequence_number"] = name, len(r.all)
	r.all = append(r.all, more)
}

// sendResponse sends the events of a streamed response as the step says.
func (e *exchange) sendResponse(s *Server, r *responseRequest, output []map[string]any, step Step) {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e.WriteHeader(http.StatusOK)
	var events responseEvents
	events.add("response.created", map[string]any{"response": s.response(r, output, "in_progress", step)})
	events.add("response.in_progress", map[string]any{"response": s.response(r, output, "in_progress", step)})
	for i, item := range output {
		events.item(i, item)
	}
	events.add("response.completed", map[string]any{"response": s.response(r, output, "completed", step)})
	for i, event := range events.all {
		if e.R.Context().Err() != nil || e.interrupt(step, i, i == len(events.all)-1) {
			return
		}
		name, _ := event["type"].(string)
		_, _ = e.Write([]byte("event: " + strings.TrimSpace(name) + "\n"))
		e.event(marshal(event), step)
	}
}

// item adds the events of one item, from its beginning to its end.
func (r *responseEvents) item(index int, item map[string]any) {
	begun := maps.Clone(item)
	if begun["status"] != nil {
		begun["status"] = "in_progress"
	}
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"] = item["id"], index
		return more
	}
	switch item["type"] {
	case "message":
		begun["content"] = []any{}
		r.add("response.output_item.added", map[string]any{"output_index": index, "item": begun})
		r.text(at, textOf(item))
	case "function_call":
		begun["arguments"] = ""
		r.add("response.output_item.added", map[string]any{"output_index": index, "item": begun})
		for _, piece := range tokens(textOf(item)) {
			r.add("response.function_call_arguments.delta", at(map[string]any{"delta": piece}))
		}
		r.add("response.function_call_arguments.done", at(map[string]any{"arguments": item["arguments"], "name": item["name"]}))
	case "reasoning":
		begun["summary"] = []any{}
		r.add("response.output_item.added", map[string]any{"output_index": index, "item": begun})
		r.summary(at, item)
	}
	r.add("response.output_item.done", map[string]any{"output_index": index, "item": item})
}

func (r *responseEvents) text(at func(map[string]any) map[string]any, text string) {
	part := func(text string) map[string]any {
		return map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
	}
	r.add("response.content_part.added", at(map[string]any{"content_index": 0, "part": part("")}))
	for _, token := range tokens(text) {
		r.add("response.output_text.delta", at(map[string]any{"content_index": 0, "delta": token, "logprobs": []any{}}))
	}
	r.add("response.output_text.done", at(map[string]any{"content_index": 0, "text": text, "logprobs": []any{}}))
	r.add("response.content_part.done", at(map[string]any{"content_index": 0, "part": part(text)}))
}

func (r *responseEvents) summary(at func(map[string]any) map[string]any, item map[string]any) {
	parts, _ := item["summary"].([]any)
	for i, raw := range parts {
		part, _ := raw.(map[string]any)
		text, _ := part["text"].(string)
		r.add("response.reasoning_summary_part.added", at(map[string]any{"summary_index": i, "part": map[string]any{"type": "summary_text", "text": ""}}))
		for _, token := range tokens(text) {
			r.add("response.reasoning_summary_text.delta", at(map[string]any{"summary_index": i, "delta": token}))
		}
		r.add("response.reasoning_summary_text.done", at(map[string]any{"summary_index": i, "text": text}))
		r.add("response.reasoning_summary_part.done", at(map[string]any{"summary_index": i, "part": part}))
	}
}
