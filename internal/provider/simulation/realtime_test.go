package simulation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// session is one with the simulation, as its client sees it.
type session struct {
	socket.Line
	t *testing.T
}

func talkTo(t *testing.T, header ...string) session {
	t.Helper()
	c := provider.Call{Kind: inference.Realtime, Model: "sim-realtime", Attempt: 1, Header: map[string][]string{}}
	for i := 0; i+1 < len(header); i += 2 {
		c.Header.Set(header[i], header[i+1])
	}
	u, err := New(Options{}).Open(provider.Account{})
	if err != nil {
		t.Fatal(err)
	}
	line, err := u.(provider.SessionOpener).OpenSession(t.Context(), &c) //nolint:forcetypeassert // a compile-time guard says so
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close(socket.Normal, "") })
	return session{line, t}
}

func (s session) send(event string) {
	s.t.Helper()
	if err := s.Write(s.t.Context(), []byte(event)); err != nil {
		s.t.Fatal(err)
	}
}

// until returns the events up to one of a type.
func (s session) until(name string) (out []members) {
	s.t.Helper()
	for {
		message, err := s.Read(s.t.Context())
		if err != nil {
			s.t.Fatalf("%s did not come: %v", name, err)
		}
		if _, err := wire.PeekRealtimeNews(message); err != nil {
			s.t.Fatal(err)
		}
		var event members
		if err := json.Unmarshal(message, &event); err != nil {
			s.t.Fatal(err)
		}
		if out = append(out, event); event.text("type") == name {
			return out
		}
	}
}

func last(events []members) members { return events[len(events)-1] }

const say = `{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Tell me about harbours."}]}}`

func TestATalkInText(t *testing.T) {
	t.Parallel()
	s := talkTo(t)
	s.until("session.created")
	s.send(`{"type":"session.update","session":{"type":"realtime","output_modalities":["text"],"instructions":"Be brief."}}`)
	if got := last(s.until("session.updated")).in("session"); got.text("instructions") != "Be brief." || got.text("model") != "sim-realtime" {
		t.Errorf("%v", got)
	}
	s.send(say)
	s.until("conversation.item.done")
	s.send(`{"type":"response.create"}`)
	events := s.until("response.done")
	var text strings.Builder
	for _, e := range events {
		text.WriteString(e.text("delta"))
	}
	done := last(events).in("response")
	if !strings.Contains(text.String(), "harbours") || done.text("status") != "completed" {
		t.Errorf("%q %v", text.String(), done)
	}
	usage := done.in("usage")
	if out := usage["output_tokens"]; out != float64(count(text.String())) || usage["input_tokens"] != float64(count("Be brief.")+perMessage+count("Tell me about harbours.")) {
		t.Errorf("%v", usage)
	}
	s.send(`{"type":"conversation.item.fold","event_id":"e7"}`)
	if e := last(s.until("error")).in("error"); e.text("event_id") != "e7" {
		t.Errorf("%v", e)
	}
}

// tone is so much sound that somebody speaks in, or not.
func tone(milliseconds int, level int16) string {
	sound := make([]byte, 0, pcmRate*milliseconds/1000)
	for range pcmRate * milliseconds / 2000 {
		sound = binary.LittleEndian.AppendUint16(sound, uint16(level))
	}
	return `{"type":"input_audio_buffer.append","audio":"` + base64.StdEncoding.EncodeToString(sound) + `"}`
}

func TestATalkByVoice(t *testing.T) {
	t.Parallel()
	s := talkTo(t)
	s.until("session.created")
	s.send(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"sim-stt"}}}}}`)
	s.until("session.updated")
	s.send(tone(300, 0))
	s.send(tone(1000, 9000))
	if e := last(s.until("input_audio_buffer.speech_started")); e["audio_start_ms"] != 300.0 {
		t.Errorf("%v", e)
	}
	s.send(tone(600, 0))
	if e := last(s.until("conversation.item.input_audio_transcription.completed")); e.in("usage")["seconds"] != 1.9 {
		t.Errorf("%v", e)
	}
	events := s.until("response.done")
	sound := 0
	for _, e := range events {
		if e.text("type") == "response.output_audio.delta" {
			piece, err := base64.StdEncoding.DecodeString(e.text("delta"))
			if err != nil || len(piece)%2 != 0 {
				t.Errorf("%v", err)
			}
			sound += len(piece)
		}
	}
	usage := last(events).in("response", "usage")
	if sound < pcmRate || usage.in("input_token_details")["audio_tokens"] != 19.0 || usage.in("output_token_details")["audio_tokens"].(float64) < float64(sound/pcmRate*spokenPerSecond) { //nolint:forcetypeassert // it is a number
		t.Errorf("%d bytes of sound for %v", sound, usage)
	}
}

func TestResponsesAreCanceledAndRefused(t *testing.T) {
	t.Parallel()
	s := talkTo(t, header, "fault=hang;after=2")
	s.until("session.created")
	s.send(`{"type":"response.cancel"}`)
	s.until("error")
	s.send(`{"type":"response.create"}`)
	s.until("response.output_audio.delta")
	s.send(`{"type":"response.create"}`)
	if e := last(s.until("error")).in("error"); e.text("code") != "conversation_already_has_active_response" {
		t.Errorf("%v", e)
	}
	s.send(`{"type":"response.cancel"}`)
	if e := last(s.until("response.done")).in("response"); e.text("status") != "cancelled" || e.in("usage")["output_tokens"].(float64) < 4 { //nolint:forcetypeassert // it is a number
		t.Errorf("%v", e)
	}
}

func TestTheBetaHasItsNames(t *testing.T) {
	t.Parallel()
	s := talkTo(t, "Openai-Beta", "realtime=v1")
	s.until("session.created")
	s.send(`{"type":"session.update","session":{"modalities":["text"],"max_response_output_tokens":3}}`)
	s.until("session.updated")
	s.send(say)
	s.until("conversation.item.created")
	s.send(`{"type":"response.create"}`)
	events := s.until("response.done")
	n := len(slices.DeleteFunc(slices.Clone(events), func(e members) bool { return e.text("type") != "response.text.delta" }))
	if n != 3 || last(events).in("response").text("status") != "incomplete" {
		t.Errorf("%d pieces, %v", n, last(events))
	}
}

func TestSessionsFailOnRequest(t *testing.T) {
	t.Parallel()
	for plan, want := range map[string]inference.Category{"fault=429": inference.RateLimited, "fault=500": inference.ServerError, "fault=?": inference.InvalidRequest} {
		u, _ := New(Options{}).Open(provider.Account{})
		_, err := u.(provider.SessionOpener).OpenSession(t.Context(), &provider.Call{Model: "sim-realtime", Attempt: 1, Header: map[string][]string{header: {plan}}}) //nolint:forcetypeassert // a compile-time guard says so
		var refused *provider.Error
		if !errors.As(err, &refused) || refused.Category != want {
			t.Errorf("%s: %v", plan, err)
		}
	}
	s := talkTo(t, header, "fault=cut;after=1")
	s.until("session.created")
	s.send(`{"type":"response.create"}`)
	s.until("response.output_audio.delta")
	if _, err := s.Read(t.Context()); err == nil {
		t.Error("the connection did not break")
	}
}
