// Package fakeanthropic is an Anthropic upstream for tests: it checks what it is sent as strictly as the real one, answers in
// the real one's shapes, fails on request, and remembers what it was asked. Source: the provider sheet "anthropic".
package fakeanthropic

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/record"
)

// DefaultKey is the key that a server without others accepts.
const DefaultKey = "sk-ant-api03-fake-0123456789abcdef"

// DefaultModels are the models of a server without others.
var DefaultModels = []string{"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"}

// Versions that the fake speaks. Under the newer one sampling cannot be set.
const (
	Version2023 = "2023-06-01"
	Version2026 = "2026-10-21"
)

// Betas are the values of anthropic-beta that the fake knows.
var Betas = []string{
	"interleaved-thinking-2025-05-14", "structured-outputs-2025-11-13", "extended-cache-ttl-2025-04-11", "context-1m-2025-08-07",
	"token-counting-2024-11-01", "fine-grained-tool-streaming-2025-05-14", "oauth-2025-04-20",
}

// Options say what a server accepts. The zero value has the defaults.
type Options struct {
	Keys   []string
	Models []string
	// Clock gives the times of models; nil is the machine's.
	Clock clock.Clock
}

// Request is a request that was received, in full.
type Request = record.Request

// Server is the fake. It is safe for concurrent use.
type Server struct {
	*record.Log[Step]

	options Options
	mux     *http.ServeMux

	mu     sync.Mutex
	cached map[string]bool // prefixes of prompts that were written to the cache
}

// New returns a fake.
func New(o Options) *Server {
	if len(o.Keys) == 0 {
		o.Keys = []string{DefaultKey}
	}
	if len(o.Models) == 0 {
		o.Models = DefaultModels
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	s := &Server{options: o, mux: http.NewServeMux(), Log: record.NewLog[Step](), cached: map[string]bool{}}
	s.mux.HandleFunc("POST /v1/messages", s.messages)
	s.mux.HandleFunc("POST /v1/messages/count_tokens", s.countTokens)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /v1/models/{model}", s.model)
	s.mux.HandleFunc("/", s.unknown)
	return s
}

// maxBody is the size that the real one takes.
const maxBody = 32 << 20

// ServeHTTP answers under /v1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return
	}
	n, rec := s.record(r, body)
	h := w.Header()
	h.Set("Request-Id", "req_fake_"+strconv.Itoa(n))
	h.Set("Anthropic-Organization-Id", "8f0e1a2b-fake-organization")
	e := &exchange{Exchange: s.NewExchange(w, r, rec), server: s, body: body}
	defer e.Close()
	if fault := s.admit(r, body); fault != nil {
		fault.write(e)
		return
	}
	limits(h)
	s.mux.ServeHTTP(e, r)
}

// limits sets the rate-limit headers, which the real one sends with every answer to a known key.
func limits(h http.Header) {
	for name, value := range map[string]string{
		"requests-limit": "50", "requests-remaining": "49", "requests-reset": "2026-01-01T00:00:05Z",
		"input-tokens-limit": "40000", "input-tokens-remaining": "39000", "input-tokens-reset": "2026-01-01T00:00:05Z",
		"output-tokens-limit": "8000", "output-tokens-remaining": "8000", "output-tokens-reset": "2026-01-01T00:00:00Z",
	} {
		h.Set("Anthropic-Ratelimit-"+name, value)
	}
}

// admit checks what is checked before an operation is known.
func (s *Server) admit(r *http.Request, body []byte) *apiError {
	if fault := s.authorize(r.Header); fault != nil {
		return fault
	}
	switch v := r.Header.Get("Anthropic-Version"); {
	case v == "":
		return badRequest("anthropic-version: header is required")
	case v != Version2023 && v != Version2026:
		return badRequest("anthropic-version: %q is not a valid version", v)
	case len(body) > maxBody:
		return &apiError{Status: 413, Type: "request_too_large", Message: "Request exceeds the maximum size"}
	case r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return badRequest("content-type: must be application/json")
	}
	for _, line := range r.Header.Values("Anthropic-Beta") {
		for beta := range strings.SplitSeq(line, ",") {
			if beta = strings.TrimSpace(beta); !slices.Contains(Betas, beta) {
				return badRequest("Unexpected value(s) `%s` for the `anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the header.", beta)
			}
		}
	}
	return nil
}

func (s *Server) authorize(h http.Header) *apiError {
	key, bearer := h.Get("X-Api-Key"), h.Get("Authorization")
	if key == "" {
		key, _ = strings.CutPrefix(bearer, "Bearer ")
	}
	switch {
	case key == "" && bearer == "":
		return &apiError{Status: 401, Type: "authentication_error", Message: "x-api-key header is required"}
	case !slices.Contains(s.options.Keys, key):
		return &apiError{Status: 401, Type: "authentication_error", Message: "invalid x-api-key"}
	}
	return nil
}

func (s *Server) unknown(w http.ResponseWriter, _ *http.Request) {
	(&apiError{Status: 404, Type: "not_found_error", Message: "Not found"}).write(w)
}

// exchange is one request on its way to an answer.
type exchange struct {
	record.Exchange

	server *Server
	body   []byte
}
