package protocols_test

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// shelf keeps one answer for each task of the world, which is its owner's.
type shelf struct{ w *surfacetest.World }

func (s shelf) KeptByID(_ context.Context, o identity.Owner, k inference.Kind, answer id.ID, _ time.Time) (tasks.Kept, error) {
	for i := range s.w.Tasks.Rows {
		t := &s.w.Tasks.Rows[i]
		if t.ID == answer && t.TenantID == o.TenantID && t.UserID == o.UserID {
			return tasks.Kept{
				ID: t.ID, TenantID: t.TenantID, UserID: t.UserID, Kind: k, Background: true, Model: "chat-9", Input: []byte(`{"prompt":"` + t.ID.String() + `"}`),
				Answer: []byte(`{"id":"resp_` + t.ID.Compact() + `","task":"` + t.ID.String() + `","output":[]}`),
			}, nil
		}
	}
	return tasks.Kept{}, fault.ErrNotFound
}

func (s shelf) KeptChain(ctx context.Context, o identity.Owner, k inference.Kind, last id.ID, now time.Time) ([]tasks.Kept, error) {
	one, err := s.KeptByID(ctx, o, k, last, now)
	return []tasks.Kept{one}, err
}

func (s shelf) KeptDelete(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID, now time.Time) error {
	_, err := s.KeptByID(ctx, o, k, answer, now)
	return err
}

func (s shelf) KeptList(
	ctx context.Context, o identity.Owner, k inference.Kind, _ id.ID, _ bool, _ int, now time.Time,
) ([]tasks.Kept, error) {
	kept, err := s.KeptByID(ctx, o, k, s.w.Tasks.Rows[0].ID, now)
	if err != nil {
		return nil, nil //nolint:nilerr // there is none
	}
	return []tasks.Kept{kept}, nil
}

func (shelf) KeptForget(context.Context, time.Time, int) (int, error) { return 0, nil }

// desk runs nothing.
type desk struct{ w *surfacetest.World }

func (d desk) Cancel(ctx context.Context, _ event.Actor, user, task id.ID) (tasks.Task, error) {
	return d.w.Tasks.TaskByID(ctx, user, task)
}

func (desk) Follow(id.ID) (<-chan struct{}, func()) { return nil, func() {} }
