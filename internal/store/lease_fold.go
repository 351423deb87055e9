package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/lease"
)

const (
	// shardLock and the number of a shard are the key of the advisory lock under which the shard's wallets are folded.
	shardLock = 0x67616e74
	// foldBatch bounds the settlements of one transaction.
	foldBatch = 256
)

// settlementRow is a final settlement that is not in the ledger yet.
type settlementRow struct {
	bun.BaseModel `bun:"table:settlement"`

	HoldID   id.ID
	LeaseID  id.ID
	WalletID id.ID
	Amount   money.Amount
	Cut      bool
	Opened   []byte
	Payload  []byte
	At       stamp
}

// record is what the settlement leaves in the ledger; nil for a hold that was voided.
func (r *settlementRow) record(now time.Time) (*journal.Record, error) {
	if len(r.Payload) == 0 {
		return nil, nil //nolint:nilnil // nothing is left
	}
	if !r.Cut {
		v := &journal.Record{}
		return v, v.UnmarshalBinary(r.Payload)
	}
	var open journal.Open
	var mark journal.Mark
	if err := open.UnmarshalBinary(r.Opened); err != nil {
		return nil, err
	}
	if err := mark.UnmarshalBinary(r.Payload); err != nil {
		return nil, err
	}
	return journal.Interrupted(&open, &mark, now), nil
}

// Fold implements lease.Authority: each shard that has settlements is folded once, by one node at a time.
func (s *Leases) Fold(ctx context.Context) (lease.Folded, error) {
	var shards []int64
	err := s.reader.NewSelect().Table("settlement").ColumnExpr("DISTINCT shard").
		Where("final AND folded_at IS NULL AND refusal IS NULL").Scan(ctx, &shards)
	if err != nil {
		return lease.Folded{}, failure(err)
	}
	var did lease.Folded
	for _, shard := range shards {
		if err := s.foldShard(ctx, shard, &did); err != nil {
			return did, err
		}
	}
	return did, nil
}

// foldShard folds a batch of one shard. If the ledger refuses it, each settlement is tried alone, so that one that is
// wrong does not stop the others.
func (s *Leases) foldShard(ctx context.Context, shard int64, did *lease.Folded) error {
	var rows []settlementRow
	err := s.inTx(ctx, func(t *transaction) error {
		err := s.lockShard(ctx, t, shard)
		if err != nil {
			return err
		}
		if rows, err = unfoldedRows(ctx, t, "shard = ?", shard); err != nil {
			return err
		}
		return s.fold(ctx, t, rows)
	})
	if err == nil {
		did.Settlements += len(rows)
		if len(rows) > 0 {
			did.Lag = max(did.Lag, s.clock().Sub(rows[0].At.time()))
		}
		return nil
	}
	if ctx.Err() != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		if err := s.foldOne(ctx, shard, row, did); err != nil {
			return err
		}
	}
	return nil
}

// foldOne folds a settlement alone; one that the ledger refuses is set aside with the reason.
func (s *Leases) foldOne(ctx context.Context, shard int64, row settlementRow, did *lease.Folded) error {
	err := s.inTx(ctx, func(t *transaction) error {
		if err := s.lockShard(ctx, t, shard); err != nil {
			return err
		}
		rows, err := unfoldedRows(ctx, t, "hold_id = ?", row.HoldID)
		if err != nil {
			return err
		}
		return s.fold(ctx, t, rows)
	})
	if err == nil || passing(err) || ctx.Err() != nil {
		did.Settlements++
		return err
	}
	did.Failed++
	s.log.ErrorContext(ctx, "settlement not folded", "hold", row.HoldID.String(), "error", err)
	_, failed := s.writer.ExecContext(ctx, "UPDATE settlement SET refusal = ? WHERE hold_id = ?", err.Error(), row.HoldID)
	return failure(failed)
}

// lockShard waits until nobody else folds the shard; what another node folded meanwhile is seen afterwards.
func (s *Leases) lockShard(ctx context.Context, t *transaction, shard int64) error {
	_, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?, ?)", shardLock, shard)
	return err
}

func unfoldedRows(ctx context.Context, t *transaction, where string, args ...any) ([]settlementRow, error) {
	var rows []settlementRow
	err := t.NewSelect().Model(&rows).Where("final AND folded_at IS NULL AND refusal IS NULL").Where(where, args...).
		Order("at", "hold_id").Limit(foldBatch).Scan(ctx)
	return rows, err
}

var leaseSettled = newStatement(`UPDATE lease SET settled = settled + CAST(? AS BIGINT), updated_at = now_micros()
	WHERE id = CAST(? AS uuid)`)

// fold writes settlements into the ledger: tasks, then keys, then under the chain's lock leases, what is held, and the
// transfers. What is held falls first, because what a wallet owns never covers it twice.
func (s *Leases) fold(ctx context.Context, t *transaction, rows []settlementRow) error {
	if len(rows) == 0 {
		return nil
	}
	f := folding{Leases: s, t: t, leases: map[id.ID]money.Amount{}, wallets: map[id.ID]money.Amount{}}
	if err := f.read(rows); err != nil {
		return err
	}
	if err := f.write(ctx); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, "UPDATE settlement SET folded_at = now_micros(), opened = NULL, payload = NULL WHERE hold_id IN (?)",
		bun.List(holdsOf(rows)))
	return err
}

func holdsOf(rows []settlementRow) []id.ID {
	holds := make([]id.ID, len(rows))
	for i := range rows {
		holds[i] = rows[i].HoldID
	}
	return holds
}

// folding is one batch on its way into the ledger.
type folding struct {
	*Leases

	t       *transaction
	records []*journal.Record
	of      map[*journal.Record]*settlementRow
	leases  map[id.ID]money.Amount // what each lease paid
	wallets map[id.ID]money.Amount
}

func (f *folding) read(rows []settlementRow) error {
	f.of = map[*journal.Record]*settlementRow{}
	for i := range rows {
		r, err := rows[i].record(f.clock())
		if err != nil {
			return err
		}
		if r != nil {
			f.records = append(f.records, r)
			f.of[r] = &rows[i]
		}
	}
	return nil
}

func (f *folding) write(ctx context.Context) error {
	books := Journal{f.database}
	fresh, err := books.tasksInsert(ctx, f.t, f.records)
	if err != nil {
		return err
	}
	if err := f.replaysPut(ctx, f.t, fresh); err != nil {
		return err
	}
	if err := f.keptInsert(ctx, f.t, fresh); err != nil {
		return err
	}
	if err := keysUsed(ctx, f.database, f.t, lastUses(fresh)); err != nil {
		return err
	}
	transfers := transfersOf(fresh)
	if len(transfers) == 0 {
		return nil
	}
	for _, r := range fresh {
		if row := f.of[r]; row.Amount > 0 {
			f.leases[row.LeaseID] += row.Amount
			f.wallets[row.WalletID] += row.Amount
		}
	}
	if err := f.lockChain(ctx, f.t); err != nil {
		return err
	}
	if err := f.settleLeases(ctx); err != nil {
		return err
	}
	if err := f.unhold(ctx, f.t, f.wallets); err != nil {
		return err
	}
	return f.post(ctx, f.t, transfers)
}

func (f *folding) settleLeases(ctx context.Context) error {
	var rows [][]any
	for _, l := range slices.SortedFunc(maps.Keys(f.leases), compareIDs) {
		rows = append(rows, []any{int64(f.leases[l]), arg(l)})
	}
	settled, err := f.execEach(ctx, f.t, leaseSettled, rows)
	if err == nil && slices.Contains(settled, 0) {
		err = errNoLease
	}
	return err
}
