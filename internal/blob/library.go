package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Library keeps files. It is safe for concurrent use.
type Library struct {
	Objects Objects
	Rows    Rows
	Now     clock.Clock
	// Retention is how long a file is kept; MaxBytes the largest that is.
	Retention time.Duration
	MaxBytes  int64
}

// File is what is to be kept.
type File struct {
	TenantID, UserID, TaskID id.ID
	Content                  []byte
	Simulated                bool
	// ExpiresAt is until when it is kept; zero: as long as files are.
	ExpiresAt time.Time
}

// Keep stores a file. The row comes last: bytes without one are never seen, and a row without bytes there never is.
// Codes: file_too_large, storage_unavailable.
func (l *Library) Keep(ctx context.Context, f *File) (Blob, error) {
	if int64(len(f.Content)) > l.MaxBytes {
		return Blob{}, ErrTooLarge
	}
	now := l.Now()
	b := Blob{
		ID: id.At(now), TenantID: f.TenantID, UserID: f.UserID, TaskID: f.TaskID, ContentType: Sniff(f.Content),
		Size: int64(len(f.Content)), SHA256: sha256.Sum256(f.Content), Simulated: f.Simulated, CreatedAt: now,
		ExpiresAt: now.Add(l.Retention),
	}
	if !f.ExpiresAt.IsZero() {
		b.ExpiresAt = f.ExpiresAt
	}
	if err := l.Objects.Put(ctx, key(b.ID), f.Content, b.ContentType); err != nil {
		return Blob{}, ErrUnavailable.Because(err)
	}
	if err := l.Rows.BlobInsert(ctx, &b); err != nil {
		_ = l.Objects.Delete(context.WithoutCancel(ctx), key(b.ID)) // nobody knows of it; at worst it takes room
		return Blob{}, err
	}
	return b, nil
}

// Stat returns what is known of a file. Code: not_found, also for one whose time is over.
func (l *Library) Stat(ctx context.Context, blob id.ID) (Blob, error) {
	b, err := l.Rows.BlobByID(ctx, blob)
	if err == nil && !b.ExpiresAt.After(l.Now()) {
		return Blob{}, fault.ErrNotFound
	}
	return b, err
}

// Open opens a file for reading. Codes: not_found, storage_unavailable.
func (l *Library) Open(ctx context.Context, b *Blob) (io.ReadSeekCloser, error) {
	r, err := l.Objects.Open(ctx, key(b.ID))
	if err != nil && !errors.Is(err, fault.ErrNotFound) {
		return nil, ErrUnavailable.Because(err)
	}
	return r, err
}

// Delete removes a file: first its row, so that nobody finds half of it. Code: not_found.
func (l *Library) Delete(ctx context.Context, blob id.ID) error {
	if err := l.Rows.BlobDelete(ctx, blob); err != nil {
		return err
	}
	if err := l.Objects.Delete(ctx, key(blob)); err != nil {
		return ErrUnavailable.Because(err)
	}
	return nil
}

// tidyBatch is how many files are removed at once.
const tidyBatch = 200

// Tidy removes files whose time is over, some at a time, and tells how many. Bytes go first here: a row that is left says
// that there is still something to remove.
func (l *Library) Tidy(ctx context.Context) (removed int, err error) {
	for {
		over, err := l.Rows.BlobsExpired(ctx, l.Now(), tidyBatch)
		if err != nil || len(over) == 0 {
			return removed, err
		}
		for i := range over {
			if err := l.Objects.Delete(ctx, key(over[i].ID)); err != nil {
				return removed, fmt.Errorf("blob %s: %w", over[i].ID, err)
			}
			if err := l.Rows.BlobDelete(ctx, over[i].ID); err != nil && !errors.Is(err, fault.ErrNotFound) {
				return removed, err
			}
			removed++
		}
	}
}
