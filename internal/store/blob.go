package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/blob"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Blobs implements blob.Rows.
type Blobs struct{ *database }

var _ blob.Rows = (*Blobs)(nil)

// Blobs is what is known of the files that are kept.
func (s *Store) Blobs() *Blobs { return &Blobs{s.db} }

type blobRow struct {
	bun.BaseModel `bun:"table:blob"`

	ID          id.ID
	TenantID    id.ID
	UserID      id.ID
	TaskID      id.ID
	ContentType string
	Size        int64
	SHA256      []byte `bun:"sha256"`
	Simulated   bool
	CreatedAt   stamp
	ExpiresAt   stamp
}

func (r blobRow) value() blob.Blob {
	v := blob.Blob{
		ID: r.ID, TenantID: r.TenantID, UserID: r.UserID, TaskID: r.TaskID, ContentType: r.ContentType, Size: r.Size,
		Simulated: r.Simulated, CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(),
	}
	copy(v.SHA256[:], r.SHA256)
	return v
}

// BlobInsert implements blob.Rows.
func (s *Blobs) BlobInsert(ctx context.Context, b *blob.Blob) error {
	return s.InTx(ctx, func(t tx.Tx) error {
		return insert(ctx, in(t), &blobRow{
			ID: b.ID, TenantID: b.TenantID, UserID: b.UserID, TaskID: b.TaskID, ContentType: b.ContentType, Size: b.Size,
			SHA256: b.SHA256[:], Simulated: b.Simulated, CreatedAt: stampOf(b.CreatedAt), ExpiresAt: stampOf(b.ExpiresAt),
		})
	})
}

// BlobByID implements blob.Rows.
func (s *Blobs) BlobByID(ctx context.Context, file id.ID) (blob.Blob, error) {
	return one[blob.Blob, blobRow](ctx, s.reader, "id = ?", file)
}

// BlobsOfTask implements blob.Rows.
func (s *Blobs) BlobsOfTask(ctx context.Context, tenant, task id.ID) ([]blob.Blob, error) {
	return all[blob.Blob, blobRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("tenant_id = ? AND task_id = ?", tenant, task).Order("id")
	})
}

// BlobsExpired implements blob.Rows.
func (s *Blobs) BlobsExpired(ctx context.Context, before time.Time, limit int) ([]blob.Blob, error) {
	return all[blob.Blob, blobRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("expires_at <= ?", stampOf(before)).Order("expires_at").Limit(int64(limit))
	})
}

// BlobDelete implements blob.Rows.
func (s *Blobs) BlobDelete(ctx context.Context, file id.ID) error {
	return s.InTx(ctx, func(t tx.Tx) error {
		return touched(in(t).NewDelete().Table("blob").Where("id = ?", file).Exec(ctx))
	})
}
