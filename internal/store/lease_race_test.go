package store

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/lease"
)

// TestSettlementRacesFence has a settlement of 60 in flight on a lease of 100 while the lease is fenced and another
// settlement is folded. With the right lock the fence waits and gives back 40, and the fold does not wait. The two
// neighbours show what the lock is for. Source: MONEY section 5.
func TestSettlementRacesFence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lock      string
		overspent bool // the fence gave back what was then settled
		foldWaits bool
	}{
		{lock: "FOR KEY SHARE"},
		{lock: "", overspent: true},
		{lock: "FOR SHARE", foldWaits: true},
	} {
		t.Run("lock "+c.lock, func(t *testing.T) {
			t.Parallel()
			w := newLeaseWorld(t)
			w.leases.settle = settleStatement(c.lock)
			l := w.lend(w.node, 100)
			w.settle(w.node, w.final(l, 10))
			commit := w.inFlight(l, 60)

			folded := w.background(func() error { _, err := w.leases.Fold(context.WithoutCancel(t.Context())); return err })
			if waits := w.waitsForLock(folded); waits != c.foldWaits {
				t.Errorf("fold waits for the settlement: %v", waits)
			}
			if c.foldWaits {
				commit()
				w.ok(<-folded.err)
				return
			}
			w.expire(l)
			fenced := w.background(func() error { _, err := w.leases.FenceExpired(context.WithoutCancel(t.Context())); return err })
			if waits := w.waitsForLock(fenced); waits == c.overspent {
				t.Errorf("fence waits for the settlement: %v", waits)
			}
			commit()
			w.ok(<-folded.err)
			w.ok(<-fenced.err)
			if backs := w.gaveBackTooMuch(l); backs != c.overspent {
				t.Errorf("more was settled than the lease kept: %v", backs)
			}
			if !c.overspent {
				w.stands(930, 0)
			}
		})
	}
}

// inFlight settles amount without committing, and returns what commits.
func (w *leaseWorld) inFlight(l id.ID, amount money.Amount) (commit func()) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	conn, err := w.db.writer.Conn(ctx)
	w.ok(err)
	_, err = conn.ExecContext(ctx, "BEGIN")
	w.ok(err)
	w.ok(conn.Raw(func(c any) error {
		missing, err := w.leases.settleOn(ctx, c.(*stdlib.Conn).Conn(), w.node, []lease.Settlement{w.final(l, amount)}) //nolint:forcetypeassert // ours
		if err == nil && len(missing) > 0 {
			w.t.Error("the settlement was refused")
		}
		return err
	}))
	return func() {
		_, err := conn.ExecContext(ctx, "COMMIT")
		w.ok(err)
		w.ok(conn.Close())
	}
}

// running is something that was begun.
type running struct {
	done chan struct{}
	err  chan error
}

func (w *leaseWorld) background(f func() error) running {
	r := running{make(chan struct{}), make(chan error, 1)}
	go func() {
		r.err <- f()
		close(r.done)
	}()
	return r
}

// waitsForLock watches until something is done or some statement waits for a row's lock.
func (w *leaseWorld) waitsForLock(r running) bool {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return false
		case <-tick.C:
		}
		var waiting int
		w.ok(w.leases.onPgx(w.t.Context(), func(conn *pgx.Conn) error {
			return conn.QueryRow(w.t.Context(), `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		}))
		if waiting > 0 {
			return true
		}
	}
}

// gaveBackTooMuch reports whether a fenced lease kept less than what is settled on it.
func (w *leaseWorld) gaveBackTooMuch(l id.ID) (too bool) {
	w.t.Helper()
	w.ok(w.db.reader.NewRaw(`SELECT (SELECT SUM(amount) FROM settlement WHERE lease_id = ?) >
		(SELECT granted FROM lease WHERE id = ?)`, l, l).Scan(w.t.Context(), &too))
	return too
}

// TestMarkThatComesAfterTheFence has a stream's settlement wait for a fence: it must find the lease fenced.
func TestMarkThatComesAfterTheFence(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	w.expire(l)
	fenced := make(chan []id.ID, 1)
	w.ok(w.leases.inTx(t.Context(), func(inner *transaction) error {
		if _, err := w.leases.fenceLocked(t.Context(), inner, l); err != nil {
			return err
		}
		settled := w.background(func() error {
			ids, err := w.leases.Settle(context.WithoutCancel(t.Context()), w.node, []lease.Settlement{w.mark(l, 5)})
			fenced <- ids
			return err
		})
		if !w.waitsForLock(settled) {
			t.Error("the settlement does not wait for the fence")
		}
		return nil
	}))
	if ids := <-fenced; len(ids) != 1 {
		t.Error("a settlement after the fence was accepted")
	}
	w.stands(1000, 0)
}

// TestGrantSeesLeasesOfThoseItWaitedFor has two nodes ask at once: who comes second must know that the first has money out.
func TestGrantSeesLeasesOfThoseItWaitedFor(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	var offer lease.Offer
	var asked running
	first := id.New()
	w.ok(w.leases.inTx(t.Context(), func(inner *transaction) error {
		var o lease.Offer
		if err := w.leases.grant(t.Context(), inner, w.node, lease.Ask{Wallet: w.wallet, Lease: first}, lease.Plan{Shared: 1000}, &o); err != nil {
			return err
		}
		asked = w.background(func() (err error) {
			ask := lease.Ask{Wallet: w.wallet, Holds: []lease.Hold{{Lease: id.New(), Amount: 10}}}
			offer, err = w.leases.Grant(context.WithoutCancel(t.Context()), w.node, ask)
			return err
		})
		if !w.waitsForLock(asked) {
			t.Error("it does not wait for the wallet")
		}
		return nil
	}))
	w.ok(<-asked.err)
	if !offer.Outstanding || !offer.Unreturned {
		t.Errorf("it was told %+v: a refusal would stand at once", offer)
	}
	w.ok(w.leases.Trim(t.Context(), w.node, []lease.Trim{{Lease: first, To: 1000}}))
	offer, err := w.leases.Grant(t.Context(), w.node, lease.Ask{Wallet: w.wallet, Holds: []lease.Hold{{Lease: id.New(), Amount: 10}}})
	w.ok(err)
	if !offer.Outstanding || offer.Unreturned {
		t.Errorf("after the recall was answered it was told %+v", offer)
	}
}
