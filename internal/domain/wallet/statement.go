package wallet

import (
	"context"
	"iter"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// StatementQuery asks for a wallet's statement. From is included, To is not; zero: the beginning, and the end of time.
type StatementQuery struct {
	UserID   id.ID
	Currency money.Currency
	From, To time.Time
}

// StatementTotals sums a wallet's transfers. Last is the number of the newest transfer in the books that the sums know.
type StatementTotals struct {
	Opening money.Amount // of what came before the period
	In, Out money.Amount // within it; both ≥ 0
	Entries int64
	Last    int64
}

// Statement is what happened to a wallet in a period. Closing is Opening + In - Out, and the Opening of the period that
// begins at To.
type Statement struct {
	Account Account
	From    time.Time
	To      time.Time
	StatementTotals
	Closing money.Amount
	// Lines are the entries, the oldest first. They are read as they are asked for, and are those that the sums know, however
	// many come in meanwhile. An error ends them.
	Lines iter.Seq2[StatementLine, error]
}

// StatementLine is an entry and the balance after it. A call is in the period in which it ended; it may have been booked
// after another that ended later. Lines follow the time, so their balances can differ from those of the ledger's rows,
// which follow the order of booking; over all lines both are the same.
type StatementLine struct {
	Entry

	Balance money.Amount
}

// Statement sums a wallet's period and lists its entries. Codes: not_found (there is no such wallet), invalid_parameter
// (to is before from), billing_unavailable.
func (s *Service) Statement(ctx context.Context, q StatementQuery) (Statement, error) {
	if !q.To.IsZero() && q.To.Before(q.From) {
		return Statement{}, fault.ErrInvalid.Saying("A period ends after it begins.").At("to")
	}
	if err := s.flush(ctx); err != nil {
		return Statement{}, ErrBilling.Because(err)
	}
	account, err := s.store.WalletOf(ctx, nil, q.UserID, q.Currency)
	if err != nil {
		return Statement{}, err
	}
	totals, err := s.store.StatementTotals(ctx, account.ID, q.From, q.To)
	if err != nil {
		return Statement{}, err
	}
	out := Statement{Account: account, From: q.From, To: q.To, StatementTotals: totals}
	out.Closing = totals.Opening + totals.In - totals.Out
	out.Lines = s.statementLines(ctx, out)
	return out, nil
}

func (s *Service) statementLines(ctx context.Context, of Statement) iter.Seq2[StatementLine, error] {
	return func(yield func(StatementLine, error) bool) {
		balance, more := of.Opening, true
		err := s.store.StatementRows(ctx, of.Account.ID, of.From, of.To, of.Last, func(t *Transfer) bool {
			line := StatementLine{Entry: entryOf(*t, of.Account)}
			balance += line.Moved()
			line.Balance = balance
			more = yield(line, nil)
			return more
		})
		if err != nil && more {
			yield(StatementLine{}, err)
		}
	}
}

// Moved is what the entry did to the balance: positive when money came in.
func (e *Entry) Moved() money.Amount {
	if e.Credit {
		return e.Amount
	}
	return -e.Amount
}
