package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// slotLength is what quota_usage sums up: every time zone is whole quarters of an hour ahead of UTC.
const slotLength = 15 * time.Minute

// slotOf numbers the quarter of an hour that t lies in. Slot 0 holds what was folded, so nothing else begins there.
func slotOf(t time.Time) int64 { return max(1, t.UnixMicro()/slotLength.Microseconds()) }

// usageKey is a row of quota_usage. For an app it names the key, by which the statement finds the app.
type usageKey struct {
	kind     limits.Kind
	id       id.ID
	currency money.Currency
	slot     int64
}

var (
	usageAdd = newStatement(`INSERT INTO quota_usage (scope_kind, scope_id, currency, slot, used) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (scope_kind, scope_id, currency, slot) DO UPDATE SET used = quota_usage.used + EXCLUDED.used`)
	usageAddApp = newStatement(`INSERT INTO quota_usage (scope_kind, scope_id, currency, slot, used)
		SELECT 'app', app_id, ?, ?, ? FROM api_key WHERE id = ? AND app_id IS NOT NULL
		ON CONFLICT (scope_kind, scope_id, currency, slot) DO UPDATE SET used = quota_usage.used + EXCLUDED.used`)
)

// usageAdd adds what the records captured to what their scopes have used. It runs under the chain's lock, so that two
// batches never wait for each other's rows.
func (s *Journal) usageAdd(ctx context.Context, t *transaction, records []*journal.Record) error {
	sums := map[usageKey]money.Amount{}
	for _, r := range records {
		addUsage(sums, r)
	}
	var rows, apps [][]any
	for _, k := range sortedUsage(sums) {
		if k.kind == limits.KindApp {
			apps = append(apps, []any{string(k.currency), k.slot, int64(sums[k]), arg(k.id)})
			continue
		}
		rows = append(rows, []any{k.kind.String(), arg(k.id), string(k.currency), k.slot, int64(sums[k])})
	}
	if _, err := s.execEach(ctx, t, usageAdd, rows); err != nil {
		return failure(err)
	}
	_, err := s.execEach(ctx, t, usageAddApp, apps)
	return failure(err)
}

// addUsage adds the captures of one record. What a call cost above its hold is Gantry's loss and nobody's use.
func addUsage(sums map[usageKey]money.Amount, r *journal.Record) {
	task := &r.Task
	scopes := [...]limits.Scope{
		{Kind: limits.KindTenant, ID: task.TenantID},
		{Kind: limits.KindGroup, ID: task.GroupID},
		{Kind: limits.KindUser, ID: task.UserID},
		{Kind: limits.KindKey, ID: task.APIKeyID},
		{Kind: limits.KindApp, ID: task.APIKeyID},
	}
	for i := range r.Transfers {
		v := &r.Transfers[i]
		if v.Kind != wallet.TransferCapture {
			continue
		}
		for _, scope := range scopes {
			if !scope.ID.IsZero() {
				sums[usageKey{scope.Kind, scope.ID, v.Currency, slotOf(task.CreatedAt)}] += v.Amount
			}
		}
	}
}

func sortedUsage(sums map[usageKey]money.Amount) []usageKey {
	keys := make([]usageKey, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b usageKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.currency, b.currency),
			cmp.Compare(a.slot, b.slot))
	})
	return keys
}

// QuotaUsed implements limits.Usage.
func (s *Limits) QuotaUsed(
	ctx context.Context, scope limits.Scope, c money.Currency, day, month time.Time,
) (used limits.Used, err error) {
	const since = "COALESCE(SUM(CASE WHEN slot >= ? THEN used ELSE 0 END), 0)"
	err = s.reader.NewSelect().Table("quota_usage").ColumnExpr("COALESCE(SUM(used), 0)").
		ColumnExpr(since, slotOf(day)).ColumnExpr(since, slotOf(month)).
		Where("scope_kind = ? AND scope_id = ? AND currency = ?", scope.Kind.String(), scope.ID, c).
		Scan(ctx, &used.Total, &used.Day, &used.Month)
	return used, failure(err)
}

// QuotaFold sums up what was used before a moment into one row for each scope, so that the table does not grow with time.
// The moment must be before the present month of every time zone.
func (s *Limits) QuotaFold(ctx context.Context, before time.Time) error {
	slot := slotOf(before)
	return s.inTx(ctx, func(t *transaction) error {
		if err := s.lockBooks(ctx, t); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `INSERT INTO quota_usage (scope_kind, scope_id, currency, slot, used)
			SELECT scope_kind, scope_id, currency, 0, SUM(used) FROM quota_usage
			WHERE slot > 0 AND slot < ? GROUP BY scope_kind, scope_id, currency
			ON CONFLICT (scope_kind, scope_id, currency, slot) DO UPDATE SET used = quota_usage.used + EXCLUDED.used`, slot)
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, "DELETE FROM quota_usage WHERE slot > 0 AND slot < ?", slot)
		return err
	})
}

// lockBooks keeps journals from adding to rows that are being folded. SQLite has one writer anyway.
func (s *Limits) lockBooks(ctx context.Context, t *transaction) error {
	if s.engine != postgres {
		return nil
	}
	_, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(chainLock))
	return err
}
