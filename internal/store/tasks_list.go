package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// TaskList implements tasks.Store. Tasks are in the order of their creation; From is included, To is not. The count and
// the page are chosen within an index, and of days that are over from what was counted; then the rows of the page are read.
func (s *Tasks) TaskList(ctx context.Context, q tasks.Query) (page.Page[tasks.Task], error) {
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[tasks.Task]{}, err
	}
	var items []tasks.Task
	var total int64
	err = s.snapshot(ctx, func(db bun.IDB) (err error) {
		numbers, n, err := taskNumbers(ctx, db, q, request)
		if total = n; err != nil || len(numbers) == 0 {
			return err
		}
		items, err = all[tasks.Task, taskRow](ctx, db, func(rows *bun.SelectQuery) *bun.SelectQuery {
			return rows.ExcludeColumn("request", "result", "route", "preprocessing").
				Where("number IN (?)", bun.List(numbers)).Order("created_at DESC", "number DESC")
		})
		return err
	})
	if items == nil {
		items = []tasks.Task{}
	}
	return page.Of(request, items, total), err
}

// taskNumbers chooses the numbers of one page, and counts all.
func taskNumbers(ctx context.Context, db bun.IDB, q tasks.Query, request page.Request) ([]int64, int64, error) {
	if q.User.IsZero() {
		return taskScan(ctx, db, taskFilter(q), request)
	}
	if q.Text != "" {
		exact, err := taskExact(ctx, db, q)
		if err != nil {
			return nil, 0, err
		}
		if exact != nil {
			return taskScan(ctx, db, exact, request)
		}
	}
	return taskStretches(ctx, db, q, request)
}

// narrowing adds conditions to a query.
type narrowing func(*bun.SelectQuery) *bun.SelectQuery

// taskScan counts and chooses by reading an index from end to end.
func taskScan(ctx context.Context, db bun.IDB, narrow narrowing, request page.Request) (numbers []int64, total int64, err error) {
	if total, err = narrow(db.NewSelect().Table("task")).Count(ctx); err != nil || total <= int64(request.Offset()) {
		return nil, total, err
	}
	err = taskChoice(db, narrow, int64(request.Offset()), int64(request.Size)).Scan(ctx, &numbers)
	return numbers, total, err
}

// taskChoice selects the numbers of some tasks, the newest first.
func taskChoice(db bun.IDB, narrow narrowing, offset, limit int64) *bun.SelectQuery {
	return narrow(db.NewSelect().Table("task").Column("number")).Order("created_at DESC", "number DESC").
		Offset(offset).Limit(limit)
}

// taskFilter looks only at columns of the indexes task_user_list and task_list.
func taskFilter(q tasks.Query) narrowing {
	return func(query *bun.SelectQuery) *bun.SelectQuery {
		taskWords(query, q)
		if !q.From.IsZero() {
			query.Where("created_at >= ?", stampOf(q.From))
		}
		if !q.To.IsZero() {
			query.Where("created_at < ?", stampOf(q.To))
		}
		if q.Text != "" {
			taskText(query, q.Text)
		}
		return query
	}
}

// taskWords are the filters on columns that task and task_tally share.
func taskWords(query *bun.SelectQuery, q tasks.Query) {
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
	if q.Model != "" {
		query.Where("(requested_model = ? OR resolved_model = ?)", q.Model, q.Model)
	}
}

// taskText finds the text in what the indexes hold; a whole task id by its number, for they hold no id.
func taskText(query *bun.SelectQuery, text string) {
	query.WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
		query.WhereOr("lower(request_id) LIKE lower(?) ESCAPE '!'", like(text))
		modelText(query, text)
		if task, err := id.Parse(text); err == nil {
			query.WhereOr("number = (SELECT number FROM task WHERE id = ?)", task)
		}
		return query
	})
}

// modelText finds the text in the names of models.
func modelText(query *bun.SelectQuery, text string) {
	for _, column := range []string{"requested_model", "resolved_model"} {
		query.WhereOr("lower(?) LIKE lower(?) ESCAPE '!'", bun.Ident(column), like(text))
	}
}

// exactMost is how many tasks with one request id are looked at one by one. Request ids are the callers' own.
const exactMost = 500

// taskExact narrows to the user's tasks whose id or request id the text is; nil when there is none.
func taskExact(ctx context.Context, db bun.IDB, q tasks.Query) (narrowing, error) {
	var numbers []int64
	query := db.NewSelect().Table("task").Column("number").Where("request_id = ?", q.Text).Limit(exactMost + 1)
	if err := query.Scan(ctx, &numbers); err != nil {
		return nil, err
	}
	text := q.Text
	q.Text = ""
	if len(numbers) > exactMost {
		return func(query *bun.SelectQuery) *bun.SelectQuery {
			return taskFilter(q)(query).Where("request_id = ?", text)
		}, nil
	}
	if task, err := id.Parse(text); err == nil {
		var own []int64
		if err := db.NewSelect().Table("task").Column("number").Where("id = ?", task).Scan(ctx, &own); err != nil {
			return nil, err
		}
		numbers = append(numbers, own...)
	}
	exact := func(query *bun.SelectQuery) *bun.SelectQuery {
		return taskFilter(q)(query).Where("number IN (?)", bun.List(numbers))
	}
	if len(numbers) == 0 {
		return nil, nil //nolint:nilnil // nothing to narrow to
	}
	mine, err := db.NewSelect().Table("task").Where("number IN (?)", bun.List(numbers)).Where("user_id = ?", q.User).Exists(ctx)
	if err != nil || !mine {
		return nil, err
	}
	return exact, nil
}
