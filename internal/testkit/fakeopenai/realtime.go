package fakeopenai

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/coder/websocket"
)

// RealtimeModels are the models that sessions can be opened with.
var RealtimeModels = []string{"gpt-realtime", "gpt-realtime-mini"}

// maxRealtimeEvent is how long a client's event may be. Source: the provider sheet "openai".
const maxRealtimeEvent = 16 << 20

// object is an event, or a part of one.
type object = map[string]any

// realtimeSession is one session. Its mutex guards what events change.
type realtimeSession struct {
	e     *exchange
	ws    *websocket.Conn
	model string
	step  Step
	beta  bool

	mu      sync.Mutex
	config  object
	words   int // of the conversation
	heard   int // bytes of sound in it
	buffer  int // bytes of sound that are not committed
	events  int
	running context.CancelFunc // of the response of the conversation; nil: none is
	all     sync.WaitGroup
}

// realtime opens a session. The model is checked before the connection is upgraded.
func (s *Server) realtime(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // see ServeHTTP
	asked := r.URL.Query().Get("model")
	model, step := s.step(asked)
	s.Update(func() { e.Rec.Model = asked })
	if !slices.Contains(RealtimeModels, model) {
		(&apiError{Status: 404, Code: "model_not_found", Param: "model", Message: "The model '" + model + "' does not exist."}).write(e)
		return
	}
	if beta := r.Header.Get("Openai-Beta"); beta != "" && beta != "realtime=v1" {
		(&apiError{Status: 400, Code: "invalid_beta", Message: "Unknown beta requested: '" + beta + "'."}).write(e)
		return
	}
	if e.obey(step, true) {
		return
	}
	ws, err := websocket.Accept(e, r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}})
	if err != nil {
		return
	}
	ws.SetReadLimit(maxRealtimeEvent)
	one := &realtimeSession{e: e, ws: ws, model: model, step: step, beta: r.Header.Get("Openai-Beta") != "", config: object{}}
	one.serve()
}

// serve answers events until the caller leaves.
func (x *realtimeSession) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	defer func() {
		cancel()
		x.all.Wait()
		_ = x.ws.CloseNow()
		x.e.server.Update(func() { x.e.Rec.Ended = true })
	}()
	if x.step.Fault == "malformed" {
		_ = x.ws.Write(ctx, websocket.MessageText, []byte(`{"type":"session.cre`))
	}
	x.send(ctx, "session.created", object{"session": x.described()})
	for {
		kind, message, err := x.ws.Read(ctx)
		if err != nil {
			return
		}
		var event object
		x.e.server.Update(func() { x.e.Rec.Events = append(x.e.Rec.Events, string(message)) })
		if kind != websocket.MessageText || json.Unmarshal(message, &event) != nil {
			x.complain(ctx, nil, "invalid_json", "We could not parse the JSON body of your event.")
			continue
		}
		x.take(ctx, event)
	}
}

// described is the session as its events show it.
func (x *realtimeSession) described() object {
	out := object{"id": "sess_fake", "object": "realtime.session", "model": x.model, "type": "realtime", "output_modalities": []string{"audio"}}
	maps.Copy(out, x.config)
	return out
}

// send writes an event.
func (x *realtimeSession) send(ctx context.Context, name string, event object) {
	x.mu.Lock()
	x.events++
	event["event_id"] = "event_fake_" + strconv.Itoa(x.events)
	x.mu.Unlock()
	if old, ok := betaNames[name]; ok && x.beta {
		name = old
	}
	event["type"] = name
	text, err := json.Marshal(event)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	_ = x.ws.Write(ctx, websocket.MessageText, text)
}

// betaNames are those that events had in the beta.
var betaNames = map[string]string{
	"conversation.item.added": "conversation.item.created", "response.output_text.delta": "response.text.delta",
	"response.output_audio.delta": "response.audio.delta", "response.output_audio_transcript.delta": "response.audio_transcript.delta",
}

// complain sends an error event.
func (x *realtimeSession) complain(ctx context.Context, about object, code, message string) {
	x.send(ctx, "error", object{"error": object{
		"type": "invalid_request_error", "code": code, "message": message, "param": nil, "event_id": about["event_id"],
	}})
}
