package fakeollama

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

type chatRequest struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`
	Stream   *bool     `json:"stream"`
	Think    any       `json:"think"`
	Format   any       `json:"format"`
	Tools    []struct {
		Type     string `json:"type"`
		Function struct {
			Name        string         `json:"name"`
			Description string         `json:"description"`
			Parameters  map[string]any `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	Options   map[string]any `json:"options"`
	KeepAlive any            `json:"keep_alive"`
	Logprobs  bool           `json:"logprobs"`
}

type message struct {
	Role      string   `json:"role"`
	Content   string   `json:"content"`
	Thinking  string   `json:"thinking"`
	Images    []string `json:"images"`
	ToolCalls []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string         `json:"name"`
			Arguments map[string]any `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
	ToolName string `json:"tool_name"`
	CallID   string `json:"tool_call_id"`
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
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // the real one ignores them; here nothing is to be lost unseen
	if err := d.Decode(&q); err != nil {
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
	a := q.answer()
	if q.Stream == nil || *q.Stream {
		a.lines(w, r, fault)
		return
	}
	reply(w, a.line(a.text, a.thought, a.calls, true))
}

// check looks at what the real one cannot read, and at what its models cannot do.
func (q *chatRequest) check() string {
	for _, m := range q.Messages {
		if !slices.Contains([]string{"system", "user", "assistant", "tool"}, m.Role) {
			return "invalid role: " + m.Role
		}
		for _, image := range m.Images {
			data, err := base64.StdEncoding.DecodeString(image)
			if err != nil {
				return "illegal base64 data at input byte 4"
			}
			if kind := http.DetectContentType(data); !strings.HasPrefix(kind, "image/") {
				return "Failed to load image or audio file"
			}
		}
		for _, c := range m.ToolCalls {
			if c.Function.Name == "" || c.Function.Arguments == nil {
				return "invalid tool call"
			}
		}
	}
	for _, t := range q.Tools {
		if t.Type != "function" || t.Function.Name == "" || t.Function.Parameters["type"] != "object" {
			return "invalid tool"
		}
	}
	return q.checkThink()
}

// checkThink: one family of models is told how much to think, and others whether.
func (q *chatRequest) checkThink() string {
	level, isLevel := q.Think.(string)
	switch {
	case q.Think == nil || q.Think == false:
		return ""
	case !strings.Contains(q.Model, "gpt-oss"):
		return `"` + q.Model + `" does not support thinking`
	case isLevel && !slices.Contains([]string{"high", "medium", "low"}, level):
		return `invalid think value: "` + level + `" (must be "high", "medium", "low", true, or false)`
	}
	return ""
}
