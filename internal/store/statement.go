package store

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// StatementTotals implements wallet.Store. The transfers are append-only and numbered in the order in which they become
// visible, so whoever reads those up to Last later reads what was summed here.
func (s *Wallet) StatementTotals(
	ctx context.Context, account id.ID, from, to time.Time,
) (totals wallet.StatementTotals, err error) {
	err = s.reader.NewRaw(`
		WITH side AS (
			SELECT number, amount AS moved, COALESCE(at, 0) AS at FROM transfer WHERE credit_account_id = ?0
			UNION ALL
			SELECT number, -amount, COALESCE(at, 0) FROM transfer WHERE debit_account_id = ?0)
		SELECT
			CAST(COALESCE(SUM(CASE WHEN at < ?1 THEN moved END), 0) AS BIGINT) AS opening,
			CAST(COALESCE(SUM(CASE WHEN at >= ?1 AND at < ?2 AND moved > 0 THEN moved END), 0) AS BIGINT) AS "in",
			CAST(COALESCE(SUM(CASE WHEN at >= ?1 AND at < ?2 AND moved < 0 THEN -moved END), 0) AS BIGINT) AS "out",
			COALESCE(SUM(CASE WHEN at >= ?1 AND at < ?2 THEN 1 ELSE 0 END), 0) AS entries,
			COALESCE(MAX(number), 0) AS last
		FROM side`, account, periodStart(from), periodEnd(to)).Scan(ctx, &totals)
	return totals, failure(err)
}

// StatementRows implements wallet.Store. The database sorts; one row at a time is in memory.
func (s *Wallet) StatementRows(
	ctx context.Context, account id.ID, from, to time.Time, last int64, visit func(*wallet.Transfer) bool,
) error {
	query := s.reader.NewSelect().Model((*transferRow)(nil)).
		Where("debit_account_id = ? OR credit_account_id = ?", account, account).
		Where("number <= ?", last).
		Where("COALESCE(at, 0) >= ? AND COALESCE(at, 0) < ?", periodStart(from), periodEnd(to)).
		OrderExpr("COALESCE(at, 0), number")
	return eachTransfer(ctx, s.reader, query, visit)
}

// periodStart and periodEnd are the bounds of a period as times are stored. What came at no known time came first.
func periodStart(from time.Time) int64 {
	if from.IsZero() {
		return minStamp
	}
	return ceilStamp(from)
}

func periodEnd(to time.Time) int64 {
	if to.IsZero() {
		return maxStamp
	}
	return ceilStamp(to)
}

const (
	minStamp = -1 << 63
	maxStamp = 1<<63 - 1
)

// ceilStamp is the first stored moment that is not before t: finer parts of what is stored were cut off.
func ceilStamp(t time.Time) int64 {
	micros := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		micros++
	}
	return micros
}
