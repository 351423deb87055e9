package store_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// bank is the money side of an installation: a database, the book, the service, and records on their way to the
// database, which wait until they are flushed.
type bank struct {
	t       testing.TB
	ctx     context.Context //nolint:containedctx // one test's
	store   *store.Store
	book    *wallet.Book
	service *wallet.Service
	own     *wallet.OwnAccounts
	tenant  identity.Tenant

	mu      sync.Mutex
	now     time.Time
	pending []*journal.Record
}

// eachBank runs a test on both databases.
func eachBank(t *testing.T, test func(*testing.T, *bank)) {
	t.Helper()
	for name, options := range map[string]func() store.Options{
		"sqlite":   func() store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")} },
		"postgres": func() store.Options { return store.Options{URL: pgtest.New(t), MaxReaders: 8} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBank(t, options()))
		})
	}
}

func newBank(t testing.TB, o store.Options) *bank {
	t.Helper()
	b := &bank{t: t, ctx: t.Context(), store: open(t, o), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	b.ok(b.store.Migrate(b.ctx))
	b.tenant = identity.Tenant{ID: id.New(), Key: "default", Status: identity.Active}
	b.must(func(t tx.Tx) error { return b.store.Identity().TenantInsert(b.ctx, t, &b.tenant) })
	b.restart()
	b.ok(b.own.Prepare(b.ctx, money.USD))
	return b
}

// restart forgets what is in memory, as a process does that ends in order.
func (b *bank) restart() {
	b.t.Helper()
	b.ok(b.flush(b.ctx))
	bus := &event.Bus{}
	audit.Listen(bus, b.store.Audit(), b.clock)
	b.book = wallet.NewBook(b.store.Wallet(), b.clock)
	b.service = wallet.NewService(wallet.Options{
		Store: b.store.Wallet(), Book: b.book, Bus: bus, Now: b.clock, Primary: money.USD, Flush: b.flush,
	})
	b.own = wallet.NewOwnAccounts(b.service)
	b.ok(b.own.Prepare(b.ctx, money.USD))
}

func (b *bank) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bank) must(f func(tx.Tx) error) {
	b.t.Helper()
	b.ok(b.store.Wallet().InTx(b.ctx, f))
}

func (b *bank) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bank) pass(d time.Duration) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
	return b.now
}

// flush writes what was recorded.
func (b *bank) flush(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.pending
	b.pending = nil
	if len(batch) == 0 {
		return nil
	}
	return b.store.Journal().RecordsApply(ctx, batch, journal.Position{})
}

// user makes a user with a wallet that holds balance.
func (b *bank) user(balance money.Amount) (identity.User, *wallet.Wallet) {
	b.t.Helper()
	u := identity.User{ID: id.New(), TenantID: b.tenant.ID, Status: identity.Active}
	u.Username = u.ID.String()
	b.must(func(t tx.Tx) error { return b.store.Identity().UserInsert(b.ctx, t, &u) })
	_, err := b.service.SetBalance(b.ctx, event.Actor{}, wallet.SetBalance{
		UserID: u.ID, TenantID: u.TenantID, Currency: money.USD, Target: balance,
	})
	b.ok(err)
	return u, b.wallet(u)
}

func (b *bank) wallet(u identity.User) *wallet.Wallet {
	b.t.Helper()
	w, err := b.book.Wallet(b.ctx, u.ID, money.USD)
	b.ok(err)
	return w
}

// capture ends a call as the relay does and returns its task.
func (b *bank) capture(u identity.User, w *wallet.Wallet, h *wallet.Hold, amount money.Amount) (id.ID, money.Amount) {
	captured, overrun := h.Capture(amount)
	now := b.clock()
	r := &journal.Record{Task: tasks.Task{
		ID: id.New(), TenantID: u.TenantID, UserID: u.ID, Kind: inference.Chat, Status: tasks.Succeeded, CreatedAt: now,
		Currency: w.Currency, Held: h.Amount, Charged: captured,
		Lines: json.RawMessage(`[{"currency":"USD","amount":"` + amount.Text(money.USD) + `"}]`),
	}}
	for _, part := range []struct {
		kind   wallet.TransferKind
		from   id.ID
		amount money.Amount
	}{
		{wallet.TransferCapture, w.ID, captured},
		{wallet.TransferOverrun, b.own.ID(wallet.CodeWriteoffOverrun, w.Currency), overrun},
	} {
		if part.amount > 0 {
			r.Transfers = append(r.Transfers, wallet.Transfer{
				ID: id.New(), At: now, Kind: part.kind, Currency: w.Currency, Amount: part.amount, DebitAccountID: part.from,
				CreditAccountID: b.own.ID(wallet.CodeRevenueUsage, w.Currency), RefType: wallet.RefTask,
				RefID: r.Task.ID.String(), HoldAmount: h.Amount,
			})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending = append(b.pending, r)
	return r.Task.ID, captured
}

// call is a whole call that costs amount.
func (b *bank) call(u identity.User, amount money.Amount) id.ID {
	b.t.Helper()
	w := b.wallet(u)
	h, err := w.Hold(amount)
	b.ok(err)
	task, _ := b.capture(u, w, &h, amount)
	return task
}

// clean flushes and proves the books: every check holds, and the database agrees with what is in memory.
func (b *bank) clean() {
	b.t.Helper()
	b.ok(b.flush(b.ctx))
	found, err := b.store.Wallet().Verify(b.ctx)
	b.ok(err)
	for _, c := range found.Checks {
		if c.Wrong > 0 {
			b.t.Errorf("%s: %d times, first %+v", c.Says, c.Wrong, c.First)
		}
	}
}

// booked expects the wallet's balance in memory and, after a flush, in the database.
func (b *bank) booked(u identity.User, want money.Amount) {
	b.t.Helper()
	b.ok(b.flush(b.ctx))
	posted, _ := b.wallet(u).Balance()
	row, err := b.store.Wallet().WalletOf(b.ctx, nil, u.ID, money.USD)
	b.ok(err)
	if posted != want || row.Posted != want {
		b.t.Errorf("the balance is %d in memory and %d in the database, want %d", posted, row.Posted, want)
	}
}
