package relay_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// The prices of "m" and "ears" in sessions: 1 and 10 for text, 4 and 20 for sound, 0.5 for what is cached, for a million;
// what is written down costs 0.001 for a second.
const talkPrices = `{"currency":"USD","rules":[
	{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":10},
	{"resourceType":"text_input_cached","unit":"1m_tokens","basePrice":0.5},
	{"resourceType":"audio_input","unit":"1m_tokens","basePrice":4},{"resourceType":"audio_output","unit":"1m_tokens","basePrice":20},
	{"resourceType":"audio_second","unit":"second","basePrice":0.001}]}`

// talk is a session whose both sides are the test's.
type talk struct {
	*bench
	t *testing.T

	caller, upstream socket.Line
	accepted         chan socket.Line // the caller's side, when the upstream has greeted
	answer           *httptest.ResponseRecorder
	ended            chan struct{}
	holder           func(context.Context) (*identity.Principal, error)
}

// newTalk opens a session, and returns when both sides are connected.
func newTalk(t *testing.T, balance string, limits relay.Limits, change ...func(*talk, *relay.Options)) *talk {
	t.Helper()
	k := prepareTalk(t, balance, limits, change...)
	k.open()
	k.hear("session.created")
	return k
}

func prepareTalk(t *testing.T, balance string, limits relay.Limits, change ...func(*talk, *relay.Options)) *talk {
	t.Helper()
	k := &talk{t: t, accepted: make(chan socket.Line, 1), answer: httptest.NewRecorder(), ended: make(chan struct{})}
	k.bench = newBench(t, balance, limits, func(o *relay.Options) {
		for _, f := range change {
			f(k, o)
		}
	})
	if k.holder == nil {
		k.holder = func(context.Context) (*identity.Principal, error) { return k.principal, nil }
	}
	src := k.sources(slog.New(slog.DiscardHandler))
	for i := range src.Models {
		m := &src.Models[i]
		m.BillingConfig, m.Types = json.RawMessage(talkPrices), []inference.ModelType{inference.TypeRealtime}
	}
	ears := src.Models[0]
	ears.ID[15]++
	ears.Alias, ears.ProviderModelName, ears.Types = "ears", "first-ears", []inference.ModelType{inference.TypeSTT}
	src.Models = append(src.Models, ears)
	k.relay.Use(relay.Compile(src))
	k.first.session = func(context.Context, *provider.Call) (socket.Line, error) {
		near, far := socket.Pipe()
		k.upstream = far
		go func() {
			_ = far.Write(context.Background(), []byte(`{"type":"session.created","session":{"model":"first-model"}}`))
		}()
		return near, nil
	}
	return k
}

// open asks for a session. It returns when there is one, or none.
func (k *talk) open(change ...func(*relay.Session)) {
	k.t.Helper()
	req := httptest.NewRequestWithContext(k.t.Context(), http.MethodGet, "/v1/realtime", http.NoBody)
	want := relay.Session{Model: "m", Holder: k.holder, Header: http.Header{}, Accept: func() (socket.Line, error) {
		near, far := socket.Pipe()
		k.accepted <- far
		return near, nil
	}}
	for _, f := range change {
		f(&want)
	}
	go func() {
		defer close(k.ended)
		k.relay.ServeSession(k.answer, req, relay.Operation{Format: openai.Realtime, Scope: identity.ScopeRealtime}, relay.Caller{RequestID: "req-1"}, want)
	}()
	select {
	case k.caller = <-k.accepted:
		k.t.Cleanup(func() { k.caller.Close(socket.Normal, ""); <-k.ended })
	case <-k.ended:
	}
}

// say sends an event of the caller's.
func (k *talk) say(event string) {
	k.t.Helper()
	if err := k.caller.Write(k.t.Context(), []byte(event)); err != nil {
		k.t.Fatalf("%.100s: %v", event, err)
	}
}

// tell sends an event of the upstream's.
func (k *talk) tell(event string) {
	k.t.Helper()
	if err := k.upstream.Write(k.t.Context(), []byte(event)); err != nil {
		k.t.Fatalf("%.100s: %v", event, err)
	}
}

type happening map[string]any

func (h happening) in(name string) happening { m, _ := h[name].(map[string]any); return m }

// hear is the next event that the caller gets, which must be of a type.
func (k *talk) hear(name string) happening {
	k.t.Helper()
	return next(k.t, k.caller, name)
}

// told is the next event that the upstream gets.
func (k *talk) told(name string) happening {
	k.t.Helper()
	return next(k.t, k.upstream, name)
}

func next(t *testing.T, l socket.Line, name string) happening {
	t.Helper()
	message, err := l.Read(t.Context())
	if err != nil {
		t.Fatalf("%s did not come: %v", name, err)
	}
	var h happening
	if err := json.Unmarshal(message, &h); err != nil || h["type"] != name {
		t.Fatalf("got %.300s, want %s", message, name)
	}
	return h
}

// over reads what the caller gets to the session's end: the codes of errors, and the code that ends it.
func (k *talk) over() (faults []string, code socket.Code) {
	k.t.Helper()
	for {
		message, err := k.caller.Read(k.t.Context())
		if closed, ok := errors.AsType[*socket.ClosedError](err); ok {
			<-k.ended
			return faults, closed.Code
		}
		if err != nil {
			k.t.Fatal(err)
		}
		var h happening
		if json.Unmarshal(message, &h) == nil && h["type"] == "error" {
			faults = append(faults, fmt.Sprint(h.in("error")["code"]))
		}
	}
}

// records are what the session left, once they are written.
func (k *talk) records() []*journal.Record {
	k.t.Helper()
	if err := k.journal.Flush(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	k.sink.mu.Lock()
	defer k.sink.mu.Unlock()
	return k.sink.records
}

// begin has the caller ask for a response, and the upstream begin it.
func (k *talk) begin(name string) {
	k.t.Helper()
	k.say(`{"type":"response.create"}`)
	k.told("response.create")
	k.tell(`{"type":"response.created","response":{"id":"` + name + `"}}`)
	k.hear("response.created")
}

func textOf(text string) string {
	return `{"type":"response.output_text.delta","response_id":"r1","delta":"` + text + `"}`
}

func soundOf(name string, bytes int) string {
	return `{"type":"response.output_audio.delta","response_id":"` + name + `","delta":"` + base64.StdEncoding.EncodeToString(make([]byte, bytes)) + `"}`
}

func doneWith(name, status, usage string) string {
	return `{"type":"response.done","response":{"id":"` + name + `","status":"` + status + `","usage":` + usage + `}}`
}

const little = `{"input_tokens":10,"output_tokens":5,"total_tokens":15,"input_token_details":{"text_tokens":10},"output_token_details":{"text_tokens":5}}`

// wordy is so many of the words that are estimated as one token each.
func wordy(n int) string { return strings.Repeat("word", n) }

// longest is longer than anything takes here.
const longest = 20 * time.Second

func (k *talk) log() *slog.Logger { return slog.New(slog.DiscardHandler) }
