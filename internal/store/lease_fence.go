package store

import (
	"context"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// errNoLease says that a settlement names a lease that does not exist.
var errNoLease = errors.New("store: settlement without its lease")

// fenceBatch bounds the leases that one call fences.
const fenceBatch = 64

// FenceExpired implements lease.Authority; each lease is a transaction of its own. One that another
// node fenced meanwhile does not count.
func (s *Leases) FenceExpired(ctx context.Context) (int, error) {
	var expired []id.ID
	err := s.reader.NewSelect().Table("lease").Column("id").
		Where("state = 'active' AND expires_at < now_micros() - ?", s.terms.Grace.Microseconds()).
		Order("expires_at").Limit(fenceBatch).Scan(ctx, &expired)
	fenced := 0
	errs := []error{failure(err)}
	for _, l := range expired {
		did, err := s.fence(ctx, l)
		if did {
			fenced++
		}
		errs = append(errs, err)
	}
	return fenced, errors.Join(errs...)
}

// fence takes a lease from its node: what was settled is folded, calls that nobody ended are charged what was marked, and
// only then the rest is given back. It does not wait long: somebody will fence it later.
func (s *Leases) fence(ctx context.Context, of id.ID) (did bool, err error) {
	err = s.inTx(ctx, func(t *transaction) error {
		if _, err := t.ExecContext(ctx, "SELECT set_config('lock_timeout', '2s', true)"); err != nil {
			return err
		}
		var shard int64
		err := t.NewRaw("SELECT get_byte(uuid_send(wallet_id), 15) % 16 FROM lease WHERE id = ?", of).Scan(ctx, &shard)
		if err != nil {
			return err
		}
		if err := s.lockShard(ctx, t, shard); err != nil {
			return err
		}
		did, err = s.fenceLocked(ctx, t, of)
		return err
	})
	if errors.Is(err, fault.ErrNotFound) {
		return false, nil // not expired any more
	}
	return did && err == nil, err
}

func (s *Leases) fenceLocked(ctx context.Context, t *transaction, of id.ID) (bool, error) {
	var l leaseRow
	// From here on no settlement is in flight: those that were have been waited for, and the next will find it fenced.
	err := t.NewSelect().Model(&l).Where("id = ? AND state = 'active' AND expires_at < now_micros() - ?",
		of, s.terms.Grace.Microseconds()).For("UPDATE").Scan(ctx)
	if err != nil {
		return false, failure(err)
	}
	for _, statement := range []string{
		"UPDATE lease SET state = 'fenced', updated_at = now_micros() WHERE id = ?",
		"UPDATE settlement SET final = TRUE, cut = TRUE, amount = mark WHERE lease_id = ? AND folded_at IS NULL AND NOT final",
	} {
		if _, err := t.ExecContext(ctx, statement, of); err != nil {
			return false, err
		}
	}
	if err := s.foldLease(ctx, t, of); err != nil {
		return false, err
	}
	return true, s.giveBack(ctx, t, of)
}

func (s *Leases) foldLease(ctx context.Context, t *transaction, of id.ID) error {
	for {
		rows, err := unfoldedRows(ctx, t, "lease_id = ?", of)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := s.fold(ctx, t, rows); err != nil {
			return err
		}
	}
}

// giveBack releases what the lease was granted and did not settle. What the ledger refused stays held, for audit.
func (s *Leases) giveBack(ctx context.Context, t *transaction, of id.ID) error {
	var l leaseRow
	if err := t.NewSelect().Model(&l).Where("id = ?", of).Scan(ctx); err != nil {
		return err
	}
	var refused money.Amount
	err := t.NewSelect().Table("settlement").ColumnExpr("CAST(COALESCE(SUM(amount), 0) AS BIGINT)").
		Where("lease_id = ? AND folded_at IS NULL", of).Scan(ctx, &refused)
	if err != nil {
		return err
	}
	keep := l.Settled + min(refused, l.Granted-l.Settled)
	if _, err := t.ExecContext(ctx, "UPDATE lease SET granted = ? WHERE id = ?", int64(keep), of); err != nil {
		return err
	}
	return s.release(ctx, t, map[id.ID]money.Amount{l.WalletID: l.Granted - keep})
}

// passing reports whether a failure may pass by itself.
func passing(err error) bool { return errors.Is(err, fault.ErrUnavail) }
