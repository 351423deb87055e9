package store_test

import (
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
		if err := apply(`{"overdraft":{"USD":"0.000000003"}}`); !errors.Is(err, wallet.ErrOverdraft) {
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
