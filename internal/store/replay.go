package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Replays implements tasks.ReplayStore for a node that is alone: what runs is known in its memory, so a claim only reads.
type Replays struct{ *database }

var _ tasks.ReplayStore = (*Replays)(nil)

// Replays is the storage of answers to calls with idempotency keys, of one node; see SharedReplays.
func (s *Store) Replays() *Replays { return &Replays{s.db} }

type replayRow struct {
	bun.BaseModel `bun:"table:replay"`

	Claim       []byte
	Fingerprint []byte
	TaskID      id.ID
	UserID      id.ID
	Node        string
	Epoch       int64
	Done        bool
	Status      int
	ContentType string
	Body        []byte
	Lost        bool
	CreatedAt   stamp
	ExpiresAt   stamp
}

func (r replayRow) value() tasks.Replay {
	v := tasks.Replay{
		TaskID: r.TaskID, UserID: r.UserID, Status: r.Status, ContentType: r.ContentType, Body: r.Body, Lost: r.Lost,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(),
	}
	copy(v.Claim[:], r.Claim)
	copy(v.Fingerprint[:], r.Fingerprint)
	return v
}

// ReplayClaim implements tasks.ReplayStore; it never finds Elsewhere.
func (s *Replays) ReplayClaim(ctx context.Context, claim *tasks.Replay) (tasks.Replay, tasks.ClaimState, error) {
	found, err := one[tasks.Replay, replayRow](ctx, s.reader, "claim = ? AND done AND expires_at > ?",
		claim.Claim[:], stampOf(claim.CreatedAt))
	if errors.Is(err, fault.ErrNotFound) {
		return tasks.Replay{}, tasks.Claimed, nil
	}
	return found, tasks.Answered, err
}

// ReplayRelease implements tasks.ReplayStore; there is nothing to give up.
func (s *Replays) ReplayRelease(context.Context, tasks.Digest, id.ID) error { return nil }

// ReplaysForget implements tasks.ReplayStore.
func (s *Replays) ReplaysForget(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.InTx(ctx, func(t tx.Tx) error {
		some := in(t).NewSelect().Table("replay").Column("claim").Where("expires_at <= ?", stampOf(before)).
			OrderExpr("expires_at").Limit(int64(limit))
		result, err := in(t).NewDelete().Table("replay").Where("claim IN (?)", some).Exec(ctx)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		n = int(rows)
		return err
	})
	return n, err
}

// replayPut writes an answer over the claim that led to it, or over what has expired; an answer that is there stays.
var replayPut = newStatement(`INSERT INTO replay
	(claim, fingerprint, task_id, user_id, node, epoch, done, status, content_type, body, lost, created_at, expires_at)
	VALUES (?, ?, ?, ?, '', 0, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (claim) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, task_id = EXCLUDED.task_id,
		user_id = EXCLUDED.user_id, node = '', epoch = 0, done = EXCLUDED.done, status = EXCLUDED.status,
		content_type = EXCLUDED.content_type, body = EXCLUDED.body, lost = EXCLUDED.lost,
		created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
	WHERE NOT replay.done OR replay.expires_at <= EXCLUDED.created_at`)

// replaysPut writes what the records keep for repeats, in the transaction that writes the records. Rows are locked in the
// order of their claims.
func (d *database) replaysPut(ctx context.Context, t *transaction, records []*journal.Record) error {
	var rows [][]any
	for _, r := range records {
		if r.Replay != nil {
			rows = append(rows, replayValues(r.Replay))
		}
	}
	if rows == nil {
		return nil
	}
	slices.SortFunc(rows, func(a, b []any) int {
		return slices.Compare(a[0].([]byte), b[0].([]byte)) //nolint:forcetypeassert // replayValues begins with the claim
	})
	_, err := d.execEach(ctx, t, replayPut, rows)
	return err
}

// replayValues are in the order of replayPut.
func replayValues(v *tasks.Replay) []any {
	var body any
	if !v.Lost {
		body = append([]byte{}, v.Body...) // not NULL when it is empty
	}
	return []any{
		v.Claim[:], v.Fingerprint[:], arg(v.TaskID), arg(v.UserID), true, int64(v.Status), clean(v.ContentType), body, v.Lost,
		int64(stampOf(v.CreatedAt)), int64(stampOf(v.ExpiresAt)),
	}
}
