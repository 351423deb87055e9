package fakeollama

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

type chatRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role      string   `json:"role"`
		Content   string   `json:"content"`
		Images    []string `json:"images"`
		ToolCalls []struct {
			Function struct {
				Name      string         `json:"name"`
				Arguments map[string]any `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
		ToolName string `json:"tool_name"`
	} `json:"messages"`
	Stream *bool           `json:"stream"`
	Think  json.RawMessage `json:"think"`
	Tools  []any           `json:"tools"`
}

// faults are errors on request, by the model's name: "llama3.2--busy".
var faults = map[string]struct {
	status  int
	message string
}{
	"busy":    {503, "server busy, please try again. maximum pending requests exceeded"},
	"memory":  {500, "model requires more system memory (8.1 GiB) than is available (4.0 GiB)"},
	"tools":   {400, "registry.ollama.ai/library/llama3.2:latest does not support tools"},
	"context": {400, "the input length exceeds the context length"},
	"500":     {500, "llama runner process has terminated: exit status 2"},
	"429":     {429, "too many requests"},
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.last = body
	s.mu.Unlock()
	var q chatRequest
	if err := json.Unmarshal(body, &q); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	fault, ok := known(q.Model)
	if !ok {
		fail(w, http.StatusNotFound, "model '"+q.Model+"' not found")
		return
	}
	if f, ok := faults[fault]; ok {
		fail(w, f.status, f.message)
		return
	}
	if message := q.check(); message != "" {
		fail(w, http.StatusBadRequest, message)
		return
	}
	if fault == "hang" {
		<-r.Context().Done()
		return
	}
	if q.Stream == nil || *q.Stream {
		q.lines(w, r, fault)
		return
	}
	reply(w, q.line(Answer, "hm", len(q.Tools) > 0, true))
}

// check looks at what the real one cannot read.
func (q *chatRequest) check() string {
	for _, m := range q.Messages {
		if !slices.Contains([]string{"system", "user", "assistant", "tool"}, m.Role) {
			return "invalid role: " + m.Role
		}
		for _, image := range m.Images {
			if _, err := base64.StdEncoding.DecodeString(image); err != nil {
				return "illegal base64 data at input byte 4"
			}
		}
		for _, c := range m.ToolCalls {
			if c.Function.Name == "" || c.Function.Arguments == nil {
				return "invalid tool call"
			}
		}
	}
	return ""
}

// line is an answer, or a piece of one.
func (q *chatRequest) line(content, thinking string, calls, done bool) map[string]any {
	message := map[string]any{"role": "assistant", "content": content}
	if thinking != "" && string(q.Think) != "" && string(q.Think) != "false" {
		message["thinking"] = thinking
	}
	if calls {
		message["tool_calls"] = []any{map[string]any{"function": map[string]any{"name": "get_weather", "arguments": map[string]any{"city": "Bern"}}}}
	}
	out := map[string]any{"model": q.Model, "created_at": "2026-01-02T03:04:05.123456Z", "message": message, "done": done}
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
func (q *chatRequest) lines(w http.ResponseWriter, r *http.Request, fault string) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	all := []map[string]any{q.line("", "hm", false, false)}
	for _, word := range strings.SplitAfter(Answer, " ") {
		all = append(all, q.line(word, "", false, false))
	}
	if len(q.Tools) > 0 {
		all = append(all, q.line("", "", true, false))
	}
	all = append(all, q.line("", "", false, true))
	for i, l := range all {
		text := append(marshal(l), '\n')
		if i == 2 && breaks(w, r, fault, text) {
			return
		}
		send(w, text[:len(text)/2])
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
