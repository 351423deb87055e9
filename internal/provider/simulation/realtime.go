package simulation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
)

// realtimeModel talks: it reads and hears, and answers in text or by voice.
const realtimeModel = "sim-realtime"

// OpenSession opens a session within the process. It ends with its line.
func (e *engine) OpenSession(ctx context.Context, c *provider.Call) (socket.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	p, refusal := parsePlan(c.Header.Get(header), e.pace)
	if refusal == nil {
		refusal = p.refuse(c.Attempt)
	}
	if refusal == nil && !is(c.Model, realtimeModel) {
		refusal = unknownModel(c.Model)
	}
	if refusal != nil {
		r := refusal.response(c)
		body, _ := io.ReadAll(r.Body) // it is in memory
		return nil, provider.Refused(e, r, body)
	}
	if p.fault == faultHang && p.after == 0 {
		return nil, provider.SendError(ctx, pause(ctx, forever))
	}
	near, far := socket.Pipe()
	t := &talk{engine: e, line: far, plan: p, model: c.Model, beta: c.Header.Get("Openai-Beta") != "", config: members{}, rate: pcmRate}
	go t.run() //nolint:gosec // the session outlives the request that opens it
	return near, nil
}

// members are those of an event, or of a part of one.
type members map[string]any

// in is a member that has members, found by its path; empty where there is none.
func (m members) in(path ...string) members {
	for _, name := range path {
		next, _ := m[name].(map[string]any)
		m = next
	}
	return m
}

func (m members) text(name string) string { s, _ := m[name].(string); return s }

// talk is one session. One goroutine takes its events, and one for each response says what there is to say; mu guards what
// both look at.
type talk struct {
	*engine

	line  socket.Line
	plan  plan
	model string
	beta  bool
	rate  int // bytes of a second of sound that is heard
	ear   ear

	mu      sync.Mutex
	config  members
	said    []string // by the user, and instructions
	tokens  int      // of text in the conversation
	heard   int      // tokens of sound in it
	events  int
	stop    context.CancelFunc // of the response of the conversation; nil: none is
	answers sync.WaitGroup
}

// run takes events until the line ends.
func (t *talk) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer func() { cancel(); t.line.Close(socket.Normal, ""); t.answers.Wait() }()
	t.tell(ctx, "session.created", members{"session": t.described()})
	for {
		message, err := t.line.Read(ctx)
		if err != nil {
			return
		}
		var event members
		if json.Unmarshal(message, &event) != nil {
			t.refuse(ctx, nil, "invalid_json", "The event is not JSON.")
			continue
		}
		t.take(ctx, event)
	}
}

// take does what an event asks for.
func (t *talk) take(ctx context.Context, event members) {
	switch name := event.text("type"); name {
	case "session.update":
		t.setUp(ctx, event)
	case "input_audio_buffer.append":
		t.hear(ctx, event)
	case "input_audio_buffer.commit":
		t.commit(ctx, event)
	case "input_audio_buffer.clear":
		t.ear.clear()
		t.tell(ctx, "input_audio_buffer.cleared", members{})
	case "conversation.item.create":
		t.addItem(ctx, event)
	case "response.create":
		t.respond(ctx, event)
	case "response.cancel":
		t.mu.Lock()
		stop := t.stop
		t.mu.Unlock()
		if stop != nil {
			stop()
			return
		}
		t.refuse(ctx, event, "response_cancel_not_active", "No response is in progress.")
	default:
		t.refuse(ctx, event, "invalid_value", "The simulation does not know events of the type '"+provider.Scrub(name)+"'.")
	}
}

// setUp changes what the session is like.
func (t *talk) setUp(ctx context.Context, event members) {
	session := event.in("session")
	t.mu.Lock()
	maps.Copy(t.config, session)
	delete(t.config, "model")
	if session.in("audio", "input", "format").text("type") != "" || session.text("input_audio_format") != "" {
		t.rate = rateOf(session)
	}
	view := t.described()
	t.mu.Unlock()
	t.tell(ctx, "session.updated", members{"session": view})
}

const (
	pcmRate  = 48_000
	g711Rate = 8_000
)

func rateOf(session members) int {
	switch name := session.in("audio", "input", "format").text("type") + session.text("input_audio_format"); name {
	case "audio/pcmu", "audio/pcma", "g711_ulaw", "g711_alaw":
		return g711Rate
	}
	return pcmRate
}

// described is the session as events show it; mu is held, or nobody else is there yet.
func (t *talk) described() members {
	out := members{"id": "sess_sim", "object": "realtime.session", "type": "realtime", "model": t.model, "output_modalities": []string{"audio"}}
	maps.Copy(out, t.config)
	return out
}

// addItem takes what is written into the conversation.
func (t *talk) addItem(ctx context.Context, event members) {
	item := event.in("item")
	if item.text("type") == "" {
		t.refuse(ctx, event, "missing_required_parameter", "An item needs a type.")
		return
	}
	t.mu.Lock()
	content, _ := item["content"].([]any)
	for _, one := range content {
		piece, _ := one.(map[string]any)
		text := members(piece).text("text")
		if text != "" && item.text("role") == "user" {
			t.said = append(t.said, text)
		}
		t.tokens += perMessage + count(text)
		t.heard += tokensOf(base64.StdEncoding.DecodedLen(len(members(piece).text("audio"))), t.rate, heardPerSecond)
	}
	t.events++
	item["id"] = "item_sim" + strconv.Itoa(t.events)
	t.mu.Unlock()
	t.tell(ctx, "conversation.item.added", members{"item": item, "previous_item_id": nil})
	t.tell(ctx, "conversation.item.done", members{"item": item, "previous_item_id": nil})
}

// oldNames are those of events in the protocol's beta, which has some under other names and others not at all.
var oldNames = map[string]string{
	"conversation.item.added": "conversation.item.created", "conversation.item.done": "",
	"response.output_text.delta": "response.text.delta", "response.output_text.done": "response.text.done",
	"response.output_audio.delta": "response.audio.delta", "response.output_audio.done": "response.audio.done",
	"response.output_audio_transcript.delta": "response.audio_transcript.delta", "response.output_audio_transcript.done": "response.audio_transcript.done",
}

// tell sends an event. Where nobody listens any more it is lost.
func (t *talk) tell(ctx context.Context, name string, event members) {
	if old, renamed := oldNames[name]; renamed && t.beta {
		name = old
	}
	if name == "" {
		return
	}
	t.mu.Lock()
	t.events++
	event["event_id"] = "event_sim" + strconv.Itoa(t.events)
	t.mu.Unlock()
	event["type"] = name
	_ = t.line.Write(ctx, []byte(compact(event)))
}

func (t *talk) refuse(ctx context.Context, about members, code, message string) {
	t.tell(ctx, "error", members{"error": members{
		"type": "invalid_request_error", "code": code, "message": message, "param": nil, "event_id": about["event_id"],
	}})
}

// writer writes about what was said last; mu is held. The same conversation is answered in the same way.
func (t *talk) writer() *writer {
	topic := ""
	if n := len(t.said); n > 0 {
		topic = t.said[n-1]
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(topic))
	seed := h.Sum64() + uint64(len(t.said))
	return newWriter(rand.New(rand.NewPCG(seed, golden)), topic) //nolint:gosec // reproducible on purpose
}

// Tokens of a second of sound. Source: the guide to audio of the protocol's makers.
const (
	heardPerSecond  = 10
	spokenPerSecond = 20
)

// tokensOf is how many tokens so many bytes of sound have.
func tokensOf(bytes, rate, perSecond int) int { return (bytes*perSecond + rate - 1) / rate }

// wait lets time pass; false when the session is over.
func wait(ctx context.Context, d time.Duration) bool { return pause(ctx, d) == nil }

var _ provider.SessionOpener = (*engine)(nil)
