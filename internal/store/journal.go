package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Journal implements journal.Sink.
type Journal struct{ *database }

var _ journal.Sink = (*Journal)(nil)

// RecordsApply implements journal.Sink. A batch whose transfers would overdraw a wallet is wallet.ErrInsufficient and
// leaves no trace.
func (s *Journal) RecordsApply(ctx context.Context, batch []*journal.Record, applied journal.Position) error {
	return s.inTx(ctx, func(t *transaction) error {
		if applied != (journal.Position{}) {
			if err := positionSet(ctx, t, applied); err != nil {
				return err
			}
		}
		if len(batch) == 0 {
			return nil
		}
		fresh, err := s.tasksInsert(ctx, t, batch)
		if err != nil {
			return err
		}
		if err := s.replaysPut(ctx, t, fresh); err != nil {
			return err
		}
		if err := s.keptInsert(ctx, t, fresh); err != nil {
			return err
		}
		// Keys come before the chain's lock, as they do in transactions that change a key and then post.
		if err := keysUsed(ctx, s.database, t, lastUses(fresh)); err != nil {
			return err
		}
		transfers := transfersOf(fresh)
		if len(transfers) == 0 {
			return nil
		}
		if err := s.post(ctx, t, transfers); err != nil {
			return err
		}
		return s.usageAdd(ctx, t, fresh)
	})
}

// positionRow is the only row of its table.
type positionRow struct {
	bun.BaseModel `bun:"table:journal_position"`

	ID      int64
	Applied int64
	Replay  int64
}

func positionSet(ctx context.Context, t *transaction, p journal.Position) error {
	return touched(t.NewUpdate().Model(&positionRow{ID: 1, Applied: p.Applied, Replay: p.Replay}).
		Column("applied", "replay").Where("id = 1").Exec(ctx))
}

// JournalApplied implements journal.Sink.
func (s *Journal) JournalApplied(ctx context.Context) (journal.Position, error) {
	var row positionRow
	if err := s.reader.NewSelect().Model(&row).Where("id = 1").Scan(ctx); err != nil {
		return journal.Position{}, failure(err)
	}
	return journal.Position{Applied: row.Applied, Replay: row.Replay}, nil
}

// tasksInsert writes the tasks and returns the records whose task was not there before.
func (s *Journal) tasksInsert(ctx context.Context, t *transaction, batch []*journal.Record) ([]*journal.Record, error) {
	rows := make([][]any, len(batch))
	for i, r := range batch {
		rows[i] = taskValues(&r.Task)
	}
	inserted, err := s.execEach(ctx, t, taskInsert, rows)
	if err != nil {
		return nil, err
	}
	fresh := make([]*journal.Record, 0, len(batch))
	for i, r := range batch {
		if inserted[i] == 1 {
			fresh = append(fresh, r)
		}
	}
	return fresh, s.daysOpenAgain(ctx, t, fresh)
}

// lastUses maps each key to the latest call that was made with it.
func lastUses(records []*journal.Record) map[id.ID]time.Time {
	uses := map[id.ID]time.Time{}
	for _, r := range records {
		if key := r.Task.APIKeyID; !key.IsZero() && r.Task.CreatedAt.After(uses[key]) {
			uses[key] = r.Task.CreatedAt
		}
	}
	return uses
}

func transfersOf(records []*journal.Record) []*wallet.Transfer {
	var transfers []*wallet.Transfer
	for _, r := range records {
		for i := range r.Transfers {
			transfers = append(transfers, &r.Transfers[i])
		}
	}
	return transfers
}
