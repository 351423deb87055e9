package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// LedgerLock implements wallet.Store. A transaction of SQLite is the only writer from its beginning.
func (s *Wallet) LedgerLock(ctx context.Context, t tx.Tx) error {
	if s.engine == sqlite {
		return nil
	}
	return failure(s.lockChain(ctx, in(t)))
}

// RefundsOf implements wallet.Store.
func (s *Wallet) RefundsOf(ctx context.Context, t tx.Tx, task id.ID) ([]wallet.Transfer, error) {
	return refundsOf(ctx, in(t), task.String())
}

// refundsOf finds refunds by the beginning of their reference, a task's id and a colon. Refunds are few, and "greater
// than" depends on a database's collation.
func refundsOf(ctx context.Context, db bun.IDB, task string) ([]wallet.Transfer, error) {
	return all[wallet.Transfer, transferRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("ref_type = ? AND kind = ?", wallet.RefRefund, wallet.TransferRefund).
			Where("ref_id LIKE ?", task+":%").
			Order("number")
	})
}
