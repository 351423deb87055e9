package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type transferRow struct {
	bun.BaseModel `bun:"table:transfer"`

	Number          int64
	ID              id.ID
	At              stamp
	Kind            wallet.TransferKind
	Currency        money.Currency
	Amount          money.Amount
	DebitAccountID  id.ID
	CreditAccountID id.ID
	DebitAfter      money.Amount
	CreditAfter     money.Amount
	RefType         string
	RefID           string
	HoldAmount      money.Amount
	Reason          string
	Metadata        document
}

func (r transferRow) value() wallet.Transfer {
	return wallet.Transfer{
		ID: r.ID, Number: r.Number, At: r.At.time(), Kind: r.Kind, Currency: r.Currency, Amount: r.Amount,
		DebitAccountID: r.DebitAccountID, CreditAccountID: r.CreditAccountID, DebitAfter: r.DebitAfter,
		CreditAfter: r.CreditAfter, RefType: r.RefType, RefID: r.RefID, HoldAmount: r.HoldAmount, Reason: r.Reason,
		Metadata: json.RawMessage(r.Metadata),
	}
}

var transferColumns = []string{
	"number", "id", "at", "kind", "currency", "amount", "debit_account_id", "credit_account_id", "debit_after",
	"credit_after", "ref_type", "ref_id", "hold_amount", "reason", "metadata",
}

var transferInsert = insertStatement("transfer", transferColumns, "ref_type, ref_id, kind")

// transferValues are in the order of transferInsert; texts have been cleaned.
func transferValues(v *wallet.Transfer) []any {
	return []any{
		v.Number, arg(v.ID), arg(stampOf(v.At)), string(v.Kind), string(v.Currency), int64(v.Amount),
		arg(v.DebitAccountID), arg(v.CreditAccountID), int64(v.DebitAfter), int64(v.CreditAfter), v.RefType, v.RefID,
		int64(v.HoldAmount), v.Reason, arg(document(v.Metadata)),
	}
}

// TransferPost implements wallet.Store. It takes a batch of its own in the hash chain. v.At is cut to microseconds.
func (s *Wallet) TransferPost(ctx context.Context, t tx.Tx, v *wallet.Transfer) error {
	return s.post(ctx, in(t), []*wallet.Transfer{v})
}

// TransferByRef implements wallet.Store; the oldest come first.
func (s *Wallet) TransferByRef(ctx context.Context, refType, refID string) ([]wallet.Transfer, error) {
	return all[wallet.Transfer, transferRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("ref_type = ? AND ref_id = ?", refType, refID).Order("number")
	})
}
