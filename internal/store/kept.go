package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Kept implements tasks.KeptStore.
type Kept struct{ *database }

var _ tasks.KeptStore = (*Kept)(nil)

// Kept is the storage of answers that callers may ask for again.
func (s *Store) Kept() *Kept { return &Kept{s.db} }

type keptRow struct {
	bun.BaseModel `bun:"table:kept_response"`

	ID           id.ID
	TenantID     id.ID
	UserID       id.ID
	Kind         inference.Kind
	PreviousID   id.ID
	PlatformID   id.ID
	CredentialID id.ID
	Background   bool
	Model        string
	Input        []byte
	Answer       []byte
	CreatedAt    stamp
	ExpiresAt    stamp
}

func (r keptRow) value() tasks.Kept {
	return tasks.Kept{
		ID: r.ID, TenantID: r.TenantID, UserID: r.UserID, Kind: r.Kind, PreviousID: r.PreviousID, PlatformID: r.PlatformID,
		CredentialID: r.CredentialID, Background: r.Background, Model: r.Model, Input: r.Input, Answer: r.Answer,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(),
	}
}

// keptPut writes an answer, or completes the one that has its place.
var keptPut = newStatement(`INSERT INTO kept_response
	(id, tenant_id, user_id, kind, previous_id, platform_id, credential_id, background, model, input, answer, created_at, expires_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET platform_id = EXCLUDED.platform_id, credential_id = EXCLUDED.credential_id,
		answer = EXCLUDED.answer
	WHERE kept_response.answer IS NULL`)

// keptValues are in the order of keptPut.
func keptValues(v *tasks.Kept) []any {
	var answer any
	if len(v.Answer) > 0 {
		answer = v.Answer
	}
	return []any{
		arg(v.ID), arg(v.TenantID), arg(v.UserID), string(v.Kind), arg(v.PreviousID), arg(v.PlatformID), arg(v.CredentialID), v.Background,
		clip(v.Model, maxModelName), append([]byte{}, v.Input...), answer, int64(stampOf(v.CreatedAt)), int64(stampOf(v.ExpiresAt)),
	}
}

// keptInsert writes the answers of records, in the transaction that writes the records.
func (d *database) keptInsert(ctx context.Context, t *transaction, records []*journal.Record) error {
	var rows [][]any
	for _, r := range records {
		if r.Kept != nil {
			rows = append(rows, keptValues(r.Kept))
		}
	}
	if rows == nil {
		return nil
	}
	_, err := d.execEach(ctx, t, keptPut, rows)
	return failure(err)
}

// keptComplete writes the answer of a task that has ended, unless its place was given up meanwhile.
func (d *database) keptComplete(ctx context.Context, t *transaction, v *tasks.Kept) error {
	_, err := t.NewUpdate().Table("kept_response").Set("platform_id = ?", v.PlatformID).
		Set("credential_id = ?", v.CredentialID).Set("answer = ?", v.Answer).Where("id = ? AND answer IS NULL", v.ID).Exec(ctx)
	return failure(err)
}

const (
	owned     = "id = ? AND tenant_id = ? AND user_id = ? AND expires_at > ?"
	ownedKind = owned + " AND kind = ?"
)

// KeptByID implements tasks.KeptStore.
func (s *Kept) KeptByID(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID, now time.Time) (tasks.Kept, error) {
	return one[tasks.Kept, keptRow](ctx, s.reader, ownedKind, answer, o.TenantID, o.UserID, stampOf(now), k)
}

// chainQuery follows what an answer continues, within what its owner has.
const chainQuery = `WITH RECURSIVE chain (id, previous_id, depth) AS (
	SELECT id, previous_id, 1 FROM kept_response WHERE ` + ownedKind + `
	UNION ALL
	SELECT k.id, k.previous_id, chain.depth + 1 FROM kept_response k JOIN chain ON k.id = chain.previous_id
	WHERE k.tenant_id = ? AND k.user_id = ? AND k.expires_at > ? AND k.kind = ? AND chain.depth < 10000)
	SELECT kept.id, kept.tenant_id, kept.user_id, kept.kind, kept.previous_id, kept.platform_id, kept.credential_id, kept.background,
		kept.model, kept.input, kept.answer, kept.created_at, kept.expires_at FROM kept_response AS kept JOIN chain ON chain.id = kept.id ORDER BY chain.depth DESC`

// KeptChain implements tasks.KeptStore.
func (s *Kept) KeptChain(ctx context.Context, o identity.Owner, k inference.Kind, last id.ID, now time.Time) ([]tasks.Kept, error) {
	var rows []keptRow
	at := stampOf(now)
	err := s.reader.NewRaw(chainQuery, last, o.TenantID, o.UserID, at, k, o.TenantID, o.UserID, at, k).Scan(ctx, &rows)
	if err != nil {
		return nil, failure(err)
	}
	if len(rows) == 0 {
		return nil, fault.ErrNotFound
	}
	return values[tasks.Kept](rows), nil
}

// KeptDelete implements tasks.KeptStore.
func (s *Kept) KeptDelete(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID, now time.Time) error {
	return s.InTx(ctx, func(t tx.Tx) error {
		return touched(in(t).NewDelete().Table("kept_response").
			Where(ownedKind, answer, o.TenantID, o.UserID, stampOf(now), k).Exec(ctx))
	})
}

// KeptList implements tasks.KeptStore.
func (s *Kept) KeptList(
	ctx context.Context, o identity.Owner, k inference.Kind, after id.ID, oldest bool, limit int, now time.Time,
) ([]tasks.Kept, error) {
	return all[tasks.Kept, keptRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		q.Where("user_id = ? AND kind = ? AND tenant_id = ? AND expires_at > ?", o.UserID, k, o.TenantID, stampOf(now))
		return behind(q.Limit(int64(limit)), after, oldest)
	})
}

// KeptForget implements tasks.KeptStore.
func (s *Kept) KeptForget(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.forget(ctx, "kept_response", before, limit)
}
