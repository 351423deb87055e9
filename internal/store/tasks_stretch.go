package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// stretch is a time in which n tasks of a list lie. Stretches of a list follow each other, the newest first.
type stretch struct {
	from, to stamp // 0: open
	n        int64
	narrow   narrowing
}

// within narrows to the tasks of the stretch.
func (s *stretch) within(query *bun.SelectQuery) *bun.SelectQuery {
	if s.from != 0 {
		query.Where("created_at >= ?", s.from)
	}
	if s.to != 0 {
		query.Where("created_at < ?", s.to)
	}
	return s.narrow(query)
}

// taskStretches counts a user's tasks by days that were counted when they were over, and one by one only what lies before,
// between and behind those; then it chooses the page from the stretches that it lies in.
func taskStretches(ctx context.Context, db bun.IDB, q tasks.Query, request page.Request) ([]int64, int64, error) {
	stretches, err := stretchesOf(ctx, db, q)
	if err != nil {
		return nil, 0, err
	}
	total := int64(0)
	for i := range stretches {
		total += stretches[i].n
	}
	numbers, err := stretchPage(ctx, db, stretches, int64(request.Offset()), int64(request.Size))
	return numbers, total, err
}

// stretchPage reads a page from the stretches that it lies in, skipping those before it.
func stretchPage(ctx context.Context, db bun.IDB, stretches []stretch, offset, size int64) ([]int64, error) {
	spans := make([]span, len(stretches))
	for i := range stretches {
		spans[i] = span{first: int64(i), n: stretches[i].n}
	}
	return pageSpans(spans, offset, size, func(some []span, offset, size int64) ([]int64, error) {
		from := some[0].first
		return stretchRead(ctx, db, stretches[from:from+int64(len(some))], offset, size)
	})
}

// stretchRead reads the page of some stretches: the newest of each, merged.
func stretchRead(ctx context.Context, db bun.IDB, stretches []stretch, offset, size int64) (numbers []int64, err error) {
	if len(stretches) == 1 {
		return numbers, taskChoice(db, stretches[0].within, offset, size).Scan(ctx, &numbers)
	}
	var tasks *bun.SelectQuery
	for i := range stretches {
		newest := taskChoice(db, stretches[i].within, 0, offset+size).Column("created_at")
		one := db.NewSelect().TableExpr("(?) AS newest", newest).Column("number", "created_at")
		if tasks == nil {
			tasks = one
		} else {
			tasks = tasks.UnionAll(one)
		}
	}
	err = db.NewSelect().TableExpr("(?) AS found", tasks).Column("number").Order("created_at DESC", "number DESC").
		Offset(offset).Limit(size).Scan(ctx, &numbers)
	return numbers, err
}

// stretchesOf cuts the time of a list at the days that were counted.
func stretchesOf(ctx context.Context, db bun.IDB, q tasks.Query) ([]stretch, error) {
	days, err := daysOf(ctx, db, q)
	if err != nil {
		return nil, err
	}
	models, err := modelsOf(ctx, db, q, days)
	if err != nil {
		return nil, err
	}
	counts, err := tallyOf(ctx, db, q, models, days)
	if err != nil {
		return nil, err
	}
	var out []stretch
	until := stampOf(q.To)
	ofDays := tallied(q, models)
	add := func(s stretch) {
		if s.n > 0 {
			out = append(out, s)
		}
	}
	for _, day := range days {
		if end := dayBegin(day + 1); until == 0 || end < until {
			s, err := countStretch(ctx, db, q, end, until)
			if err != nil {
				return nil, err
			}
			add(s)
		}
		until = dayBegin(day)
		c := counts[day]
		add(stretch{c.FirstAt, c.LastAt + 1, c.N, ofDays})
	}
	first, err := countStretch(ctx, db, q, stampOf(q.From), until)
	add(first)
	return out, err
}

// countStretch counts one by one.
func countStretch(ctx context.Context, db bun.IDB, q tasks.Query, from, to stamp) (stretch, error) {
	s := stretch{from: from, to: to, narrow: func(query *bun.SelectQuery) *bun.SelectQuery {
		taskWords(query, q)
		if q.Text != "" {
			query.WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
				modelText(query, q.Text)
				return query
			})
		}
		return query
	}}
	if to != 0 && from >= to {
		return s, nil
	}
	n, err := s.within(db.NewSelect().Table("task")).Count(ctx)
	s.n = n
	return s, err
}

// daysOf lists the days within the query's time that were counted, the newest first.
func daysOf(ctx context.Context, db bun.IDB, q tasks.Query) (days []int64, err error) {
	query := db.NewSelect().Table("task_day").Column("day").Order("day DESC")
	if !q.From.IsZero() {
		query.Where("day >= ?", (int64(stampOf(q.From))+dayLength-1)/dayLength)
	}
	if !q.To.IsZero() {
		query.Where("day < ?", dayOf(stampOf(q.To)))
	}
	return days, query.Scan(ctx, &days)
}

// modelName is what a task asked for and what it got.
type modelName struct{ RequestedModel, ResolvedModel string }

// modelsOf finds the models that the text is in the names of, among those of days that were counted.
func modelsOf(ctx context.Context, db bun.IDB, q tasks.Query, days []int64) (names []modelName, err error) {
	if q.Text == "" || len(days) == 0 {
		return nil, nil
	}
	err = db.NewSelect().Table("task_tally").Column("requested_model", "resolved_model").Distinct().
		Where("user_id = ?", q.User).
		WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
			modelText(query, q.Text)
			return query
		}).Scan(ctx, &names)
	return names, err
}

// tallied is the filter of days that were counted: the text is there as the models that it stands for.
func tallied(q tasks.Query, models []modelName) narrowing {
	return func(query *bun.SelectQuery) *bun.SelectQuery {
		taskWords(query, q)
		if q.Text == "" {
			return query
		}
		var requested, resolved []string
		for _, m := range models {
			requested, resolved = append(requested, m.RequestedModel), append(resolved, m.ResolvedModel)
		}
		return query.Where("requested_model IN (?) AND resolved_model IN (?)", bun.List(requested), bun.List(resolved)).
			WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
				modelText(query, q.Text)
				return query
			})
	}
}

// dayCount is how many tasks of a list a day has, and when the first and the last of them were made.
type dayCount struct {
	Day, N          int64
	FirstAt, LastAt stamp
}

// tallyOf reads how many tasks of the list each day has.
func tallyOf(
	ctx context.Context, db bun.IDB, q tasks.Query, models []modelName, days []int64,
) (map[int64]dayCount, error) {
	counts := map[int64]dayCount{}
	if len(days) == 0 || q.Text != "" && len(models) == 0 {
		return counts, nil
	}
	var rows []dayCount
	query := tallied(q, models)(db.NewSelect().Table("task_tally").Column("day").
		ColumnExpr("CAST(SUM(n) AS BIGINT) AS n, MIN(first_at) AS first_at, MAX(last_at) AS last_at")).
		Where("day >= ? AND day <= ?", days[len(days)-1], days[0]).Group("day")
	err := query.Scan(ctx, &rows)
	for _, r := range rows {
		counts[r.Day] = r
	}
	return counts, err
}
