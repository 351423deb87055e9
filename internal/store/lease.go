package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/lease"
)

// Leases implements lease.Authority on PostgreSQL.
//
// Rows are locked in this order: a wallet shard, API keys, the chain, leases by id, accounts by id; a fence locks its
// lease before the keys, which is safe because nobody else of its shard folds meanwhile. Granting locks an account before
// it inserts a lease, which nobody can wait for yet.
type Leases struct {
	*database

	terms lease.Terms
	// settle is the statement of Settle; tests put others in its place.
	settle string
}

var _ lease.Authority = (*Leases)(nil)

// Leases is the authority that many nodes borrow from. Register refuses on SQLite, which has one node.
func (s *Store) Leases(terms lease.Terms) *Leases {
	return &Leases{database: s.db, terms: terms.Normal(), settle: settleStatement("FOR KEY SHARE")}
}

// errOneNode says that leases need a server that many processes can share.
var errOneNode = errors.New("store: several nodes need PostgreSQL; SQLite has one")

// Register implements lease.Authority.
func (s *Leases) Register(ctx context.Context, node string) (lease.Session, error) {
	session := lease.Session{Node: node}
	if s.engine != postgres {
		return session, errOneNode
	}
	err := s.writer.NewRaw(`INSERT INTO node (name, seen_at) VALUES (?, now_micros())
		ON CONFLICT (name) DO UPDATE SET epoch = nextval('node_epoch'), seen_at = now_micros()
		RETURNING epoch`, node).Scan(ctx, &session.Epoch)
	return session, failure(err)
}

// Renew implements lease.Authority. Leases are locked in the order of their ids, as a fold locks them.
func (s *Leases) Renew(ctx context.Context, node lease.Session, leases []id.ID) ([]lease.Renewed, error) {
	var renewed []lease.Renewed
	err := s.inTx(ctx, func(t *transaction) error {
		_, err := t.ExecContext(ctx, "UPDATE node SET seen_at = now_micros() WHERE name = ? AND epoch = ?", node.Node, node.Epoch)
		if err != nil || len(leases) == 0 {
			return err
		}
		return t.NewRaw(`
			WITH mine AS (
				SELECT id FROM lease WHERE id IN (?) AND node = ? AND epoch = ? AND state = 'active'
				ORDER BY id FOR NO KEY UPDATE)
			UPDATE lease SET expires_at = now_micros() + ?, updated_at = now_micros()
			FROM mine, account AS a WHERE lease.id = mine.id AND a.id = lease.wallet_id
			RETURNING lease.id AS lease, a.mode = 'exact' AND NOT lease.exact AS recalled`,
			bun.List(leases), node.Node, node.Epoch, s.terms.TTL.Microseconds()).Scan(ctx, &renewed)
	})
	return renewed, err
}

// Prune implements lease.Authority. What is folded is kept for a while, so that a node whose answer was lost finds it.
func (s *Leases) Prune(ctx context.Context) error {
	const minute, hour = 60_000_000, 3_600_000_000
	for _, statement := range []struct {
		text string
		args []any
	}{
		{
			"DELETE FROM settlement WHERE hold_id < ? AND folded_at < now_micros() - ?",
			[]any{id.At(s.clock().Add(-10 * minute * 1000)), 10 * minute},
		},
		{"DELETE FROM lease WHERE state <> 'active' AND granted = settled AND updated_at < now_micros() - ?", []any{hour}},
		{"DELETE FROM node WHERE seen_at < now_micros() - ?", []any{24 * hour}},
	} {
		if _, err := s.writer.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return failure(err)
		}
	}
	return nil
}

// onPgx runs f on a connection of the pool.
func (d *database) onPgx(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return failure(err)
	}
	defer conn.Close()
	return failure(conn.Raw(func(c any) error {
		return f(c.(*stdlib.Conn).Conn()) //nolint:forcetypeassert // the driver that connectPostgres chose
	}))
}
