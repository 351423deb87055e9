package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// entryChunk is how many entries of a user are counted together, and how many of the newest are not at least.
const entryChunk = 1000

// uncounted is a user whose entries are counted up to a transfer only.
type uncounted struct {
	UserID id.ID
	Upto   int64
	Left   int64 // entries behind that
}

// EntriesCount counts entries of users with many, so that lists need not; at most that many chunks. Transfers get their
// numbers in the order in which they become visible and never change, so what is counted stays so. It returns how many
// chunks it counted.
func (s *Wallet) EntriesCount(ctx context.Context, most int) (int, error) {
	n, err := s.entriesCount(ctx, entryChunk, most)
	return n, failure(err)
}

func (s *Wallet) entriesCount(ctx context.Context, chunk int64, most int) (int, error) {
	users, err := s.entriesUncounted(ctx, chunk)
	done := 0
	for _, u := range users {
		for ; err == nil && done < most && u.Left >= 2*chunk; done++ {
			err = s.inTx(ctx, func(t *transaction) error { return s.chunkCount(ctx, t, &u, chunk) })
		}
	}
	return done, err
}

// entriesUncounted lists the users of whom a chunk can be counted.
func (s *Wallet) entriesUncounted(ctx context.Context, chunk int64) (users []uncounted, err error) {
	err = s.reader.NewRaw(`
		SELECT a.user_id, COALESCE(c.upto, 0) AS upto, a.n - COALESCE(c.n, 0) AS "left"
		FROM (SELECT user_id, CAST(SUM(debits + credits) AS BIGINT) AS n FROM account
			WHERE kind = 'wallet' AND user_id IS NOT NULL GROUP BY user_id) AS a
		LEFT JOIN entry_counted AS c ON c.user_id = a.user_id
		WHERE a.n - COALESCE(c.n, 0) >= ?`, 2*chunk).Scan(ctx, &users)
	return users, err
}

// chunkCount counts the user's next chunk, unless another node did meanwhile.
func (s *Wallet) chunkCount(ctx context.Context, t *transaction, u *uncounted, chunk int64) error {
	wallets, err := walletIDs(ctx, t, u.UserID)
	if err != nil {
		return err
	}
	var upto int64
	sides := entrySides(t, wallets, wallet.EntryQuery{}, func(side *bun.SelectQuery) *bun.SelectQuery {
		next := side.Where("number > ?", u.Upto).Order("number").Limit(chunk)
		return t.NewSelect().TableExpr("(?) AS next", next).ColumnExpr("number")
	})
	err = t.NewSelect().TableExpr("(?) AS side", sides).Column("number").Order("number").Limit(1).Offset(chunk-1).Scan(ctx, &upto)
	if err != nil {
		return err
	}
	begun, err := s.chunkBegin(ctx, t, u, upto)
	if err != nil || !begun {
		u.Left = 0
		return err
	}
	for _, side := range [][2]string{{"debit_account_id", "FALSE"}, {"credit_account_id", "TRUE"}} {
		if _, err := t.NewRaw(`INSERT INTO entry_tally
				(user_id, upto, account_id, credit, kind, reason, n, first, last, first_at, last_at)
			SELECT ?, ?, ?, `+side[1]+`, kind, `+tallyReason+`, COUNT(*), MIN(number), MAX(number),
				CASE WHEN COUNT(at) = COUNT(*) THEN MIN(at) END, CASE WHEN COUNT(at) = COUNT(*) THEN MAX(at) END
			FROM transfer WHERE ? IN (?) AND number > ? AND number <= ?
			GROUP BY 3, kind, `+tallyReason, u.UserID, upto, bun.Ident(side[0]), bun.Ident(side[0]), bun.List(wallets), u.Upto, upto).
			Exec(ctx); err != nil {
			return err
		}
	}
	return s.chunkEnd(ctx, t, u, upto)
}

// tallyReason is what is kept of a reason. Those that people write are looked for in the entries themselves.
const tallyReason = "CASE WHEN kind = 'capture' THEN reason ELSE '' END"

// chunkBegin takes the chunk; false: another node has it.
func (s *Wallet) chunkBegin(ctx context.Context, t *transaction, u *uncounted, upto int64) (bool, error) {
	_, err := t.ExecContext(ctx, "INSERT INTO entry_counted (user_id, upto, n) VALUES (?, 0, 0) ON CONFLICT (user_id) DO NOTHING", u.UserID)
	if err != nil {
		return false, err
	}
	result, err := t.ExecContext(ctx, "UPDATE entry_counted SET upto = ? WHERE user_id = ? AND upto = ?", upto, u.UserID, u.Upto)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func (s *Wallet) chunkEnd(ctx context.Context, t *transaction, u *uncounted, upto int64) error {
	var n int64
	err := t.NewRaw("SELECT CAST(SUM(n) AS BIGINT) FROM entry_tally WHERE user_id = ? AND upto = ?", u.UserID, upto).Scan(ctx, &n)
	if err != nil {
		return err
	}
	u.Upto, u.Left = upto, u.Left-n
	_, err = t.ExecContext(ctx, "UPDATE entry_counted SET n = n + ? WHERE user_id = ?", n, u.UserID)
	return err
}

// walletIDs lists the user's wallets.
func walletIDs(ctx context.Context, db bun.IDB, user id.ID) (wallets []id.ID, err error) {
	err = db.NewSelect().Table("account").Column("id").Where("user_id = ? AND kind = ?", user, wallet.KindWallet).Scan(ctx, &wallets)
	return wallets, err
}
