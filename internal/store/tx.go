package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// transaction is the tx.Tx of this package.
type transaction struct {
	bun.Tx
	conn        *sql.Conn // on which it runs
	afterCommit []func()
}

var _ tx.Tx = (*transaction)(nil)

// AfterCommit implements tx.Tx.
func (t *transaction) AfterCommit(f func()) { t.afterCommit = append(t.afterCommit, f) }

// InTx runs f in one transaction, committed when f returns nil and rolled back when it returns an error or panics; then
// it runs what f registered with AfterCommit. On SQLite transactions run one after another, so f must not ask for a
// second one, nor call a method that opens its own.
func (d *database) InTx(ctx context.Context, f func(tx.Tx) error) error {
	return d.inTx(ctx, func(t *transaction) error { return f(t) })
}

func (d *database) inTx(ctx context.Context, f func(*transaction) error) error {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return failure(err)
	}
	t := transaction{conn: conn.Conn}
	if err := t.run(ctx, conn, f); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err() // the context's end rolled the transaction back before its commit was asked for
		}
		return failure(err)
	}
	for _, f := range t.afterCommit {
		f()
	}
	return nil
}

// run gives the connection back, even when f panics, before the hooks run: they may need it.
func (t *transaction) run(ctx context.Context, conn bun.Conn, f func(*transaction) error) error {
	defer conn.Close() // back to the pool; the transaction has said how it ended
	return conn.RunInTx(ctx, nil, func(_ context.Context, inner bun.Tx) error {
		t.Tx = inner
		return f(t)
	})
}

// in returns the caller's transaction.
func in(t tx.Tx) *transaction {
	return t.(*transaction) //nolint:forcetypeassert // only this package opens transactions
}

// from returns the caller's transaction, or the readers when there is none.
func (d *database) from(t tx.Tx) bun.IDB {
	if t == nil {
		return d.reader
	}
	return in(t)
}

// snapshot runs f on the readers such that all its reads see the state of one moment.
func (d *database) snapshot(ctx context.Context, f func(bun.IDB) error) error {
	var options *sql.TxOptions // SQLite's reading transactions are snapshots as they are
	if d.engine == postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	err := d.reader.RunInTx(ctx, options, func(_ context.Context, t bun.Tx) error { return f(t) })
	return failure(err)
}

// SQL is the transaction for packages that bring statements of their own, such as jobs on SQLite.
func (t *transaction) SQL() *sql.Tx { return t.Tx.Tx }

// OnPgx runs f on the transaction's connection to PostgreSQL.
func (t *transaction) OnPgx(f func(*pgx.Conn) error) error {
	return t.conn.Raw(func(c any) error {
		return f(c.(*stdlib.Conn).Conn()) //nolint:forcetypeassert // the driver that connectPostgres chose
	})
}
