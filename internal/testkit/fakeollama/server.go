// Package fakeollama is an Ollama server for tests: it answers in lines, with figures in nanoseconds, knows its models, and
// fails on request. Source: the provider sheet "ollama-vllm-llamacpp".
package fakeollama

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// Models are those of the server; a name without a tag means the tag latest.
var Models = []string{"llama3.2:latest", "gpt-oss:20b", "nomic-embed-text:latest"}

// How every answer begins, and what it is said to take.
const (
	Answer = "Hello from Ollama!"
	Prompt = 26
	Output = 5
)

// Server is the fake. The zero value is ready and asks for no key. It is safe for concurrent use.
type Server struct {
	// Key is what a server behind a gate asks for.
	Key string

	mu   sync.Mutex
	last []byte
}

// Last is the body of the last conversation.
func (s *Server) Last() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// ServeHTTP answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.Key {
		fail(w, http.StatusUnauthorized, "unauthorized")
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/tags":
		s.tags(w)
	case "POST /api/chat":
		s.chat(w, r)
	case "POST /v1/embeddings":
		embeddings(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) tags(w http.ResponseWriter) {
	var models []any
	for _, m := range Models {
		models = append(models, map[string]any{
			"name": m, "model": m, "modified_at": "2026-01-01T00:00:00Z", "size": 2019393189, "digest": "a80c4f17acd5",
			"details": map[string]any{"family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"},
		})
	}
	reply(w, map[string]any{"models": models})
}

// embeddings are those of the port that speaks OpenAI's dialect.
func embeddings(w http.ResponseWriter, r *http.Request) {
	fake := fakeopenai.New(fakeopenai.Options{})
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	body = []byte(strings.Replace(string(body), `"nomic-embed-text"`, `"text-embedding-3-small"`, 1))
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	r.Header.Set("Authorization", "Bearer "+fakeopenai.DefaultKey)
	fake.ServeHTTP(w, r)
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(map[string]string{"error": message}))
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(marshal(v))
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fake's own shapes can be written
	}
	return text
}

// known finds a model; what follows "--" in its name is a fault.
func known(name string) (fault string, ok bool) {
	name, fault, _ = strings.Cut(name, "--")
	return fault, slices.Contains(Models, name) || slices.Contains(Models, name+":latest")
}
