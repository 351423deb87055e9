package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type eventRow struct {
	bun.BaseModel `bun:"table:task_event"`

	ID       id.ID
	TaskID   id.ID
	Sequence int64
	Type     string
	Status   tasks.Status
	Progress int64
	Payload  document
	At       stamp
}

func eventOf(v *tasks.Event) *eventRow {
	return &eventRow{
		ID: v.ID, TaskID: v.TaskID, Sequence: v.Sequence, Type: v.Type, Status: v.Status, Progress: v.Progress,
		Payload: document(v.Payload), At: stampOf(v.At),
	}
}

func (r eventRow) value() tasks.Event {
	return tasks.Event{
		ID: r.ID, TaskID: r.TaskID, Sequence: r.Sequence, Type: r.Type, Status: r.Status, Progress: r.Progress,
		Payload: json.RawMessage(r.Payload), At: r.At.time(),
	}
}

// EventInsert writes the next event of its task and fills in its Sequence. The task is locked, so that events written at
// the same time follow each other without a gap. Error: fault.ErrNotFound when there is no such task.
func (s *Tasks) EventInsert(ctx context.Context, t tx.Tx, v *tasks.Event) error {
	task := in(t).NewSelect().Table("task").Column("number").Where("id = ?", v.TaskID)
	if s.engine == postgres {
		task.For("NO KEY UPDATE")
	}
	var number, last int64
	if err := task.Scan(ctx, &number); err != nil {
		return failure(err)
	}
	err := in(t).NewSelect().Table("task_event").ColumnExpr("COALESCE(MAX(sequence), 0)").
		Where("task_id = ?", v.TaskID).Scan(ctx, &last)
	if err != nil {
		return failure(err)
	}
	v.Sequence = last + 1
	return insert(ctx, in(t), eventOf(v))
}

// EventList implements tasks.Store: the events with a sequence above after, in order.
func (s *Tasks) EventList(ctx context.Context, task id.ID, after int64) ([]tasks.Event, error) {
	return all[tasks.Event, eventRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("task_id = ? AND sequence > ?", task, after).Order("sequence")
	})
}
