package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/lease"
)

// settleStatement is the statement of Settle with a lock on the leases. FOR KEY SHARE is the right one: the fence's FOR
// UPDATE waits for settlements in flight and then sees them, while folds and renewals, which change no key, wait for
// nobody. Without it a settlement can commit after the rest of its lease was given back, and is spent twice; FOR SHARE
// makes folds wait. Source: MONEY section 5.
//
// It is one statement, so that a node which stops in the middle of it cannot keep the locks. A mark that was overtaken by
// a later one on another connection changes nothing.
func settleStatement(lock string) string {
	return `
	WITH sent AS (
		SELECT hold_id, lease_id, wallet_id, mark, amount, final, opened, payload FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bytea[], $8::bytea[])
			AS s (hold_id, lease_id, wallet_id, mark, amount, final, opened, payload)),
	locked AS (
		SELECT id FROM lease WHERE id = ANY($2::uuid[]) AND node = $9::text AND epoch = $10::bigint AND state = 'active' ` + lock + `)
	INSERT INTO settlement (hold_id, lease_id, epoch, wallet_id, mark, amount, final, opened, payload, at)
	SELECT hold_id, lease_id, $10::bigint, wallet_id, mark, amount, final, opened, payload, now_micros() FROM sent
	WHERE lease_id = '00000000-0000-0000-0000-000000000000' OR lease_id IN (SELECT id FROM locked)
	ON CONFLICT (hold_id) DO UPDATE SET mark = EXCLUDED.mark, amount = EXCLUDED.amount, final = EXCLUDED.final,
		opened = COALESCE(settlement.opened, EXCLUDED.opened), payload = EXCLUDED.payload, at = EXCLUDED.at
	WHERE NOT settlement.final AND settlement.lease_id = EXCLUDED.lease_id AND settlement.epoch = EXCLUDED.epoch
		AND (EXCLUDED.final OR settlement.mark <= EXCLUDED.mark)
	RETURNING hold_id`
}

// Settle implements lease.Authority.
func (s *Leases) Settle(ctx context.Context, node lease.Session, batch []lease.Settlement) ([]id.ID, error) {
	var fenced []id.ID
	err := s.onPgx(ctx, func(conn *pgx.Conn) error {
		missing, err := s.settleOn(ctx, conn, node, batch)
		if err != nil || len(missing) == 0 {
			return err
		}
		fenced, err = foreign(ctx, conn, node, missing)
		return err
	})
	return fenced, err
}

// settleOn runs the statement and returns the settlements that it did not write.
func (s *Leases) settleOn(
	ctx context.Context, conn *pgx.Conn, node lease.Session, batch []lease.Settlement,
) (map[[16]byte]lease.Settlement, error) {
	missing := map[[16]byte]lease.Settlement{}
	for _, v := range batch {
		missing[v.Hold] = v
	}
	if _, err := conn.Prepare(ctx, s.settle, s.settle); err != nil {
		return nil, err
	}
	// One round trip is one transaction. A server that is set up to lose commits in a crash must not lose these.
	var round pgx.Batch
	round.Queue(`SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	round.Queue(s.settle, append(settleColumns(batch), node.Node, node.Epoch)...).Query(func(rows pgx.Rows) error {
		written, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
		for _, hold := range written {
			delete(missing, hold)
		}
		return err
	})
	return missing, conn.SendBatch(ctx, &round).Close()
}

// settleColumns turns settlements into the arrays of the statement.
func settleColumns(batch []lease.Settlement) []any {
	n := len(batch)
	holds, leases, wallets := make([][16]byte, n), make([][16]byte, n), make([][16]byte, n)
	marks, amounts, finals := make([]int64, n), make([]int64, n), make([]bool, n)
	opened, payloads := make([][]byte, n), make([][]byte, n)
	for i, v := range batch {
		holds[i], leases[i], wallets[i] = v.Hold, v.Lease, v.Wallet
		marks[i], amounts[i], finals[i] = int64(v.Mark), int64(v.Amount), v.Final
		opened[i], payloads[i] = v.Opened, v.Payload
	}
	return []any{holds, leases, wallets, marks, amounts, finals, opened, payloads}
}

// foreign looks up settlements that were not written and returns those that are not our own earlier writes.
func foreign(
	ctx context.Context, conn *pgx.Conn, node lease.Session, missing map[[16]byte]lease.Settlement,
) ([]id.ID, error) {
	holds := make([][16]byte, 0, len(missing))
	for hold := range missing {
		holds = append(holds, hold)
	}
	const lookup = `SELECT hold_id, lease_id, epoch, mark, amount, final FROM settlement
		WHERE hold_id = ANY($1::uuid[]) AND NOT cut`
	if _, err := conn.Prepare(ctx, lookup, lookup); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, lookup, holds)
	if err != nil {
		return nil, err
	}
	var hold, of [16]byte
	var epoch, mark, amount int64
	var final bool
	_, err = pgx.ForEachRow(rows, []any{&hold, &of, &epoch, &mark, &amount, &final}, func() error {
		ours := missing[hold]
		same := of == ours.Lease && epoch == node.Epoch
		if same && (final == ours.Final && money.Amount(amount) == ours.Amount && money.Amount(mark) >= ours.Mark || final && !ours.Final) {
			delete(missing, hold)
		}
		return nil
	})
	fenced := make([]id.ID, 0, len(missing))
	for hold := range missing {
		fenced = append(fenced, hold)
	}
	return fenced, err
}
