package fakeopenai

import (
	"context"
	"encoding/base64"
	"maps"
	"strings"
)

// Bytes of sound that make a token: a tenth of a second of what is heard, a twentieth of what is spoken, both in 24 kHz PCM.
const (
	heardToken  = 4800
	spokenToken = 2400
)

// take does what an event asks for.
func (x *realtimeSession) take(ctx context.Context, event object) {
	name, _ := event["type"].(string)
	handle, known := realtimeEvents[name]
	if !known {
		x.complain(ctx, event, "invalid_value", "Invalid value: '"+name+"'. Supported values are those of the documentation.")
		return
	}
	handle(x, ctx, event)
}

var realtimeEvents map[string]func(x *realtimeSession, ctx context.Context, event object)

func init() { //nolint:gochecknoinits // the table and its functions refer to each other
	realtimeEvents = map[string]func(x *realtimeSession, ctx context.Context, event object){
		"session.update":            (*realtimeSession).update,
		"input_audio_buffer.append": (*realtimeSession).appendSound,
		"input_audio_buffer.commit": (*realtimeSession).commit,
		"input_audio_buffer.clear":  (*realtimeSession).clear,
		"conversation.item.create":  (*realtimeSession).addItem,
		"response.create":           (*realtimeSession).create,
		"response.cancel":           (*realtimeSession).cancel,
	}
}

// sessionMembers are those that a session may be set up with.
var sessionMembers = map[string]bool{
	"type": true, "model": true, "instructions": true, "output_modalities": true, "modalities": true, "audio": true, "tools": true,
	"tool_choice": true, "max_output_tokens": true, "max_response_output_tokens": true, "turn_detection": true, "voice": true,
	"input_audio_format": true, "output_audio_format": true, "input_audio_transcription": true, "temperature": true, "tracing": true,
}

func (x *realtimeSession) update(ctx context.Context, event object) {
	session, ok := event["session"].(object)
	switch {
	case !ok:
		x.complain(ctx, event, "missing_required_parameter", "Missing required parameter: 'session'.")
		return
	case !x.beta && session["type"] != "realtime":
		x.complain(ctx, event, "missing_required_parameter", "Missing required parameter: 'session.type'.")
		return
	case session["model"] != nil && session["model"] != x.model:
		x.complain(ctx, event, "session_model_update", "The model of a session cannot be changed.")
		return
	}
	for name := range session {
		if !sessionMembers[name] {
			x.complain(ctx, event, "unknown_parameter", "Unknown parameter: 'session."+name+"'.")
			return
		}
	}
	x.mu.Lock()
	maps.Copy(x.config, session)
	x.mu.Unlock()
	x.send(ctx, "session.updated", object{"session": x.described()})
}

func (x *realtimeSession) appendSound(ctx context.Context, event object) {
	text, _ := event["audio"].(string)
	sound, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		x.complain(ctx, event, "invalid_value", "Invalid 'audio'. Expected base64-encoded audio bytes.")
		return
	}
	x.mu.Lock()
	x.buffer += len(sound)
	ready := x.listens() && x.buffer >= heardToken
	x.mu.Unlock()
	if ready {
		x.send(ctx, "input_audio_buffer.speech_started", object{"audio_start_ms": 0, "item_id": "item_heard"})
		x.send(ctx, "input_audio_buffer.speech_stopped", object{"audio_end_ms": 100, "item_id": "item_heard"})
		x.commit(ctx, event)
		x.create(ctx, object{})
	}
}

// listens reports whether turns are detected; x.mu is held.
func (x *realtimeSession) listens() bool {
	input := within(x.config, "audio", "input")
	return x.config["turn_detection"] != nil || input["turn_detection"] != nil
}

func within(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

func (x *realtimeSession) commit(ctx context.Context, event object) {
	x.mu.Lock()
	n := x.buffer
	x.buffer = 0
	x.heard += n
	writer := within(x.config, "audio", "input", "transcription")
	if writer == nil {
		writer = within(x.config, "input_audio_transcription")
	}
	x.mu.Unlock()
	if n == 0 {
		x.complain(ctx, event, "input_audio_buffer_commit_empty", "Error committing input audio buffer: buffer too small.")
		return
	}
	x.send(ctx, "input_audio_buffer.committed", object{"item_id": "item_heard", "previous_item_id": nil})
	x.send(ctx, "conversation.item.added", object{"item": object{"id": "item_heard", "type": "message", "role": "user"}})
	if writer == nil {
		return
	}
	usage := object{
		"type": "tokens", "input_tokens": heardTokens(n), "output_tokens": 2, "total_tokens": heardTokens(n) + 2,
		"input_token_details": object{"text_tokens": 0, "audio_tokens": heardTokens(n)},
	}
	if writer["model"] == WhisperModel {
		usage = object{"type": "duration", "seconds": float64(n) / 48000}
	}
	x.send(ctx, "conversation.item.input_audio_transcription.completed", object{
		"item_id": "item_heard", "content_index": 0, "transcript": "was heard", "usage": usage,
	})
}

func heardTokens(bytes int) int { return (bytes + heardToken - 1) / heardToken }

func (x *realtimeSession) clear(ctx context.Context, _ object) {
	x.mu.Lock()
	x.buffer = 0
	x.mu.Unlock()
	x.send(ctx, "input_audio_buffer.cleared", object{})
}

func (x *realtimeSession) addItem(ctx context.Context, event object) {
	item, ok := event["item"].(object)
	if !ok || item["type"] == nil {
		x.complain(ctx, event, "missing_required_parameter", "Missing required parameter: 'item.type'.")
		return
	}
	x.mu.Lock()
	content, _ := item["content"].([]any)
	for _, piece := range content {
		o, _ := piece.(object)
		text, _ := o["text"].(string)
		sound, _ := o["audio"].(string)
		x.words += len(strings.Fields(text))
		x.heard += len(sound) * 3 / 4
	}
	x.mu.Unlock()
	item["id"] = "item_said"
	x.send(ctx, "conversation.item.added", object{"item": item, "previous_item_id": nil})
}

func (x *realtimeSession) cancel(ctx context.Context, event object) {
	x.mu.Lock()
	stop := x.running
	x.mu.Unlock()
	if stop == nil {
		x.complain(ctx, event, "response_cancel_not_active", "Cancellation failed: no active response found.")
		return
	}
	stop()
}
