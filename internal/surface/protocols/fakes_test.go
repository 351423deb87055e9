package protocols_test

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// shelf keeps one answer for each task of the world, which is its owner's.
type shelf struct{ w *surfacetest.World }

func (s shelf) KeptByID(_ context.Context, o identity.Owner, answer id.ID, _ time.Time) (tasks.Kept, error) {
	for i := range s.w.Tasks.Rows {
		t := &s.w.Tasks.Rows[i]
		if t.ID == answer && t.TenantID == o.TenantID && t.UserID == o.UserID {
			return tasks.Kept{
				ID: t.ID, TenantID: t.TenantID, UserID: t.UserID, Background: true, Model: "chat-9", Input: []byte(`"hi"`),
				Answer: []byte(`{"id":"resp_` + t.ID.Compact() + `","task":"` + t.ID.String() + `","output":[]}`),
			}, nil
		}
	}
	return tasks.Kept{}, fault.ErrNotFound
}

func (s shelf) KeptChain(ctx context.Context, o identity.Owner, last id.ID, now time.Time) ([]tasks.Kept, error) {
	k, err := s.KeptByID(ctx, o, last, now)
	return []tasks.Kept{k}, err
}

func (s shelf) KeptDelete(ctx context.Context, o identity.Owner, answer id.ID, now time.Time) error {
	_, err := s.KeptByID(ctx, o, answer, now)
	return err
}

func (shelf) KeptForget(context.Context, time.Time, int) (int, error) { return 0, nil }

// desk runs nothing.
type desk struct{ w *surfacetest.World }

func (d desk) Cancel(ctx context.Context, _ event.Actor, user, task id.ID) (tasks.Task, error) {
	return d.w.Tasks.TaskByID(ctx, user, task)
}

func (desk) Follow(id.ID) (<-chan struct{}, func()) { return nil, func() {} }
