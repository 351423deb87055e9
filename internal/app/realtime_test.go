package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// talker is a caller's side of a session.
type talker struct {
	*websocket.Conn
	t *testing.T
}

// news is one of a session's.
type news map[string]any

func (e news) in(path ...string) news {
	for _, name := range path {
		next, _ := e[name].(map[string]any)
		e = next
	}
	return e
}

func (e news) text(name string) string { s, _ := e[name].(string); return s }

// dial asks for a session; header is names and values, and the subprotocols.
func (h *house) dial(query, key string, header ...string) (*websocket.Conn, *http.Response, error) {
	h.t.Helper()
	o := websocket.DialOptions{HTTPHeader: http.Header{}, Subprotocols: []string{"realtime"}}
	if key != "" {
		o.HTTPHeader.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Sec-WebSocket-Protocol" {
			o.Subprotocols = strings.Split(header[i+1], ", ")
			continue
		}
		o.HTTPHeader.Set(header[i], header[i+1])
	}
	return websocket.Dial(h.t.Context(), h.url+"/v1/realtime"+query, &o) //nolint:bodyclose // the connection's
}

// talk opens a session.
func (h *house) talk(query, key string, header ...string) talker {
	h.t.Helper()
	c, resp, err := h.dial(query, key, header...)
	if err != nil {
		h.t.Fatal(err, resp)
	}
	c.SetReadLimit(1 << 20)
	h.t.Cleanup(func() { _ = c.CloseNow() })
	return talker{c, h.t}
}

func (c talker) send(v any) {
	c.t.Helper()
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(b)
	}
	if err := c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// until returns the events up to one of a type.
func (c talker) until(name string) (out []news) {
	c.t.Helper()
	for {
		_, message, err := c.Read(c.t.Context())
		if err != nil {
			c.t.Fatalf("%s did not come, but %v; before it: %v", name, err, out)
		}
		var e news
		if err := json.Unmarshal(message, &e); err != nil {
			c.t.Fatal(err)
		}
		if out = append(out, e); e.text("type") == name {
			return out
		}
	}
}

func newest(events []news) news { return events[len(events)-1] }

// end reads to the session's end and returns its code, and the last error before it.
func (c talker) end() (code websocket.StatusCode, last news) {
	c.t.Helper()
	for {
		_, message, err := c.Read(c.t.Context())
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			return closed.Code, last
		}
		if err != nil {
			c.t.Fatal(err)
		}
		var e news
		if json.Unmarshal(message, &e) == nil && e.text("type") == "error" {
			last = e.in("error")
		}
	}
}

func saying(text string) string {
	return `{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"` + text + `"}]}}`
}

func silence(bytes int) string {
	return `{"type":"input_audio_buffer.append","audio":"` + base64.StdEncoding.EncodeToString(make([]byte, bytes)) + `"}`
}

const (
	inText   = `{"type":"session.update","session":{"type":"realtime","output_modalities":["text"]}}`
	answerMe = `{"type":"response.create"}`
)

// kept are the tasks of a person, the oldest first, once as many are written down.
func (h *house) kept(who guest, n int) []tasks.Task {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	for {
		if err := h.journal.Flush(ctx); err != nil {
			h.t.Fatal(err)
		}
		list, err := h.store.Tasks().TaskList(ctx, tasks.Query{User: who.id, Page: page.Request{Page: 1, Size: 100}})
		if err != nil {
			h.t.Fatal(err)
		}
		if len(list.Items) >= n {
			slices.Reverse(list.Items)
			return list.Items
		}
	}
}

// settled checks that no hold is open and that the books are right.
func (h *house) settled() {
	h.t.Helper()
	h.relay.AwaitSessions(h.t.Context())
	if open, units := h.book.Holds(); open != 0 || units != 0 {
		h.t.Errorf("%d holds of %d are open", open, units)
	}
	h.clean()
}

// voicePrices are in USD for a million tokens, or for a second.
const voicePrices = `{"currency":"USD","rules":[
	{"resourceType":"text_input","unit":"1m_tokens","basePrice":4},{"resourceType":"text_input_cached","unit":"1m_tokens","basePrice":0.4},
	{"resourceType":"audio_input","unit":"1m_tokens","basePrice":32},
	{"resourceType":"text_output","unit":"1m_tokens","basePrice":16},{"resourceType":"audio_output","unit":"1m_tokens","basePrice":64},
	{"resourceType":"audio_second","unit":"second","basePrice":0.0001}]}`

// connectVoices makes a fake upstream a platform that talks under the name "talk" and writes down under the name "ears".
func (h *house) connectVoices() *fakeopenai.Server {
	h.t.Helper()
	fake, platform := h.fakePlatform("Voices", 1)
	for alias, m := range map[string][2]string{"talk": {"gpt-realtime", "realtime"}, "ears": {fakeopenai.WhisperModel, "stt"}} {
		h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
			"modelAlias": alias, "providerModelName": m[0], "modelType": []string{m[1]}, "enabled": true, "billingConfig": json.RawMessage(voicePrices),
		}, nil, 201)
	}
	return fake
}

func TestASessionIsRelayedAndBilledByTheResponse(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		fake := h.connectVoices()
		ada := h.invite("ada", "10")
		c := h.talk("?model=talk", ada.key)
		if got := c.Subprotocol(); got != "realtime" {
			t.Errorf("subprotocol %q", got)
		}
		if s := newest(c.until("session.created")).in("session"); s.text("model") != "talk" {
			t.Errorf("%v", s)
		}
		c.send(inText)
		c.until("session.updated")
		c.send(saying("one two three"))
		c.send(answerMe)
		events := c.until("response.done")
		var text strings.Builder
		for _, e := range events {
			text.WriteString(e.text("delta"))
		}
		if strings.TrimSpace(text.String()) != fakeopenai.RealtimeText {
			t.Errorf("%q", text.String())
		}
		c.send(`{"type":"session.update","session":{"type":"realtime","output_modalities":["audio"]}}`)
		c.until("session.updated")
		c.send(silence(9600))
		c.send(`{"type":"input_audio_buffer.commit"}`)
		c.send(answerMe)
		c.until("response.done")
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
		rows := h.kept(ada, 2)
		if len(rows) != 2 {
			t.Fatalf("%d records", len(rows))
		}
		for i, want := range []string{ // 3 words at 4, 6 at 16; 9 words at 4 and 2 tokens of sound at 32, 6 at 16 and 6 at 64
			"0.000108", "0.00058",
		} {
			r := &rows[i]
			if got := r.Charged.Text("USD"); got != want || r.Status != tasks.Succeeded || r.Kind != "realtime" || r.HTTPStatus != 200 || r.BillReason != "usage" {
				t.Errorf("%d: charged %s, want %s: %s %s %d %s %v", i, got, want, r.Status, r.Kind, r.HTTPStatus, r.BillReason, r.Usage)
			}
		}
		if rows[0].RequestID != rows[1].RequestID || rows[0].ID == rows[1].ID {
			t.Errorf("%s %s", rows[0].RequestID, rows[1].RequestID)
		}
		last, _ := fake.Last()
		if last.Header.Get("Authorization") != "Bearer "+fakeopenai.DefaultKey || strings.Contains(strings.Join(last.Events, ""), ada.key) {
			t.Errorf("%v", last.Header)
		}
		h.settled()
	})
}
