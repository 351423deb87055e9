package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// leaseWorld is a PostgreSQL database with one node and a wallet of 1000.
type leaseWorld struct {
	*Store

	t       *testing.T
	user    id.ID
	wallet  id.ID
	revenue id.ID
	leases  *Leases
	node    lease.Session
}

func newLeaseWorld(t *testing.T) *leaseWorld {
	t.Helper()
	w := &leaseWorld{Store: migrated(t, Options{URL: pgtest.New(t), MaxReaders: 12}), t: t}
	w.leases = w.Leases(lease.Terms{})
	tenant := identity.Tenant{ID: id.New(), Key: "t"}
	user := identity.User{ID: id.New(), TenantID: tenant.ID, Username: "u"}
	w.user = user.ID
	w.ok(w.Identity().InTx(t.Context(), func(inner tx.Tx) error {
		return errors.Join(w.Identity().TenantInsert(t.Context(), inner, &tenant), w.Identity().UserInsert(t.Context(), inner, &user))
	}))
	w.wallet = w.account("wallet:u", wallet.KindWallet, user.ID)
	w.revenue = w.account(wallet.CodeRevenueUsage, wallet.KindRevenue, id.ID{})
	w.topUp(1000)
	w.node = w.register("one")
	return w
}

func (w *leaseWorld) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *leaseWorld) register(name string) lease.Session {
	w.t.Helper()
	s, err := w.leases.Register(w.t.Context(), name)
	w.ok(err)
	return s
}

func (w *leaseWorld) account(code string, kind wallet.AccountKind, user id.ID) (made id.ID) {
	w.t.Helper()
	w.ok(w.Wallet().InTx(w.t.Context(), func(inner tx.Tx) error {
		a, err := w.Wallet().AccountEnsure(w.t.Context(), inner, &wallet.Account{
			ID: id.New(), Code: code, Kind: kind, Currency: money.USD, UserID: user, Status: "active",
		})
		made = a.ID
		return err
	}))
	return made
}

func (w *leaseWorld) topUp(amount money.Amount) {
	w.t.Helper()
	from := w.account(wallet.CodeGrantPromo, wallet.KindGrant, id.ID{})
	w.ok(w.Wallet().InTx(w.t.Context(), func(inner tx.Tx) error {
		return w.Wallet().TransferPost(w.t.Context(), inner, &wallet.Transfer{
			ID: id.New(), At: time.Now(), Kind: wallet.TransferGrant, Currency: money.USD, Amount: amount,
			DebitAccountID: from, CreditAccountID: w.wallet, RefType: "user", RefID: id.New().String(),
		})
	}))
}

// lend makes a lease of exactly amount.
func (w *leaseWorld) lend(node lease.Session, amount money.Amount) id.ID {
	w.t.Helper()
	l := id.New()
	w.ok(w.leases.inTx(w.t.Context(), func(t *transaction) error {
		var offer lease.Offer
		plan := lease.Plan{Shared: amount}
		err := w.leases.grant(w.t.Context(), t, node, lease.Ask{Wallet: w.wallet, Lease: l}, plan, &offer)
		if err == nil && offer.Granted != amount {
			w.t.Fatalf("granted %d of %d", offer.Granted, amount)
		}
		return err
	}))
	return l
}

// open is a call that holds amount on a lease.
func (w *leaseWorld) open(amount money.Amount) *journal.Open {
	return &journal.Open{
		Task: tasks.Task{
			ID: id.New(), UserID: w.user, Status: tasks.Running, Currency: money.USD, Held: amount, CreatedAt: time.Now(),
		},
		WalletID: w.wallet, RevenueID: w.revenue,
	}
}

// final is the settlement of a call that cost amount.
func (w *leaseWorld) final(l id.ID, amount money.Amount) lease.Settlement {
	w.t.Helper()
	r := journal.Interrupted(w.open(amount), &journal.Mark{Amount: amount}, time.Now())
	payload, err := r.MarshalBinary()
	w.ok(err)
	return lease.Settlement{Hold: r.Task.ID, Lease: l, Wallet: w.wallet, Amount: amount, Final: true, Payload: payload}
}

// mark is the settlement of a stream that delivered amount so far.
func (w *leaseWorld) mark(l id.ID, amount money.Amount) lease.Settlement {
	w.t.Helper()
	o := w.open(10 * amount)
	opened, err := o.MarshalBinary()
	w.ok(err)
	payload, err := (&journal.Mark{TaskID: o.Task.ID, Amount: amount}).MarshalBinary()
	w.ok(err)
	return lease.Settlement{Hold: o.Task.ID, Lease: l, Wallet: w.wallet, Mark: amount, Opened: opened, Payload: payload}
}

func (w *leaseWorld) settle(node lease.Session, batch ...lease.Settlement) []id.ID {
	w.t.Helper()
	fenced, err := w.leases.Settle(w.t.Context(), node, batch)
	w.ok(err)
	return fenced
}

// expire lets a lease be so old that it may be fenced.
func (w *leaseWorld) expire(l id.ID) {
	w.mustExec(w.t, "UPDATE lease SET expires_at = 0 WHERE id = ?", l)
}

func (w *leaseWorld) fence() int {
	w.t.Helper()
	n, err := w.leases.FenceExpired(w.t.Context())
	w.ok(err)
	return n
}

func (w *leaseWorld) fold() {
	w.t.Helper()
	did, err := w.leases.Fold(w.t.Context())
	w.ok(err)
	if did.Failed > 0 {
		w.t.Fatalf("%d settlements were refused", did.Failed)
	}
}

// stands checks the wallet's row, and all the books.
func (w *leaseWorld) stands(posted, held money.Amount) {
	w.t.Helper()
	a, err := w.Wallet().AccountByID(w.t.Context(), nil, w.wallet)
	w.ok(err)
	if a.Posted != posted || a.Held != held {
		w.t.Errorf("posted %d, held %d, want %d, %d", a.Posted, a.Held, posted, held)
	}
	checkBooks(w.t, w.Store)
}

// checkBooks checks that the ledger adds up, that its chain is whole, and that what wallets hold is what leases have.
func checkBooks(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	totals, err := s.Wallet().Totals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, total := range totals {
		if total.Posted != 0 || total.Differing != 0 {
			t.Errorf("the books do not add up: %+v", total)
		}
	}
	if report, err := s.Wallet().ChainVerify(ctx); err != nil {
		t.Errorf("the chain: %+v, %v", report, err)
	}
	var wrong int
	err = s.db.reader.NewRaw(`SELECT COUNT(*) FROM account AS a WHERE kind = 'wallet' AND
		held <> (SELECT COALESCE(SUM(granted - settled), 0) FROM lease WHERE wallet_id = a.id)`).Scan(ctx, &wrong)
	if err != nil || wrong > 0 {
		t.Errorf("%d wallets do not hold what their leases have (%v)", wrong, err)
	}
}

func TestLeasesNeedPostgreSQL(t *testing.T) {
	t.Parallel()
	s := migrated(t, Options{Path: t.TempDir() + "/one.db"})
	if _, err := s.Leases(lease.Terms{}).Register(t.Context(), "one"); !errors.Is(err, errOneNode) {
		t.Errorf("registered on SQLite: %v", err)
	}
}

func TestSettlementsAreFolded(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	w.stands(1000, 100)
	batch := []lease.Settlement{w.final(l, 20), w.final(l, 30), w.mark(l, 7)}
	free := lease.Settlement{Hold: id.New(), Final: true}
	free.Payload, _ = (&journal.Record{Task: tasks.Task{ID: free.Hold, CreatedAt: time.Now()}}).MarshalBinary()
	if fenced := w.settle(w.node, append(batch, free)...); len(fenced) > 0 {
		t.Fatalf("fenced: %v", fenced)
	}
	seen, err := w.Wallet().WalletsOf(t.Context(), w.user)
	w.ok(err)
	if seen[0].Posted != 950 || seen[0].Held != 50 || seen[0].Spent != 50 {
		t.Errorf("before the fold the balance is %+v", seen[0])
	}
	w.stands(1000, 100)
	w.fold()
	w.fold()
	w.stands(950, 50)
	for _, hold := range []id.ID{batch[0].Hold, batch[1].Hold, free.Hold} {
		if _, err := w.Tasks().TaskByID(t.Context(), id.ID{}, hold); err != nil {
			t.Errorf("task of %v: %v", hold, err)
		}
	}
}

func TestLostReplyIsRecognised(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	final, mark := w.final(l, 20), w.mark(l, 7)
	for range 3 {
		if fenced := w.settle(w.node, final, mark); len(fenced) > 0 {
			t.Fatalf("our own write was taken for another's: %v", fenced)
		}
		w.fold()
	}
	w.stands(980, 80)
	late := mark
	late.Mark = 3 // a message that was overtaken
	if fenced := w.settle(w.node, late); len(fenced) > 0 {
		t.Errorf("an overtaken mark is not an offence: %v", fenced)
	}
	other := final
	other.Amount = 21
	if fenced := w.settle(w.node, other); len(fenced) != 1 {
		t.Error("another amount under the same hold was taken for ours")
	}
	foreign := w.register("two")
	own := final
	own.Lease = w.lend(foreign, 50)
	if fenced := w.settle(foreign, own); len(fenced) != 1 {
		t.Error("another lease under the same hold was taken for ours")
	}
	var stored money.Amount
	w.ok(w.db.reader.NewRaw("SELECT mark FROM settlement WHERE hold_id = ?", mark.Hold).Scan(t.Context(), &stored))
	if stored != 7 {
		t.Errorf("the mark went back to %d", stored)
	}
}

func TestFencedNodeIsRefused(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	stream, done := w.mark(l, 7), w.final(l, 20)
	w.settle(w.node, stream, done)
	if w.fence() != 0 {
		t.Fatal("a lease that lives was fenced")
	}
	w.expire(l)
	if w.fence() != 1 || w.fence() != 0 {
		t.Fatal("a dead lease is fenced once")
	}
	w.stands(973, 0) // 20 that were settled, 7 that were marked; the rest is back
	stream.Final, stream.Amount = true, 9
	if fenced := w.settle(w.node, stream, w.final(l, 5)); len(fenced) != 2 {
		t.Errorf("the zombie settled: %d refused", len(fenced))
	}
	renewed, err := w.leases.Renew(t.Context(), w.node, []id.ID{l})
	if err != nil || len(renewed) != 0 {
		t.Errorf("the zombie renewed: %v, %v", renewed, err)
	}
	w.ok(w.leases.Trim(t.Context(), w.node, []lease.Trim{{Lease: l, To: 0, Close: true}}))
	w.stands(973, 0)
	task, err := w.Tasks().TaskByID(t.Context(), id.ID{}, stream.Hold)
	if err != nil || task.Charged != 7 || task.BillReason != "crash" || task.Status != tasks.Failed {
		t.Errorf("the stream's task: %+v, %v", task, err)
	}
}

func TestLeaseBelongsToOneLifeOfOneNode(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	again, other := w.register("one"), w.register("two")
	if again.Epoch == w.node.Epoch || other.Epoch == again.Epoch {
		t.Fatalf("epochs %d %d %d", w.node.Epoch, again.Epoch, other.Epoch)
	}
	for _, s := range []lease.Session{again, other, {Node: "two", Epoch: w.node.Epoch}} {
		if fenced := w.settle(s, w.final(l, 5)); len(fenced) != 1 {
			t.Errorf("%+v settled on another's lease", s)
		}
		if renewed, err := w.leases.Renew(t.Context(), s, []id.ID{l}); err != nil || len(renewed) != 0 {
			t.Errorf("%+v renewed another's lease: %v", s, err)
		}
		w.ok(w.leases.Trim(t.Context(), s, []lease.Trim{{Lease: l, Close: true}}))
	}
	if err := w.exec(t, `INSERT INTO lease (id, wallet_id, node, epoch, granted, exact, expires_at, updated_at)
		VALUES (?, ?, 'two', 9, 1, FALSE, 0, 0)`, l, w.wallet); err == nil {
		t.Error("one lease was given twice")
	}
	w.stands(1000, 100)
}

func TestTrimsMayComeAgainAndLate(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	trim := func(to money.Amount, closes bool) {
		t.Helper()
		w.ok(w.leases.Trim(t.Context(), w.node, []lease.Trim{{Lease: l, To: to, Close: closes}}))
	}
	trim(60, false)
	trim(60, false)
	w.stands(1000, 60)
	trim(30, false)
	trim(60, false) // late
	w.stands(1000, 30)
	w.settle(w.node, w.final(l, 10))
	trim(10, true)
	trim(10, true)
	w.fold()
	w.stands(990, 0)
}

func TestLedgerRefusesMoreThanWasGranted(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l := w.lend(w.node, 100)
	w.settle(w.node, w.final(l, 40), w.final(l, 61), w.final(l, 50))
	did, err := w.leases.Fold(t.Context())
	w.ok(err)
	if did.Failed != 1 || did.Settlements != 2 {
		t.Errorf("folded %+v, want the two that fit", did)
	}
	var reason string
	w.ok(w.db.reader.NewRaw("SELECT refusal FROM settlement WHERE refusal IS NOT NULL").Scan(t.Context(), &reason))
	if !strings.Contains(reason, "lease_settled_granted") {
		t.Errorf("set aside because of %q", reason)
	}
	w.stands(910, 10)
}

func TestPruneKeepsWhatMatters(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	l, gone := w.lend(w.node, 100), w.lend(w.node, 50)
	w.settle(w.node, w.final(l, 10))
	w.fold()
	w.settle(w.node, w.final(l, 10))
	w.ok(w.leases.Trim(t.Context(), w.node, []lease.Trim{{Lease: gone, Close: true}}))
	w.mustExec(t, "UPDATE lease SET updated_at = 0")
	w.mustExec(t, "UPDATE settlement SET folded_at = 0 WHERE folded_at IS NOT NULL")
	later := w.Leases(lease.Terms{})
	database := *later.database
	later.database, database.clock = &database, func() time.Time { return time.Now().Add(time.Hour) }
	w.ok(later.Prune(t.Context()))
	var leases, settlements int
	w.ok(w.db.reader.NewRaw("SELECT (SELECT COUNT(*) FROM lease), (SELECT COUNT(*) FROM settlement)").Scan(t.Context(), &leases, &settlements))
	if leases != 1 || settlements != 1 {
		t.Errorf("%d leases and %d settlements are left, want those in use", leases, settlements)
	}
}
