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

// Wallet implements wallet.Store.
type Wallet struct{ *database }

var _ wallet.Store = (*Wallet)(nil)

type accountRow struct {
	bun.BaseModel `bun:"table:account"`

	Number    int64
	ID        id.ID
	Code      string
	Kind      wallet.AccountKind
	Currency  money.Currency
	TenantID  id.ID
	UserID    id.ID
	Posted    money.Amount
	Held      money.Amount
	Overdraft money.Amount
	Credited  money.Amount
	Spent     money.Amount
	Status    string
	Metadata  document
	CreatedAt stamp
	UpdatedAt stamp
}

// accountOf leaves the balances at 0: only transfers move them.
func accountOf(v *wallet.Account) *accountRow {
	return &accountRow{
		ID: v.ID, Code: v.Code, Kind: v.Kind, Currency: v.Currency, TenantID: v.TenantID, UserID: v.UserID,
		Overdraft: v.Overdraft, Status: v.Status, Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r accountRow) value() wallet.Account {
	return wallet.Account{
		ID: r.ID, Number: r.Number, Code: r.Code, Kind: r.Kind, Currency: r.Currency, TenantID: r.TenantID,
		UserID: r.UserID, Posted: r.Posted, Held: r.Held, Overdraft: r.Overdraft, Credited: r.Credited, Spent: r.Spent,
		Status: r.Status, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// AccountEnsure implements wallet.Store. A new account starts at 0, whatever v's balances say. A second wallet of a user
// in one currency is fault.ErrConflict.
func (s *Wallet) AccountEnsure(ctx context.Context, t tx.Tx, v *wallet.Account) (wallet.Account, error) {
	_, err := in(t).NewInsert().Model(accountOf(v)).ExcludeColumn("number").On("CONFLICT (code, currency) DO NOTHING").Exec(ctx)
	if err != nil {
		return wallet.Account{}, failure(err)
	}
	return one[wallet.Account, accountRow](ctx, in(t), "code = ? AND currency = ?", v.Code, v.Currency)
}

// AccountByID implements wallet.Store.
func (s *Wallet) AccountByID(ctx context.Context, t tx.Tx, account id.ID) (wallet.Account, error) {
	return one[wallet.Account, accountRow](ctx, s.from(t), "id = ?", account)
}

// WalletOf implements wallet.Store.
func (s *Wallet) WalletOf(ctx context.Context, t tx.Tx, user id.ID, c money.Currency) (wallet.Account, error) {
	return one[wallet.Account, accountRow](ctx, s.from(t), "user_id = ? AND currency = ? AND kind = 'wallet'", user, c)
}

// WalletsOf implements wallet.Store. What calls have cost counts, also where the ledger does not say so yet.
func (s *Wallet) WalletsOf(ctx context.Context, users ...id.ID) ([]wallet.Account, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var accounts []wallet.Account
	// One moment: a fold between two reads would count a call not at all.
	err := s.snapshot(ctx, func(db bun.IDB) (err error) {
		accounts, err = all[wallet.Account, accountRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("user_id IN (?) AND kind = 'wallet'", bun.List(users)).Order("user_id", "currency")
		})
		if err != nil {
			return err
		}
		return s.ahead(ctx, db, accounts)
	})
	return accounts, err
}

// Totals implements wallet.Store. It reads all transfers.
func (s *Wallet) Totals(ctx context.Context) ([]wallet.Total, error) {
	var totals []wallet.Total
	err := s.reader.NewRaw(`
		WITH moved AS (
			SELECT account, CAST(SUM(amount) AS BIGINT) AS amount FROM (
				SELECT credit_account_id AS account, amount FROM transfer
				UNION ALL
				SELECT debit_account_id, -amount FROM transfer) AS side
			GROUP BY account)
		SELECT a.currency,
			CAST(SUM(a.posted) AS BIGINT) AS posted,
			CAST(SUM(a.held) AS BIGINT) AS held,
			COUNT(*) AS accounts,
			(SELECT COUNT(*) FROM transfer WHERE transfer.currency = a.currency) AS transfers,
			CAST(SUM(CASE WHEN a.posted <> COALESCE(m.amount, 0) THEN 1 ELSE 0 END) AS BIGINT) AS differing
		FROM account AS a LEFT JOIN moved AS m ON m.account = a.id
		GROUP BY a.currency ORDER BY a.currency`).Scan(ctx, &totals)
	return totals, failure(err)
}
