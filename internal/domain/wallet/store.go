package wallet

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Store is what the wallet asks of storage; for errors see identity.Store.
type Store interface {
	tx.Runner

	// AccountEnsure returns the account with v's code and currency, inserting v if there is none.
	AccountEnsure(ctx context.Context, t tx.Tx, v *Account) (Account, error)
	AccountByID(ctx context.Context, t tx.Tx, account id.ID) (Account, error) // t may be nil
	// AccountLock is AccountByID, and keeps everybody else from moving the account until t ends.
	AccountLock(ctx context.Context, t tx.Tx, account id.ID) (Account, error)
	// WalletOf returns the user's wallet in a currency, fault.ErrNotFound when there is none; t may be nil.
	WalletOf(ctx context.Context, t tx.Tx, user id.ID, c money.Currency) (Account, error)
	// WalletsOf returns the wallets of the users, ordered by user and currency.
	WalletsOf(ctx context.Context, users ...id.ID) ([]Account, error)

	// TransferPost inserts the transfer and moves both balances. A second transfer with the same RefType, RefID and Kind
	// is fault.ErrConflict and moves nothing. A wallet that would fall below its overdraft is ErrInsufficient.
	// Kinds whose Credits is true move a wallet's Credited, capture moves its Spent.
	TransferPost(ctx context.Context, t tx.Tx, v *Transfer) error
	TransferByRef(ctx context.Context, refType, refID string) ([]Transfer, error)
	// EntryList returns a user's transfers as seen from its wallets, the newest first.
	EntryList(ctx context.Context, q EntryQuery) (page.Page[Entry], error)

	// LedgerLock keeps everybody else from posting until the transaction ends, so that what is read after it stays true.
	// It comes before the rows of accounts.
	LedgerLock(ctx context.Context, t tx.Tx) error
	// RefundsOf returns the refunds of a task, the oldest first.
	RefundsOf(ctx context.Context, t tx.Tx, task id.ID) ([]Transfer, error)

	// GrantInsert sets v.Number. A second grant with the same AccountID and Key is fault.ErrConflict.
	GrantInsert(ctx context.Context, t tx.Tx, v *Grant) error
	// GrantByKey returns the account's grant with an idempotency key. Error: fault.ErrNotFound.
	GrantByKey(ctx context.Context, t tx.Tx, account id.ID, key string) (Grant, error)
	GrantByID(ctx context.Context, t tx.Tx, grant id.ID) (Grant, error)
	// GrantsOpen returns the account's grants that expire and are not closed, the soonest-expiring first.
	GrantsOpen(ctx context.Context, t tx.Tx, account id.ID) ([]Grant, error)
	// GrantsDue returns at most limit open grants with ExpiresAt ≤ now, the soonest-expiring first.
	GrantsDue(ctx context.Context, now time.Time, limit int) ([]Grant, error)
	// GrantUpdate writes Spent, Returned, Through and ClosedAt.
	GrantUpdate(ctx context.Context, t tx.Tx, v *Grant) error
	// CapturesAfter calls visit for each capture from the account with a number above after, in order. visit must not use
	// the transaction.
	CapturesAfter(ctx context.Context, t tx.Tx, account id.ID, after int64, visit func(*Transfer)) error

	// OverdraftSet changes what a wallet may fall below zero. Error: ErrInsufficient when it is below that already.
	OverdraftSet(ctx context.Context, t tx.Tx, account id.ID, amount money.Amount) error
	// WalletsOfTenant returns the tenant's wallets in a currency.
	WalletsOfTenant(ctx context.Context, tenant id.ID, c money.Currency) ([]Account, error)
	// TenantPolicies returns the policies of a tenant, nil when there is no such tenant.
	TenantPolicies(ctx context.Context, t tx.Tx, tenant id.ID) (json.RawMessage, error)

	// StatementTotals sums an account's transfers before and within a period.
	StatementTotals(ctx context.Context, account id.ID, from, to time.Time) (StatementTotals, error)
	// StatementRows calls visit for each of the account's transfers of a period with a number up to last, in the order of
	// their times and numbers, until visit returns false.
	StatementRows(ctx context.Context, account id.ID, from, to time.Time, last int64, visit func(*Transfer) bool) error

	// Totals sums the books, for proofs: per currency the sum of all Posted, and how many accounts differ from the sum
	// of their transfers.
	Totals(ctx context.Context) ([]Total, error)
}

// Entry is a transfer as seen from one wallet.
type Entry struct {
	Transfer
	AccountID     id.ID
	TenantID      id.ID
	UserID        id.ID
	Credit        bool // money came in
	BalanceBefore money.Amount
	BalanceAfter  money.Amount
}

// EntryQuery selects entries. Zero fields do not restrict, except User.
type EntryQuery struct {
	User id.ID
	// Text is a task, a grant or the request id of a call, each as a whole; else part of the reason, the kind, or a reference
	// that is no task.
	Text      string
	Direction string // "credit" or "debit"
	Kind      TransferKind
	Currency  money.Currency
	From, To  time.Time
	Page      page.Request
}

// Total is the state of the books in one currency.
type Total struct {
	Currency  money.Currency
	Posted    money.Amount // must be 0
	Held      money.Amount
	Accounts  int64
	Transfers int64
	Differing int64 // must be 0
}
