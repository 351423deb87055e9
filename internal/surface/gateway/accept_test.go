package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// accepting accepts, or refuses with what the header X-Refuse says.
type accepting struct {
	w      *world
	served int
}

var refusals = map[string]*fault.Error{
	"body":    fault.ErrInvalid.At("messages"),
	"balance": wallet.ErrInsufficient,
	"model":   fault.New(http.StatusNotFound, "model_not_found", "The model does not exist.").At("model"),
	"limit":   fault.New(http.StatusTooManyRequests, "rate_limit", "Too many requests.").After(3 * time.Second),
	"key":     tasks.ErrRepeat.At("Idempotency-Key"),
}

// Accept implements gateway.Acceptor.
func (a *accepting) Accept(_ http.ResponseWriter, req *http.Request, op relay.Operation) (relay.Accepted, error) {
	out := relay.Accepted{Header: http.Header{"X-Ratelimit-Limit-Requests": {"60"}}}
	if why := refusals[req.Header.Get("X-Refuse")]; why != nil {
		return out, why
	}
	u, now := a.w.User("user"), a.w.Clock.Now()
	out.Replayed = req.Header.Get("Idempotency-Key") == "again"
	out.Task = tasks.Task{
		ID: id.At(now), RequestID: "req-1", TenantID: u.TenantID, UserID: u.ID, Kind: op.Format.Kind(),
		ModelType: op.Format.Kind().ModelType(), RunMode: "live", Async: true, Status: tasks.Queued, RequestedModel: "chat-9",
		Currency: "USD", Held: 5_000_000, CreatedAt: now, UpdatedAt: now,
	}
	return out, nil
}

// Serve implements gateway.Acceptor.
func (a *accepting) Serve(w http.ResponseWriter, _ *http.Request, _ relay.Operation) {
	a.served++
	_, _ = w.Write([]byte(`{"id":"chatcmpl-1","object":"chat.completion","model":"chat-9","choices":[],"usage":{}}`))
}

// operations are all that can be answered by a task.
var operations = map[inference.Kind]relay.Operation{
	inference.Chat:             {Format: openai.Chat, Scope: identity.ScopeChat},
	inference.Responses:        {Format: openai.Responses, Scope: identity.ScopeResponses},
	inference.ImageGenerations: {Format: openai.ImageGenerations, Scope: identity.ScopeImages},
	inference.ImageEdits:       {Format: openai.ImageEdits, Scope: identity.ScopeImages},
	inference.VideoGenerations: {Format: openai.VideoGenerations, Scope: identity.ScopeVideo},
}

func TestCallsAreAcceptedAsTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	for operation, path := range map[string]string{
		"createChatCompletionTask": "/api/v1/chat/completions", "createResponseTask": "/api/v1/responses",
		"createImageGenerationTask": "/api/v1/images/generations", "createImageEditTask": "/api/v1/images/edits",
		"createVideoGenerationTask": "/api/v1/videos/generations",
	} {
		ask := func(name, as string, status int, code, at string, header ...string) surfacetest.Request {
			r := surfacetest.Request{
				Name: operation + " " + name, As: as, Method: post, Path: path, Body: `{"model":"chat-9"}`, Operation: operation,
				Status: status, Code: code, At: at, Header: map[string]string{}, Golden: status == 202,
			}
			for i := 0; i+1 < len(header); i += 2 {
				r.Header[header[i]] = header[i+1]
			}
			return r
		}
		w.run(t, []surfacetest.Request{
			ask("accepted", "user", 202, "", ""),
			ask("accepted for a key", "key", 202, "", "", "X-Async", "true"),
			ask("nobody", "", 401, "unauthorized", ""),
			ask("another scope", "tasks-key", 403, "insufficient_scope", ""),
			ask("bad body", "user", 400, "invalid_parameter", "messages", "X-Refuse", "body"),
			ask("neither", "user", 400, "invalid_parameter", "X-Async", "X-Async", "perhaps"),
			ask("no money", "user", 402, "insufficient_balance", "", "X-Refuse", "balance"),
			ask("no model", "user", 404, "model_not_found", "model", "X-Refuse", "model"),
			ask("too often", "user", 429, "rate_limit", "", "X-Refuse", "limit"),
		})
	}
}

func TestAcceptanceTellsWhereTheTaskIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	r := surfacetest.Request{
		Name: "accepted", As: "user", Method: post, Path: "/api/v1/chat/completions", Body: `{"model":"chat-9"}`, Status: 202,
		Header: map[string]string{"Idempotency-Key": "again"},
	}
	a := w.Check(t, w.contract, r)
	var out struct {
		TaskID string
		Next   struct{ Detail, Events string }
	}
	a.JSON(t, &out)
	if out.Next.Detail != "/api/v1/tasks/"+out.TaskID || out.Next.Events != out.Next.Detail+"/events" ||
		a.Header.Get("Location") != out.Next.Detail || a.Header.Get("Idempotent-Replayed") != "true" ||
		a.Header.Get("X-Ratelimit-Limit-Requests") != "60" {
		t.Errorf("%+v, headers %v", out, a.Header)
	}
	r.Header, r.Status, r.Code, r.At = map[string]string{"X-Refuse": "key"}, 409, "idempotency_conflict", "Idempotency-Key"
	w.Check(t, w.contract, r)
	r.Header, r.Status, r.Code, r.At = map[string]string{"X-Async": "false"}, 200, "", ""
	r.Operation = "createChatCompletionTask"
	if w.Check(t, w.contract, r); w.accepting.served != 1 {
		t.Errorf("served %d", w.accepting.served)
	}
	r.Path, r.Operation, r.Status, r.Code, r.At = "/api/v1/videos/generations", "createVideoGenerationTask", 400, "invalid_parameter", "X-Async"
	w.Check(t, w.contract, r)
}

// TestEventsOfATaskAreHistoryThenLive follows a task that goes on while it is followed.
func TestEventsOfATaskAreHistoryThenLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	task := call(w.User("user"), w.Clock.Now())
	task.Async = true
	w.Tasks.Rows = []tasks.Task{task}
	event := func(n int64, name string, s tasks.Status, percent int64) tasks.Event {
		return tasks.Event{ID: id.New(), TaskID: task.ID, Sequence: n, Type: name, Status: s, Progress: percent, At: w.Clock.Now()}
	}
	w.Tasks.Tell(event(1, "task.accepted", tasks.Initial, -1), event(2, "task.queued", tasks.Queued, -1))
	w.news <- struct{}{}
	go func() {
		<-w.Tasks.Listed // the history has been read
		w.Tasks.Tell(event(3, "task.progress", tasks.Running, 40), event(4, "task.succeeded", tasks.Succeeded, 100))
		w.news <- struct{}{}
	}()
	rec := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), get, "/api/v1/tasks/"+task.ID.String()+"/events", http.NoBody)
	req.Header.Set("Authorization", w.Authorization("tasks-key"))
	req.Header.Set("Last-Event-ID", "1")
	w.Handler.ServeHTTP(rec, req)
	var want strings.Builder
	for _, e := range []string{
		`id: 2|event: task.queued|data: {"event":"task.queued","taskId":"%[1]s","sequence":2,"status":"queued","createdAt":"%[2]s"}||`,
		`id: 3|event: task.progress|data: {"event":"task.progress","taskId":"%[1]s","sequence":3,"status":"running","progress":40,"createdAt":"%[2]s"}||`,
		`id: 4|event: task.succeeded|data: {"event":"task.succeeded","taskId":"%[1]s","sequence":4,"status":"succeeded","progress":100,"createdAt":"%[2]s"}||`,
	} {
		fmt.Fprintf(&want, strings.ReplaceAll(e, "|", "\n"), task.ID, w.Clock.Now().UTC().Format("2006-01-02T15:04:05.999Z07:00"))
	}
	if diff := cmp.Diff(want.String(), rec.Body.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rec.Header().Get("Content-Type") != "text/event-stream" || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", rec.Header())
	}
}
