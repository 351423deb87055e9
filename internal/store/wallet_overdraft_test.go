package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func TestOverdraftOfATenant(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, w := b.user(5)
		v, _ := b.user(0)
		apply := func(policies string) error {
			return b.service.ApplyOverdrafts(b.ctx, event.Actor{}, b.tenant.ID, json.RawMessage(policies))
		}
		b.ok(apply(`{"overdraft":{"USD":"0.00000001"}}`)) // 10
		if got := w.Spendable(); got != 15 {
			t.Errorf("spendable %d, want 15", got)
		}
		b.call(u, 12)
		b.booked(u, -7)
		if err := apply(`{"overdraft":{"USD":"0.000000006"}}`); !errors.Is(err, wallet.ErrOverdraft) {
			t.Errorf("lowering what is in use: %v", err)
		}
		if got := w.Spendable(); got != 3 {
			t.Errorf("spendable %d, want 3: what is in use stays", got)
		}
		if got := b.wallet(v).Spendable(); got != 6 {
			t.Errorf("the other's spendable %d, want 6", got)
		}
		b.ok(apply(`{"overdraft":{"CNY":"1"}}`))
		h, err := b.wallet(v).Hold(4)
		b.ok(err)
		_, err = b.service.SetOverdraft(b.ctx, event.Actor{}, wallet.SetOverdraft{UserID: v.ID, Currency: money.USD, Amount: 3})
		if !errors.Is(err, wallet.ErrOverdraft) {
			t.Errorf("lowering what is held: %v", err)
		}
		h.Release()
		b.clean()
		b.restart()
		if got := b.wallet(u).Spendable(); got != 3 {
			t.Errorf("spendable after a restart %d, want 3", got)
		}
	})
}

func TestOverdraftOfANewWallet(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		b.tenant = identity.Tenant{
			ID: id.New(), Key: "loan", Status: identity.Active, Policies: json.RawMessage(`{"overdraft":{"USD":"0.000000004"}}`),
		}
		b.must(func(t tx.Tx) error { return b.store.Identity().TenantInsert(b.ctx, t, &b.tenant) })
		u, w := b.user(0)
		if got := w.Spendable(); got != 4 {
			t.Errorf("spendable %d, want 4", got)
		}
		out, err := b.service.SetOverdraft(b.ctx, event.Actor{}, wallet.SetOverdraft{UserID: u.ID, Currency: money.USD, Amount: 9})
		b.ok(err)
		if out.Overdraft != 9 || w.Spendable() != 9 {
			t.Errorf("overdraft %d, spendable %d, want 9", out.Overdraft, w.Spendable())
		}
		if _, err := b.service.SetOverdraft(b.ctx, event.Actor{}, wallet.SetOverdraft{UserID: u.ID, Currency: money.USD, Amount: -1}); !errors.Is(err, wallet.ErrAmount) {
			t.Errorf("a negative overdraft: %v", err)
		}
		b.clean()
	})
}

// meanwhile calls do while an overdraft is being booked.
type meanwhile struct {
	wallet.Store

	do func()
}

func (m meanwhile) OverdraftSet(ctx context.Context, t tx.Tx, account id.ID, amount money.Amount) error {
	m.do()
	return m.Store.OverdraftSet(ctx, t, account, amount)
}

// TestOverdraftWhileItIsBooked holds money at the worst moment: a lower overdraft counts already, a higher one not yet, and
// one that could not be booked not at all.
func TestOverdraftWhileItIsBooked(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(0)
		cut := &failing{}
		var w *wallet.Wallet
		var during money.Amount
		cut.Store = meanwhile{b.store.Wallet(), func() { during = w.Spendable() }}
		book := wallet.NewBook(cut, b.clock)
		s := wallet.NewService(wallet.Options{Store: cut, Book: book, Bus: &event.Bus{}, Now: b.clock, Flush: b.flush})
		w, err := book.Wallet(b.ctx, u.ID, money.USD)
		b.ok(err)
		for _, c := range []struct {
			fails                 bool
			amount, during, after money.Amount
		}{
			{false, 10, 0, 10},
			{false, 4, 4, 4},
			{true, 1, 1, 4},
			{true, 9, 4, 4},
		} {
			cut.on = c.fails
			_, err := s.SetOverdraft(b.ctx, event.Actor{}, wallet.SetOverdraft{UserID: u.ID, Currency: money.USD, Amount: c.amount})
			if (err != nil) != c.fails || during != c.during || w.Spendable() != c.after {
				t.Errorf("%+v: %v, spendable %d meanwhile and %d after", c, err, during, w.Spendable())
			}
		}
	})
}
