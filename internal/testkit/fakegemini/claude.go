package fakegemini

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ClaudeVersion is what requests to Claude on Vertex must say.
const ClaudeVersion = "vertex-2023-10-16"

// claude serves {model}:rawPredict and :streamRawPredict: Anthropic's messages without model.
func (e *exchange) claude(name string) *apiError {
	at := strings.LastIndexByte(name, ':')
	if at < 0 || e.R.Method != http.MethodPost {
		return notFound("Publisher Model was not found.")
	}
	model, action := name[:at], name[at+1:]
	e.server.Update(func() { e.Rec.Model, e.Rec.Action = model, action })
	e.step = e.server.step(model)
	e.model, _ = splitModel(model)
	if !strings.HasPrefix(e.model, "claude-") || !slices.Contains(e.server.options.Models, e.model) {
		return notFound("Publisher Model `projects/p/locations/l/publishers/anthropic/models/" + e.model + "` was not found.")
	}
	m, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	stream := action == "streamRawPredict"
	switch {
	case m.text("anthropic_version") != ClaudeVersion:
		return invalid("anthropic_version: Field required")
	case m["model"] != nil:
		return invalid("model: Extra inputs are not permitted")
	case m["max_tokens"] == nil:
		return invalid("max_tokens: Field required")
	case (m["stream"] == true) != stream:
		return invalid("stream: must agree with the method")
	case e.obey(stream):
	case stream:
		e.claudeStream()
	default:
		writeJSON(e, http.StatusOK, claudeAnswer(e.model))
	}
	return nil
}

func claudeAnswer(model string) object {
	return object{
		"id": "msg_vrtx_fake", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn", "stop_sequence": nil,
		"content": []any{object{"type": "text", "text": "Hello from Vertex."}}, "usage": object{"input_tokens": 9, "output_tokens": 4},
	}
}

func (e *exchange) claudeStream() {
	e.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	begun := claudeAnswer(e.model)
	begun["content"], begun["stop_reason"] = []any{}, nil
	for _, event := range []object{
		{"type": "message_start", "message": begun},
		{"type": "content_block_start", "index": 0, "content_block": object{"type": "text", "text": ""}},
		{"type": "content_block_delta", "index": 0, "delta": object{"type": "text_delta", "text": "Hello from Vertex."}},
		{"type": "content_block_stop", "index": 0},
		{"type": "message_delta", "delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": 4}},
		{"type": "message_stop"},
	} {
		_, _ = fmt.Fprintf(e, "event: %s\n", event["type"])
		_, _ = e.Write(append(append([]byte("data: "), marshal(event)...), "\n\n"...))
		e.Flush()
		if e.step.Fault == "hang" {
			e.Hang()
			return
		}
	}
}
