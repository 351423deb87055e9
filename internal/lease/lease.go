// Package lease lets many nodes spend from the same wallets without asking the database for each call.
//
// PostgreSQL is the authority. A node spends only from leases: money that the ledger has already moved from a wallet's
// spendable part to its held part, so no order of events among nodes can spend it twice. What calls cost is settled
// against the lease in the database before it is delivered; a lease that is not renewed is fenced, which keeps what was
// settled and gives the rest back. Source: MONEY section 5; docs/leases.md.
package lease

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// ErrFenced says that this node's lease was taken from it while a call was under way: nothing more may be delivered.
var ErrFenced = fault.New(503, "lease_fenced", "This node lost its part of the wallet while serving the call; try again.")

// Terms are the times of the protocol. Zero fields mean the defaults, which MONEY section 5 gives.
type Terms struct {
	TTL    time.Duration // 10 s: how long a lease lives after it was granted or renewed
	Margin time.Duration // 1 s: how much earlier its node stops to spend from it
	Grace  time.Duration // 5 s: how much later the authority fences it
	Renew  time.Duration // 3 s: how often a node renews all its leases
	Recall time.Duration // 300 ms: how long a refusal waits for money that other calls hold
	Idle   time.Duration // 10 s: a lease that was not used for so long is returned
	GiveUp time.Duration // 5 s: how long a settlement is tried while the database does not answer
}

// Normal returns the terms with defaults in place of zeros.
func (t Terms) Normal() Terms {
	for _, f := range []struct {
		field   *time.Duration
		instead time.Duration
	}{
		{&t.TTL, 10 * time.Second},
		{&t.Margin, time.Second},
		{&t.Grace, 5 * time.Second},
		{&t.Renew, 3 * time.Second},
		{&t.Recall, 300 * time.Millisecond},
		{&t.Idle, 10 * time.Second},
		{&t.GiveUp, 5 * time.Second},
	} {
		if *f.field == 0 {
			*f.field = f.instead
		}
	}
	return t
}

// Session is one life of a node: its name and the number that the registry gave this life.
type Session struct {
	Node  string
	Epoch int64
}

// Authority is the database that leases come from. Every method is one transaction, and each may be repeated when its
// answer was lost.
type Authority interface {
	// Register begins a new life of a node.
	Register(ctx context.Context, node string) (Session, error)
	// Grant answers an ask. Error: fault.ErrNotFound when there is no such wallet.
	Grant(ctx context.Context, s Session, a Ask) (Offer, error)
	// Renew extends the leases that are still active and says which those are; it also says that the node lives.
	Renew(ctx context.Context, s Session, leases []id.ID) ([]Renewed, error)
	// Trim gives back what a lease does not need. A lease that is not active any more stays as it is.
	Trim(ctx context.Context, s Session, trims []Trim) error
	// Recall asks all nodes to return what they do not need of a wallet's leases.
	Recall(ctx context.Context, wallet id.ID) error
	// Settle writes settlements down and returns the holds whose lease is not this session's any more. When it returns an
	// error, the fate of the batch is not known and the same batch must be settled again.
	Settle(ctx context.Context, s Session, batch []Settlement) (fenced []id.ID, err error)
	// FenceExpired fences leases that nobody renewed in time and returns how many.
	FenceExpired(ctx context.Context) (int, error)
	// Fold turns final settlements into tasks and transfers.
	Fold(ctx context.Context) (Folded, error)
	// Prune removes what is of no use any more.
	Prune(ctx context.Context) error
	// Listen calls f with each notice until ctx ends or the connection breaks. Notices may be lost.
	Listen(ctx context.Context, f func(Notice)) error
}

// Ask is what a node asks of a wallet. Without Holds and Typical it only asks what is spendable.
type Ask struct {
	Wallet id.ID
	// Lease is the id of the lease to share among calls, should one be granted.
	Lease   id.ID
	Typical money.Amount // the largest hold of late
	Rate    money.Amount // what was held in the last two seconds
	Holds   []Hold       // of calls that wait, the oldest first
}

// Hold is a call's worst-case cost, and the id of the lease of its own that it gets near zero.
type Hold struct {
	Lease  id.ID
	Amount money.Amount
}

// Offer is the answer to an Ask.
type Offer struct {
	// Granted is the size of the shared lease; 0: none.
	Granted money.Amount
	// Exact says that the wallet is near zero: no lease is shared, and Held tells which Holds got one of their own.
	Exact bool
	Held  []bool
	// Spendable is what is left for anybody.
	Spendable money.Amount
	// Outstanding says that active leases hold money of this wallet, some of which may come back.
	Outstanding bool
	// Unreturned says that some of it is in a shared lease that its node, which lives, was asked to return and has not
	// trimmed yet.
	Unreturned bool
	Disabled   bool
}

// Renewed is a lease that is still its node's.
type Renewed struct {
	Lease id.ID
	// Recalled says that the wallet is near zero, so that what is not needed must be returned.
	Recalled bool
}

// Trim lowers what a lease was granted to To, which covers all that was spent of it and all open holds. The lease takes
// no more calls, so a recall has nothing more to ask of it. Close ends the lease: nothing is open and everything spent is
// settled.
type Trim struct {
	Lease id.ID
	To    money.Amount
	Close bool
}

// Settlement is what a call has cost so far, or in the end.
type Settlement struct {
	Hold   id.ID // UUIDv7, primary key
	Lease  id.ID // zero for calls that cost nothing
	Wallet id.ID
	Mark   money.Amount // cost of what has been delivered
	Amount money.Amount // what the wallet pays; only when Final
	Final  bool
	// Opened is the journal.Open, so that the fence can close the call; it may be left out once it was written.
	Opened []byte
	// Payload is the journal.Mark, or the journal.Record when Final; an empty final one voids the hold.
	Payload []byte
}

// Folded is what a fold did.
type Folded struct {
	Settlements int
	// Lag is the age of the oldest settlement that was folded.
	Lag time.Duration
	// Failed are settlements that the ledger refuses; they stay for audit.
	Failed int
}

// Notice is news about a wallet.
type Notice struct {
	Wallet id.ID
	// Recall asks for money back; otherwise money came back.
	Recall bool
}
