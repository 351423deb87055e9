package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// TaskList implements tasks.Store. Tasks are in the order of their creation; From is included, To is not. The count and
// the page are chosen within an index, then the rows of the page are read.
func (s *Tasks) TaskList(ctx context.Context, q tasks.Query) (page.Page[tasks.Task], error) {
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[tasks.Task]{}, err
	}
	var items []tasks.Task
	var total int64
	err = s.snapshot(ctx, func(db bun.IDB) (err error) {
		if total, err = taskFilter(db.NewSelect().Table("task"), q).Count(ctx); err != nil {
			return err
		}
		items, err = all[tasks.Task, taskRow](ctx, db, func(rows *bun.SelectQuery) *bun.SelectQuery {
			chosen := taskChoice(db, q, request)
			return rows.ExcludeColumn("request", "result", "route", "preprocessing").
				Where("number IN (?)", chosen).Order("created_at DESC", "number DESC")
		})
		return err
	})
	return page.Of(request, items, total), err
}

// taskChoice selects the numbers of one page.
func taskChoice(db bun.IDB, q tasks.Query, request page.Request) *bun.SelectQuery {
	query := taskFilter(db.NewSelect().Table("task").Column("number"), q).Order("created_at DESC", "number DESC")
	return paged(query, request)
}

// taskFilter looks only at columns of the indexes task_user_list and task_list.
func taskFilter(query *bun.SelectQuery, q tasks.Query) *bun.SelectQuery {
	equal := func(column string, value any, given bool) {
		if given {
			query.Where("? = ?", bun.Ident(column), value)
		}
	}
	equal("user_id", q.User, !q.User.IsZero())
	equal("api_key_id", q.APIKey, !q.APIKey.IsZero())
	equal("model_type", q.ModelType, q.ModelType != "")
	equal("kind", q.Kind, q.Kind != "")
	equal("status", q.Status, q.Status != "")
	if len(q.Statuses) > 0 {
		query.Where("status IN (?)", bun.List(q.Statuses))
	}
	if q.Simulated != nil {
		query.Where("is_simulated = ?", *q.Simulated)
	}
	if !q.From.IsZero() {
		query.Where("created_at >= ?", stampOf(q.From))
	}
	if !q.To.IsZero() {
		query.Where("created_at < ?", stampOf(q.To))
	}
	if q.Model != "" {
		query.Where("(requested_model = ? OR resolved_model = ?)", q.Model, q.Model)
	}
	if q.Text != "" {
		taskText(query, q.Text)
	}
	return query
}

// taskText finds the text in what the indexes hold; a whole task id by its number, for they hold no id.
func taskText(query *bun.SelectQuery, text string) {
	query.WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
		for _, column := range []string{"request_id", "requested_model", "resolved_model"} {
			query.WhereOr("lower(?) LIKE lower(?) ESCAPE '!'", bun.Ident(column), like(text))
		}
		if task, err := id.Parse(text); err == nil {
			query.WhereOr("number = (SELECT number FROM task WHERE id = ?)", task)
		}
		return query
	})
}
