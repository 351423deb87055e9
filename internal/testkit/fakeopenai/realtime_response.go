package fakeopenai

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// RealtimeText is what is said where a step does not say otherwise.
const RealtimeText = "Hello there from the fake upstream."

// response is one on its way.
type realtimeResponse struct {
	*realtimeSession

	id     string
	limit  int // of output tokens; 0: none
	spoken bool
	input  object
	text   int // output tokens of text
	sound  int // and of sound
}

// create answers the conversation, unless it is being answered.
func (x *realtimeSession) create(ctx context.Context, event object) {
	asked, _ := event["response"].(object)
	aside := asked["conversation"] == "none"
	x.mu.Lock()
	if x.running != nil && !aside {
		x.mu.Unlock()
		x.complain(ctx, event, "conversation_already_has_active_response", "Conversation already has an active response in progress.")
		return
	}
	one, stop := context.WithCancel(ctx)
	if !aside {
		x.running = stop
	}
	x.events++
	r := x.response("resp_fake_"+strconv.Itoa(x.events), asked)
	x.mu.Unlock()
	x.all.Go(func() {
		defer stop()
		r.run(ctx, one, aside)
	})
}

// response is what is asked for; x.mu is held.
func (x *realtimeSession) response(id string, asked object) *realtimeResponse {
	r := &realtimeResponse{realtimeSession: x, id: id, spoken: true}
	for _, o := range []object{x.config, asked} {
		for _, name := range []string{"output_modalities", "modalities"} {
			if list, ok := o[name].([]any); ok {
				r.spoken = slices.Contains(list, any("audio"))
			}
		}
		for _, name := range []string{"max_output_tokens", "max_response_output_tokens"} {
			if n, ok := o[name].(float64); ok {
				r.limit = int(n)
			}
		}
	}
	instructions, _ := x.config["instructions"].(string)
	text, sound := x.words+len(strings.Fields(instructions)), heardTokens(x.heard)
	details := object{"text_tokens": text, "audio_tokens": sound, "image_tokens": 0, "cached_tokens": 0}
	if x.step.Fault == "cached" {
		details["cached_tokens"] = text/2 + sound/2
		details["cached_tokens_details"] = object{"text_tokens": text / 2, "audio_tokens": sound / 2, "image_tokens": 0}
	}
	r.input = object{"input_tokens": text + sound, "input_token_details": details}
	return r
}

// run sends the response. ctx is the session's, one the response's.
func (r *realtimeResponse) run(ctx, one context.Context, aside bool) {
	r.send(ctx, "response.created", object{"response": object{"id": r.id, "object": "realtime.response", "status": "in_progress", "usage": nil}})
	r.send(ctx, "response.output_item.added", object{"response_id": r.id, "item": object{"id": "item_" + r.id, "type": "message"}})
	status := r.say(ctx, one)
	if status == "" {
		return
	}
	r.mu.Lock()
	if !aside {
		r.running = nil
	}
	r.words += r.text
	r.mu.Unlock()
	r.send(ctx, "response.done", object{"response": object{
		"id": r.id, "object": "realtime.response", "status": status, "status_details": nil, "usage": r.usage(status),
	}})
	r.send(ctx, "rate_limits.updated", object{"rate_limits": []object{{"name": "tokens", "limit": 50000, "remaining": 49000, "reset_seconds": 0.1}}})
}

// say sends the pieces, and returns what became of the response; "": the connection is gone.
func (r *realtimeResponse) say(ctx, one context.Context) (status string) {
	text := r.step.Text
	if text == "" {
		text = RealtimeText
	}
	for i, word := range strings.Fields(text) {
		if status := r.fail(ctx, one, i); status != "-" {
			return status
		}
		if one.Err() != nil {
			return "cancelled"
		}
		if r.limit > 0 && r.text+r.sound >= r.limit {
			return "incomplete"
		}
		r.piece(ctx, word+" ")
	}
	return "completed"
}

// fail does what the step wants instead of the piece with a number; "-": nothing.
func (r *realtimeResponse) fail(ctx, one context.Context, at int) string {
	if at < r.step.After {
		return "-"
	}
	switch r.step.Fault {
	case "cut", "eof":
		_ = r.ws.CloseNow()
		return ""
	case "hang":
		<-one.Done()
		return "cancelled"
	case "error_frame":
		r.send(ctx, "error", object{"error": object{
			"type": "server_error", "code": "server_error", "message": "The server had an error. Bearer " + DefaultKey,
		}})
		return "failed"
	}
	return "-"
}

func (r *realtimeResponse) piece(ctx context.Context, word string) {
	r.text++
	if !r.spoken {
		r.send(ctx, "response.output_text.delta", object{"response_id": r.id, "delta": word})
		return
	}
	r.sound++
	r.send(ctx, "response.output_audio_transcript.delta", object{"response_id": r.id, "delta": word})
	r.send(ctx, "response.output_audio.delta", object{
		"response_id": r.id, "delta": base64.StdEncoding.EncodeToString(make([]byte, spokenToken)),
	})
}

// usage is what the response took.
func (r *realtimeResponse) usage(status string) any {
	if r.step.Fault == "no_usage" || status == "failed" {
		return nil
	}
	input, _ := r.input["input_tokens"].(int)
	u := object{
		"total_tokens": input + r.text + r.sound, "output_tokens": r.text + r.sound,
		"output_token_details": object{"text_tokens": r.text, "audio_tokens": r.sound},
	}
	maps.Copy(u, r.input)
	return u
}
