package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/blob"
	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// contents keeps the bytes of files beside what calls made.
type contents struct{ library *blob.Library }

var _ files.Contents = contents{}

// Keep implements files.Contents.
func (c contents) Keep(ctx context.Context, o identity.Owner, content []byte, until time.Time) (id.ID, error) {
	b, err := c.library.Keep(ctx, &blob.File{TenantID: o.TenantID, UserID: o.UserID, Content: content, ExpiresAt: until})
	return b.ID, err
}

// Open implements files.Contents.
func (c contents) Open(ctx context.Context, file id.ID) (io.ReadSeekCloser, error) {
	b, err := c.library.Stat(ctx, file)
	if err != nil {
		return nil, err
	}
	return c.library.Open(ctx, &b)
}

// Delete implements files.Contents.
func (c contents) Delete(ctx context.Context, file id.ID) error { return c.library.Delete(ctx, file) }

// connectFiles makes the service that keeps what callers bring.
func (a *App) connectFiles() {
	c := a.cfg.Files
	a.files = &files.Service{
		Store: a.store.Files(), Contents: contents{a.media.library}, Now: a.now, MaxBytes: c.MaxBytes, Retention: c.Retention,
		Quota: files.Quota{Files: c.PerUser, Bytes: c.UserBytes},
	}
}

// tidyFiles forgets the files whose time is over.
func (a *App) tidyFiles(ctx context.Context) {
	n, err := a.files.Tidy(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("callers' files not forgotten", "error", err)
	}
	if n > 0 {
		a.log.Info("callers' files forgotten", "count", n)
	}
}

// made is what tasks made, as surfaces hand it out without a link.
type made struct{ library *blob.Library }

// Open implements protocols.Made.
func (m made) Open(ctx context.Context, o identity.Owner, task id.ID) (io.ReadSeekCloser, string, error) {
	all, err := m.library.Rows.BlobsOfTask(ctx, o.TenantID, task)
	if err != nil {
		return nil, "", err
	}
	for i := range all {
		if all[i].UserID == o.UserID && all[i].ExpiresAt.After(m.library.Now()) {
			content, err := m.library.Open(ctx, &all[i])
			return content, all[i].ContentType, err
		}
	}
	return nil, "", fault.ErrNotFound
}

// Forget implements protocols.Made.
func (m made) Forget(ctx context.Context, o identity.Owner, task id.ID) error {
	all, err := m.library.Rows.BlobsOfTask(ctx, o.TenantID, task)
	for i := range all {
		if all[i].UserID != o.UserID {
			continue
		}
		if err := m.library.Delete(ctx, all[i].ID); err != nil && !errors.Is(err, fault.ErrNotFound) {
			return err
		}
	}
	return err
}
