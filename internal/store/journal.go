package store

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Journal implements journal.Sink.
type Journal struct{ *database }

var _ journal.Sink = (*Journal)(nil)

// RecordsApply implements journal.Sink. A batch whose transfers would overdraw a wallet is wallet.ErrInsufficient and
// leaves no trace.
func (s *Journal) RecordsApply(ctx context.Context, batch []*journal.Record) error {
	if len(batch) == 0 {
		return nil
	}
	return s.inTx(ctx, func(t *transaction) error {
		fresh, err := s.tasksInsert(ctx, t, batch)
		if err != nil {
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
		return s.post(ctx, t, transfers)
	})
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
	return fresh, nil
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
