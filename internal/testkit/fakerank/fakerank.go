// Package fakerank are fakes of upstreams that rank and embed: Cohere, Jina and Voyage. Each takes only what the real one takes,
// answers in its shapes, and fails on request: a model's name with a status behind two dashes, as in rerank-v3.5--429, is
// answered with that, --hang with nothing, --cut with half an answer, --odd with an answer that is none. Sources: the provider
// sheet "rerank-jina-cohere"; Voyage's OpenAPI document.
package fakerank

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Key is the key that all of them accept.
const Key = "rank-fake-0123456789abcdef"

// Request is a request that was received.
type Request struct {
	Path string
	Body map[string]json.RawMessage
}

// Server is a fake. It is safe for concurrent use.
type Server struct {
	mux    *http.ServeMux
	refuse func(status int, message string) any

	mu       sync.Mutex
	requests []Request
}

func newServer(refuse func(status int, message string) any) *Server {
	return &Server{mux: http.NewServeMux(), refuse: refuse}
}

// Requests are those that were received, the oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers who has the key.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+Key {
		s.fail(w, http.StatusUnauthorized, "invalid api token "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) fail(w http.ResponseWriter, status int, message string) {
	write(w, status, s.refuse(status, message))
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	_, _ = w.Write(encoded(body))
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fakes' own shapes can be written
	}
	return b
}

// operation is what a path takes, and what it answers.
type operation struct {
	required, known []string
	answer          func(p params) (any, string) // or why not
}

// params are the members of a request.
type params map[string]json.RawMessage

// mount answers a path, once its request has passed.
func (s *Server) mount(path string, o operation) {
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var p params
		decoder := json.NewDecoder(r.Body)
		if decoder.Decode(&p) != nil || decoder.More() {
			s.fail(w, http.StatusBadRequest, "invalid json")
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, Request{path, p})
		s.mu.Unlock()
		for name := range p {
			if !slices.Contains(o.known, name) && !slices.Contains(o.required, name) {
				s.fail(w, http.StatusUnprocessableEntity, "unknown field: "+name)
				return
			}
		}
		for _, name := range o.required {
			if p[name] == nil {
				s.fail(w, http.StatusBadRequest, "missing field: "+name)
				return
			}
		}
		s.reply(w, r, o, p)
	})
}

func (s *Server) reply(w http.ResponseWriter, r *http.Request, o operation, p params) {
	model, fault, _ := strings.Cut(p.text("model"), "--")
	p["model"] = json.RawMessage(strconv.Quote(model))
	answer, why := o.answer(p)
	status, err := strconv.Atoi(fault)
	switch {
	case why != "":
		s.fail(w, http.StatusBadRequest, why)
	case err == nil:
		s.fail(w, status, "simulated at https://internal.invalid/"+Key)
	case fault == "hang":
		<-r.Context().Done()
	case fault == "odd":
		write(w, http.StatusOK, map[string]any{"results": []any{map[string]any{"index": 99, "relevance_score": 1}}, "data": "none"})
	case fault == "cut":
		b := encoded(answer)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = w.Write(b[:len(b)/2])
	default:
		write(w, http.StatusOK, answer)
	}
}

func (p params) text(name string) (s string) {
	_ = json.Unmarshal(p[name], &s) // of another type is empty
	return s
}

func (p params) texts(name string) (out []string) {
	_ = json.Unmarshal(p[name], &out)
	return out
}

func (p params) flag(name string, byDefault bool) bool {
	out := byDefault
	_ = json.Unmarshal(p[name], &out)
	return out
}

// top is how many results there are to be; why says what is wrong with that.
func (p params) top(name string, documents int) (n int, why string) {
	if p[name] == nil {
		return documents, ""
	}
	if json.Unmarshal(p[name], &n) != nil || n < 1 || n > documents {
		return 0, name + " must be from 1 to the number of documents"
	}
	return n, ""
}

// result is the i-th best: the last document is the best of all.
func result(i, documents int) map[string]any {
	return map[string]any{"index": documents - 1 - i, "relevance_score": 0.9 / float64(i+1)}
}

// vector is three numbers that depend on the length of a text.
func vector(text string) []float32 { return []float32{0.5, -0.25, float32(len(text))} }
