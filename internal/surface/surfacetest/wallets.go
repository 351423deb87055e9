package surfacetest

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Grant implements the surfaces' view of wallets; keys are not remembered.
func (f *Wallets) Grant(_ context.Context, _ event.Actor, in wallet.GrantRequest) (wallet.Granted, error) {
	if in.Amount <= 0 {
		return wallet.Granted{}, wallet.ErrAmount.At("amount")
	}
	a := f.account(wallet.SetBalance{UserID: in.UserID, TenantID: in.TenantID, Currency: in.Currency})
	out := wallet.Granted{Before: *a, Grant: wallet.Grant{ID: id.At(f.w.Clock.Now()), ExpiresAt: in.ExpiresAt}}
	a.Posted += in.Amount
	out.After = *a
	return out, nil
}

// Refund implements the surfaces' view of wallets; it gives back what Transfers say was captured, once.
func (f *Wallets) Refund(_ context.Context, _ event.Actor, in wallet.RefundRequest) (wallet.Refunded, error) {
	for _, t := range f.Transfers {
		if t.RefID != in.TaskID.String() || t.Kind != wallet.TransferCapture {
			continue
		}
		if in.Amount > t.Amount {
			return wallet.Refunded{}, wallet.ErrRefund.At("amount")
		}
		out := wallet.Refunded{Before: wallet.Account{Currency: t.Currency}, Left: t.Amount - in.Amount}
		out.Entry.ID, out.After = id.At(f.w.Clock.Now()), wallet.Account{Currency: t.Currency, Posted: in.Amount}
		return out, nil
	}
	return wallet.Refunded{}, fault.ErrNotFound.At("taskId")
}

// SetOverdraft implements the surfaces' view of wallets.
func (f *Wallets) SetOverdraft(_ context.Context, _ event.Actor, in wallet.SetOverdraft) (wallet.Account, error) {
	for i := range f.accounts {
		if a := &f.accounts[i]; a.UserID == in.UserID && a.Currency == in.Currency {
			a.Overdraft = in.Amount
			return *a, nil
		}
	}
	return wallet.Account{}, wallet.ErrNoWallet
}
