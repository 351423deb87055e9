package simulation

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider/simulation/voice"
	"github.com/gantry-ai/gantry/internal/socket"
)

// reply is a response on its way.
type reply struct {
	*talk

	id     string
	spoken bool
	voice  string
	limit  int // of output tokens
	words  []string
	input  members // of its usage
	text   int     // tokens that were sent
	sound  int
}

// respond answers the conversation, unless it is being answered.
func (t *talk) respond(ctx context.Context, event members) {
	asked := event.in("response")
	aside := asked.text("conversation") == "none"
	t.mu.Lock()
	if t.stop != nil && !aside {
		t.mu.Unlock()
		t.refuse(ctx, event, "conversation_already_has_active_response", "The conversation has a response in progress.")
		return
	}
	one, stop := context.WithCancel(ctx)
	if !aside {
		t.stop = stop
	}
	a := t.replyTo(asked)
	t.mu.Unlock()
	t.answers.Go(func() { defer stop(); a.run(ctx, one, aside) })
}

// replyTo plans a response; mu is held.
func (t *talk) replyTo(asked members) *reply {
	t.events++
	a := &reply{talk: t, id: "resp_sim" + strconv.Itoa(t.events), spoken: true, limit: maxRealtimeOutput}
	for _, m := range [...]members{t.config, asked} {
		for _, name := range [...]string{"output_modalities", "modalities"} {
			if list, ok := m[name].([]any); ok {
				a.spoken = slices.Contains(list, any("audio"))
			}
		}
		for _, name := range [...]string{"max_output_tokens", "max_response_output_tokens"} {
			if n, ok := m[name].(float64); ok && n >= 1 {
				a.limit = min(a.limit, int(n))
			}
		}
		a.voice += m.in("audio", "output").text("voice") + m.text("voice")
	}
	w := t.writer()
	text := w.text()
	if a.spoken {
		text = w.pick(w.book.opening, w.subject()) // short enough to be listened to
	}
	if t.plan.tokens > 0 {
		text = strings.Join(w.thought(t.plan.tokens), "")
	}
	a.words = cut(text)
	read := t.tokens + count(t.config.text("instructions")) + count(asked.text("instructions"))
	a.input = members{"input_tokens": read + t.heard, "input_token_details": members{
		"text_tokens": read, "audio_tokens": t.heard, "image_tokens": 0, "cached_tokens": 0,
	}}
	return a
}

// maxRealtimeOutput is how many tokens a response has at most.
const maxRealtimeOutput = 4096

// run says what there is to say. ctx is the session's, one the response's.
func (a *reply) run(ctx, one context.Context, aside bool) {
	item := members{"id": "item_" + a.id, "type": "message", "role": "assistant", "content": []any{}}
	a.tell(ctx, "response.created", members{"response": members{"id": a.id, "object": "realtime.response", "status": "in_progress", "usage": nil}})
	a.tell(ctx, "response.output_item.added", members{"response_id": a.id, "output_index": 0, "item": item})
	status := a.say(ctx, one)
	if status == "" {
		return
	}
	said := strings.Join(a.words[:a.text], "")
	part := members{"type": "output_text", "text": said}
	if a.spoken {
		part = members{"type": "output_audio", "transcript": said}
		a.tell(ctx, "response.output_audio.done", members{"response_id": a.id})
		a.tell(ctx, "response.output_audio_transcript.done", members{"response_id": a.id, "transcript": said})
	} else {
		a.tell(ctx, "response.output_text.done", members{"response_id": a.id, "text": said})
	}
	item["content"], item["status"] = []any{part}, "completed"
	a.tell(ctx, "response.output_item.done", members{"response_id": a.id, "output_index": 0, "item": item})
	a.mu.Lock()
	if !aside {
		a.stop = nil
	}
	a.tokens += a.text
	a.mu.Unlock()
	a.tell(ctx, "response.done", members{"response": members{
		"id": a.id, "object": "realtime.response", "status": status, "output": []any{item}, "usage": a.usage(),
	}})
}

// say sends token by token, and returns what became of the response; "": the session is over.
func (a *reply) say(ctx, one context.Context) string {
	if !wait(one, a.plan.firstToken()) {
		return "cancelled"
	}
	for i, word := range a.words {
		if i >= a.plan.after {
			if over, status := a.fail(one); over {
				return status
			}
		}
		switch {
		case i > 0 && !wait(one, a.plan.spend(1)):
			return "cancelled"
		case a.text+a.sound >= a.limit:
			return "incomplete"
		}
		a.piece(ctx, word)
	}
	return "completed"
}

// fail does what the plan's fault is, if it has one that comes in the middle of a response.
func (a *reply) fail(one context.Context) (over bool, status string) {
	switch a.plan.fault {
	case faultHang:
		<-one.Done()
		return true, "cancelled"
	case faultCut:
		a.line.Close(socket.Internal, "simulated end of the connection")
		return true, ""
	case faultMalformed:
		_ = a.line.Write(one, []byte(`{"type":`))
		return true, ""
	}
	return false, ""
}

// piece sends one token, and the sound of it.
func (a *reply) piece(ctx context.Context, word string) {
	a.text++
	if !a.spoken {
		a.tell(ctx, "response.output_text.delta", members{"response_id": a.id, "delta": word})
		return
	}
	sound := voice.Speak(nil, word, a.voice, 100)
	a.sound += tokensOf(len(sound), pcmRate, spokenPerSecond)
	a.tell(ctx, "response.output_audio_transcript.delta", members{"response_id": a.id, "delta": word})
	a.tell(ctx, "response.output_audio.delta", members{"response_id": a.id, "delta": base64.StdEncoding.EncodeToString(sound)})
}

// usage is what the response took; nil where the plan wants none told.
func (a *reply) usage() any {
	if a.plan.fault == faultNoUsage {
		return nil
	}
	input, _ := a.input["input_tokens"].(int)
	return members{
		"total_tokens": input + a.text + a.sound, "input_tokens": input, "input_token_details": a.input["input_token_details"],
		"output_tokens": a.text + a.sound, "output_token_details": members{"text_tokens": a.text, "audio_tokens": a.sound},
	}
}
