package fakeopenai

import "net/http"

// chunks are the events of a stream, in order, each as the JSON of its data.
func (a *answer) chunks(c *chatRequest, step Step) (out [][]byte) {
	add := func(choices []any, usage any) {
		chunk := map[string]any{
			"id": a.id, "object": "chat.completion.chunk", "created": a.created, "model": c.model, "choices": choices,
			"service_tier": c.tier, "system_fingerprint": "fp_fake",
		}
		if c.includeUsage && step.Fault != "no_usage" {
			chunk["usage"] = usage
		}
		out = append(out, marshal(chunk))
	}
	for i := range c.n {
		for _, delta := range a.deltas() {
			add([]any{map[string]any{"index": i, "delta": delta, "logprobs": nil, "finish_reason": nil}}, nil)
		}
		add([]any{map[string]any{"index": i, "delta": map[string]any{}, "logprobs": nil, "finish_reason": a.finish}}, nil)
	}
	if c.includeUsage && step.Fault != "no_usage" {
		add([]any{}, a.usage)
	}
	return out
}

// deltas are the pieces of one choice. Parallel calls are told apart by their index alone.
func (a *answer) deltas() []map[string]any {
	if len(a.calls) == 0 {
		out := append(a.thoughts(), map[string]any{"role": "assistant", "content": "", "refusal": nil})
		for _, token := range a.text {
			out = append(out, map[string]any{"content": token})
		}
		return out
	}
	out := a.thoughts()
	for i, name := range a.calls {
		first := map[string]any{"tool_calls": []any{map[string]any{
			"index": i, "id": callID(i), "type": "function", "function": map[string]any{"name": name, "arguments": ""},
		}}}
		if i == 0 {
			first["role"], first["content"] = "assistant", nil
		}
		out = append(out, first)
		for _, piece := range tokens(a.args) {
			out = append(out, map[string]any{"tool_calls": []any{map[string]any{
				"index": i, "function": map[string]any{"arguments": piece},
			}}})
		}
	}
	return out
}

// thoughts are the pieces of what is shown of the reasoning.
func (a *answer) thoughts() (out []map[string]any) {
	for _, token := range a.thought {
		out = append(out, map[string]any{"role": "assistant", "content": nil, "reasoning_content": token})
	}
	return out
}

// sendStream sends the events as the step says.
func (e *exchange) sendStream(c *chatRequest, a *answer, step Step) {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e.WriteHeader(http.StatusOK)
	events := a.chunks(c, step)
	for i, data := range events {
		if e.R.Context().Err() != nil || e.interrupt(step, i, i == len(events)-1) {
			return
		}
		e.event(data, step)
	}
	e.event([]byte("[DONE]"), step)
	e.Flush()
}

// interrupt does what a step says before the event at i; true ends the stream. Faults come at the last event at the
// latest, so that a short answer has them too.
func (e *exchange) interrupt(step Step, i int, last bool) bool {
	if i < step.After && !last {
		return false
	}
	switch step.Fault {
	case "hang":
		e.Flush()
		e.Hang()
		return true
	case "cut":
		_, _ = e.Write([]byte(`data: {"id":"chatcmpl-fake","object":"chat.comp`))
		e.Abort()
	case "eof":
		return true
	case "malformed":
		_, _ = e.Write([]byte("data: {\"id\":\"chatcmpl-fake\",\"choices\":[{\"del\n\n"))
		return true
	case "error_frame":
		e.event(marshal(faultErrors["500"].body()), step)
		return true
	}
	return false
}

// event writes one event and, as the real one does, flushes it at once.
func (e *exchange) event(data []byte, step Step) {
	frame := append(append([]byte("data: "), data...), "\n\n"...)
	if step.Fault == "ping" {
		frame = append([]byte(": ping\n\n"), frame...)
	}
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
