package fakeollama

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

// Thought is what models think.
const Thought = "The user wants an answer."

// answered is what the model says.
type answered struct {
	q             *chatRequest
	thought, text string
	calls         []any
}

// answer makes up what the model says: the tools that the user names are called, else the last text is repeated.
func (q *chatRequest) answer() *answered {
	last := message{}
	if n := len(q.Messages); n > 0 {
		last = q.Messages[n-1]
	}
	a := &answered{q: q, text: Answer + " You said: " + last.Content}
	if q.Think != nil && q.Think != false {
		a.thought = Thought
	}
	if q.Format != nil && q.Format != "" {
		a.text = string(marshal(exemplar.Of(q.Format)))
	}
	for _, t := range q.Tools {
		if last.Role == "user" && strings.Contains(last.Content, t.Function.Name) {
			a.text = ""
			a.calls = append(a.calls, map[string]any{"id": "call_fake" + strconv.Itoa(len(a.calls)), "function": map[string]any{
				"index": len(a.calls), "name": t.Function.Name, "arguments": exemplar.Of(t.Function.Parameters),
			}})
		}
	}
	return a
}

// line is an answer, or a piece of one.
func (a *answered) line(content, thinking string, calls []any, done bool) map[string]any {
	message := map[string]any{"role": "assistant", "content": content}
	if thinking != "" {
		message["thinking"] = thinking
	}
	if len(calls) > 0 {
		message["tool_calls"] = calls
	}
	out := map[string]any{"model": a.q.Model, "created_at": "2026-01-02T03:04:05.123456Z", "message": message, "done": done}
	if done {
		for name, n := range map[string]int{
			"total_duration": 883583458, "load_duration": 1334875, "prompt_eval_count": Prompt, "prompt_eval_duration": 342546000,
			"eval_count": Output, "eval_duration": 535599000,
		} {
			out[name] = n
		}
		out["done_reason"] = "stop"
	}
	return out
}

// lines sends a stream, each line in two writes.
func (a *answered) lines(w http.ResponseWriter, r *http.Request, fault string) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	var all []map[string]any
	for _, word := range strings.SplitAfter(a.thought, " ") {
		all = append(all, a.line("", word, nil, false))
	}
	for _, word := range strings.SplitAfter(a.text, " ") {
		all = append(all, a.line(word, "", nil, false))
	}
	for _, call := range a.calls {
		all = append(all, a.line("", "", []any{call}, false))
	}
	all = append(all, a.line("", "", nil, true))
	for i, l := range all {
		text := append(marshal(l), '\n')
		if i == 2 && breaks(w, r, fault, text) || r.Context().Err() != nil {
			return
		}
		_, _ = w.Write(text[:len(text)/2])
		send(w, text[len(text)/2:])
	}
}

func send(w http.ResponseWriter, b []byte) {
	_, _ = w.Write(b)
	_ = http.NewResponseController(w).Flush()
}

func breaks(w http.ResponseWriter, r *http.Request, fault string, text []byte) bool {
	switch fault {
	case "mid-error":
		send(w, []byte(`{"error":"an error was encountered while running the model: unexpected EOF"}`+"\n"))
	case "mid-cut":
		send(w, text[:len(text)/2])
	case "mid-hang":
		<-r.Context().Done()
	default:
		return false
	}
	return true
}
