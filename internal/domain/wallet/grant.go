package wallet

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Grant is a gift to a wallet. What calls spend is taken from the grant that expires soonest; what is left of a grant
// when it expires goes back. Only grants that expire are followed: one that does not is the customer's own money.
type Grant struct {
	ID        id.ID
	Number    int64
	AccountID id.ID
	Key       string // idempotency key
	Amount    money.Amount
	// Spent is what captures up to the transfer Through have taken from the grant.
	Spent    money.Amount
	Returned money.Amount
	Through  int64
	Reason   string
	// ExpiresAt is the first moment at which no call can spend the grant; zero: never.
	ExpiresAt time.Time
	ClosedAt  time.Time // when it expired; zero: not yet
	CreatedAt time.Time
}

// Left is what of the grant is neither spent nor returned, as far as Spent is known.
func (g *Grant) Left() money.Amount { return g.Amount - g.Spent - g.Returned }

// GrantRequest asks that a wallet be given something. The same IdempotencyKey gives it once.
type GrantRequest struct {
	UserID         id.ID
	TenantID       id.ID
	Currency       money.Currency
	Amount         money.Amount // > 0
	ExpiresAt      time.Time    // zero: never
	Reason         string
	IdempotencyKey string // empty: a new one
}

// Granted is what Grant did.
type Granted struct {
	Before, After Account
	Grant         Grant
}

// Grant gives from Gantry's promotion account to a wallet, making the wallet if there is none.
// Codes: amount_invalid, currency_unsupported, invalid_parameter (expiresAt is not in the future),
// idempotency_conflict, billing_unavailable.
func (s *Service) Grant(ctx context.Context, by event.Actor, in GrantRequest) (Granted, error) {
	if err := s.checkGrant(&in); err != nil {
		return Granted{}, err
	}
	if err := s.flush(ctx); err != nil {
		return Granted{}, ErrBilling.Because(err)
	}
	w, err := s.wallet(ctx, SetBalance{UserID: in.UserID, TenantID: in.TenantID, Currency: in.Currency})
	if err != nil {
		return Granted{}, err
	}
	var out Granted
	posted := false
	err = s.store.InTx(ctx, func(t tx.Tx) (err error) {
		out, posted, err = s.grantTx(ctx, t, by, in, w.ID)
		return err
	})
	if err != nil {
		return Granted{}, err
	}
	if posted {
		w.credit(in.Amount)
	}
	s.live(&out.After)
	return out, nil
}

func (s *Service) checkGrant(in *GrantRequest) error {
	now := s.now()
	switch {
	case in.Amount <= 0:
		return ErrAmount.At("amount")
	case !in.Currency.Known():
		return ErrCurrency.At("currency")
	case !in.ExpiresAt.IsZero() && !in.ExpiresAt.After(now):
		return fault.ErrInvalid.Saying("A grant expires in the future.").At("expiresAt")
	}
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = id.At(now).String()
	}
	in.ExpiresAt = in.ExpiresAt.Truncate(time.Microsecond) // as it is stored
	return nil
}

// grantTx reports whether it posted: a repetition finds the grant there.
func (s *Service) grantTx(
	ctx context.Context, t tx.Tx, by event.Actor, in GrantRequest, account id.ID,
) (out Granted, posted bool, err error) {
	if err := s.store.LedgerLock(ctx, t); err != nil {
		return Granted{}, false, err
	}
	if out.Before, err = s.store.AccountByID(ctx, t, account); err != nil {
		return Granted{}, false, err
	}
	out.After = out.Before
	out.Grant, err = s.store.GrantByKey(ctx, t, account, in.IdempotencyKey)
	if err == nil && (out.Grant.Amount != in.Amount || !out.Grant.ExpiresAt.Equal(in.ExpiresAt)) {
		return Granted{}, false, errKeyReused
	}
	if !errors.Is(err, fault.ErrNotFound) {
		return out, false, err
	}
	if out.Grant, err = s.grantPost(ctx, t, in, account); err != nil {
		return Granted{}, false, err
	}
	out.After.Posted += in.Amount
	return out, true, s.announceBalance(ctx, t, by, "wallet.granted", in.Reason, out.Before, out.After, map[string]any{
		"grantId": out.Grant.ID.String(), "amount": in.Amount.Text(in.Currency), "idempotencyKey": in.IdempotencyKey,
	})
}

func (s *Service) grantPost(ctx context.Context, t tx.Tx, in GrantRequest, account id.ID) (Grant, error) {
	now := s.now()
	g := Grant{
		ID: id.At(now), AccountID: account, Key: in.IdempotencyKey, Amount: in.Amount, Reason: in.Reason,
		ExpiresAt: in.ExpiresAt, CreatedAt: now,
	}
	own, err := s.own(ctx, t, CodeGrantPromo, KindGrant, in.Currency)
	if err != nil {
		return Grant{}, err
	}
	given := money.Money{Currency: in.Currency, Units: in.Amount}
	tr := s.transfer(TransferGrant, own.ID, account, given, RefGrant, g.ID.String())
	tr.Reason = in.Reason
	if err := s.store.TransferPost(ctx, t, tr); err != nil {
		return Grant{}, err
	}
	g.Through = tr.Number
	return g, s.store.GrantInsert(ctx, t, &g)
}
