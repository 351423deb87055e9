// Package fakeopenai is an OpenAI upstream for tests: it checks what it is sent as strictly as the real one, answers in
// the real one's shapes, fails on request, and remembers what it was asked. Source: the provider sheet "openai".
package fakeopenai

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/record"
)

// DefaultKey is the key that a server without others accepts.
const DefaultKey = "sk-fake-0123456789abcdef"

// DefaultModels are the models of a server without others. Names that begin with o and a digit, or with gpt-5, are
// reasoning models.
var DefaultModels = []string{"gpt-4o-mini", "gpt-4.1", "gpt-5-mini", "o4-mini", "text-embedding-3-small", "text-embedding-3-large"}

// Options say what a server accepts. The zero value has the defaults.
type Options struct {
	Keys   []string
	Models []string
	// Clock gives the created fields; nil is the machine's.
	Clock clock.Clock
}

// Request is a request that was received, in full.
type Request = record.Request

// Server is the fake. It is safe for concurrent use.
type Server struct {
	*record.Log[Step]

	options Options
	mux     *http.ServeMux

	videos videoShop
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
	s := &Server{
		options: o, mux: http.NewServeMux(), Log: record.NewLog[Step](),
		videos: videoShop{jobs: map[string]*videoJob{}, byKey: map[string]string{}},
	}
	s.mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.mux.HandleFunc("POST /v1/embeddings", s.embeddings)
	s.mux.HandleFunc("POST /v1/responses", s.responses)
	s.mux.HandleFunc("POST /v1/images/generations", s.images)
	s.mux.HandleFunc("POST /v1/images/edits", s.edits)
	s.mux.HandleFunc("POST /v1/videos", s.submitVideo)
	s.mux.HandleFunc("POST /v1/videos/{id}/remix", s.remixVideo)
	s.mux.HandleFunc("GET /v1/videos/{id}", s.getVideo)
	s.mux.HandleFunc("DELETE /v1/videos/{id}", s.deleteVideo)
	s.mux.HandleFunc("GET /v1/videos/{id}/content", s.videoContent)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /v1/models/{model}", s.model)
	s.mux.HandleFunc("GET /v1/realtime", s.realtime)
	s.mountEndpoints()
	s.mux.HandleFunc("/", s.unknown)
	return s
}

// maxBody is more than any test sends.
const maxBody = 64 << 20

// ServeHTTP answers under /v1, and is controlled under /__fake.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/__fake/") {
		s.control(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	n, rec := s.record(r, body)
	h := w.Header()
	h.Set("X-Request-Id", "req_fake_"+strconv.Itoa(n))
	h.Set("Openai-Version", "2020-10-01")
	h.Set("Openai-Processing-Ms", "7")
	h.Set("Openai-Organization", "org-fakeupstream0001")
	e := &exchange{Exchange: s.NewExchange(w, r, rec), server: s, body: body}
	defer e.Close()
	if fault := s.authorize(r); fault != nil {
		fault.write(e)
		return
	}
	limits(h)
	s.mux.ServeHTTP(e, r)
}

// limits sets the rate-limit headers, which the real one sends with every answer to a known key.
func limits(h http.Header) {
	for name, value := range map[string]string{
		"limit-requests": "500", "limit-tokens": "200000", "remaining-requests": "499", "remaining-tokens": "199900",
		"reset-requests": "120ms", "reset-tokens": "6m0s",
	} {
		h.Set("X-Ratelimit-"+name, value)
	}
}

func (s *Server) authorize(r *http.Request) *apiError {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || key == "":
		return &apiError{Status: 401, Message: "You didn't provide an API key. You need to provide your API key in an Authorization header " +
			"using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."}
	case !slices.Contains(s.options.Keys, key):
		return &apiError{Status: 401, Code: "invalid_api_key", Message: "Incorrect API key provided: " + masked(key) +
			". You can find your API key at https://platform.openai.com/account/api-keys."}
	}
	return nil
}

// masked shows a key as the real one does in its messages.
func masked(key string) string {
	if len(key) < 12 {
		return "********"
	}
	return key[:8] + "********" + key[len(key)-4:]
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	(&apiError{Status: 404, Message: "Invalid URL (" + r.Method + " " + r.URL.Path + ")"}).write(w)
}

// exchange is one request on its way to an answer.
type exchange struct {
	record.Exchange

	server *Server
	body   []byte
}
