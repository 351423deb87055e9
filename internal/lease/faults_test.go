package lease_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/lease"
)

// quick are terms under which a node is given up within half a second.
var quick = lease.Terms{
	TTL: 300 * time.Millisecond, Margin: 50 * time.Millisecond, Grace: 200 * time.Millisecond, Renew: 80 * time.Millisecond,
	GiveUp: 200 * time.Millisecond,
}

// eventually waits for a state that other nodes bring about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatal("it does not come about that " + what)
		}
	}
}

func (m *member) hold(amount money.Amount) wallet.Hold {
	m.t.Helper()
	w, err := m.book.Wallet(m.ctx, m.user, money.USD)
	m.ok(err)
	h, err := w.Hold(amount)
	m.ok(err)
	return h
}

// TestMoneyOfADeadNodeComesBack kills a node in the middle of a stream.
func TestMoneyOfADeadNodeComesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, quick)
	c.topUp(10_000)
	dead := c.nodes[0]
	open := dead.opening(dead.hold(50))
	dead.writer.Open(open)
	c.ok(dead.writer.Mark(&journal.Mark{TaskID: open.Task.ID, Amount: 7}).Wait(c.ctx))
	if held := c.balance().Held; held < 16*50 {
		t.Fatalf("the node holds %d", held)
	}
	dead.node.Kill()
	killed := time.Now()
	eventually(t, "the lease is fenced", func() bool { return c.balance().Held == 0 })
	if took := time.Since(killed); took < quick.Grace {
		t.Errorf("fenced after %v, before the grace had passed", took)
	}
	c.nodes = c.nodes[1:]
	c.booked(10_000 - 7)
	if got := c.rush(50, 100, 100); got != 50 {
		t.Errorf("%d calls of 50 could spend what came back", got)
	}
	// The process was only paused: it wakes and goes on with its stream.
	if err := dead.writer.Mark(&journal.Mark{TaskID: open.Task.ID, Amount: 9}).Wait(c.ctx); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("the zombie's mark: %v", err)
	}
	if err := dead.writer.Append(dead.record(open, 12)).Wait(c.ctx); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("the zombie's charge: %v", err)
	}
	c.booked(10_000 - 7 - 5_000)
}

// TestUnmarkedCallOfAZombieIsRecorded has a call outlive its lease before anything of it was durable.
func TestUnmarkedCallOfAZombieIsRecorded(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, quick)
	c.topUp(10_000)
	dead := c.nodes[0]
	h := dead.hold(50)
	open := dead.opening(h)
	dead.writer.Open(open)
	dead.node.Kill()
	eventually(t, "the lease is fenced", func() bool { return c.balance().Held == 0 })
	captured, _ := h.Capture(20)
	if err := dead.writer.Append(dead.record(open, captured)).Wait(c.ctx); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("the zombie's charge: %v", err)
	}
	c.ok(dead.writer.Flush(c.ctx))
	task, err := c.store.Tasks().TaskByID(c.ctx, id.ID{}, open.Task.ID)
	if err != nil || task.Charged != 0 || task.ErrorCode != "lease_fenced" {
		t.Errorf("the call's record: %+v, %v", task, err)
	}
	c.booked(10_000)
}

// faulty is an authority behind a network that can be cut.
type faulty struct {
	lease.Authority

	cut   atomic.Bool
	loses atomic.Int64 // so many answers to settlements
}

var errNetwork = errors.New("network")

func (f *faulty) Settle(ctx context.Context, s lease.Session, batch []lease.Settlement) ([]id.ID, error) {
	if f.cut.Load() {
		return nil, errNetwork
	}
	fenced, err := f.Authority.Settle(ctx, s, batch)
	if f.loses.Add(-1) >= 0 {
		return nil, errNetwork
	}
	return fenced, err
}

func (f *faulty) Renew(ctx context.Context, s lease.Session, ids []id.ID) ([]lease.Renewed, error) {
	if f.cut.Load() {
		return nil, errNetwork
	}
	return f.Authority.Renew(ctx, s, ids)
}

func (f *faulty) Grant(ctx context.Context, s lease.Session, a lease.Ask) (lease.Offer, error) {
	if f.cut.Load() {
		return lease.Offer{}, errNetwork
	}
	return f.Authority.Grant(ctx, s, a)
}

func (f *faulty) Trim(ctx context.Context, s lease.Session, trims []lease.Trim) error {
	if f.cut.Load() {
		return errNetwork
	}
	return f.Authority.Trim(ctx, s, trims)
}

// joinBehind adds a node whose network can be cut.
func (c *cluster) joinBehind(f *faulty, name string, terms lease.Terms) *member {
	c.t.Helper()
	return c.joinWith(name, terms, func(a lease.Authority) lease.Authority { f.Authority = a; return f })
}

func TestLostAnswerChargesOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, lease.Terms{})
	var network faulty
	m := c.joinBehind(&network, "one", lease.Terms{})
	c.topUp(1_000)
	for range 5 {
		network.loses.Store(2)
		c.ok(m.call(10, 4))
	}
	c.booked(1_000 - 5*4)
}

// TestPartitionDeliversNothing cuts a node off: no call is charged or admitted, and afterwards the books are whole.
func TestPartitionDeliversNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, quick)
	var network faulty
	m := c.joinBehind(&network, "cut off", quick)
	c.topUp(10_000)
	c.ok(m.call(50, 50))
	h := m.hold(50)
	open := m.opening(h)
	m.writer.Open(open)
	network.cut.Store(true)
	captured, _ := h.Capture(40)
	if err := m.writer.Append(m.record(open, captured)).Wait(c.ctx); !errors.Is(err, wallet.ErrBilling) {
		t.Errorf("settled without a database: %v", err)
	}
	if err := m.writer.Ready(); !errors.Is(err, wallet.ErrBilling) {
		t.Errorf("calls are admitted: %v", err)
	}
	eventually(t, "the lease is fenced", func() bool { return c.balance().Held == 0 })
	network.cut.Store(false)
	c.ok(m.writer.Flush(c.ctx))
	c.ok(m.writer.Append(&journal.Record{Task: m.opening(wallet.Hold{}).Task}).Wait(c.ctx))
	c.ok(m.writer.Ready())
	c.ok(m.call(50, 50))
	c.booked(10_000 - 100)
}

// TestEachCallReturnsItsRest alternates between nodes near zero: what one call did not need, the next one has.
func TestEachCallReturnsItsRest(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, lease.Terms{})
	c.topUp(14)
	succeeded := 0
	for i := range 20 {
		switch err := c.nodes[i%2].call(5, 1); {
		case err == nil:
			succeeded++
		case !errors.Is(err, wallet.ErrInsufficient):
			t.Fatal(err)
		}
	}
	if succeeded != 10 {
		t.Errorf("%d calls succeeded, want 10", succeeded)
	}
	c.booked(4)
}

// TestNewerOpenVoidsWhatWasMarked has a call change its target, and with it its hold, after its first mark.
func TestNewerOpenVoidsWhatWasMarked(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, lease.Terms{})
	c.topUp(10_000)
	m := c.nodes[0]
	first := m.hold(50)
	open := m.opening(first)
	m.writer.Open(open)
	c.ok(m.writer.Mark(&journal.Mark{TaskID: open.Task.ID, Amount: 7}).Wait(c.ctx))
	first.Release()
	second := m.hold(60)
	again := *open
	again.LeaseID = second.Lease
	m.writer.Open(&again)
	c.ok(m.writer.Mark(&journal.Mark{TaskID: open.Task.ID, Amount: 3}).Wait(c.ctx))
	captured, _ := second.Capture(5)
	c.ok(m.writer.Append(m.record(&again, captured)).Wait(c.ctx))
	c.booked(10_000 - 5)
	third := m.hold(10)
	failed := m.opening(third)
	m.writer.Open(failed)
	m.writer.Mark(&journal.Mark{TaskID: failed.Task.ID, Amount: 7})
	third.Release()
	m.writer.Open(failed)
	c.ok(m.writer.Append(m.record(failed, 0)).Wait(c.ctx))
	c.booked(10_000 - 5)
	if _, err := c.store.Tasks().TaskByID(c.ctx, id.ID{}, failed.Task.ID); err != nil {
		t.Errorf("a call that failed after a mark is not recorded: %v", err)
	}
}

// TestClosedNodeKeepsNothing spends on two nodes and closes them.
func TestClosedNodeKeepsNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, lease.Terms{})
	c.topUp(100_000)
	if got := c.rush(200, 30, 10); got != 200 {
		t.Fatalf("%d of 200 calls succeeded", got)
	}
	if c.balance().Held == 0 {
		t.Fatal("nothing was lent")
	}
	for _, m := range c.nodes {
		c.ok(m.writer.Close(c.ctx))
		c.ok(m.node.Close(c.ctx))
		if open, units := m.book.Holds(); open != 0 || units != 0 {
			t.Errorf("%d holds of %d are open", open, units)
		}
	}
	if a := c.balance(); a.Held != 0 || a.Posted != 100_000-2_000 {
		t.Errorf("posted %d, held %d", a.Posted, a.Held)
	}
}

func (m *member) service() *wallet.Service {
	return wallet.NewService(wallet.Options{
		Store: m.store.Wallet(), Book: m.book, Bus: &event.Bus{}, Now: m.now, Primary: money.USD, Flush: m.writer.Flush,
	})
}

// TestGrantExpiresWhileNodesHoldLeases takes back what no call has spent or holds, also where a lease had it.
func TestGrantExpiresWhileNodesHoldLeases(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, lease.Terms{})
	service := c.nodes[0].service()
	soon := time.Now().Add(time.Hour)
	_, err := service.Grant(c.ctx, event.Actor{}, wallet.GrantRequest{
		UserID: c.user, Currency: money.USD, Amount: 100_000, ExpiresAt: soon,
	})
	c.ok(err)
	for _, n := range c.nodes {
		c.ok(n.call(100, 40))
	}
	h := c.nodes[1].hold(200)
	closed, err := service.ExpireGrants(c.ctx, soon)
	if err != nil || closed != 1 {
		t.Fatalf("%d grants closed, %v", closed, err)
	}
	if a := c.balance(); a.Posted != 200 || a.Held != 200 {
		t.Errorf("posted %d, held %d, want what is held", a.Posted, a.Held)
	}
	h.Release()
}

// TestOverdraftOfALeasedWallet raises what a wallet may owe, spends it, and lowers it again.
func TestOverdraftOfALeasedWallet(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, lease.Terms{})
	service := c.nodes[0].service()
	set := func(amount money.Amount) error {
		_, err := service.SetOverdraft(c.ctx, event.Actor{}, wallet.SetOverdraft{UserID: c.user, Currency: money.USD, Amount: amount})
		return err
	}
	c.ok(set(10_000))
	if got := c.rush(20, 100, 100); got != 20 {
		t.Errorf("%d of 20 calls could use the overdraft", got)
	}
	c.ok(set(2_000))
	if got := c.rush(5, 1, 1); got != 0 {
		t.Errorf("%d calls were paid with an overdraft that is used up", got)
	}
	if err := set(1_999); !errors.Is(err, wallet.ErrOverdraft) {
		t.Errorf("lowered below what is used: %v", err)
	}
	c.booked(-2_000)
}

// TestBalanceIsSetWhileNodesHoldLeases sets balances: what is lent comes back first, what is in use is frozen.
func TestBalanceIsSetWhileNodesHoldLeases(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, lease.Terms{Recall: time.Second}) // machines may be slow
	c.topUp(100_000)
	m := c.nodes[0]
	service := m.service()
	for _, n := range c.nodes {
		c.ok(n.call(100, 40))
	}
	set := func(target money.Amount) (wallet.Adjustment, error) {
		return service.SetBalance(c.ctx, event.Actor{}, wallet.SetBalance{
			UserID: c.user, Currency: money.USD, Target: target, IdempotencyKey: id.New().String(),
		})
	}
	done, err := set(500)
	c.ok(err)
	if done.Before.Posted != 100_000-80 || done.After.Posted != 500 || done.After.Held != 0 {
		t.Errorf("the adjustment: %+v", done)
	}
	h := c.nodes[1].hold(200)
	if _, err := set(199); !errors.Is(err, wallet.ErrFrozen) {
		t.Errorf("set below what is held: %v", err)
	}
	if done, err = set(200); err != nil || done.After.Posted != 200 {
		t.Errorf("set to what is held: %+v, %v", done.After, err)
	}
	h.Release()
	eventually(t, "the hold comes back", func() bool { return c.balance().Held == 0 })
	accounts, err := service.Accounts(c.ctx, c.user)
	if err != nil || accounts[0].Posted != 200 {
		t.Errorf("the account: %+v, %v", accounts, err)
	}
}
