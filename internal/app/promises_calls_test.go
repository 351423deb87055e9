package app

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// history asks what callers see of a call that has ended, and of their wallet.
func (w *witness) history() {
	caller := w.invite("caller", "")
	w.people["caller"] = "Bearer " + caller.key
	w.call(post, "/v1/chat/completions", caller.key, map[string]any{
		"model": "sim-chat", "max_tokens": 5, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
	}, nil, 200)
	if err := w.journal.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var list struct{ Items []struct{ ID string } }
	w.call(get, "/api/v1/tasks", caller.key, nil, &list, 200)
	w.values["task"] = list.Items[0].ID
	for _, face := range []struct{ list, get, events, changes string }{
		{"listTasks", "getTask", "streamTaskEvents", "listTaskParamPreprocessing"},
		{"listWorkspaceTasks", "getWorkspaceTask", "streamWorkspaceTaskEvents", "listWorkspaceTaskParamPreprocessing"},
	} {
		w.ask(face.list, 200, question{name: "calls", as: "caller", query: "?modelType=chat&pageSize=5"})
		w.refused(face.list, 400, "invalid_page", "page", question{name: "a page before the first", as: "caller", query: "?page=-1"})
		for _, operation := range []string{face.get, face.events, face.changes} {
			w.ask(operation, 200, question{name: "a call", as: "caller", of: "{task}"})
			w.refused(operation, 404, "not_found", "", question{name: "somebody else's", as: "user", of: "{task}"})
		}
	}
	w.ask("getWorkspaceWallet", 200, question{name: "the wallet", as: "user", query: "?currency=USD"})
	w.ask("listWorkspaceWalletTransactions", 200, question{name: "transactions", as: "user", query: "?pageSize=5"})
	w.refused("listWorkspaceWalletTransactions", 400, "invalid_parameter", "direction", question{name: "neither in nor out", as: "user", query: "?direction=up"})
}

// operation is one that the relay answers.
type operation struct {
	id string
	// body is what it is asked with.
	body string
	// task says that it is answered by a task unless the caller wants to wait; video, that nobody can wait for it.
	task, video bool
}

// relayed asks each of the operations that reach upstreams.
func (w *witness) relayed() {
	poor, slow := w.invite("poor", ""), w.invite("slow", "")
	w.call(patch, "/api/admin/users/"+poor.id.String()+"/wallet", w.admin, map[string]any{"balance": 0, "currency": "SIM", "reason": "test"}, nil, 200)
	w.limit(slow, `{"windows":[{"metric":"requests","limit":1,"windowSeconds":86400}]}`, "")
	w.call(post, "/v1/chat/completions", slow.key, chat("sim-chat", false), nil, 200)
	w.people["poor"], w.people["slow"] = "Bearer "+poor.key, "Bearer "+slow.key
	picture := "data:image/png;base64," + base64.StdEncoding.EncodeToString(fakeopenai.Pixel)
	talk := `{"model":"sim-chat","max_tokens":20,"messages":[{"role":"user","content":"hi"}]}`
	answer := `{"model":"sim-chat","input":"hi","max_output_tokens":20}`
	draw := `{"model":"sim-image","prompt":"a boat","size":"32x32"}`
	edit := `{"model":"sim-image","prompt":"at night","size":"32x32","image":"` + picture + `"}`
	film := `{"model":"sim-video","prompt":"waves","size":"64x48","seconds":1}`
	for _, o := range []operation{
		{id: "createChatCompletionTask", body: talk, task: true},
		{id: "createResponseTask", body: answer, task: true},
		{id: "createImageGenerationTask", body: draw, task: true},
		{id: "createImageEditTask", body: edit, task: true},
		{id: "createVideoGenerationTask", body: film, task: true, video: true},
		{id: "openaiRootChatCompletions", body: talk},
		{id: "openaiV1ChatCompletions", body: talk},
		{id: "openaiRootResponses", body: answer},
		{id: "openaiV1Responses", body: answer},
		{id: "openaiRootImageGenerations", body: draw},
		{id: "openaiV1ImageGenerations", body: draw},
		{id: "openaiRootImageEdits", body: edit},
		{id: "openaiV1ImageEdits", body: edit},
	} {
		w.reached(&o)
	}
}

// reached asks an operation for each of its answers.
func (w *witness) reached(o *operation) {
	w.t.Helper()
	as := func(who, name, body string) question {
		return question{name: name, as: who, body: body, relayed: !o.task}
	}
	if !o.video {
		waiting := as("key", "answered at once", o.body)
		waiting.relayed, waiting.header = true, map[string]string{"X-Async": "false"}
		w.ask(o.id, 200, waiting)
		waiting.name, waiting.code, waiting.header = "the upstream fails", "upstream_error", map[string]string{"X-Async": "false", "X-Simulation": "fault=500"}
		w.ask(o.id, 502, waiting)
		w.clock.Advance(10 * time.Minute) // the platform comes back from what it was seen to do
	}
	if !o.task {
		events := as("key", "answered as a stream", strings.Replace(o.body, "{", `{"stream":true,`, 1))
		events.streamed = true
		w.ask(o.id, 200, events)
	}
	later := as("key", "answered by a task", o.body)
	later.relayed = false
	if !o.task {
		later.header = map[string]string{"X-Async": "true"}
	}
	w.ask(o.id, 202, later)
	w.refused(o.id, 400, "invalid_parameter", "model", as("key", "a model that is no text", `{"model":7}`))
	w.refused(o.id, 401, "unauthorized", "", as("", "nobody", o.body))
	w.refused(o.id, 402, "insufficient_balance", "", as("poor", "no money", o.body))
	w.refused(o.id, 403, "insufficient_scope", "", as("reader", "a key for something else", o.body))
	w.refused(o.id, 404, "model_not_found", "model", as("key", "what nobody serves", strings.Replace(o.body, `"sim-`, `"no-`, 1)))
	w.refused(o.id, 429, "rate_limit", "", as("slow", "too often", o.body))
}
