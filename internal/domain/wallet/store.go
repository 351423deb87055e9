package wallet

import (
	"context"
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
	// Kinds grant, adjustment and recharge move a wallet's Credited, capture moves its Spent.
	TransferPost(ctx context.Context, t tx.Tx, v *Transfer) error
	TransferByRef(ctx context.Context, refType, refID string) ([]Transfer, error)
	// EntryList returns a user's transfers as seen from its wallets, the newest first.
	EntryList(ctx context.Context, q EntryQuery) (page.Page[Entry], error)

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
	User      id.ID
	Text      string // part of the reference, the reason or the kind
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
