package wallet

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// expiryBatch is how many due grants are looked up at a time.
const expiryBatch = 100

// ExpireGrants closes every grant with ExpiresAt ≤ now and posts what is left of each back to the promotion account. It
// returns how many it closed. Each grant is one transaction, so it may be stopped at any time and called again: what is
// closed stays closed. Call it periodically.
func (s *Service) ExpireGrants(ctx context.Context, now time.Time) (closed int, err error) {
	// What was captured before counts as spent.
	if err := s.flush(ctx); err != nil {
		return 0, ErrBilling.Because(err)
	}
	for {
		due, err := s.store.GrantsDue(ctx, now, expiryBatch)
		if err != nil || len(due) == 0 {
			return closed, err
		}
		for i := range due {
			done, err := s.expire(ctx, &due[i], now)
			if err != nil {
				return closed, err
			}
			if done {
				closed++
			}
		}
	}
}

// expire closes one grant and reports whether it was open. What goes back is held until it is booked, so that no call
// can spend it meanwhile. One is expired at a time: until the hold is captured, another would take it for the customer's
// spending, and leave them as much of its own grant.
func (s *Service) expire(ctx context.Context, due *Grant, now time.Time) (closed bool, err error) {
	w, err := s.loaded(ctx, due.AccountID)
	if err != nil {
		return false, err
	}
	if err := w.recall(ctx); err != nil {
		return false, err
	}
	s.expiring.Lock()
	defer s.expiring.Unlock()
	var hold Hold
	defer func() { hold.Release() }()
	err = s.store.InTx(ctx, func(t tx.Tx) error {
		g, account, err := s.attribute(ctx, t, due)
		if err != nil || g == nil {
			return err
		}
		closed, hold = true, w.takeBack(g.Left(), &account)
		g.Returned, g.ClosedAt = hold.Amount, now
		return s.returnGrant(ctx, t, g, account)
	})
	if err != nil {
		return false, err
	}
	hold.Capture(hold.Amount)
	return closed, nil
}

// attribute brings the open grants of the wallet up to date and returns the one that is due, nil when it is closed, and
// the wallet's account.
func (s *Service) attribute(ctx context.Context, t tx.Tx, due *Grant) (*Grant, Account, error) {
	if err := s.store.LedgerLock(ctx, t); err != nil {
		return nil, Account{}, err
	}
	open, err := s.store.GrantsOpen(ctx, t, due.AccountID)
	if err != nil {
		return nil, Account{}, err
	}
	var found *Grant
	for i := range open {
		if open[i].ID == due.ID {
			found = &open[i]
		}
	}
	if found == nil {
		return nil, Account{}, nil
	}
	if err := s.store.CapturesAfter(ctx, t, due.AccountID, earliest(open), func(c *Transfer) { spend(open, c) }); err != nil {
		return nil, Account{}, err
	}
	for i := range open {
		if err := s.store.GrantUpdate(ctx, t, &open[i]); err != nil {
			return nil, Account{}, err
		}
	}
	account, err := s.store.AccountLock(ctx, t, due.AccountID)
	return found, account, err
}

func earliest(grants []Grant) int64 {
	through := grants[0].Through
	for i := range grants {
		through = min(through, grants[i].Through)
	}
	return through
}

// spend takes a capture from the grants that were there and had not expired, in their order; what is left of it was paid
// with the customer's own money.
func spend(grants []Grant, c *Transfer) {
	left := c.Amount
	for i := range grants {
		g := &grants[i]
		if c.Number <= g.Through {
			continue
		}
		g.Through = c.Number
		if c.At.Before(g.ExpiresAt) {
			taken := min(left, g.Left())
			g.Spent += taken
			left -= taken
		}
	}
}

// takeBack holds what of a grant goes back: at most what is left of it and free in the wallet. Holds that are open, and
// captures that the books do not have yet, count as spent from the grant. Of a leased wallet the books know all holds, and
// their lock keeps the money.
func (w *Wallet) takeBack(left money.Amount, booked *Account) Hold {
	if w.lender != nil {
		return Hold{Amount: max(0, min(left, booked.Posted)-booked.Held)}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	held := w.held + w.reserved
	amount := min(left-held-max(0, booked.Posted-w.posted), w.posted-held)
	if amount <= 0 {
		return Hold{}
	}
	w.held += amount
	w.open++
	return Hold{wallet: w, Amount: amount}
}

func (s *Service) returnGrant(ctx context.Context, t tx.Tx, g *Grant, before Account) error {
	after := before
	if g.Returned > 0 {
		own, err := s.own(ctx, t, CodeGrantPromo, KindGrant, before.Currency)
		if err != nil {
			return err
		}
		back := money.Money{Currency: before.Currency, Units: g.Returned}
		tr := s.transfer(TransferExpiry, g.AccountID, own.ID, back, RefGrant, g.ID.String())
		tr.Reason = g.Reason
		if err := s.store.TransferPost(ctx, t, tr); err != nil {
			return err
		}
		after.Posted -= g.Returned
	}
	if err := s.store.GrantUpdate(ctx, t, g); err != nil {
		return err
	}
	return s.announceBalance(ctx, t, event.Actor{Source: "system"}, "wallet.grant_expired", g.Reason, before, after,
		map[string]any{"grantId": g.ID.String(), "spent": g.Spent.Text(before.Currency), "returned": g.Returned.Text(before.Currency)})
}
