package protocols_test

import (
	"bytes"
	"context"
	"io"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// ran has one batch for each task of the world, which is its owner's.
type ran struct{ w *surfacetest.World }

func (r ran) Create(_ context.Context, p *identity.Principal, n *batches.New) (batches.Batch, error) {
	if _, err := (fileStore{w: r.w}).FileByID(context.Background(), p.Owner(), n.InputFileID, r.w.Clock.Now()); err != nil {
		return batches.Batch{}, batches.ErrInput
	}
	return batches.Batch{ID: id.New()}, nil
}

func (r ran) Get(_ context.Context, o identity.Owner, p batches.Protocol, batch id.ID) (batches.Batch, error) {
	for i := range r.w.Tasks.Rows {
		if t := &r.w.Tasks.Rows[i]; t.ID == batch && o == (identity.Owner{TenantID: t.TenantID, UserID: t.UserID}) {
			b := batches.Batch{ID: batch, Metadata: []byte(`{"of":"` + t.ID.String() + `"}`), CreatedAt: t.CreatedAt, Expiry: t.CreatedAt}
			if p == batches.Anthropic {
				b.Endpoint = batches.Messages
			}
			return b, nil
		}
	}
	return batches.Batch{}, fault.ErrNotFound
}

func (r ran) Cancel(ctx context.Context, o identity.Owner, p batches.Protocol, batch id.ID) (batches.Batch, error) {
	return r.Get(ctx, o, p, batch)
}

func (r ran) CreateMessages(context.Context, *identity.Principal, *batches.NewMessages) (batches.Batch, error) {
	return batches.Batch{ID: id.New(), CreatedAt: r.w.Clock.Now(), Expiry: r.w.Clock.Now()}, nil
}

func (r ran) OpenResults(ctx context.Context, o identity.Owner, batch id.ID) (io.ReadSeekCloser, error) {
	if _, err := r.Get(ctx, o, batches.Anthropic, batch); err != nil {
		return nil, err
	}
	return empty{bytes.NewReader(nil)}, nil
}

func (r ran) Delete(ctx context.Context, o identity.Owner, batch id.ID) error {
	_, err := r.Get(ctx, o, batches.Anthropic, batch)
	return err
}

func (r ran) List(ctx context.Context, o identity.Owner, q batches.Query) ([]batches.Batch, error) {
	b, err := r.Get(ctx, o, q.Protocol, r.w.Tasks.Rows[0].ID)
	if err != nil {
		return nil, nil //nolint:nilerr // there are none
	}
	return []batches.Batch{b}, nil
}
