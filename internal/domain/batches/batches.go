// Package batches makes the calls that a file holds, each by a task of its own. Source: DESIGN section 12, decision 0031.
package batches

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Status is how far a batch has come.
type Status string

// The states. Those from Failed on are final.
const (
	Validating Status = "validating"
	InProgress Status = "in_progress"
	Canceling  Status = "cancelling"
	Failed     Status = "failed"
	Completed  Status = "completed"
	Expired    Status = "expired"
	Canceled   Status = "cancelled"
)

// Final reports whether nothing changes any more.
func (s Status) Final() bool {
	return s == Failed || s == Completed || s == Expired || s == Canceled
}

// Protocol is whose clients a batch is for. What one of them names stands for nothing in another.
type Protocol string

// The protocols. OpenAI's lines come in a file and end in two; Anthropic's come in the request and end in one.
const (
	OpenAI    Protocol = "openai"
	Anthropic Protocol = "anthropic"
)

// Messages is the endpoint that all batches of Anthropic's protocol call, and no other.
const Messages = "/v1/messages"

// Batch is many calls to one endpoint.
type Batch struct {
	ID       id.ID
	TenantID id.ID
	UserID   id.ID
	APIKeyID id.ID // zero: the caller came without a key
	// Endpoint is the path that all lines call.
	Endpoint string
	Status   Status
	// InputFileID is the file with the lines; OutputFileID and ErrorFileID are zero until there are such files.
	InputFileID, OutputFileID, ErrorFileID id.ID
	Address                                string // of the caller
	// Header is what of the caller's headers belongs to each call; nil: nothing.
	Header map[string]string
	// Window is how long the lines may take, Output how long the files are wanted that are made; 0: as long as files are kept.
	Window, Output time.Duration
	Metadata       json.RawMessage
	// Errors are why the input could not be taken, as the protocol lists them; empty: it could.
	Errors json.RawMessage
	Counts Counts
	// InputTokens and OutputTokens are those of the lines that have ended.
	InputTokens, OutputTokens                                           int64
	CreatedAt, InProgressAt, FinalizingAt, EndedAt, CancelingAt, Expiry time.Time
}

// Owner is whose the batch is.
func (b *Batch) Owner() identity.Owner { return identity.Owner{TenantID: b.TenantID, UserID: b.UserID} }

// Protocol is whose clients the batch is for.
func (b *Batch) Protocol() Protocol {
	if b.Endpoint == Messages {
		return Anthropic
	}
	return OpenAI
}

// Counts are how many lines there are, and how many have ended how.
type Counts struct{ Total, Completed, Failed, Canceled, Expired int64 }

// Under is how many have not ended.
func (c Counts) Under() int64 { return c.Total - c.Completed - c.Unserved() }

// Unserved is how many have ended without an answer that is one.
func (c Counts) Unserved() int64 { return c.Failed + c.Canceled + c.Expired }

// State is how far a line has come.
type State string

// The states of lines.
const (
	Pending  State = "pending"
	Sent     State = "sent" // its task was accepted
	Answered State = "answered"
	Refused  State = "refused" // or failed
	// Withdrawn and Late are of lines that were not made because the batch was canceled, or its time over.
	Withdrawn State = "canceled"
	Late      State = "expired"
)

// unserved are the states of lines that have ended without an answer that is one, ended all states of lines that have.
var (
	unserved = []State{Refused, Withdrawn, Late}
	ended    = []State{Answered, Refused, Withdrawn, Late}
)

// Line is one call of a batch.
type Line struct {
	BatchID  id.ID
	No       int64 // from 1
	CustomID string
	// Start and Size say where in the input the line is, in bytes.
	Start, Size int64
	TaskID      id.ID
	State       State
	// Answer is the line of the output, or of the errors.
	Answer []byte
}

// Outcome is how a line's call has ended.
type Outcome struct {
	// Status is the answer's; 0: there is none, and Code and Message say why.
	Status int
	// State is what the line becomes; zero: what the status says.
	State         State
	RequestID     string
	Body          json.RawMessage
	Code, Message string
	// InputTokens and OutputTokens are what it used.
	InputTokens, OutputTokens int64
}

// Store keeps batches and their lines.
type Store interface {
	tx.Runner

	// BatchInsert writes a batch, unless its owner has most that are not ended: ErrTooMany.
	BatchInsert(ctx context.Context, t tx.Tx, b *Batch, most int64) error
	// BatchByID returns a batch of the owner's; the zero owner sees all. Error: fault.ErrNotFound.
	BatchByID(ctx context.Context, o identity.Owner, batch id.ID) (Batch, error)
	// BatchList returns an owner's batches by age.
	BatchList(ctx context.Context, o identity.Owner, q Query) ([]Batch, error)
	// BatchLock returns a batch and keeps everybody else from it until t ends. Error: fault.ErrNotFound.
	BatchLock(ctx context.Context, t tx.Tx, batch id.ID) (Batch, error)
	// BatchUpdate writes everything but who asked for what.
	BatchUpdate(ctx context.Context, t tx.Tx, b *Batch) error

	BatchDelete(ctx context.Context, t tx.Tx, batch id.ID) error

	LinesInsert(ctx context.Context, t tx.Tx, lines []Line) error
	// LineList returns at most limit lines of the states behind a number, in order.
	LineList(ctx context.Context, batch id.ID, states []State, after int64, limit int) ([]Line, error)
	// LineSent takes down which task makes a line that is pending; another line is left as it is.
	LineSent(ctx context.Context, l *Line) error
	// LineEnd takes down how a line ended that had not, and counts it; another line is left as it is.
	LineEnd(ctx context.Context, l *Line, o *Outcome) error
	LinesDelete(ctx context.Context, t tx.Tx, batch id.ID) error
}

// Query selects batches of an owner's.
type Query struct {
	Protocol Protocol
	// After is the batch behind which the list goes on; zero: from the beginning.
	After id.ID
	// Oldest says that the oldest come first.
	Oldest bool
	Limit  int
}

// Calls makes the calls of lines.
type Calls interface {
	// Check reports whether an endpoint can be called by whoever asks. Codes: invalid_parameter, insufficient_scope.
	Check(p *identity.Principal, endpoint string) error
	// Accept takes a line's call up as a task. A line has one task, however often it is accepted.
	Accept(ctx context.Context, b *Batch, l *Line, body []byte) (id.ID, error)
	// Outcome tells how a task has ended; false: it has not.
	Outcome(ctx context.Context, b *Batch, task id.ID) (Outcome, bool, error)
	// Cancel ends a task, or asks whoever runs it to.
	Cancel(ctx context.Context, b *Batch, task id.ID) error
	// Refusal is a refusal as it would have been answered.
	Refusal(b *Batch, f *fault.Error) json.RawMessage
}

// Files keeps what goes in and what comes out; *files.Service is it.
type Files interface {
	Get(ctx context.Context, o identity.Owner, file id.ID) (files.File, error)
	OpenAny(ctx context.Context, o identity.Owner, file id.ID) (files.File, io.ReadSeekCloser, error)
	DeleteAny(ctx context.Context, o identity.Owner, file id.ID) error
	Write(ctx context.Context, o identity.Owner, n *files.New, then func(tx.Tx, *files.File) error) (files.File, error)
}

// Queue wakes workers.
type Queue interface {
	// EnqueueBatch has a worker woken for the batch once t is committed.
	EnqueueBatch(ctx context.Context, t tx.Tx, batch id.ID) error
}

// Faults of the package.
var (
	ErrTooMany  = fault.New(429, "batch_limit", "You have as many batches under way as you may have.").After(time.Minute)
	ErrEnded    = fault.New(409, "batch_ended", "The batch has ended.")
	ErrUnended  = fault.New(409, "batch_in_progress", "The batch has not ended: cancel it first.")
	ErrResults  = fault.New(404, "batch_results_missing", "The batch has no results: it has not ended, or they are not kept any more.")
	ErrEndpoint = fault.ErrInvalid.Saying("The endpoint cannot be used in batches.").At("endpoint")
	ErrWindow   = fault.ErrInvalid.Saying("The completion window is 24h.").At("completion_window")
	ErrInput    = fault.ErrInvalid.Saying("There is no such file for batches.").At("input_file_id")
	ErrOutput   = fault.ErrInvalid.Saying("output_expires_after is anchored at created_at, and from 3600 to 2592000 seconds.").At("output_expires_after")
	ErrMetadata = fault.ErrInvalid.Saying("Metadata has at most 16 members of up to 64 bytes, which are texts of up to 512.").At("metadata")
)
