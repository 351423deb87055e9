package store

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
)

var accountRelease = newStatement("UPDATE account SET held = held - CAST(? AS BIGINT) WHERE id = CAST(? AS uuid)")

// release moves money from held to spendable, and says so where somebody may wait for it.
func (s *Leases) release(ctx context.Context, t *transaction, released map[id.ID]money.Amount) error {
	if err := s.unhold(ctx, t, released); err != nil {
		return err
	}
	var waited []id.ID
	err := t.NewSelect().Table("account").Column("id").
		Where("id IN (?) AND mode = 'exact'", bun.List(slices.Collect(maps.Keys(released)))).Scan(ctx, &waited)
	if err != nil {
		return err
	}
	for _, w := range waited {
		if err := notify(ctx, t, lease.Notice{Wallet: w}); err != nil {
			return err
		}
	}
	return nil
}

// unhold lowers what is held, account by account in the order of their ids.
func (s *Leases) unhold(ctx context.Context, t *transaction, released map[id.ID]money.Amount) error {
	var rows [][]any
	for _, account := range slices.SortedFunc(maps.Keys(released), compareIDs) {
		if released[account] != 0 {
			rows = append(rows, []any{int64(released[account]), arg(account)})
		}
	}
	_, err := s.execEach(ctx, t, accountRelease, rows)
	return err
}

// AccountLock implements wallet.Store. The chain comes first: who posts takes it before the accounts.
func (s *Wallet) AccountLock(ctx context.Context, t tx.Tx, account id.ID) (wallet.Account, error) {
	if s.engine != postgres {
		return s.AccountByID(ctx, t, account)
	}
	if err := s.lockChain(ctx, in(t)); err != nil {
		return wallet.Account{}, failure(err)
	}
	var r accountRow
	err := in(t).NewSelect().Model(&r).Where("id = ?", account).For("NO KEY UPDATE").Scan(ctx)
	return r.value(), failure(err)
}

// lockChain keeps other writers of the ledger out until the transaction ends.
func (d *database) lockChain(ctx context.Context, t *transaction) error {
	_, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(chainLock))
	return err
}

// ahead takes off the accounts what is settled and not folded yet.
func (s *Wallet) ahead(ctx context.Context, db bun.IDB, accounts []wallet.Account) error {
	ids := make([]id.ID, len(accounts))
	for i := range accounts {
		ids[i] = accounts[i].ID
	}
	sums, err := s.unfolded(ctx, db, ids)
	for i := range accounts {
		a := &accounts[i]
		a.Posted, a.Held, a.Spent = a.Posted-sums[a.ID], a.Held-sums[a.ID], a.Spent+sums[a.ID]
	}
	return err
}

// unfolded sums what calls have cost and the ledger does not say yet, by wallet.
func (d *database) unfolded(ctx context.Context, db bun.IDB, wallets []id.ID) (map[id.ID]money.Amount, error) {
	sums := map[id.ID]money.Amount{}
	if d.engine != postgres || len(wallets) == 0 {
		return sums, nil
	}
	var rows []struct {
		WalletID id.ID
		Amount   money.Amount
	}
	err := db.NewSelect().Table("settlement").ColumnExpr("wallet_id, CAST(SUM(amount) AS BIGINT) AS amount").
		Where("final AND folded_at IS NULL AND wallet_id IN (?)", bun.List(wallets)).Group("wallet_id").Scan(ctx, &rows)
	for _, r := range rows {
		sums[r.WalletID] = r.Amount
	}
	return sums, failure(err)
}
