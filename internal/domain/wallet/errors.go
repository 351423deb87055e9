package wallet

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// What can go wrong with money.
var (
	ErrInsufficient = fault.New(402, "insufficient_balance", "The wallet's balance does not cover the cost of this request.")
	ErrNoWallet     = fault.New(402, "wallet_missing", "There is no wallet in the currency of this model's price.")
	ErrDisabled     = fault.New(402, "wallet_disabled", "The wallet is disabled.")
	ErrFrozen       = fault.New(409, "conflict", "The balance cannot be set below the frozen amount.")
	ErrNegative     = fault.New(400, "negative_balance", "A balance cannot be set below zero.")
	ErrPrecision    = fault.New(400, "amount_precision", "The amount has more decimal places than the currency.")
	ErrAmount       = fault.New(400, "amount_invalid", "The amount is not a valid decimal number.")
	ErrCurrency     = fault.New(400, "currency_unsupported", "The currency is not supported.")
	ErrBilling      = fault.New(503, "billing_unavailable", "Billing is not available; no request can be served now.")
	ErrRefund       = fault.New(409, "refund_exceeds_charge", "The refund is more than what is left of the charge.")
	ErrOverdraft    = fault.New(409, "overdraft_in_use", "A wallet is further below zero than the overdraft would allow.")
	ErrPolicy       = fault.New(400, "policy_invalid", "The overdraft policy is not valid.")
	errKeyReused    = fault.New(409, "idempotency_conflict", "The idempotency key was used for another change.").At("idempotencyKey")
)
