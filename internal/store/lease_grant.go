package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/lease"
)

// lentWallet is a wallet as a grant sees it.
type lentWallet struct {
	Spendable money.Amount
	Exact     bool
	Active    bool
	Nodes     int64
	Out       bool // active leases exist
	Shared    bool // one of them is shared and was not trimmed, so that it can be recalled
	Alive     bool // and its node renewed it of late
}

// Grant implements lease.Authority. The row is read under its lock; the money is moved by a conditional update all the
// same, so that no mistake in what was decided can overspend.
func (s *Leases) Grant(ctx context.Context, node lease.Session, a lease.Ask) (lease.Offer, error) {
	var offer lease.Offer
	err := s.inTx(ctx, func(t *transaction) error {
		w, err := s.lentWallet(ctx, t, a.Wallet)
		offer = lease.Offer{Spendable: w.Spendable, Exact: w.Exact, Outstanding: w.Out, Unreturned: w.Alive, Disabled: !w.Active}
		if err != nil || !w.Active || (a.Typical == 0 && len(a.Holds) == 0) {
			return err
		}
		plan := lease.Decide(lease.State{Spendable: w.Spendable, Nodes: w.Nodes, Exact: w.Exact}, a)
		if err := s.mode(ctx, t, a.Wallet, w, plan.Exact); err != nil {
			return err
		}
		return s.grant(ctx, t, node, a, plan, &offer)
	})
	return offer, err
}

// lentWallet locks the wallet and reads then: one statement would see the wallet as it is after the wait for the lock,
// and the leases as they were before.
func (s *Leases) lentWallet(ctx context.Context, t *transaction, wallet id.ID) (lentWallet, error) {
	var w lentWallet
	if _, err := t.ExecContext(ctx, "SELECT 1 FROM account WHERE id = ? FOR NO KEY UPDATE", wallet); err != nil {
		return w, failure(err)
	}
	err := t.NewRaw(`SELECT posted + overdraft - held AS spendable, mode = 'exact' AS exact, status IN ('', 'active') AS active,
			(SELECT COUNT(*) FROM node WHERE seen_at > now_micros() - ?) AS nodes,
			EXISTS (SELECT 1 FROM lease WHERE wallet_id = a.id AND state = 'active' AND granted > settled) AS out,
			EXISTS (SELECT 1 FROM lease WHERE wallet_id = a.id AND state = 'active' AND NOT exact) AS shared,
			EXISTS (SELECT 1 FROM lease WHERE wallet_id = a.id AND state = 'active' AND NOT exact
				AND expires_at > now_micros() + ?) AS alive
		FROM account AS a WHERE id = ? AND kind = 'wallet'`,
		s.terms.TTL.Microseconds(), (s.terms.TTL-2*s.terms.Renew).Microseconds(), wallet).Scan(ctx, &w)
	return w, failure(err)
}

// mode notes in which mode the wallet is now, and asks for shared leases back while it is near zero.
func (s *Leases) mode(ctx context.Context, t *transaction, wallet id.ID, w lentWallet, exact bool) error {
	if exact != w.Exact {
		if err := s.setMode(ctx, t, wallet, exact); err != nil {
			return err
		}
	}
	if !exact || !w.Shared {
		return nil
	}
	return notify(ctx, t, lease.Notice{Wallet: wallet, Recall: true})
}

func (s *Leases) setMode(ctx context.Context, t *transaction, wallet id.ID, exact bool) error {
	mode := "lease"
	if exact {
		mode = "exact"
	}
	_, err := t.ExecContext(ctx, "UPDATE account SET mode = ? WHERE id = ?", mode, wallet)
	return err
}

// leaseGrant moves money from spendable to held and makes the lease that it is in, or does nothing.
var leaseGrant = newStatement(`
	WITH taken AS (
		UPDATE account SET held = held + CAST(? AS BIGINT)
		WHERE id = CAST(? AS uuid) AND posted + overdraft - held >= CAST(? AS BIGINT) RETURNING id)
	INSERT INTO lease (id, wallet_id, node, epoch, granted, exact, expires_at, updated_at)
	SELECT CAST(? AS uuid), id, CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BOOLEAN),
		now_micros() + CAST(? AS BIGINT), now_micros() FROM taken`)

func (s *Leases) grant(
	ctx context.Context, t *transaction, node lease.Session, a lease.Ask, plan lease.Plan, offer *lease.Offer,
) error {
	offer.Exact = plan.Exact
	asked := a.Holds
	if !plan.Exact {
		asked = []lease.Hold{{Lease: a.Lease, Amount: plan.Shared}}
		plan.Held = []bool{plan.Shared > 0}
	}
	var rows [][]any
	var of []int
	for i, h := range asked {
		if plan.Held[i] {
			rows = append(rows, []any{
				int64(h.Amount), arg(a.Wallet), int64(h.Amount), arg(h.Lease), node.Node, node.Epoch, int64(h.Amount),
				plan.Exact, s.terms.TTL.Microseconds(),
			})
			of = append(of, i)
		}
	}
	made, err := s.execEach(ctx, t, leaseGrant, rows)
	if err != nil {
		return err
	}
	offer.Held = make([]bool, len(asked))
	for i, n := range made {
		if n == 1 {
			offer.Held[of[i]], offer.Outstanding = true, true
			offer.Spendable -= asked[of[i]].Amount
		}
	}
	if !plan.Exact && offer.Held[0] {
		offer.Granted = plan.Shared
	}
	if !plan.Exact {
		offer.Held = nil
	}
	return nil
}

// Recall implements lease.Authority.
func (s *Leases) Recall(ctx context.Context, wallet id.ID) error {
	return s.inTx(ctx, func(t *transaction) error {
		if err := s.setMode(ctx, t, wallet, true); err != nil {
			return err
		}
		return notify(ctx, t, lease.Notice{Wallet: wallet, Recall: true})
	})
}

// leaseRow is what returning and fencing look at.
type leaseRow struct {
	bun.BaseModel `bun:"table:lease"`

	ID       id.ID
	WalletID id.ID
	Granted  money.Amount
	Settled  money.Amount
}

// leaseTrim also notes that the lease is not shared among calls any more, so that nothing of it is waited for.
var leaseTrim = newStatement(`UPDATE lease SET granted = CAST(? AS BIGINT), updated_at = now_micros(), exact = TRUE,
	state = CASE WHEN CAST(? AS BOOLEAN) THEN 'returned' ELSE state END WHERE id = CAST(? AS uuid)`)

// Trim implements lease.Authority. It waits for settlements in flight, as a fence does.
func (s *Leases) Trim(ctx context.Context, node lease.Session, trims []lease.Trim) error {
	of := map[id.ID]lease.Trim{}
	ids := make([]id.ID, len(trims))
	for i, trim := range trims {
		ids[i], of[trim.Lease] = trim.Lease, trim
	}
	return s.inTx(ctx, func(t *transaction) error {
		var leases []leaseRow
		err := t.NewSelect().Model(&leases).Where("id IN (?) AND node = ? AND epoch = ? AND state = 'active'",
			bun.List(ids), node.Node, node.Epoch).Order("id").For("UPDATE").Scan(ctx)
		if err != nil || len(leases) == 0 {
			return err
		}
		var rows [][]any
		released := map[id.ID]money.Amount{}
		for _, l := range leases {
			to := min(of[l.ID].To, l.Granted) // a message that was overtaken by a later one gives nothing back
			rows = append(rows, []any{int64(to), of[l.ID].Close, arg(l.ID)})
			released[l.WalletID] += l.Granted - to
		}
		if _, err := s.execEach(ctx, t, leaseTrim, rows); err != nil {
			return err
		}
		return s.release(ctx, t, released)
	})
}
