package wallet

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// RefundRequest asks that a part of a task's charge be given back. The same IdempotencyKey gives it back once.
type RefundRequest struct {
	TaskID         id.ID
	Amount         money.Amount // > 0, in the currency of the charge
	Reason         string
	IdempotencyKey string // empty: a new one
}

// Refunded is what Refund did. Left is what may still be refunded of the charge.
type Refunded struct {
	Before, After Account
	Entry         Entry
	Left          money.Amount
}

// Refund posts a part of a capture back to the wallet that it was taken from. All refunds of a task together are never
// more than its capture, however many are asked for at once. The money comes back as the customer's own, also when a
// grant had paid for the call.
// Codes: amount_invalid, not_found (the task was not charged), refund_exceeds_charge, idempotency_conflict,
// billing_unavailable.
func (s *Service) Refund(ctx context.Context, by event.Actor, in RefundRequest) (Refunded, error) {
	if in.Amount <= 0 {
		return Refunded{}, ErrAmount.At("amount")
	}
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = id.At(s.now()).String()
	}
	if err := s.flush(ctx); err != nil {
		return Refunded{}, ErrBilling.Because(err)
	}
	capture, err := s.captureOf(ctx, in.TaskID)
	if err != nil {
		return Refunded{}, err
	}
	w, err := s.loaded(ctx, capture.DebitAccountID)
	if err != nil {
		return Refunded{}, err
	}
	var out Refunded
	posted := false
	err = s.store.InTx(ctx, func(t tx.Tx) (err error) {
		out, posted, err = s.refundTx(ctx, t, by, in, capture)
		return err
	})
	if err != nil {
		return Refunded{}, err
	}
	if posted {
		w.credit(in.Amount)
	}
	s.live(&out.After)
	return out, nil
}

// captureOf returns the transfer that a task was charged with.
func (s *Service) captureOf(ctx context.Context, task id.ID) (Transfer, error) {
	transfers, err := s.store.TransferByRef(ctx, RefTask, task.String())
	if err != nil {
		return Transfer{}, err
	}
	for _, t := range transfers {
		if t.Kind == TransferCapture {
			return t, nil
		}
	}
	return Transfer{}, fault.ErrNotFound.At("taskId")
}

// loaded returns the wallet in memory of an account. It comes before any change of the account: a wallet that is loaded
// afterwards knows of the change already, and would learn of it twice.
func (s *Service) loaded(ctx context.Context, account id.ID) (*Wallet, error) {
	a, err := s.store.AccountByID(ctx, nil, account)
	if err != nil {
		return nil, err
	}
	return s.book.Wallet(ctx, a.UserID, a.Currency)
}

// refundTx reports whether it posted: a repetition finds the refund there.
func (s *Service) refundTx(
	ctx context.Context, t tx.Tx, by event.Actor, in RefundRequest, capture Transfer,
) (out Refunded, posted bool, err error) {
	if err := s.store.LedgerLock(ctx, t); err != nil {
		return Refunded{}, false, err
	}
	earlier, err := s.store.RefundsOf(ctx, t, in.TaskID)
	if err != nil {
		return Refunded{}, false, err
	}
	if out.Before, err = s.store.AccountByID(ctx, t, capture.DebitAccountID); err != nil {
		return Refunded{}, false, err
	}
	ref := in.TaskID.String() + ":" + in.IdempotencyKey
	out.Left = capture.Amount
	for _, r := range earlier {
		out.Left -= r.Amount
		if r.RefID == ref {
			out.Entry = entryOf(r, out.Before)
		}
	}
	if !out.Entry.ID.IsZero() {
		return s.refundedBefore(in, out)
	}
	if in.Amount > out.Left {
		return Refunded{}, false, ErrRefund.At("amount").With("left", out.Left.Text(capture.Currency))
	}
	return s.refundPost(ctx, t, by, in, capture, ref, out)
}

// refundedBefore answers a repetition with what the first call did.
func (s *Service) refundedBefore(in RefundRequest, out Refunded) (Refunded, bool, error) {
	if out.Entry.Amount != in.Amount {
		return Refunded{}, false, errKeyReused
	}
	out.After = out.Before
	out.Before.Posted, out.After.Posted = out.Entry.BalanceBefore, out.Entry.BalanceAfter
	return out, false, nil
}

func (s *Service) refundPost(
	ctx context.Context, t tx.Tx, by event.Actor, in RefundRequest, capture Transfer, ref string, out Refunded,
) (Refunded, bool, error) {
	back := money.Money{Currency: capture.Currency, Units: in.Amount}
	tr := s.transfer(TransferRefund, capture.CreditAccountID, capture.DebitAccountID, back, RefRefund, ref)
	tr.Reason = in.Reason
	tr.Metadata = json.RawMessage(`{"taskId":"` + in.TaskID.String() + `"}`)
	if err := s.store.TransferPost(ctx, t, tr); err != nil {
		return Refunded{}, false, err
	}
	out.Entry, out.Left = entryOf(*tr, out.Before), out.Left-in.Amount
	out.After = out.Before
	out.After.Posted += in.Amount
	return out, true, s.announceBalance(ctx, t, by, "wallet.refunded", in.Reason, out.Before, out.After, map[string]any{
		"taskId": in.TaskID.String(), "amount": in.Amount.Text(capture.Currency), "idempotencyKey": in.IdempotencyKey,
	})
}

// announceBalance tells who moved a wallet's balance, from what to what.
func (s *Service) announceBalance(
	ctx context.Context, t tx.Tx, by event.Actor, action, reason string, before, after Account, metadata map[string]any,
) error {
	state := func(a Account) map[string]string {
		return map[string]string{
			"currency": string(a.Currency), "balance": a.Posted.Text(a.Currency), "overdraft": a.Overdraft.Text(a.Currency),
		}
	}
	return s.bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "wallet", Action: action, TargetType: "wallet", TargetID: before.ID.String(),
		TargetTenantID: before.TenantID, TargetUserID: before.UserID, Before: state(before), After: state(after),
		Reason: reason, Metadata: metadata,
	})
}
