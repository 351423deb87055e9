package wallet_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// oneLease lends all it has in one lease.
type oneLease struct {
	id         id.ID
	rest, held money.Amount
	open       int64
}

func (l *oneLease) Spendable() money.Amount        { return l.rest }
func (l *oneLease) Holds() (int64, money.Amount)   { return l.open, l.held }
func (l *oneLease) Recall(_ context.Context) error { return nil }

func (l *oneLease) Hold(amount money.Amount) (id.ID, error) {
	if amount > l.rest {
		return id.ID{}, wallet.ErrInsufficient
	}
	l.rest, l.held, l.open = l.rest-amount, l.held+amount, l.open+1
	return l.id, nil
}

func (l *oneLease) End(lease id.ID, held, amount money.Amount) money.Amount {
	if lease != l.id {
		return 0
	}
	captured := min(amount, held+l.rest)
	l.rest, l.held, l.open = l.rest+held-captured, l.held-held, l.open-1
	return captured
}

// oneWallet is the storage of a wallet.
type oneWallet struct{ wallet.Store }

func (oneWallet) WalletOf(_ context.Context, _ tx.Tx, user id.ID, c money.Currency) (wallet.Account, error) {
	return wallet.Account{ID: id.New(), UserID: user, Currency: c, Posted: 1_000_000, Status: "active"}, nil
}

// TestLeasedWalletSpendsWhatWasLent holds a wallet of a leased book to what a wallet of one node does.
func TestLeasedWalletSpendsWhatWasLent(t *testing.T) {
	t.Parallel()
	lent := &oneLease{id: id.New(), rest: 100}
	book := wallet.NewLeasedBook(oneWallet{}, clock.System, func(wallet.Account) wallet.Lender { return lent })
	w, err := book.Wallet(t.Context(), id.New(), money.USD)
	if err != nil {
		t.Fatal(err)
	}
	if w.Spendable() != 100 {
		t.Errorf("spendable is %d, but only 100 is lent", w.Spendable())
	}
	if _, err := w.Hold(101); !errors.Is(err, wallet.ErrInsufficient) {
		t.Errorf("held more than is lent: %v", err)
	}
	if _, err := w.Hold(-1); !errors.Is(err, wallet.ErrInsufficient) {
		t.Errorf("held less than nothing: %v", err)
	}
	h, err := w.Hold(60)
	if err != nil || h.Lease != lent.id || !h.Open() {
		t.Fatalf("hold %+v, %v", h, err)
	}
	if open, units := book.Holds(); open != 1 || units != 60 {
		t.Errorf("%d holds of %d are open", open, units)
	}
	if captured, overrun := h.Capture(110); captured != 100 || overrun != 10 {
		t.Errorf("captured %d, overrun %d", captured, overrun)
	}
	if captured, overrun := h.Capture(5); captured != 0 || overrun != 0 || h.Open() {
		t.Error("a hold ended twice")
	}
	lent.rest = 10
	h, _ = w.Hold(10)
	h.Release()
	if lent.rest != 10 || lent.held != 0 || lent.open != 0 {
		t.Errorf("after a release the lease is %+v", lent)
	}
}
