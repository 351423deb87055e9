package lease_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/store"
)

// step is one call of the script: what is held, what is marked on the way, and what it costs at last.
type step struct {
	hold, cost money.Amount
	marks      []money.Amount
	fails      bool
}

// ways are the two ways of writing calls down.
type way struct {
	store   *store.Store
	book    *wallet.Book
	journal interface {
		Open(o *journal.Open) journal.Ticket
		Mark(m *journal.Mark) journal.Ticket
		Append(r *journal.Record) journal.Ticket
		Flush(ctx context.Context) error
	}
	user, wallet, revenue id.ID
}

// alone is a node without others: files and SQLite.
func alone(t *testing.T) *way {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "gantry.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, _, err := journal.Start(t.Context(), journal.Options{
		Dir: filepath.Join(dir, "journal"), Sink: s.Journal(), Log: slog.New(slog.DiscardHandler),
	}, clock.System)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	w := &way{store: s, journal: j, book: wallet.NewBook(s.Wallet(), clock.System), user: id.New()}
	tenant := identity.Tenant{ID: id.New(), Key: "t"}
	user := identity.User{ID: w.user, TenantID: tenant.ID, Username: "u"}
	err = s.Identity().InTx(t.Context(), func(inner tx.Tx) error {
		if err := s.Identity().TenantInsert(t.Context(), inner, &tenant); err != nil {
			return err
		}
		return s.Identity().UserInsert(t.Context(), inner, &user)
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, ctx: t.Context(), store: s, user: w.user}
	w.wallet = c.account("wallet:u", wallet.KindWallet, w.user)
	w.revenue = c.account(wallet.CodeRevenueUsage, wallet.KindRevenue, id.ID{})
	c.wallet = w.wallet
	c.topUp(topUp)
	return w
}

const topUp = 1_000_000

// together is one of several nodes: leases and PostgreSQL.
func together(t *testing.T) *way {
	t.Helper()
	c := newCluster(t, 1, lease.Terms{})
	c.topUp(topUp)
	m := c.nodes[0]
	return &way{store: c.store, journal: m.writer, book: m.book, user: c.user, wallet: c.wallet, revenue: c.revenue}
}

// play makes the calls of a script and returns what the ledger says of them.
func (w *way) play(t *testing.T, rt *rapid.T, script []step) []string {
	t.Helper()
	var refs []id.ID
	for i, s := range script {
		purse, err := w.book.Wallet(t.Context(), w.user, money.USD)
		if err != nil {
			rt.Fatal(err)
		}
		hold, err := purse.Hold(s.hold)
		if err != nil {
			rt.Fatalf("step %d: %v", i, err)
		}
		task := tasks.Task{
			ID: id.New(), RequestID: fmt.Sprint(i), UserID: w.user, Currency: money.USD, Held: s.hold, Status: tasks.Running, CreatedAt: clock.System(),
		}
		refs = append(refs, task.ID)
		w.journal.Open(&journal.Open{Task: task, WalletID: w.wallet, RevenueID: w.revenue, LeaseID: hold.Lease})
		for _, m := range s.marks {
			if err := w.journal.Mark(&journal.Mark{TaskID: task.ID, Amount: m}).Wait(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		r := &journal.Record{Task: task}
		if s.fails {
			hold.Release()
			r.Task.Status = tasks.Failed
		} else {
			r.Task.Status = tasks.Succeeded
			r.Task.Charged, _ = hold.Capture(s.cost)
		}
		if r.Task.Charged > 0 {
			r.Transfers = []wallet.Transfer{{
				ID: id.New(), At: clock.System(), Kind: wallet.TransferCapture, Currency: money.USD, Amount: r.Task.Charged,
				DebitAccountID: w.wallet, CreditAccountID: w.revenue, RefType: "task", RefID: task.ID.String(), HoldAmount: s.hold,
			}}
		}
		if err := w.journal.Append(r).Wait(t.Context()); err != nil {
			rt.Fatal(err)
		}
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		rt.Fatal(err)
	}
	return w.ledger(t, rt, refs)
}

// ledger is what the books say of each call, without ids and times, and the balance at the end.
func (w *way) ledger(t *testing.T, rt *rapid.T, refs []id.ID) (out []string) {
	t.Helper()
	for _, ref := range refs {
		task, err := w.store.Tasks().TaskByID(t.Context(), w.user, ref)
		if err != nil {
			rt.Fatal(err)
		}
		line := fmt.Sprintf("%s %s %d", task.RequestID, task.Status, task.Charged)
		transfers, err := w.store.Wallet().TransferByRef(t.Context(), "task", ref.String())
		if err != nil {
			rt.Fatal(err)
		}
		for _, tr := range transfers {
			line += fmt.Sprintf(" %s %d of %d → %d, %d", tr.Kind, tr.Amount, tr.HoldAmount, tr.DebitAfter, tr.CreditAfter)
		}
		out = append(out, line)
	}
	found, err := w.store.Wallet().WalletsOf(t.Context(), w.user)
	if err != nil {
		rt.Fatal(err)
	}
	return append(out, fmt.Sprintf("balance %d, spent %d", found[0].Posted, found[0].Spent))
}

// TestBothWaysWriteTheSameLedger (P10) plays random scripts to a node alone and to a node among others: their ledgers must
// be the same, to the unit and to the order.
func TestBothWaysWriteTheSameLedger(t *testing.T) {
	t.Parallel()
	files, leases := alone(t), together(t)
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			s := step{hold: money.Amount(rapid.Int64Range(1, 100).Draw(rt, "hold")), fails: rapid.Bool().Draw(rt, "fails")}
			s.cost = money.Amount(rapid.Int64Range(0, int64(s.hold)).Draw(rt, "cost"))
			if rapid.Bool().Draw(rt, "stream") {
				s.marks = []money.Amount{0, s.cost / 2}
			}
			return s
		}), 1, 6).Draw(rt, "script")
		a, b := files.play(t, rt, script), leases.play(t, rt, script)
		if !slices.Equal(a, b) {
			rt.Fatalf("files and SQLite:\n%v\nleases and PostgreSQL:\n%v", a, b)
		}
	})
}
