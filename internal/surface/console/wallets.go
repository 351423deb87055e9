package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// errWallet says that there is no wallet where one is to be changed; callers of models hear 402 of the same.
var errWallet = fault.New(http.StatusNotFound, "wallet_missing", "The user has no wallet in this currency.").At("currency")

const maxReason = 500

func (s *Surface) listWallets(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.owner(call)
	if err != nil {
		return err
	}
	accounts, err := s.Wallets.Accounts(call.Context(), user.ID)
	if err != nil {
		return err
	}
	out := api.UserWalletList{Items: make([]api.UserWallet, len(accounts))}
	for i := range accounts {
		out.Items[i] = showWallet(&accounts[i])
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// owner is the user whom the path names.
func (s *Surface) owner(call *httpx.Call) (identity.User, error) {
	user, err := pathID(call, "userID")
	if err != nil {
		return identity.User{}, err
	}
	return s.Identity.User(call.Context(), user)
}

func showWallet(a *wallet.Account) api.UserWallet {
	c, spendable := a.Currency, a.Posted-a.Held+a.Overdraft
	return api.UserWallet{
		Id: a.ID.String(), Currency: string(c), Balance: money.NumberOf(a.Posted, c), BalanceText: a.Posted.Text(c),
		FrozenBalance: money.NumberOf(a.Held, c), FrozenBalanceText: a.Held.Text(c),
		Overdraft: money.NumberOf(a.Overdraft, c), OverdraftText: a.Overdraft.Text(c),
		Spendable: money.NumberOf(spendable, c), SpendableText: spendable.Text(c),
	}
}

// grantToWallet gives to a wallet.
func (s *Surface) grantToWallet(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.owner(call)
	if err != nil {
		return err
	}
	var in api.WalletGrantInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	request := wallet.GrantRequest{
		UserID: user.ID, TenantID: user.TenantID, Currency: s.currency(in.Currency), Reason: in.Reason, IdempotencyKey: in.IdempotencyKey,
	}
	if request.Amount, err = readAmount(in.Amount, request.Currency); err != nil {
		return err
	}
	if err := firstOf(checkReason("reason", in.Reason), checkReason("idempotencyKey", in.IdempotencyKey)); err != nil {
		return err
	}
	if request.ExpiresAt, err = readExpiry(in.ExpiresAt); err != nil {
		return err
	}
	done, err := s.Wallets.Grant(call.Context(), call.Actor(), request)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusCreated, api.WalletChange{
		Before: showWallet(&done.Before), After: showWallet(&done.After), GrantId: done.Grant.ID.String(),
		ExpiresAt: httpx.Time(done.Grant.ExpiresAt),
	})
}

// refundToWallet gives a part of a charge back to the wallet that it was taken from.
func (s *Surface) refundToWallet(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.owner(call)
	if err != nil {
		return err
	}
	var in api.WalletRefundInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	if err := firstOf(checkReason("reason", in.Reason), checkReason("idempotencyKey", in.IdempotencyKey)); err != nil {
		return err
	}
	request, currency, err := s.refundOf(call, user.ID, &in)
	if err != nil {
		return err
	}
	done, err := s.Wallets.Refund(call.Context(), call.Actor(), request)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusCreated, api.WalletChange{
		Before: showWallet(&done.Before), After: showWallet(&done.After), TransactionId: done.Entry.ID.String(),
		Left: money.NumberOf(done.Left, currency), LeftText: done.Left.Text(currency),
	})
}

// refundOf reads what is to be given back. The call must be the user's: another one's is as unknown as none.
func (s *Surface) refundOf(
	call *httpx.Call, user id.ID, in *api.WalletRefundInput,
) (wallet.RefundRequest, money.Currency, error) {
	task, err := id.Parse(in.TaskId)
	if err != nil {
		return wallet.RefundRequest{}, "", fault.ErrInvalid.Saying("This is not an id.").At("taskId")
	}
	t, err := s.Tasks.TaskByID(call.Context(), user, task)
	if errors.Is(err, fault.ErrNotFound) {
		return wallet.RefundRequest{}, "", fault.ErrNotFound.Saying("The user made no such call.").At("taskId")
	}
	if err != nil {
		return wallet.RefundRequest{}, "", err
	}
	if t.Currency == "" {
		return wallet.RefundRequest{}, "", fault.ErrNotFound.Saying("The call was not charged.").At("taskId")
	}
	amount, err := readAmount(in.Amount, t.Currency)
	return wallet.RefundRequest{
		TaskID: task, Amount: amount, Reason: in.Reason, IdempotencyKey: in.IdempotencyKey,
	}, t.Currency, err
}

// setOverdraft sets how far below zero a wallet may fall.
func (s *Surface) setOverdraft(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.owner(call)
	if err != nil {
		return err
	}
	var in api.WalletOverdraftInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	if err := checkReason("reason", in.Reason); err != nil {
		return err
	}
	request := wallet.SetOverdraft{UserID: user.ID, Currency: s.currency(in.Currency), Reason: in.Reason}
	if request.Amount, err = readAmount(in.Amount, request.Currency); err != nil {
		return err
	}
	after, err := s.Wallets.SetOverdraft(call.Context(), call.Actor(), request)
	if errors.Is(err, wallet.ErrNoWallet) {
		return errWallet
	}
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, showWallet(&after))
}

func (s *Surface) currency(named string) money.Currency {
	if named == "" {
		return s.Wallets.Primary()
	}
	return money.Currency(named)
}

// readAmount reads an amount, which is not negative. Codes: currency_unsupported, amount_precision, amount_invalid.
func readAmount(n money.Number, c money.Currency) (money.Amount, error) {
	if !c.Known() {
		return 0, wallet.ErrCurrency.At("currency")
	}
	amount, err := n.Amount(c)
	switch {
	case errors.Is(err, money.ErrPrecision):
		return 0, wallet.ErrPrecision.At("amount")
	case err != nil || amount < 0:
		return 0, wallet.ErrAmount.At("amount")
	}
	return amount, nil
}

// checkReason wants a text: who reads the audit log wants to know why, and a repetition must not do something twice.
func checkReason(path, text string) error {
	if strings.TrimSpace(text) == "" {
		return fault.ErrInvalid.Saying("This is required.").At(path)
	}
	return identity.CheckText(path, text, maxReason)
}

func readExpiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.ErrInvalid.Saying("A time is RFC 3339 or a date.").At("expiresAt")
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
