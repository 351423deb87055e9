package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Tasks implements tasks.Store.
type Tasks struct{ *database }

var _ tasks.Store = (*Tasks)(nil)

type taskRow struct {
	bun.BaseModel `bun:"table:task"`

	Number          int64
	ID              id.ID
	RequestID       string
	TenantID        id.ID
	UserID          id.ID
	GroupID         id.ID
	APIKeyID        id.ID  `bun:"api_key_id"`
	APIKeyName      string `bun:"api_key_name"`
	APIKeyPrefix    string `bun:"api_key_prefix"`
	Kind            inference.Kind
	ModelType       inference.ModelType
	RunMode         string
	IsAsync         bool
	IsStream        bool
	Status          tasks.Status
	RequestedModel  string
	ResolvedModel   string
	PlatformID      id.ID
	PlatformModelID id.ID
	Provider        string
	IsSimulated     bool
	ErrorCode       string
	ErrorMessage    string
	HTTPStatus      int `bun:"http_status"`
	Usage           quantities
	UsageEstimated  bool
	InputTokens     int64
	OutputTokens    int64
	Currency        money.Currency
	Held            money.Amount
	Charged         money.Amount
	BillReason      string
	Attempts        document
	AttemptCount    int
	Lines           document
	Route           document
	Preprocessing   document
	Request         document
	Result          document
	RemoteTaskID    string
	RemotePayload   document
	JobID           int64
	TTFTNs          int64 `bun:"ttft_ns"`
	StartedAt       stamp
	FinishedAt      stamp
	CreatedAt       stamp
	UpdatedAt       stamp
}

func (r taskRow) value() tasks.Task {
	return tasks.Task{
		ID: r.ID, Number: r.Number, RequestID: r.RequestID, TenantID: r.TenantID, UserID: r.UserID, GroupID: r.GroupID,
		APIKeyID: r.APIKeyID, APIKeyName: r.APIKeyName, APIKeyPrefix: r.APIKeyPrefix, Kind: r.Kind, ModelType: r.ModelType,
		RunMode: r.RunMode, Async: r.IsAsync, Stream: r.IsStream, Status: r.Status, RequestedModel: r.RequestedModel,
		ResolvedModel: r.ResolvedModel, PlatformID: r.PlatformID, PlatformModelID: r.PlatformModelID,
		Provider: r.Provider, Simulated: r.IsSimulated, ErrorCode: r.ErrorCode, ErrorMessage: r.ErrorMessage,
		HTTPStatus: r.HTTPStatus,
		Usage:      inference.Usage{Quantities: inference.Quantities(r.Usage), Estimated: r.UsageEstimated},
		Currency:   r.Currency, Held: r.Held, Charged: r.Charged, BillReason: r.BillReason,
		Attempts: json.RawMessage(r.Attempts), AttemptCount: r.AttemptCount, Lines: json.RawMessage(r.Lines),
		Route: json.RawMessage(r.Route), Preprocessing: json.RawMessage(r.Preprocessing),
		Request: json.RawMessage(r.Request), Result: json.RawMessage(r.Result), RemoteTaskID: r.RemoteTaskID,
		RemotePayload: json.RawMessage(r.RemotePayload), JobID: r.JobID, TTFT: time.Duration(r.TTFTNs),
		StartedAt: r.StartedAt.time(), FinishedAt: r.FinishedAt.time(),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// Texts that callers choose are cut to what an index can hold, in bytes.
const (
	maxRequestID = 128
	maxModelName = 255
)

var taskColumns = []string{
	"id", "request_id", "tenant_id", "user_id", "group_id", "api_key_id", "api_key_name", "api_key_prefix",
	"kind", "model_type", "run_mode", "is_async", "is_stream", "status", "requested_model", "resolved_model",
	"platform_id", "platform_model_id", "provider", "is_simulated", "error_code", "error_message", "http_status",
	"usage", "usage_estimated", "input_tokens", "output_tokens", "currency", "held", "charged", "bill_reason",
	"attempts", "attempt_count", "lines", "route", "preprocessing", "request", "result",
	"remote_task_id", "remote_payload", "job_id", "ttft_ns", "started_at", "finished_at", "created_at", "updated_at",
}

var taskInsert = insertStatement("task", taskColumns, "id")

// taskValues are in the order of taskInsert. Texts are cleaned and cut here: a call that happened must be recorded, so
// nothing in it may make a database refuse the row.
func taskValues(v *tasks.Task) []any {
	return []any{
		arg(v.ID), clip(v.RequestID, maxRequestID), arg(v.TenantID), arg(v.UserID), arg(v.GroupID), arg(v.APIKeyID),
		clean(v.APIKeyName), clean(v.APIKeyPrefix),
		clip(string(v.Kind), maxModelName), clip(string(v.ModelType), maxModelName), clean(v.RunMode), v.Async, v.Stream,
		clean(string(v.Status)), clip(v.RequestedModel, maxModelName), clip(v.ResolvedModel, maxModelName),
		arg(v.PlatformID), arg(v.PlatformModelID), clean(v.Provider), v.Simulated, clean(v.ErrorCode),
		clean(v.ErrorMessage), int64(v.HTTPStatus),
		arg(quantities(v.Usage.Quantities)), v.Usage.Estimated, v.Usage.InputTokens(), v.Usage.OutputTokens(),
		clean(string(v.Currency)), int64(v.Held), int64(v.Charged), clean(v.BillReason),
		arg(document(v.Attempts)), int64(v.AttemptCount), arg(document(v.Lines)), arg(document(v.Route)),
		arg(document(v.Preprocessing)), arg(document(v.Request)), arg(document(v.Result)),
		clean(v.RemoteTaskID), arg(document(v.RemotePayload)), v.JobID, int64(v.TTFT),
		arg(stampOf(v.StartedAt)), arg(stampOf(v.FinishedAt)), int64(stampOf(v.CreatedAt)), arg(stampOf(v.UpdatedAt)),
	}
}

// TaskByID implements tasks.Store.
func (s *Tasks) TaskByID(ctx context.Context, user, task id.ID) (tasks.Task, error) {
	if user.IsZero() {
		return one[tasks.Task, taskRow](ctx, s.reader, "id = ?", task)
	}
	return one[tasks.Task, taskRow](ctx, s.reader, "id = ? AND user_id = ?", task, user)
}
