package protocols

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Batches runs many calls; *batches.Service is it.
type Batches interface {
	// Create takes up a batch. Codes: invalid_parameter, insufficient_scope, batch_limit.
	Create(ctx context.Context, p *identity.Principal, n *batches.New) (batches.Batch, error)
	// Get and Cancel are about one batch of the owner's. Codes: not_found, batch_ended.
	Get(ctx context.Context, o identity.Owner, p batches.Protocol, batch id.ID) (batches.Batch, error)
	Cancel(ctx context.Context, o identity.Owner, p batches.Protocol, batch id.ID) (batches.Batch, error)
	// List returns one more than asked for where there are more.
	List(ctx context.Context, o identity.Owner, q batches.Query) ([]batches.Batch, error)
	// CreateMessages takes up a batch of Anthropic's protocol. Codes: insufficient_scope, batch_limit, file_too_large,
	// storage_quota_exceeded, storage_unavailable.
	CreateMessages(ctx context.Context, p *identity.Principal, n *batches.NewMessages) (batches.Batch, error)
	// OpenResults and Delete are about one that has ended. Codes: not_found, batch_results_missing, batch_in_progress.
	OpenResults(ctx context.Context, o identity.Owner, batch id.ID) (io.ReadSeekCloser, error)
	Delete(ctx context.Context, o identity.Owner, batch id.ID) error
}

// Batchable are the endpoints that lines of a batch may call.
func Batchable() map[string]relay.Operation {
	return map[string]relay.Operation{
		batches.Messages: messages, "/v1/chat/completions": Chat, "/v1/responses": responses, "/v1/embeddings": embeddings, "/v1/images/generations": images,
	}
}

// Runnable are the operations that tasks are made of: those that callers may ask for, and those that only batches do.
func Runnable() []relay.Operation { return append(Asynchronous(), embeddings) }

var errBatch = fault.ErrNotFound.Saying("There is no such batch.")

// mountBatches adds batches.
func (s *surface) mountBatches(r chi.Router) {
	const one = "/v1/batches/{batchID}"
	r.Post("/v1/batches", s.owned(identity.ScopeTasks, s.createBatch))
	r.Get("/v1/batches", s.owned(identity.ScopeTasks, s.listBatches))
	r.Get(one, s.owned(identity.ScopeTasks, s.getBatch))
	r.Post(one+"/cancel", s.owned(identity.ScopeTasks, s.cancelBatch))
}

// batchView is a batch as the protocol shows it.
type batchView struct {
	ID           string          `json:"id"`
	Object       string          `json:"object"`
	Endpoint     string          `json:"endpoint"`
	Errors       json.RawMessage `json:"errors"`
	InputFileID  string          `json:"input_file_id"`
	Window       string          `json:"completion_window"`
	Status       batches.Status  `json:"status"`
	OutputFileID *string         `json:"output_file_id"`
	ErrorFileID  *string         `json:"error_file_id"`
	CreatedAt    int64           `json:"created_at"`
	InProgressAt *int64          `json:"in_progress_at"`
	ExpiresAt    *int64          `json:"expires_at"`
	FinalizingAt *int64          `json:"finalizing_at"`
	CompletedAt  *int64          `json:"completed_at"`
	FailedAt     *int64          `json:"failed_at"`
	ExpiredAt    *int64          `json:"expired_at"`
	CancelingAt  *int64          `json:"cancelling_at"`
	CanceledAt   *int64          `json:"cancelled_at"`
	Counts       batchCounts     `json:"request_counts"`
	Usage        batchUsage      `json:"usage"`
	Metadata     json.RawMessage `json:"metadata"`
}

type batchCounts struct {
	Total     int64 `json:"total"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
}

type batchUsage struct {
	Input  int64 `json:"input_tokens"`
	Output int64 `json:"output_tokens"`
	Total  int64 `json:"total_tokens"`
}

func showBatch(b *batches.Batch) batchView {
	v := batchView{
		ID: openai.Name(openai.PrefixBatch, b.ID), Object: "batch", Endpoint: b.Endpoint, Errors: b.Errors,
		InputFileID: openai.Name(openai.PrefixFile, b.InputFileID), Window: "24h", Status: b.Status,
		OutputFileID: fileName(b.OutputFileID), ErrorFileID: fileName(b.ErrorFileID), CreatedAt: b.CreatedAt.Unix(),
		InProgressAt: moment(b.InProgressAt), ExpiresAt: moment(b.Expiry), FinalizingAt: moment(b.FinalizingAt),
		CancelingAt: moment(b.CancelingAt), Counts: batchCounts{b.Counts.Total, b.Counts.Completed, b.Counts.Unserved()},
		Usage:    batchUsage{b.InputTokens, b.OutputTokens, b.InputTokens + b.OutputTokens},
		Metadata: b.Metadata,
	}
	switch ended := moment(b.EndedAt); b.Status {
	case batches.Completed:
		v.CompletedAt = ended
	case batches.Failed:
		v.FailedAt = ended
	case batches.Expired:
		v.ExpiredAt = ended
	case batches.Canceled:
		v.CanceledAt = ended
	case batches.InProgress:
		if !b.FinalizingAt.IsZero() {
			v.Status = "finalizing"
		}
	case batches.Validating, batches.Canceling:
	}
	return v
}

// fileName is what callers know a file by; nil where there is none.
func fileName(file id.ID) *string {
	if file.IsZero() {
		return nil
	}
	name := openai.Name(openai.PrefixFile, file)
	return &name
}

// moment is seconds since 1970; nil for a time that has not come.
func moment(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.Unix()
	return &n
}

func (s *surface) createBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	var asked struct {
		InputFileID string            `json:"input_file_id"`
		Endpoint    string            `json:"endpoint"`
		Window      string            `json:"completion_window"`
		Metadata    map[string]string `json:"metadata"`
		Output      *struct {
			Anchor  string `json:"anchor"`
			Seconds int64  `json:"seconds"`
		} `json:"output_expires_after"`
	}
	if err := httpx.Decode(req, &asked); err != nil {
		return err
	}
	input, ok := openai.ParseName(openai.PrefixFile, asked.InputFileID)
	if !ok {
		return batches.ErrInput
	}
	n := batches.New{
		InputFileID: input, Endpoint: asked.Endpoint, Window: asked.Window, Metadata: asked.Metadata, Address: s.Caller(req).Address.String(),
	}
	if asked.Output != nil {
		const most = 1 << 31
		if asked.Output.Anchor != "created_at" || asked.Output.Seconds <= 0 || asked.Output.Seconds > most {
			return batches.ErrOutput
		}
		n.Output = time.Duration(asked.Output.Seconds) * time.Second
	}
	b, err := s.Batches.Create(req.Context(), who.Principal, &n)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showBatch(&b))
}

func (s *surface) listBatches(w http.ResponseWriter, req *http.Request, who *caller) error {
	p, err := readPage(req, 100)
	if err != nil {
		return err
	}
	after, err := p.behind(openai.PrefixBatch)
	if err != nil {
		return err
	}
	found, err := s.Batches.List(req.Context(), who.owner, batches.Query{Protocol: batches.OpenAI, After: after, Limit: p.limit})
	if err != nil {
		return err
	}
	return writePage(w, found, p.limit, func(b *batches.Batch) entry { v := showBatch(b); return entryOf(v.ID, v) })
}

func (s *surface) getBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	return s.answerBatch(w, req, who, s.Batches.Get)
}

// cancelBatch asks for the end of a batch; what is under way may still be served.
func (s *surface) cancelBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	return s.answerBatch(w, req, who, s.Batches.Cancel)
}

func (s *surface) answerBatch(
	w http.ResponseWriter, req *http.Request, who *caller, ask func(context.Context, identity.Owner, batches.Protocol, id.ID) (batches.Batch, error),
) error {
	batch, ok := openai.ParseName(openai.PrefixBatch, chi.URLParam(req, "batchID"))
	if !ok {
		return errBatch
	}
	b, err := ask(req.Context(), who.owner, batches.OpenAI, batch)
	if err != nil {
		return unknownBatch(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, showBatch(&b))
}
