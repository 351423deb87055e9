// Package journal takes down what happens to each call, fast, and writes it to the database once.
//
// A call leaves up to three kinds of entries: Open when money was set aside for it, Marks with the cost of what a stream
// has delivered so far, and one Record at its end. An entry's ticket tells when it is durable; what must not be delivered
// before, waits for it. A process that died is made good at the next start: Recover closes every call that was open, at
// its last mark. Source: MONEY section 4.
package journal

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Open says that Task.Held was set aside in a wallet for a call. A second Open for the same task replaces the first.
type Open struct {
	// Task is the call as far as it is known, and as it will stand if nothing more is heard of it.
	Task      tasks.Task
	WalletID  id.ID
	RevenueID id.ID // where the charge goes
	// LeaseID is the lease that the money was set aside in; zero where this node is the only one. It is not in the files.
	LeaseID id.ID
}

// Mark is the cost of what a stream has delivered so far: its input and the output that was sent, never more.
type Mark struct {
	TaskID id.ID
	Amount money.Amount
	Usage  inference.Usage
	Lines  json.RawMessage
}

// Record is everything that one finished call leaves behind. Transfers are empty when it cost nothing; their balances
// are filled in when they are posted.
type Record struct {
	Task      tasks.Task
	Transfers []wallet.Transfer
	// Replay is what repeats of the call will be answered; nil without an idempotency key. It is kept with the charge or
	// not at all.
	Replay *tasks.Replay
	// Kept is the answer, for its caller to ask for again; nil where it is not kept.
	Kept *tasks.Kept
}

// Sink writes records where they stay.
type Sink interface {
	// RecordsApply writes a batch in one transaction: the task rows, the replays, the kept answers, the transfers, the balances, the batch's
	// place in the hash chain, and the position up to which the journal is now applied. A record whose task is there already is left
	// out, so a batch may be applied again. A zero position leaves the stored one.
	RecordsApply(ctx context.Context, batch []*Record, applied Position) error
	// JournalApplied returns the last position written; the zero Position at first.
	JournalApplied(ctx context.Context) (Position, error)
}

// Position is how far a journal has been applied.
type Position struct {
	// Applied is the offset behind the last record that the database has.
	Applied int64
	// Replay is where to read from to know all calls that are open; it is not above Applied.
	Replay int64
}
