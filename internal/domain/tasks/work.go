package tasks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Work is what an asynchronous task that has not ended needs to be run, and what is held for it in a wallet.
type Work struct {
	TaskID   id.ID
	TenantID id.ID
	UserID   id.ID
	APIKeyID id.ID // zero: the caller came without a key
	WalletID id.ID
	Currency money.Currency
	Amount   money.Amount // held
	// Kind and Dialect name the operation; Path is where the call came in.
	Kind    inference.Kind
	Dialect inference.Dialect
	Path    string
	// Header holds the few headers of the call that its attempts need.
	Header    map[string]string
	Body      []byte
	Address   string // of the caller
	CreatedAt time.Time

	// Node has the task while Live. Run counts how often a node took it.
	Node string
	Run  int64
	Live bool
	// Canceling says that the task is to end.
	Canceling bool
	// Sent is the attempt under way; nil when nothing was sent to an upstream.
	Sent *Sent
}

// Sent is what is known of an attempt before its outcome is: it is written down before the upstream hears of the call.
type Sent struct {
	Attempt Attempt `json:"attempt"`
	// Earlier are the attempts before it.
	Earlier []Attempt `json:"earlier,omitempty"`
	// Key is what the upstream knows the submit under, where it looks for that; RemoteID is the upstream's job, once it is known.
	Key      string `json:"key,omitempty"`
	RemoteID string `json:"remoteId,omitempty"`
	// Job says that the attempt was a submit, which can be looked up.
	Job bool `json:"job,omitempty"`
	// MaxOutput is the output limit that the attempt was sent with.
	MaxOutput int64 `json:"maxOutput,omitempty"`
}

// Acceptance is a call that is to be answered by a task.
type Acceptance struct {
	Task Task
	Work Work
	// Replay is the idempotency key that the call came with; nil for none.
	Replay *Replay
	// Kept is the place of the answer, where it is to be kept; nil: it is not.
	Kept *Kept
}

// Settlement is how a task ended: the task as it stands from then on, and what moves.
type Settlement struct {
	Task      Task
	Transfers []wallet.Transfer
	// Kept is the answer, where it is kept; nil: it is not, or there is none.
	Kept *Kept
}

// Captured is what is taken from the wallet.
func (s *Settlement) Captured() (sum money.Amount) {
	for i := range s.Transfers {
		if s.Transfers[i].Kind == wallet.TransferCapture {
			sum += s.Transfers[i].Amount
		}
	}
	return sum
}

var (
	// ErrEnded says that a task has ended, so that nothing about it changes any more.
	ErrEnded = fault.New(409, "task_ended", "The task has ended.")
	// ErrSync says that a call is served while its caller waits: it ends when the caller leaves.
	ErrSync = fault.New(409, "task_not_cancelable", "Only asynchronous tasks can be canceled.")
	// ErrTaken says that another node runs the task.
	ErrTaken = fault.New(409, "task_taken", "The task is being run.")
	// ErrFenced says that the task was taken away from who believed to run it.
	ErrFenced = fault.New(409, "task_fenced", "Another node runs the task now.")
	// ErrRepeat says that the idempotency key stands for a call that was made before.
	ErrRepeat = fault.New(409, "idempotency_conflict", "The idempotency key was used for another request.")
)

// WorkStore keeps asynchronous tasks. Its writing methods lock the work before the task, and both before accounts.
type WorkStore interface {
	tx.Runner
	Store

	// WorkInsert writes a task, its work and its claim on an idempotency key, and holds the money.
	// Codes: ErrRepeat, insufficient_balance, wallet_disabled.
	WorkInsert(ctx context.Context, t tx.Tx, a *Acceptance) error
	// WorkLock returns the work and keeps everybody else from it until t ends. Error: fault.ErrNotFound when the task has ended.
	WorkLock(ctx context.Context, t tx.Tx, task id.ID) (Work, error)
	// WorkUpdate writes Node, Run, Canceling and Sent, and for how long the node has the task; 0: nobody has it.
	WorkUpdate(ctx context.Context, t tx.Tx, w *Work, lease time.Duration) error
	// WorkGrow holds more money. Codes: insufficient_balance, wallet_disabled.
	WorkGrow(ctx context.Context, t tx.Tx, w *Work, by money.Amount) error
	// WorkEnd writes the task as it ended, posts its transfers, gives back what was held and forgets the work.
	WorkEnd(ctx context.Context, t tx.Tx, w *Work, s *Settlement) error

	// TaskMove writes a task's Status, StartedAt, RemoteTaskID, RemotePayload, JobID and UpdatedAt.
	TaskMove(ctx context.Context, t tx.Tx, v *Task) error
	// EventInsert writes the next event of its task and fills in its Sequence.
	EventInsert(ctx context.Context, t tx.Tx, v *Event) error
	// ReplayByClaim returns what an idempotency key stands for. Error: fault.ErrNotFound.
	ReplayByClaim(ctx context.Context, claim Digest, now time.Time) (Replay, error)

	// WorkBeat keeps those of the tasks that the node has for another lease, and returns which of them are to be canceled.
	WorkBeat(ctx context.Context, node string, of []id.ID, lease time.Duration) (canceling []id.ID, err error)
	// WorkDrop gives up all that the node has, because an earlier process of that name had it; "" is every node.
	WorkDrop(ctx context.Context, node string) error
	// WorkLost returns at most limit tasks whose node did not keep them.
	WorkLost(ctx context.Context, limit int) ([]id.ID, error)
	// WorkWaiting counts the tasks that wait for a worker, by the platform model that would be tried first when they were
	// accepted.
	WorkWaiting(ctx context.Context) (map[id.ID]int64, error)
	// WorkHere returns at most limit works behind a task, in the order of their ids and without their bodies, but those that
	// another node has.
	WorkHere(ctx context.Context, node string, after id.ID, limit int) ([]Work, error)
	// WorkElsewhere returns those of the tasks that have ended or that another node has.
	WorkElsewhere(ctx context.Context, node string, tasks []id.ID) ([]id.ID, error)
}

// Queue wakes workers.
type Queue interface {
	// Enqueue has a worker woken for the task once t is committed, and returns the job's number.
	Enqueue(ctx context.Context, t tx.Tx, task id.ID) (int64, error)
}

// payload writes an event's payload, which is made of texts and numbers.
func payload(v map[string]any) json.RawMessage {
	b, _ := json.Marshal(v) //nolint:errchkjson // cannot fail
	return b
}
