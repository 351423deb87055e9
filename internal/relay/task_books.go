package relay

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// running are the books of a task that is run: the call is paid from what the task holds, and its record ends the task.
type running struct {
	job     *tasks.Job
	real    Journal
	wallets Wallets
	call    *call
	ctx     context.Context //nolint:containedctx // for what must be written although the run is interrupted

	later time.Duration // when the task is to be tried again
	err   error         // why the task could not be ended
}

// Wallet implements Wallets. The task pays from the wallet that holds its money.
func (b *running) Wallet(ctx context.Context, user id.ID, c money.Currency) (*wallet.Wallet, error) {
	if c != b.job.Work.Currency {
		return nil, wallet.ErrNoWallet.With("currency", string(c))
	}
	purse, err := b.wallets.Wallet(ctx, user, c)
	if err != nil {
		return nil, err
	}
	return purse.Through(pledge{b, purse}), nil
}

// Open implements Journal: what the call needs is held already.
func (b *running) Open(*journal.Open) journal.Ticket { return journal.Ticket{} }

// Mark implements Journal; the caller is sent nothing.
func (b *running) Mark(*journal.Mark) journal.Ticket { return journal.Ticket{} }

// Append implements Journal: it ends the task.
func (b *running) Append(r *journal.Record) journal.Ticket {
	ticket, resolve := journal.Promise()
	b.err = b.end(r)
	resolve(b.err)
	if errors.Is(b.err, tasks.ErrFenced) {
		b.err = nil
	}
	return ticket
}

// Prompt implements Journal.
func (b *running) Prompt() bool { return true }

// Ready implements Journal.
func (b *running) Ready() error { return b.real.Ready() }

// retrySoon is when a task is tried again that was given back.
const retrySoon = time.Second

// end writes how the call ended, unless nothing of it has reached an upstream and it can be made again.
func (b *running) end(r *journal.Record) error {
	t := &r.Task
	cause := context.Cause(b.call.ctx())
	canceled := errors.Is(cause, tasks.ErrCanceled)
	if t.Status == tasks.Canceled && !canceled {
		if b.job.Work.Sent == nil {
			b.later = retrySoon
			return b.job.Return(b.ctx, "interrupted")
		}
		if b.job.Work.Sent.RemoteID != "" {
			return b.job.Leave(b.ctx)
		}
		t.Status, t.ErrorCode, t.ErrorMessage = tasks.Failed, errInterrupted.Code, errInterrupted.Message
		t.HTTPStatus = errInterrupted.Status
	}
	if t.Status == tasks.Canceled {
		t.ErrorCode, t.ErrorMessage = "canceled", "The task was canceled."
	}
	stored := &b.job.Task
	t.CreatedAt, t.StartedAt, t.Held, t.Stream = stored.CreatedAt, stored.StartedAt, b.job.Work.Amount, false
	t.RemoteTaskID, t.RemotePayload = stored.RemoteTaskID, stored.RemotePayload
	if t.Status == tasks.Succeeded {
		t.Result = json.RawMessage(b.call.owed)
	}
	return b.job.End(b.ctx, &tasks.Settlement{Task: *t, Transfers: r.Transfers, Kept: r.Kept})
}

// pledge lends what a task holds, and holds more where a target costs more.
type pledge struct {
	*running
	purse *wallet.Wallet
}

// Spendable implements wallet.Lender.
func (p pledge) Spendable() money.Amount { return p.job.Work.Amount + p.purse.Spendable() }

// Hold implements wallet.Lender.
func (p pledge) Hold(amount money.Amount) (id.ID, error) {
	if amount <= p.job.Work.Amount {
		return id.ID{}, nil
	}
	return id.ID{}, p.job.Grow(p.ctx, amount-p.job.Work.Amount)
}

// End implements wallet.Lender: what exceeds the hold is taken as far as the wallet affords it.
func (p pledge) End(_ id.ID, _, amount money.Amount) money.Amount {
	if amount > p.job.Work.Amount && p.job.Grow(p.ctx, amount-p.job.Work.Amount) != nil {
		return p.job.Work.Amount
	}
	return amount
}

// Holds implements wallet.Lender.
func (pledge) Holds() (int64, money.Amount) { return 0, 0 }

// Recall implements wallet.Lender.
func (pledge) Recall(context.Context) error { return nil }
