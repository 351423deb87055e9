package wallet

import (
	"context"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Pledge sets amount aside for longer than this process lives. write does so in the database, where the money counts as held
// from then on; it may be called twice, and an error means that it wrote nothing. On a node that is alone memory decides who
// may spend, so it has the money first; among several the database does, and asks back what nodes do not need.
// Codes: insufficient_balance, wallet_disabled, billing_unavailable, and those of write. Source: MONEY section 5.
func (w *Wallet) Pledge(ctx context.Context, amount money.Amount, write func() error) error {
	if w.lender != nil {
		return w.pledgeLeased(ctx, write)
	}
	h, err := w.Hold(amount)
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		h.Release()
		return err
	}
	h.keep()
	return nil
}

func (w *Wallet) pledgeLeased(ctx context.Context, write func() error) error {
	err := write()
	if !errors.Is(err, ErrInsufficient) {
		return err
	}
	if err := w.recall(ctx); err != nil {
		return err
	}
	return write()
}

// keep makes the hold one of those that the database has.
func (h *Hold) keep() {
	w, ok := h.end()
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= h.Amount
	w.reserved += h.Amount
	w.open--
}

// Redeem is told that the database has ended a pledge and taken captured from the wallet, which must have been in memory
// before that. The database comes first: what memory allows must be there.
func (w *Wallet) Redeem(pledged, captured money.Amount) {
	if w.lender != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reserved -= pledged
	w.posted -= captured
}

// Through returns the wallet as a call sees it whose holds are l's business.
func (w *Wallet) Through(l Lender) *Wallet {
	return &Wallet{ID: w.ID, Currency: w.Currency, lender: l}
}

// Leased reports whether this node is not the only one that spends the wallet.
func (w *Wallet) Leased() bool { return w.lender != nil }
