package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Files implements files.Store.
type Files struct{ *database }

var _ files.Store = (*Files)(nil)

// Files is the storage of what users bring.
func (s *Store) Files() *Files { return &Files{s.db} }

type fileRow struct {
	bun.BaseModel `bun:"table:file"`

	ID        id.ID
	TenantID  id.ID
	UserID    id.ID
	BlobID    id.ID
	Name      string
	Purpose   files.Purpose
	MediaType string
	Size      int64
	CreatedAt stamp
	ExpiresAt stamp
}

func (r fileRow) value() files.File {
	return files.File{
		ID: r.ID, TenantID: r.TenantID, UserID: r.UserID, BlobID: r.BlobID, Name: r.Name, Purpose: r.Purpose, MediaType: r.MediaType, Size: r.Size,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(),
	}
}

// FileInsert implements files.Store.
func (s *Files) FileInsert(ctx context.Context, t tx.Tx, f *files.File, q files.Quota) error {
	if err := s.queue(ctx, in(t), f.UserID); err != nil {
		return err
	}
	var has struct{ Files, Bytes int64 }
	err := in(t).NewSelect().Table("file").ColumnExpr("COUNT(*) AS files").ColumnExpr("COALESCE(CAST(SUM(size) AS BIGINT), 0) AS bytes").
		Where("user_id = ? AND expires_at > ?", f.UserID, stampOf(f.CreatedAt)).Scan(ctx, &has.Files, &has.Bytes)
	if err != nil {
		return failure(err)
	}
	if has.Files >= q.Files || has.Bytes+f.Size > q.Bytes {
		return files.ErrQuota
	}
	return insert(ctx, in(t), &fileRow{
		ID: f.ID, TenantID: f.TenantID, UserID: f.UserID, BlobID: f.BlobID, Name: clean(f.Name), Purpose: f.Purpose, MediaType: clean(f.MediaType), Size: f.Size,
		CreatedAt: stampOf(f.CreatedAt), ExpiresAt: stampOf(f.ExpiresAt),
	})
}

// queue has those that count what a user has wait for each other.
func (d *database) queue(ctx context.Context, t *transaction, user id.ID) error {
	if d.engine != postgres {
		return nil // transactions that write run one after another
	}
	_, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "file "+user.String())
	return failure(err)
}

// FileByID implements files.Store.
func (s *Files) FileByID(ctx context.Context, o identity.Owner, file id.ID, now time.Time) (files.File, error) {
	return one[files.File, fileRow](ctx, s.reader, owned, file, o.TenantID, o.UserID, stampOf(now))
}

// FileList implements files.Store. Ids are in the order of their making.
func (s *Files) FileList(ctx context.Context, o identity.Owner, q files.Query, now time.Time) ([]files.File, error) {
	return all[files.File, fileRow](ctx, s.reader, func(query *bun.SelectQuery) *bun.SelectQuery {
		query.Where("user_id = ? AND tenant_id = ? AND expires_at > ?", o.UserID, o.TenantID, stampOf(now)).Where("purpose NOT IN (?)", bun.List(files.Internal())).Limit(int64(q.Limit))
		if q.Purpose != "" {
			query.Where("purpose = ?", clean(string(q.Purpose)))
		}
		return behind(query, q.After, q.Oldest)
	})
}

// behind goes on behind a row, by age.
func behind(query *bun.SelectQuery, after id.ID, oldest bool) *bun.SelectQuery {
	order, than := "id DESC", "id < ?"
	if oldest {
		order, than = "id", "id > ?"
	}
	if !after.IsZero() {
		query.Where(than, after)
	}
	return query.OrderExpr(order)
}

// FileDelete implements files.Store.
func (s *Files) FileDelete(ctx context.Context, o identity.Owner, file id.ID, now time.Time) (f files.File, err error) {
	err = s.InTx(ctx, func(t tx.Tx) error {
		if f, err = lockedOne[files.File, fileRow](ctx, s.database, t, owned, file, o.TenantID, o.UserID, stampOf(now)); err != nil {
			return err
		}
		return touched(in(t).NewDelete().Table("file").Where("id = ?", file).Exec(ctx))
	})
	return f, err
}

// FilesForget implements files.Store.
func (s *Files) FilesForget(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.forget(ctx, "file", before, limit)
}

// forget deletes rows of a table that has id and expires_at.
func (d *database) forget(ctx context.Context, table string, before time.Time, limit int) (n int, err error) {
	err = d.InTx(ctx, func(t tx.Tx) error {
		some := in(t).NewSelect().Table(table).Column("id").Where("expires_at <= ?", stampOf(before)).
			OrderExpr("expires_at").Limit(int64(limit))
		result, err := in(t).NewDelete().Table(table).Where("id IN (?)", some).Exec(ctx)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		n = int(rows)
		return err
	})
	return n, err
}
