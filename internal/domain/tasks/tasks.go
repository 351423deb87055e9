// Package tasks keeps one record of every call: what was asked, what each attempt did, what came out and what it cost.
package tasks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// Status of a task.
type Status string

// The states; the last three are final.
const (
	Initial   Status = "initial"
	Queued    Status = "queued"
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Canceled  Status = "canceled"
)

// Final reports whether nothing can change any more.
func (s Status) Final() bool { return s == Succeeded || s == Failed || s == Canceled }

// Word is the state in the names of events, spelled as the gateway's contract spells it.
func (s Status) Word() string {
	if s == Canceled {
		return "cancelled"
	}
	return string(s)
}

// Task is one call. It is stored in one row: attempts, billing lines and preprocessing log lie inside it, because a
// relayed call must cost no more than two rows (MONEY section 2).
type Task struct {
	ID             id.ID
	Number         int64
	RequestID      string
	TenantID       id.ID
	UserID         id.ID
	GroupID        id.ID
	APIKeyID       id.ID
	APIKeyName     string
	APIKeyPrefix   string
	Kind           inference.Kind
	ModelType      inference.ModelType
	RunMode        string // "live" or "simulation"
	Async          bool
	Stream         bool
	Status         Status
	RequestedModel string
	ResolvedModel  string
	// Platform, PlatformModel and Provider are those that served the call, or were tried last.
	PlatformID      id.ID
	PlatformModelID id.ID
	Provider        string
	Simulated       bool
	ErrorCode       string
	ErrorMessage    string
	HTTPStatus      int
	Usage           inference.Usage
	Currency        money.Currency
	Held            money.Amount
	Charged         money.Amount
	BillReason      string // how the bill came about: "usage", "estimated", "cut", "client_gone", "none", …
	// Attempts, Lines, Route and Preprocessing are JSON arrays and objects as the console shows them; see Attempt, and
	// pricing.Line.
	Attempts      json.RawMessage
	AttemptCount  int
	Lines         json.RawMessage
	Route         json.RawMessage
	Preprocessing json.RawMessage
	Request       json.RawMessage // kept only where retention allows; empty otherwise
	Result        json.RawMessage
	RemoteTaskID  string
	RemotePayload json.RawMessage
	JobID         int64
	TTFT          time.Duration // zero: no first byte
	StartedAt     time.Time     // first attempt sent
	FinishedAt    time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Attempt is one try at one upstream.
type Attempt struct {
	No                int                `json:"no"`
	PlatformID        id.ID              `json:"platformId"`
	PlatformName      string             `json:"platformName"`
	PlatformKey       string             `json:"-"` // for metrics only
	PlatformModelID   id.ID              `json:"platformModelId"`
	CredentialID      id.ID              `json:"credentialId"`
	Provider          string             `json:"provider"`
	ModelAlias        string             `json:"modelAlias"`
	ProviderModelName string             `json:"providerModelName"`
	Simulated         bool               `json:"simulated,omitempty"`
	Status            Status             `json:"status"`
	StatusCode        int                `json:"statusCode,omitempty"`
	Category          inference.Category `json:"category"`
	ErrorCode         string             `json:"errorCode,omitempty"`
	ErrorMessage      string             `json:"errorMessage,omitempty"`
	Retryable         bool               `json:"retryable"`
	// Verdict is what the relay did next: served, retry_same, next_key, next_platform, stop, exhausted, fallback,
	// caller_left; hedged_lost: another attempt was under way, and is what counted.
	Verdict   string        `json:"verdict"`
	StartedAt time.Time     `json:"startedAt"`
	TTFT      time.Duration `json:"ttft,omitempty"` // nanoseconds
	Duration  time.Duration `json:"duration"`       // nanoseconds
	// UpstreamRequestID is the id that the upstream gave its answer.
	UpstreamRequestID string `json:"upstreamRequestId,omitempty"`
	// Usage is what an attempt consumed that was not delivered, by resource, where its upstream told. The operator pays for it.
	// nil: nobody knows, or it is the task's.
	Usage json.RawMessage `json:"usage,omitempty"`
}

// Event is one step in the life of a task; Sequence counts from 1 without gaps within a task.
type Event struct {
	ID       id.ID
	TaskID   id.ID
	Sequence int64
	Type     string
	Status   Status
	Progress int64 // percent, -1: unknown
	Payload  json.RawMessage
	At       time.Time
}

// Query selects tasks. Zero fields do not restrict; a zero User asks for every user's.
type Query struct {
	User id.ID
	// Text is a task id or a request id, or part of a model's name; without a user also part of a request id.
	Text      string
	ModelType inference.ModelType
	Kind      inference.Kind
	Status    Status
	Statuses  []Status // any of them
	Simulated *bool    // only simulated, or only real calls
	Model     string
	APIKey    id.ID
	From, To  time.Time
	Page      page.Request
}

// Store is what tasks ask of storage; for errors see identity.Store.
type Store interface {
	// TaskByID returns a task of the user; a zero user sees every task.
	TaskByID(ctx context.Context, user, task id.ID) (Task, error)
	// TaskList returns the newest tasks first, without Request, Result, Route and Preprocessing.
	TaskList(ctx context.Context, q Query) (page.Page[Task], error)
	EventList(ctx context.Context, task id.ID, after int64) ([]Event, error)
}
