package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// cluster is some nodes on one PostgreSQL, with one user.
type cluster struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // one test's
	dsn     string
	store   *store.Store
	user    id.ID
	wallet  id.ID
	revenue id.ID
	nodes   []*member
}

// member is one node as a process has it.
type member struct {
	*cluster

	now    clock.Clock
	store  *store.Store
	node   *lease.Node
	writer *lease.Writer
	book   *wallet.Book
}

func newCluster(t *testing.T, nodes int, terms lease.Terms) *cluster {
	t.Helper()
	c := &cluster{t: t, ctx: context.WithoutCancel(t.Context()), dsn: pgtest.New(t)}
	c.store = c.open()
	c.ok(c.store.Migrate(c.ctx))
	tenant := identity.Tenant{ID: id.New(), Key: "t"}
	user := identity.User{ID: id.New(), TenantID: tenant.ID, Username: "u"}
	c.user = user.ID
	c.ok(c.store.Identity().InTx(c.ctx, func(inner tx.Tx) error {
		return errors.Join(c.store.Identity().TenantInsert(c.ctx, inner, &tenant), c.store.Identity().UserInsert(c.ctx, inner, &user))
	}))
	c.wallet = c.account("wallet:u", wallet.KindWallet, user.ID)
	c.revenue = c.account(wallet.CodeRevenueUsage, wallet.KindRevenue, id.ID{})
	for i := range nodes {
		c.join(fmt.Sprintf("node-%d", i), terms)
	}
	return c
}

func (c *cluster) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) open() *store.Store {
	c.t.Helper()
	s, err := store.Open(c.ctx, store.Options{URL: c.dsn, MaxReaders: 8})
	c.ok(err)
	c.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (c *cluster) join(name string, terms lease.Terms) *member {
	c.t.Helper()
	return c.joinWith(name, terms, func(a lease.Authority) lease.Authority { return a })
}

// joinWith starts a node that reaches the database through what between makes of it.
func (c *cluster) joinWith(name string, terms lease.Terms, between func(lease.Authority) lease.Authority) *member {
	c.t.Helper()
	m := &member{cluster: c, store: c.open(), now: clock.System}
	var err error
	m.node, err = lease.Start(c.ctx, lease.Options{
		Authority: between(m.store.Leases(terms)), Name: name, Terms: terms, Now: clock.System, Log: slog.New(slog.DiscardHandler),
	})
	c.ok(err)
	m.writer = lease.NewWriter(m.node)
	m.book = wallet.NewLeasedBook(m.store.Wallet(), clock.System, m.node.Lend)
	c.nodes = append(c.nodes, m)
	c.t.Cleanup(m.node.Kill)
	return m
}

func (c *cluster) account(code string, kind wallet.AccountKind, user id.ID) (made id.ID) {
	c.t.Helper()
	c.ok(c.store.Wallet().InTx(c.ctx, func(inner tx.Tx) error {
		a, err := c.store.Wallet().AccountEnsure(c.ctx, inner, &wallet.Account{
			ID: id.New(), Code: code, Kind: kind, Currency: money.USD, UserID: user, Status: "active",
		})
		made = a.ID
		return err
	}))
	return made
}

func (c *cluster) topUp(amount money.Amount) {
	c.t.Helper()
	from := c.account(wallet.CodeGrantPromo, wallet.KindGrant, id.ID{})
	c.ok(c.store.Wallet().InTx(c.ctx, func(inner tx.Tx) error {
		return c.store.Wallet().TransferPost(c.ctx, inner, &wallet.Transfer{
			ID: id.New(), At: time.Now(), Kind: wallet.TransferGrant, Currency: money.USD, Amount: amount,
			DebitAccountID: from, CreditAccountID: c.wallet, RefType: "user", RefID: id.New().String(),
		})
	}))
}

// balance is what every surface shows.
func (c *cluster) balance() wallet.Account {
	c.t.Helper()
	found, err := c.store.Wallet().WalletsOf(c.ctx, c.user)
	c.ok(err)
	return found[0]
}

// booked checks the books after everything was folded.
func (c *cluster) booked(posted money.Amount) {
	c.t.Helper()
	c.ok(c.nodes[0].writer.Flush(c.ctx))
	a, err := c.store.Wallet().AccountByID(c.ctx, nil, c.wallet)
	c.ok(err)
	if a.Posted != posted {
		c.t.Errorf("posted %d, want %d", a.Posted, posted)
	}
	totals, err := c.store.Wallet().Totals(c.ctx)
	c.ok(err)
	if totals[0].Posted != 0 || totals[0].Differing != 0 {
		c.t.Errorf("the books do not add up: %+v", totals[0])
	}
	if _, err := c.store.Wallet().ChainVerify(c.ctx); err != nil {
		c.t.Error(err)
	}
}

// call holds held, spends cost, and returns once that is durable.
func (m *member) call(held, cost money.Amount) error {
	w, err := m.book.Wallet(m.ctx, m.user, money.USD)
	if err != nil {
		return err
	}
	hold, err := w.Hold(held)
	if err != nil {
		return err
	}
	open := m.opening(hold)
	m.writer.Open(open)
	captured, _ := hold.Capture(cost)
	return m.writer.Append(m.record(open, captured)).Wait(m.ctx)
}

func (m *member) opening(hold wallet.Hold) *journal.Open {
	now := time.Now()
	return &journal.Open{
		Task: tasks.Task{
			ID: id.At(now), UserID: m.user, Status: tasks.Running, Currency: money.USD, Held: hold.Amount, CreatedAt: now,
		},
		WalletID: m.wallet, RevenueID: m.revenue, LeaseID: hold.Lease,
	}
}

func (m *member) record(open *journal.Open, captured money.Amount) *journal.Record {
	r := &journal.Record{Task: open.Task}
	r.Task.Status, r.Task.Charged = tasks.Succeeded, captured
	if captured > 0 {
		r.Transfers = []wallet.Transfer{{
			ID: id.New(), At: time.Now(), Kind: wallet.TransferCapture, Currency: money.USD, Amount: captured,
			DebitAccountID: m.wallet, CreditAccountID: m.revenue, RefType: "task", RefID: open.Task.ID.String(),
			HoldAmount: open.Task.Held,
		}}
	}
	return r
}

// rush makes calls on all nodes at once and returns how many succeeded.
func (c *cluster) rush(calls int, held, cost money.Amount) int64 {
	c.t.Helper()
	var succeeded atomic.Int64
	var all sync.WaitGroup
	for i := range calls {
		m := c.nodes[i%len(c.nodes)]
		all.Go(func() {
			switch err := m.call(held, cost); {
			case err == nil:
				succeeded.Add(1)
			case !errors.Is(err, wallet.ErrInsufficient):
				c.t.Errorf("refused for another reason: %v", err)
			}
		})
	}
	all.Wait()
	return succeeded.Load()
}

// TestAffordsExactly has 500 calls at once on three nodes share a wallet that affords k of them: exactly k succeed. What
// leases are sized by is no multiple of the price, so the last calls need what all nodes give back, however long the
// machine takes for that: refusals do not wait for calls that end.
func TestAffordsExactly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, lease.Terms{Recall: 1})
	const calls, price = 500, 1000
	began := time.Now()
	for round := range 100 {
		k := []int64{1, 7, 31, 60, 140, 333}[round%6]
		c.topUp(money.Amount(k) * price)
		if got := c.rush(calls, price, price); got != k {
			t.Fatalf("round %d: %d calls succeeded, the wallet affords %d", round, got, k)
		}
		if a := c.balance(); a.Posted != 0 || a.Held != 0 {
			t.Fatalf("round %d: %d is left, %d is held", round, a.Posted, a.Held)
		}
	}
	t.Logf("100 rounds in %v", time.Since(began))
	c.booked(0)
}
