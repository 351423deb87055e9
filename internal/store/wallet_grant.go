package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type grantRow struct {
	bun.BaseModel `bun:"table:wallet_grant"`

	Number    int64
	ID        id.ID
	AccountID id.ID
	Key       string
	Amount    money.Amount
	Spent     money.Amount
	Returned  money.Amount
	Through   int64
	Reason    string
	ExpiresAt stamp
	ClosedAt  stamp
	CreatedAt stamp
}

func grantOf(v *wallet.Grant) *grantRow {
	return &grantRow{
		Number: v.Number, ID: v.ID, AccountID: v.AccountID, Key: v.Key, Amount: v.Amount, Spent: v.Spent,
		Returned: v.Returned, Through: v.Through, Reason: v.Reason, ExpiresAt: stampOf(v.ExpiresAt),
		ClosedAt: stampOf(v.ClosedAt), CreatedAt: stampOf(v.CreatedAt),
	}
}

func (r grantRow) value() wallet.Grant {
	return wallet.Grant{
		ID: r.ID, Number: r.Number, AccountID: r.AccountID, Key: r.Key, Amount: r.Amount, Spent: r.Spent,
		Returned: r.Returned, Through: r.Through, Reason: r.Reason, ExpiresAt: r.ExpiresAt.time(),
		ClosedAt: r.ClosedAt.time(), CreatedAt: r.CreatedAt.time(),
	}
}

// GrantInsert implements wallet.Store.
func (s *Wallet) GrantInsert(ctx context.Context, t tx.Tx, v *wallet.Grant) error {
	return insertNumbered(ctx, in(t), grantOf(v), &v.Number)
}

// GrantByKey implements wallet.Store.
func (s *Wallet) GrantByKey(ctx context.Context, t tx.Tx, account id.ID, key string) (wallet.Grant, error) {
	return one[wallet.Grant, grantRow](ctx, s.from(t), "account_id = ? AND key = ?", account, key)
}

// GrantByID implements wallet.Store.
func (s *Wallet) GrantByID(ctx context.Context, t tx.Tx, grant id.ID) (wallet.Grant, error) {
	return one[wallet.Grant, grantRow](ctx, s.from(t), "id = ?", grant)
}

// GrantsOpen implements wallet.Store.
func (s *Wallet) GrantsOpen(ctx context.Context, t tx.Tx, account id.ID) ([]wallet.Grant, error) {
	return all[wallet.Grant, grantRow](ctx, s.from(t), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("account_id = ? AND expires_at IS NOT NULL AND closed_at IS NULL", account).
			Order("expires_at", "number")
	})
}

// GrantsDue implements wallet.Store.
func (s *Wallet) GrantsDue(ctx context.Context, now time.Time, limit int) ([]wallet.Grant, error) {
	return all[wallet.Grant, grantRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("expires_at IS NOT NULL AND closed_at IS NULL AND expires_at <= ?", stampOf(now)).
			Order("expires_at", "number").Limit(int64(limit))
	})
}

// GrantUpdate implements wallet.Store.
func (s *Wallet) GrantUpdate(ctx context.Context, t tx.Tx, v *wallet.Grant) error {
	return touched(in(t).NewUpdate().Model(grantOf(v)).Column("spent", "returned", "through", "closed_at").
		Where("id = ?", v.ID).Exec(ctx))
}

// CapturesAfter implements wallet.Store.
func (s *Wallet) CapturesAfter(
	ctx context.Context, t tx.Tx, account id.ID, after int64, visit func(*wallet.Transfer),
) error {
	query := in(t).NewSelect().Model((*transferRow)(nil)).
		Where("debit_account_id = ? AND kind = ? AND number > ?", account, wallet.TransferCapture, after).Order("number")
	return eachTransfer(ctx, s.writer, query, func(v *wallet.Transfer) bool {
		visit(v)
		return true
	})
}

// eachTransfer calls visit for one row of the query after the other, until it returns false. Only one is in memory.
func eachTransfer(ctx context.Context, db *bun.DB, query *bun.SelectQuery, visit func(*wallet.Transfer) bool) error {
	rows, err := query.Rows(ctx)
	if err != nil {
		return failure(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r transferRow
		if err := db.ScanRow(ctx, rows, &r); err != nil {
			return failure(err)
		}
		if v := r.value(); !visit(&v) {
			return nil
		}
	}
	return failure(rows.Err())
}
