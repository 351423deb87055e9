package jobs

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// borrowed is a transaction that the store has begun on a connection, as River wants to see it: it can be worked in, and its
// end is the store's business. Statements are described by the server, because the store's connections are set not to.
type borrowed struct{ conn *pgx.Conn }

var errBorrowed = errors.New("jobs: the transaction belongs to the store")

// Begin implements pgx.Tx.
func (borrowed) Begin(context.Context) (pgx.Tx, error) { return nil, errBorrowed }

// Commit implements pgx.Tx.
func (borrowed) Commit(context.Context) error { return errBorrowed }

// Rollback implements pgx.Tx.
func (borrowed) Rollback(context.Context) error { return errBorrowed }

// CopyFrom implements pgx.Tx.
func (b borrowed) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return b.conn.CopyFrom(ctx, table, columns, rows)
}

// SendBatch implements pgx.Tx.
func (b borrowed) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	return b.conn.SendBatch(ctx, batch)
}

// LargeObjects implements pgx.Tx.
func (borrowed) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx.
func (b borrowed) Prepare(ctx context.Context, name, text string) (*pgconn.StatementDescription, error) {
	return b.conn.Prepare(ctx, name, text)
}

// Exec implements pgx.Tx.
func (b borrowed) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	return b.conn.Exec(ctx, text, described(args)...)
}

// Query implements pgx.Tx.
func (b borrowed) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return b.conn.Query(ctx, text, described(args)...)
}

// QueryRow implements pgx.Tx.
func (b borrowed) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	return b.conn.QueryRow(ctx, text, described(args)...)
}

// Conn implements pgx.Tx.
func (b borrowed) Conn() *pgx.Conn { return b.conn }

func described(args []any) []any {
	return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
}
