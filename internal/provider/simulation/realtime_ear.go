package simulation

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

const (
	// loud is what is more than noise, of 32767; rest is how long a speaker must be quiet to have finished, in milliseconds.
	loud = 600
	rest = 500
	// maxHeard bounds what is heard before it is committed: half an hour.
	maxHeard = pcmRate * 1800
)

// ear hears when somebody speaks. It is for PCM; of other sound it knows the length only.
type ear struct {
	bytes    int // not committed
	total    int // since the beginning
	speaking bool
	quiet    int // bytes since something was loud
}

func (e *ear) clear() { e.bytes, e.speaking, e.quiet = 0, false, 0 }

// take hears the next piece of sound, and reports whether speech begins, and whether it is over.
func (e *ear) take(sound []byte, rate int) (begins, over bool) {
	e.bytes += len(sound)
	e.total += len(sound)
	if rate != pcmRate {
		return false, false
	}
	if isLoud(sound) {
		begins, e.speaking, e.quiet = !e.speaking, true, 0
		return begins, false
	}
	e.quiet += len(sound)
	if e.speaking && e.quiet >= rate*rest/1000 {
		e.speaking, over = false, true
	}
	return false, over
}

func isLoud(sound []byte) bool {
	for ; len(sound) >= 2; sound = sound[2:] {
		if v := int16(binary.LittleEndian.Uint16(sound)); v > loud || v < -loud { //nolint:gosec // the bits of a sample
			return true
		}
	}
	return false
}

// hear takes sound in, and answers whoever has finished speaking unless that is not wanted.
func (t *talk) hear(ctx context.Context, event members) {
	sound, err := base64.StdEncoding.DecodeString(event.text("audio"))
	if err != nil || len(sound) == 0 || t.ear.bytes+len(sound) > maxHeard {
		t.refuse(ctx, event, "invalid_value", "The member 'audio' must be sound in base64.")
		return
	}
	begins, over := t.ear.take(sound, t.rate)
	if !t.listens() {
		return
	}
	if begins {
		t.tell(ctx, "input_audio_buffer.speech_started", members{"audio_start_ms": (t.ear.total - len(sound)) * 1000 / t.rate, "item_id": "item_heard"})
	}
	if over {
		t.tell(ctx, "input_audio_buffer.speech_stopped", members{"audio_end_ms": t.ear.total * 1000 / t.rate, "item_id": "item_heard"})
		t.commit(ctx, event)
		t.respond(ctx, members{})
	}
}

// listens reports whether the end of what somebody says is listened for. It is, unless the session was set up otherwise.
func (t *talk) listens() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, set := t.config.in("audio", "input")["turn_detection"]
	if !set {
		now, set = t.config["turn_detection"]
	}
	return !set || now != nil
}

// commit makes what was heard a part of the conversation, and writes it down where that is wanted.
func (t *talk) commit(ctx context.Context, event members) {
	n := t.ear.bytes
	if n == 0 {
		t.refuse(ctx, event, "input_audio_buffer_commit_empty", "There is no sound to commit.")
		return
	}
	t.ear.clear()
	t.mu.Lock()
	t.heard += tokensOf(n, t.rate, heardPerSecond)
	t.said = append(t.said, "")
	t.events++
	item := fmt.Sprintf("item_sim%d", t.events)
	wanted := t.config.in("audio", "input", "transcription") != nil || t.config.in("input_audio_transcription") != nil
	t.mu.Unlock()
	t.tell(ctx, "input_audio_buffer.committed", members{"item_id": item, "previous_item_id": nil})
	t.tell(ctx, "conversation.item.added", members{"item": members{"id": item, "type": "message", "role": "user", "content": []any{}}})
	if wanted {
		seconds := float64(n) / float64(t.rate)
		t.tell(ctx, "conversation.item.input_audio_transcription.completed", members{
			"item_id": item, "content_index": 0, "transcript": fmt.Sprintf("(%.1f seconds of sound)", seconds),
			"usage": members{"type": "duration", "seconds": seconds},
		})
	}
}
