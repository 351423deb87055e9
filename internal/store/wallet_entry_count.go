package store

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

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
	_, err = t.NewRaw(`INSERT INTO entry_tally
			(user_id, upto, account_id, credit, kind, reason, n, first, last, first_at, last_at) ?`,
		entryGroups(t, u.UserID, wallets, u.Upto, upto)).Exec(ctx)
	if err != nil {
		return err
	}
	return s.chunkEnd(ctx, t, u, upto)
}

// entryGroups selects the entries behind one transfer up to another as they are counted. Of reasons only those of charges are
// kept: what people write is looked for in the entries themselves.
func entryGroups(db bun.IDB, user id.ID, wallets []id.ID, after, upto int64) *bun.RawQuery {
	const sides = `SELECT debit_account_id AS account_id, FALSE AS credit, number, at, kind, reason FROM transfer
			WHERE debit_account_id IN (?0) AND number > ?1 AND number <= ?2
		UNION ALL SELECT credit_account_id, TRUE, number, at, kind, reason FROM transfer
			WHERE credit_account_id IN (?0) AND number > ?1 AND number <= ?2`
	const reason = "CASE WHEN kind = 'capture' THEN reason ELSE '' END"
	return db.NewRaw(`SELECT CAST(?3 AS `+idType(db)+`) AS user_id, CAST(?2 AS BIGINT) AS upto, account_id, credit, kind, `+reason+` AS reason, COUNT(*) AS n,
			MIN(number) AS first, MAX(number) AS last, CASE WHEN COUNT(at) = COUNT(*) THEN MIN(at) END AS first_at,
			CASE WHEN COUNT(at) = COUNT(*) THEN MAX(at) END AS last_at
		FROM (`+sides+`) AS side GROUP BY account_id, credit, kind, `+reason, bun.List(wallets), after, upto, user)
}

// idType is the type of identifiers.
func idType(db bun.IDB) string {
	if db.Dialect().Name() == dialect.PG {
		return "uuid"
	}
	return "TEXT"
}

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
