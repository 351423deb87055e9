package gateway

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Acceptor takes calls up as tasks, and serves those whose caller waits.
type Acceptor interface {
	Accept(w http.ResponseWriter, req *http.Request, op relay.Operation) (relay.Accepted, error)
	Serve(w http.ResponseWriter, req *http.Request, op relay.Operation)
}

// errAsync refuses a header that says neither.
var errAsync = fault.ErrInvalid.Saying("X-Async is true or false.").At("X-Async")

// taskRoutes are the operations that answer with a task. Each is there when the relay knows it.
func (s *Surface) taskRoutes() []httpx.Route {
	var routes []httpx.Route
	for _, o := range []struct {
		kind      inference.Kind
		path      string
		operation string
	}{
		{inference.Chat, "/api/v1/chat/completions", "createChatCompletionTask"},
		{inference.Responses, "/api/v1/responses", "createResponseTask"},
		{inference.ImageGenerations, "/api/v1/images/generations", "createImageGenerationTask"},
		{inference.ImageEdits, "/api/v1/images/edits", "createImageEditTask"},
		{inference.VideoGenerations, "/api/v1/videos/generations", "createVideoGenerationTask"},
	} {
		if op, ok := s.Operations[o.kind]; ok {
			routes = append(routes, httpx.Route{
				Method: http.MethodPost, Pattern: o.path, OperationID: o.operation, Access: httpx.Scoped(op.Scope), Handler: s.createTask(op),
			})
		}
	}
	return routes
}

// createTask accepts a call as a task, unless the caller asks not to. Source: contracts/INDEX E3.
func (s *Surface) createTask(op relay.Operation) httpx.Handler {
	return func(w http.ResponseWriter, call *httpx.Call) error {
		if v, ok := call.Header["X-Async"]; ok {
			async, err := strconv.ParseBool(v[0])
			if err != nil {
				return errAsync
			}
			if !async && op.Format.Kind() == inference.VideoGenerations {
				return errAsync.Saying("Videos are made by tasks: nobody can wait for one.")
			}
			if !async {
				s.Relay.Serve(w, call.Request, op)
				return nil
			}
		}
		return s.Accept(w, call.Request, op)
	}
}

// Accept takes a call up as a task and answers 202, or returns why not. Other surfaces answer so, too.
func (s *Surface) Accept(w http.ResponseWriter, req *http.Request, op relay.Operation) error {
	v, err := s.Relay.Accept(w, req, op)
	maps.Copy(w.Header(), v.Header)
	if err != nil {
		return err
	}
	if v.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	out, err := accepted(&v.Task)
	if err != nil {
		return err
	}
	w.Header().Set("Location", out.Next.Detail)
	return httpx.WriteJSON(w, http.StatusAccepted, out)
}

func accepted(t *tasks.Task) (api.HttpapiTaskAcceptedResponse, error) {
	view, err := showTask(t, nil)
	detail := "/api/v1/tasks/" + t.ID.String()
	return api.HttpapiTaskAcceptedResponse{
		TaskId: t.ID.String(), Task: view, Next: api.HttpapiTaskNextLinks{Detail: detail, Events: detail + "/events"},
	}, err
}
