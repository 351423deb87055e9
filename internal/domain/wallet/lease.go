package wallet

import (
	"context"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Lender lends this node money of one wallet where it is not the only node. Its methods are safe for concurrent use; they
// ask the database only when what was lent does not suffice. Source: MONEY section 5.
type Lender interface {
	// Spendable is what a hold may take, as far as this node knows.
	Spendable() money.Amount
	// Hold sets amount aside in the lease that it returns. Codes: insufficient_balance, wallet_disabled,
	// billing_unavailable.
	Hold(amount money.Amount) (lease id.ID, err error)
	// End ends a hold of held on a lease and takes amount; what exceeds the hold is taken as far as the lease has it.
	End(lease id.ID, held, amount money.Amount) (captured money.Amount)
	// Holds returns how many holds are open on this node and their sum.
	Holds() (open int64, units money.Amount)
	// Recall asks all nodes to return what they do not need, and waits a moment for it.
	Recall(ctx context.Context) error
}

// NewLeasedBook returns a book whose wallets are spent by several nodes: each spends what lend lends it.
func NewLeasedBook(s Store, now clock.Clock, lend func(Account) Lender) *Book {
	b := NewBook(s, now)
	b.lend = lend
	return b
}

// recall asks back what nodes hold of a leased wallet and do not need, so that it is not taken for money in use.
// Code: billing_unavailable.
func (w *Wallet) recall(ctx context.Context) error {
	if w.lender == nil {
		return nil
	}
	if err := w.lender.Recall(ctx); err != nil {
		return ErrBilling.Because(err)
	}
	return nil
}

// adjustLeased sets the balance of a wallet that several nodes spend. What they hold is asked back first; what they hold
// on to is frozen. The row is locked, so that nothing is lent between looking at it and posting.
func (s *Service) adjustLeased(ctx context.Context, by event.Actor, in SetBalance, w *Wallet, ref string) (Adjustment, error) {
	if err := w.recall(ctx); err != nil {
		return Adjustment{}, err
	}
	var out Adjustment
	err := s.store.InTx(ctx, func(t tx.Tx) (err error) {
		if out.Before, err = s.store.AccountLock(ctx, t, w.ID); err != nil {
			return err
		}
		if in.Target < out.Before.Held {
			return ErrFrozen.With("frozen", out.Before.Held.Text(w.Currency))
		}
		delta, err := in.Target.Sub(out.Before.Posted)
		if err != nil {
			return ErrAmount.Because(err).At("balance")
		}
		if out.Entry, err = s.postDelta(ctx, t, in, out.Before, delta, ref); err != nil {
			return err
		}
		if out.After, err = s.store.AccountByID(ctx, t, w.ID); err != nil {
			return err
		}
		return s.announce(ctx, t, by, in, out)
	})
	return out, err
}
