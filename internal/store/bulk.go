package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is a hot statement in both databases' notation. Its arguments are what drivers take as it is: int64, bool,
// string, []byte or nil.
type statement struct{ sqlite, postgres string }

// newStatement takes the statement with ? for each argument; it contains no other question mark.
func newStatement(text string) statement {
	var dollars strings.Builder
	for i, part := range strings.Split(text, "?") {
		if i > 0 {
			dollars.WriteString("$" + strconv.Itoa(i))
		}
		dollars.WriteString(part)
	}
	return statement{sqlite: text, postgres: dollars.String()}
}

// insertStatement writes all columns of a table and leaves a row out that is there already by the unique columns.
func insertStatement(table string, columns []string, unique string) statement {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	return newStatement(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO NOTHING",
		table, strings.Join(columns, ", "), marks, unique))
}

// execEach executes the statement once per row of arguments and returns how many rows each execution touched.
// SQLite is fastest with a prepared loop; PostgreSQL gets all rows in one round trip.
func (d *database) execEach(ctx context.Context, t *transaction, s statement, rows [][]any) ([]int64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	if d.engine == postgres {
		return execBatch(ctx, t, s.postgres, rows)
	}
	return execLoop(ctx, t, s.sqlite, rows)
}

// execLoop hands the rows to the driver itself: database/sql would lock, check and convert each argument once more, which
// costs a fifth of an insert.
func execLoop(ctx context.Context, t *transaction, text string, rows [][]any) ([]int64, error) {
	touched := make([]int64, len(rows))
	err := t.conn.Raw(func(c any) error {
		prepared, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text) //nolint:forcetypeassert // as connectSQLite chose
		if err != nil {
			return err
		}
		defer prepared.Close()
		exec := prepared.(driver.StmtExecContext) //nolint:forcetypeassert // likewise
		args := make([]driver.NamedValue, len(rows[0]))
		for i, row := range rows {
			for k, v := range row {
				args[k] = driver.NamedValue{Ordinal: k + 1, Value: v}
			}
			result, err := exec.ExecContext(ctx, args)
			if err != nil {
				return err
			}
			if touched[i], err = result.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	return touched, err
}

func execBatch(ctx context.Context, t *transaction, text string, rows [][]any) ([]int64, error) {
	touched := make([]int64, len(rows))
	var batch pgx.Batch
	for i, row := range rows {
		batch.Queue(text, row...).Exec(func(tag pgconn.CommandTag) error {
			touched[i] = tag.RowsAffected()
			return nil
		})
	}
	err := t.conn.Raw(func(c any) error {
		conn := c.(*stdlib.Conn).Conn() //nolint:forcetypeassert // the driver that connectPostgres chose
		// Prepared once per connection: a second time is free.
		if _, err := conn.Prepare(ctx, text, text); err != nil {
			return err
		}
		return conn.SendBatch(ctx, &batch).Close()
	})
	return touched, err
}

// arg is what a column type hands to the driver; those of this package cannot fail.
func arg(v driver.Valuer) any {
	out, _ := v.Value()
	return out
}
