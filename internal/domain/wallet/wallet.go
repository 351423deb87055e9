// Package wallet holds the money: accounts, the transfers between them, and the holds of calls that are under way.
package wallet

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// AccountKind tells what an account stands for. Source: MONEY section 2.
type AccountKind string

// The kinds. A customer's wallet is a liability; the others are Gantry's own books.
const (
	KindWallet   AccountKind = "wallet"
	KindRevenue  AccountKind = "revenue"
	KindGrant    AccountKind = "grant"
	KindAdjust   AccountKind = "adjust"
	KindWriteoff AccountKind = "writeoff"
	KindClearing AccountKind = "clearing"
	KindSupplier AccountKind = "supplier"
)

// Codes of Gantry's own accounts; with a currency each names one row.
const (
	CodeRevenueUsage    = "revenue:usage"
	CodeGrantPromo      = "grant:promo"
	CodeAdjustAdmin     = "adjust:admin"
	CodeWriteoffOverrun = "writeoff:overrun"
	CodeWriteoffCrash   = "writeoff:crash"
)

// Account is one account in one currency. Posted is the sum of what was credited minus what was debited, for every kind,
// so the Posted of all accounts of a currency sum to zero.
type Account struct {
	ID       id.ID
	Number   int64
	Code     string // "wallet:<id>" for wallets, else one of the codes above; unique with Currency
	Kind     AccountKind
	Currency money.Currency
	TenantID id.ID // zero for Gantry's own
	UserID   id.ID // zero for Gantry's own
	Posted   money.Amount
	// Held is what durable holds and leases keep; holds of relayed calls on a single node live in memory (see Book).
	Held      money.Amount
	Overdraft money.Amount
	// Credited and Spent are totals since the beginning: what came in by recharge, grant or adjustment, less what of a
	// grant expired; and what calls have cost.
	Credited  money.Amount
	Spent     money.Amount
	Status    string // "active" or "disabled"
	Metadata  json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TransferKind says why money moved; with its reference it is unique.
type TransferKind string

// The kinds of transfers. Contracts show them as transactionType.
const (
	TransferCapture    TransferKind = "capture"
	TransferOverrun    TransferKind = "overrun"
	TransferGrant      TransferKind = "grant"
	TransferAdjustment TransferKind = "adjustment"
	TransferRecharge   TransferKind = "recharge"
	TransferRefund     TransferKind = "refund"
	TransferExpiry     TransferKind = "expiry"
)

// Credits reports whether transfers of this kind move a wallet's Credited.
func (k TransferKind) Credits() bool {
	switch k {
	case TransferGrant, TransferAdjustment, TransferRecharge, TransferExpiry:
		return true
	case TransferCapture, TransferOverrun, TransferRefund:
	}
	return false
}

// Types of references that more than one package knows.
const (
	RefTask   = "task"   // RefID is the task
	RefRefund = "refund" // RefID is the task, a colon and the refund's idempotency key
	RefGrant  = "grant"  // RefID is the grant
)

// Transfer moves Amount from the debited to the credited account. It is one row and cannot be unbalanced; it is never
// changed. DebitAfter and CreditAfter are the balances right after it, filled in when it is posted.
type Transfer struct {
	ID              id.ID
	Number          int64
	At              time.Time
	Kind            TransferKind
	Currency        money.Currency
	Amount          money.Amount // > 0
	DebitAccountID  id.ID
	CreditAccountID id.ID
	DebitAfter      money.Amount
	CreditAfter     money.Amount
	RefType         string // "task", "user", "order", "adjustment", "refund", "grant"
	RefID           string
	HoldAmount      money.Amount // of a capture: what had been held
	Reason          string
	Metadata        json.RawMessage
}
