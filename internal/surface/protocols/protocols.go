// Package protocols mounts the relay at the paths that the providers' own SDKs call. It decides nothing: each route names
// a wire format and the scope that a key needs, and the relay does the rest.
package protocols

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Options of the surface.
type Options struct {
	Relay *relay.Relay
	Keys  relay.Keys
	// Caller tells what is known of who calls.
	Caller func(*http.Request) relay.Caller
}

// Mount adds the surface's routes to r.
func Mount(r chi.Router, o Options) {
	s := &surface{o}
	chat := s.relayed(relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat})
	for _, path := range []string{"/v1/chat/completions", "/chat/completions"} {
		r.Post(path, chat)
	}
	for name, op := range map[string]relay.Operation{
		"responses":          {Format: openai.Responses, Scope: identity.ScopeResponses},
		"images/generations": {Format: openai.ImageGenerations, Scope: identity.ScopeImages},
		"images/edits":       {Format: openai.ImageEdits, Scope: identity.ScopeImages},
	} {
		handler := s.relayed(op)
		r.Post("/v1/"+name, handler)
		r.Post("/"+name, handler)
	}
	r.Post("/v1/embeddings", s.relayed(relay.Operation{Format: openai.Embeddings, Scope: identity.ScopeEmbeddings}))
	r.Get("/v1/models", s.listModels)
	r.Get("/v1/models/*", s.getModel)
}

// Owns reports whether a path belongs to the surface, so that what is not found there is said in its protocol.
func Owns(path string) bool { return strings.HasPrefix(path, "/v1/") || path == "/v1" }

// NotFound and MethodNotAllowed answer in the protocol's own shape.
func NotFound(w http.ResponseWriter, _ *http.Request) {
	writeError(w, fault.ErrNotFound.Saying("Unknown request URL. See the documentation for the endpoints of this API."))
}

// MethodNotAllowed answers a known path that was called with another method.
func MethodNotAllowed(w http.ResponseWriter, _ *http.Request) { writeError(w, fault.ErrBadMethod) }

type surface struct{ Options }

// errAsync refuses what the synchronous endpoint cannot do instead of doing something else.
var errAsync = fault.ErrInvalid.Saying("X-Async is not supported for this operation.").At("X-Async")

func (s *surface) relayed(op relay.Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if strings.EqualFold(req.Header.Get("X-Async"), "true") {
			writeError(w, errAsync)
			return
		}
		s.Relay.Serve(w, req, op, s.Caller(req))
	}
}

func writeError(w http.ResponseWriter, f *fault.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(openai.Chat.ErrorBody(f))
}
