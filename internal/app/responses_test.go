package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// responseView is what callers see of a response.
type responseView struct {
	ID       string  `json:"id"`
	Status   string  `json:"status"`
	Previous *string `json:"previous_response_id"`
	Output   []struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"output"`
}

func respond(model, input string, more map[string]any) map[string]any {
	body := map[string]any{"model": model, "input": input, "max_output_tokens": 5000}
	maps.Copy(body, more)
	return body
}

func (h *house) respond(token string, body any) responseView {
	h.t.Helper()
	resp, text := h.send("POST", "/v1/responses", token, body)
	var out responseView
	if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%d %s (%v)", resp.StatusCode, text, err)
	}
	return out
}

func TestResponsesAreKeptForTheirOwner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann, bob := h.invite("ann", ""), h.invite("bob", "")
		first := h.respond(ann.key, respond("sim-chat", "hello there", nil))
		if !strings.HasPrefix(first.ID, "resp_") || first.Status != "completed" {
			t.Fatalf("made %+v", first)
		}
		var again responseView
		h.call("GET", "/v1/responses/"+first.ID, ann.key, nil, &again, 200)
		if again.ID != first.ID || fmt.Sprint(again.Output) != fmt.Sprint(first.Output) {
			t.Errorf("asked again %+v, was %+v", again, first)
		}
		second := h.respond(ann.key, respond("sim-chat", "and more", map[string]any{"previous_response_id": first.ID}))
		if second.Previous == nil || *second.Previous != first.ID {
			t.Errorf("continued %+v", second)
		}
		items := h.inputItems(second.ID, ann.key, "?order=asc&limit=2")
		if len(items.Data) != 2 || !items.HasMore || !strings.Contains(string(items.Data[0]), "hello there") {
			t.Fatalf("items %s", items.Data)
		}
		rest := h.inputItems(second.ID, ann.key, "?order=asc&after="+items.LastID)
		if len(rest.Data) != 1 || rest.HasMore || !strings.Contains(string(rest.Data[0]), "and more") {
			t.Errorf("the rest of the items: %s", rest.Data)
		}
		h.strangers(bob, first.ID)
		h.call("DELETE", "/v1/responses/"+first.ID, ann.key, nil, nil, 200)
		h.call("GET", "/v1/responses/"+first.ID, ann.key, nil, nil, 404)
		h.call("DELETE", "/v1/responses/"+first.ID, ann.key, nil, nil, 404)
		h.call("POST", "/v1/responses", ann.key, respond("sim-chat", "x", map[string]any{"previous_response_id": second.ID}), nil, 404)
		h.clean()
	})
}

type itemList struct {
	Data    []json.RawMessage `json:"data"`
	LastID  string            `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

func (h *house) inputItems(response, token, query string) (out itemList) {
	h.t.Helper()
	h.call("GET", "/v1/responses/"+response+"/input_items"+query, token, nil, &out, 200)
	return out
}

// strangers finds that somebody else's response is as unknown as one that is not there.
func (h *house) strangers(who guest, response string) {
	h.t.Helper()
	for _, c := range [][2]string{
		{"GET", response},
		{"DELETE", response},
		{"POST", response + "/cancel"},
		{"GET", response + "/input_items"},
		{"GET", "resp_" + strings.Repeat("0", 32)},
		{"GET", "resp_upstream"},
		{"GET", strings.ToUpper(response)},
	} {
		h.call(c[0], "/v1/responses/"+c[1], who.key, nil, nil, 404)
	}
	h.call("POST", "/v1/responses", who.key, respond("sim-chat", "x", map[string]any{"previous_response_id": response}), nil, 404)
}

func TestResponsesThatAreNotToBeKeptAreNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	made := h.respond(ann.key, respond("sim-chat", "hello", map[string]any{"store": false}))
	h.call("GET", "/v1/responses/"+made.ID, ann.key, nil, nil, 404)
	for _, more := range []map[string]any{
		{"store": false, "background": true},
		{"store": "yes"},
		{"background": 1},
		{"previous_response_id": "resp_1"},
		{"previous_response_id": made.ID},
	} {
		resp, text := h.send("POST", "/v1/responses", ann.key, respond("sim-chat", "hello", more))
		if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusNotFound || !bytes.Contains(text, []byte(`"error"`)) {
			t.Errorf("%v: %d %s", more, resp.StatusCode, text)
		}
	}
}

// TestStreamedResponsesAreKept also finds that a stream never shows what the upstream calls its response.
func TestStreamedResponsesAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectResponses("one", 100)
	ann := h.invite("ann", "5")
	resp, stream := h.send("POST", "/v1/responses", ann.key, respond("gpt-4o-mini", "hello", map[string]any{"stream": true}))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, stream)
	}
	ids := names(t, stream)
	if len(ids) != 1 || !strings.HasPrefix(ids[0], "resp_0") {
		t.Fatalf("the stream names %v\n%s", ids, stream)
	}
	var kept responseView
	h.call("GET", "/v1/responses/"+ids[0], ann.key, nil, &kept, 200)
	if kept.ID != ids[0] || kept.Status != "completed" || len(kept.Output) == 0 {
		t.Errorf("kept %+v", kept)
	}
	h.respond(ann.key, respond("gpt-4o-mini", "go on", map[string]any{"previous_response_id": ids[0]}))
	sent := fake.Requests()
	last := string(sent[len(sent)-1].Body)
	for _, want := range []string{`"hello"`, `"go on"`, `"previous_response_id":null`, kept.Output[0].Content[0].Text} {
		if !strings.Contains(last, want) {
			t.Errorf("the upstream got no %s:\n%s", want, last)
		}
	}
}

// names are the ids of the responses in a stream, each once.
func names(t *testing.T, stream []byte) (out []string) {
	t.Helper()
	for line := range strings.Lines(string(stream)) {
		data, ok := strings.CutPrefix(line, "data: ")
		var e struct {
			Response *responseView `json:"response"`
		}
		if ok && json.Unmarshal([]byte(data), &e) == nil && e.Response != nil && !slices.Contains(out, e.Response.ID) {
			out = append(out, e.Response.ID)
		}
	}
	return out
}

func TestBackgroundResponses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		queued := h.respond(ann.key, respond("sim-chat", "hello", map[string]any{"background": true}))
		if queued.Status != "queued" || queued.Output == nil {
			t.Fatalf("accepted %+v", queued)
		}
		h.runTasks()
		_, stream := h.send("GET", "/v1/responses/"+queued.ID+"?stream=true", ann.key, nil)
		if ids := names(t, stream); len(ids) != 1 || ids[0] != queued.ID || !bytes.Contains(stream, []byte("event: response.completed")) {
			t.Fatalf("streamed %v\n%s", ids, stream)
		}
		_, rest := h.send("GET", "/v1/responses/"+queued.ID+"?stream=true&starting_after=3", ann.key, nil)
		if !bytes.HasSuffix(stream, rest) || bytes.Count(stream, []byte("event: ")) != bytes.Count(rest, []byte("event: "))+4 {
			t.Errorf("resumed\n%s\nof\n%s", rest, stream)
		}
		var done responseView
		h.call("GET", "/v1/responses/"+queued.ID, ann.key, nil, &done, 200)
		if done.Status != "completed" || done.ID != queued.ID || len(done.Output) == 0 {
			t.Errorf("ended %+v", done)
		}
		h.call("POST", "/v1/responses/"+queued.ID+"/cancel", ann.key, nil, &done, 200)
		if done.Status != "completed" {
			t.Errorf("canceled after its end: %+v", done)
		}
		_, live := h.send("POST", "/v1/responses", ann.key, respond("sim-chat", "hi", map[string]any{"background": true, "stream": true}))
		if !bytes.Contains(live, []byte("event: response.created")) || !bytes.Contains(live, []byte("event: response.completed")) {
			t.Errorf("streamed from the beginning\n%s", live)
		}
		h.call("GET", "/v1/responses/"+queued.ID+"?stream=true&starting_after=x", ann.key, nil, nil, 400)
		h.clean()
	})
}

func TestBackgroundResponsesAreCanceled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		queued := h.respond(ann.key, respond("sim-chat", "hello", map[string]any{"background": true}))
		for range 2 {
			var out responseView
			h.call("POST", "/v1/responses/"+queued.ID+"/cancel", ann.key, nil, &out, 200)
			if out.Status != "cancelled" || out.ID != queued.ID {
				t.Errorf("canceled %+v", out)
			}
		}
		waited := h.respond(ann.key, respond("sim-chat", "hello", nil))
		h.call("POST", "/v1/responses/"+waited.ID+"/cancel", ann.key, nil, nil, 400)
		h.call("GET", "/v1/responses/"+waited.ID+"?stream=true", ann.key, nil, nil, 400)
		h.clean()
	})
}

// TestConversationsStayAtTheirAccount finds that what continues a response goes to the account that made it, although another
// would come first.
func TestConversationsStayAtTheirAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.connectResponses("one", 100)
	ann := h.invite("ann", "5")
	made := h.respond(ann.key, respond("gpt-4o-mini", "hello", nil))
	second := h.connectResponses("two", 1)
	before := len(first.Requests())
	for range 3 {
		made = h.respond(ann.key, respond("gpt-4o-mini", "go on", map[string]any{"previous_response_id": made.ID}))
	}
	if got := len(first.Requests()) - before; got != 3 {
		t.Errorf("%d of 3 calls went where the first went; %d elsewhere", got, len(second.Requests()))
	}
	h.respond(ann.key, respond("gpt-4o-mini", "something else", nil))
	if got := len(second.Requests()); got != 1 {
		t.Errorf("%d calls that continue nothing went to the platform that comes first", got)
	}
}

// connectResponses makes a fake upstream a platform of a priority, the lowest of which comes first.
func (h *house) connectResponses(key string, priority int) *fakeopenai.Server {
	h.t.Helper()
	fake := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(fake)
	h.t.Cleanup(server.Close)
	var p struct{ ID string }
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "openai", "name": key, "platformKey": key, "baseUrl": server.URL + "/v1", "priority": priority,
		"credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}, &p, 201)
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"modelAlias": "gpt-4o-mini", "providerModelName": "gpt-4o-mini", "modelType": []string{"responses"}, "enabled": true,
	}, nil, 201)
	return fake
}
