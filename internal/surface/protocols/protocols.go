// Package protocols mounts the relay at the paths that the providers' own SDKs call. It decides nothing: each route names
// a wire format and the scope that a key needs, and the relay does the rest.
package protocols

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Options of the surface.
type Options struct {
	Relay *relay.Relay
	Keys  relay.Keys
	// Caller tells what is known of who calls.
	Caller func(*http.Request) relay.Caller
	// Accept takes a call up as a task and answers so, or returns why not.
	Accept func(w http.ResponseWriter, req *http.Request, op relay.Operation) error
	// Take takes a call up as a task. The error is a *fault.Error.
	Take func(w http.ResponseWriter, req *http.Request, op relay.Operation) (relay.Accepted, error)
	// Tasks and Desk are where calls are that nobody waits for, Shelf what callers may ask for again.
	Tasks tasks.Store
	Desk  Desk
	Shelf *tasks.Shelf
	// Files are what callers bring; MaxFile is the largest.
	Files   Files
	MaxFile int64
	Batches Batches
	Made    Made
	// Ephemerals makes the keys that sessions can be opened with.
	Ephemerals *identity.Ephemerals
	Now        clock.Clock
	Log        *slog.Logger
}

// Desk is where tasks are canceled, and where their news come from; *tasks.Desk is it.
type Desk interface {
	// Cancel ends a task, or asks whoever runs it to. Codes: not_found, task_ended.
	Cancel(ctx context.Context, by event.Actor, user, task id.ID) (tasks.Task, error)
	// Follow returns a channel that has something in it after the task has news, and a function that ends that.
	Follow(task id.ID) (news <-chan struct{}, end func())
}

// Operations that callers of several surfaces ask for.
var (
	Chat       = relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat}
	responses  = relay.Operation{Format: openai.Responses, Scope: identity.ScopeResponses}
	images     = relay.Operation{Format: openai.ImageGenerations, Scope: identity.ScopeImages}
	edits      = relay.Operation{Format: openai.ImageEdits, Scope: identity.ScopeImages}
	videos     = relay.Operation{Format: openai.VideoGenerations, Scope: identity.ScopeVideo}
	embeddings = relay.Operation{Format: openai.Embeddings, Scope: identity.ScopeEmbeddings}
)

// Asynchronous are the operations that can be answered by a task.
func Asynchronous() []relay.Operation {
	return []relay.Operation{Chat, messages, responses, images, edits, videos}
}

// Mount adds the surface's routes to r.
func Mount(r chi.Router, o Options) {
	s := &surface{o}
	chat := s.relayed(Chat)
	for _, path := range []string{"/v1/chat/completions", "/chat/completions"} {
		r.Post(path, chat)
	}
	deferrable := responses
	deferrable.Deferred = s.deferResponse
	for name, op := range map[string]relay.Operation{
		"responses": deferrable, "images/generations": images, "images/edits": edits,
	} {
		handler := s.relayed(op)
		r.Post("/v1/"+name, handler)
		r.Post("/"+name, handler)
	}
	r.Post("/v1/embeddings", s.relayed(embeddings))
	r.Post("/v1/messages", asAnthropic(s.relayed(messages)))
	r.Post("/v1/messages/count_tokens", asAnthropic(s.countTokens))
	s.mountEndpoints(r)
	s.mountResponses(r)
	s.mountFiles(r)
	s.mountBatches(r)
	s.mountMessageBatches(r)
	s.mountVideos(r)
	s.mountRealtime(r)
	r.Get("/v1/models", s.listModels)
	r.Get("/v1/models/*", s.getModel)
	s.mountGemini(r)
}

// Owns reports whether a path belongs to the surface, so that what is not found there is said in its protocol.
func Owns(path string) bool {
	return strings.HasPrefix(path, "/v1/") || path == "/v1" || ownsGoogle(path)
}

// NotFound answers in the protocol's own shape.
func NotFound(w http.ResponseWriter, req *http.Request) {
	if ownsGoogle(req.URL.Path) {
		writeGoogleError(w, errNoURL)
		return
	}
	refuse(w, req, formatOf(req), fault.ErrNotFound.Saying("Unknown request URL. See the documentation for the endpoints of this API."))
}

// MethodNotAllowed answers a path that routes know under other methods.
func MethodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		httpx.Allow(w, req, routes)
		if ownsGoogle(req.URL.Path) {
			writeGoogleError(w, fault.ErrBadMethod)
			return
		}
		refuse(w, req, formatOf(req), fault.ErrBadMethod)
	}
}

type surface struct{ Options }

// errAsync refuses what an operation cannot do instead of doing something else.
var errAsync = fault.ErrInvalid.Saying("X-Async is not supported for this operation.").At("X-Async")

func (s *surface) relayed(op relay.Operation) http.HandlerFunc {
	canWait := slices.ContainsFunc(Asynchronous(), func(o relay.Operation) bool { return o.Format.Kind() == op.Format.Kind() })
	return func(w http.ResponseWriter, req *http.Request) {
		if _, given := req.Header["X-Async"]; given && isAsync(req) {
			s.accept(w, req, op, canWait)
			return
		}
		s.Relay.Serve(w, req, op, s.Caller(req))
	}
}

// isAsync reports whether the caller wants a task. What is no truth value is passed on to be refused.
func isAsync(req *http.Request) bool {
	v, err := strconv.ParseBool(req.Header.Get("X-Async"))
	return v || err != nil
}

func (s *surface) accept(w http.ResponseWriter, req *http.Request, op relay.Operation, canWait bool) {
	err := error(errAsync)
	if _, bad := strconv.ParseBool(req.Header.Get("X-Async")); bad != nil {
		err = errAsync.Saying("X-Async is true or false.")
	} else if canWait {
		err = s.Accept(w, req, op)
	}
	if err != nil {
		refuse(w, req, op.Format, err)
	}
}
