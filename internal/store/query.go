package store

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// row is a table's row that can be turned into a domain's value.
type row[V any] interface{ value() V }

// one returns the row that where selects. Error: fault.ErrNotFound.
func one[V any, R row[V]](ctx context.Context, db bun.IDB, where string, args ...any) (V, error) {
	var r R
	if err := db.NewSelect().Model(&r).Where(where, args...).Limit(1).Scan(ctx); err != nil {
		var none V
		return none, failure(err)
	}
	return r.value(), nil
}

// all returns the rows that the query as narrowed selects.
func all[V any, R row[V]](
	ctx context.Context, db bun.IDB, narrow func(*bun.SelectQuery) *bun.SelectQuery,
) ([]V, error) {
	var rows []R
	if err := narrow(db.NewSelect().Model(&rows)).Scan(ctx); err != nil {
		return nil, failure(err)
	}
	return values[V](rows), nil
}

// locked is all for rows that are about to change: nobody else changes them until the transaction ends. References to them
// may still be made.
func locked[V any, R row[V]](
	ctx context.Context, d *database, t tx.Tx, narrow func(*bun.SelectQuery) *bun.SelectQuery,
) ([]V, error) {
	return all[V, R](ctx, in(t), func(q *bun.SelectQuery) *bun.SelectQuery {
		if q = narrow(q); d.engine == postgres {
			q.For("NO KEY UPDATE") // on SQLite transactions that write run one after another
		}
		return q
	})
}

// exists reports whether a table has a row that where selects.
func exists(ctx context.Context, db bun.IDB, table, where string, args ...any) (bool, error) {
	ok, err := db.NewSelect().Table(table).Where(where, args...).Exists(ctx)
	return ok, failure(err)
}

func values[V any, R row[V]](rows []R) []V {
	out := make([]V, len(rows))
	for i := range rows {
		out[i] = rows[i].value()
	}
	return out
}

// insert writes a row that has no number.
func insert(ctx context.Context, db bun.IDB, r any) error {
	_, err := db.NewInsert().Model(r).Exec(ctx)
	return failure(err)
}

// insertNumbered writes a row and takes the number that the database gives it.
func insertNumbered(ctx context.Context, db bun.IDB, r any, number *int64) error {
	return failure(db.NewInsert().Model(r).ExcludeColumn("number").Returning("number").Scan(ctx, number))
}

// update writes a numbered row but its number and fixed columns. Error: fault.ErrNotFound when where selects none.
func update(ctx context.Context, db bun.IDB, r any, fixed []string, where string, args ...any) error {
	result, err := db.NewUpdate().Model(r).ExcludeColumn(append(fixed, "number")...).Where(where, args...).Exec(ctx)
	return touched(result, err)
}

// touched makes "no row" an error.
func touched(result sql.Result, err error) error {
	if err != nil {
		return failure(err)
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.ErrNotFound
}

// paged selects one page of the query's rows.
func paged(q *bun.SelectQuery, request page.Request) *bun.SelectQuery {
	return q.Limit(int64(request.Size)).Offset(int64(request.Offset()))
}
