package protocols_test

import (
	"context"

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

func (r ran) Get(_ context.Context, o identity.Owner, batch id.ID) (batches.Batch, error) {
	for i := range r.w.Tasks.Rows {
		if t := &r.w.Tasks.Rows[i]; t.ID == batch && o == (identity.Owner{TenantID: t.TenantID, UserID: t.UserID}) {
			return batches.Batch{ID: batch, Metadata: []byte(`{"of":"` + t.ID.String() + `"}`)}, nil
		}
	}
	return batches.Batch{}, fault.ErrNotFound
}

func (r ran) Cancel(ctx context.Context, o identity.Owner, batch id.ID) (batches.Batch, error) {
	return r.Get(ctx, o, batch)
}

func (r ran) List(ctx context.Context, o identity.Owner, _ id.ID, _ int) ([]batches.Batch, error) {
	b, err := r.Get(ctx, o, r.w.Tasks.Rows[0].ID)
	if err != nil {
		return nil, nil //nolint:nilerr // there are none
	}
	return []batches.Batch{b}, nil
}
