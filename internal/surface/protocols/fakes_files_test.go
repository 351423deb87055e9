package protocols_test

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// fileStore has one file for each task of the world, which is its owner's and named after it.
type fileStore struct {
	*memtx.Runner

	w *surfacetest.World
}

func (s fileStore) FileInsert(context.Context, tx.Tx, *files.File, files.Quota) error { return nil }

func (s fileStore) FileByID(_ context.Context, o identity.Owner, file id.ID, _ time.Time) (files.File, error) {
	for i := range s.w.Tasks.Rows {
		if t := &s.w.Tasks.Rows[i]; t.ID == file && o == (identity.Owner{TenantID: t.TenantID, UserID: t.UserID}) {
			return files.File{ID: file, TenantID: t.TenantID, UserID: t.UserID, Name: t.ID.String()}, nil
		}
	}
	return files.File{}, fault.ErrNotFound
}

func (s fileStore) FileList(ctx context.Context, o identity.Owner, _ files.Query, now time.Time) ([]files.File, error) {
	f, err := s.FileByID(ctx, o, s.w.Tasks.Rows[0].ID, now)
	if err != nil {
		return nil, nil //nolint:nilerr // it has none
	}
	return []files.File{f}, nil
}

func (s fileStore) FileDelete(ctx context.Context, o identity.Owner, file id.ID, now time.Time) (files.File, error) {
	return s.FileByID(ctx, o, file, now)
}

func (s fileStore) FilesForget(context.Context, time.Time, int) (int, error) { return 0, nil }

// nothing is in any file.
type nothing struct{}

func (nothing) Keep(context.Context, identity.Owner, []byte, time.Time) (id.ID, error) {
	return id.New(), nil
}

func (nothing) Open(context.Context, id.ID) (io.ReadSeekCloser, error) {
	return empty{bytes.NewReader(nil)}, nil
}

func (nothing) Delete(context.Context, id.ID) error { return nil }

type empty struct{ *bytes.Reader }

func (empty) Close() error { return nil }

// films are what tasks made.
type films struct{}

func (films) Open(context.Context, identity.Owner, id.ID) (io.ReadSeekCloser, string, error) {
	return empty{bytes.NewReader(nil)}, "video/mp4", nil
}

func (films) Forget(context.Context, identity.Owner, id.ID) error { return nil }
