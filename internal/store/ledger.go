package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// chainLock is the key of the PostgreSQL advisory lock under which the ledger is written. Everybody takes it before the
// rows of accounts, and those in the order of their ids, so that two writers never wait for each other.
const chainLock = 0x67616e747279

// errPosted refuses a transfer whose reference was posted before.
var errPosted = fault.ErrConflict.At("refId")

// ledger posts transfers in one transaction. What it would write is computed first, so the refusal of a single transfer
// writes nothing and leaves the transaction usable in both databases.
type ledger struct {
	database *database
	t        *transaction
	accounts map[id.ID]*balance
	last     batchRow
}

// balance is an account as it will be, and how it was changed.
type balance struct {
	accountRow
	posted, credited, spent money.Amount
	debits, credits         int64 // how many transfers
}

type batchRow struct {
	bun.BaseModel `bun:"table:ledger_batch"`

	Number        int64
	At            stamp
	FirstTransfer int64
	LastTransfer  int64
	Count         int64
	PrevHash      []byte
	Hash          []byte
}

// post writes the transfers as one batch of the chain and fills in their numbers and balances. A reference that exists
// already, or comes twice, is fault.ErrConflict.
func (d *database) post(ctx context.Context, t *transaction, transfers []*wallet.Transfer) error {
	l := &ledger{database: d, t: t, accounts: map[id.ID]*balance{}}
	for _, step := range []func(context.Context, []*wallet.Transfer) error{
		l.lock, l.refuseKnown, l.accountsLoad, l.compute, l.transfersInsert, l.accountsUpdate, l.batchInsert,
	} {
		if err := step(ctx, transfers); err != nil {
			return failure(err)
		}
	}
	return nil
}

// lock keeps other writers out until the transaction ends, and reads the end of the chain. SQLite has one writer anyway.
func (l *ledger) lock(ctx context.Context, _ []*wallet.Transfer) error {
	if l.database.engine == postgres {
		if _, err := l.t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(chainLock)); err != nil {
			return err
		}
	}
	l.last.Hash = make([]byte, sha256.Size)
	err := l.t.NewSelect().Model(&l.last).Order("number DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the first batch
	}
	return err
}

// refuseKnown looks for a reference that has been posted, so that a repetition is told from a lack of money. A batch needs
// no look: it follows tasks that were not there before, and transfersInsert finds what is posted in any case.
func (l *ledger) refuseKnown(ctx context.Context, transfers []*wallet.Transfer) error {
	if len(transfers) > 1 {
		return nil
	}
	v := transfers[0]
	known, err := l.t.NewSelect().Table("transfer").
		Where("ref_type = ? AND ref_id = ? AND kind = ?", v.RefType, v.RefID, v.Kind).Exists(ctx)
	if err == nil && known {
		err = errPosted
	}
	return err
}

// accountsLoad reads and locks every account that the transfers name.
func (l *ledger) accountsLoad(ctx context.Context, transfers []*wallet.Transfer) error {
	var rows []accountRow
	query := l.t.NewSelect().Model(&rows).Where("id IN (?)", bun.List(accountsOf(transfers))).Order("id")
	if l.database.engine == postgres {
		query.For("NO KEY UPDATE")
	}
	if err := query.Scan(ctx); err != nil {
		return err
	}
	for _, r := range rows {
		l.accounts[r.ID] = &balance{accountRow: r}
	}
	return nil
}

// accountsOf lists the accounts once each, in the order of their ids.
func accountsOf(transfers []*wallet.Transfer) []id.ID {
	accounts := make([]id.ID, 0, 2*len(transfers))
	for _, v := range transfers {
		accounts = append(accounts, v.DebitAccountID, v.CreditAccountID)
	}
	slices.SortFunc(accounts, compareIDs)
	return slices.Compact(accounts)
}

// compute moves the balances in memory, one transfer after the other, and checks what the schema will check.
func (l *ledger) compute(_ context.Context, transfers []*wallet.Transfer) error {
	for i, v := range transfers {
		v.Number = l.last.LastTransfer + int64(i) + 1
		v.At = stampOf(v.At).time()
		v.RefType, v.RefID, v.Reason = clean(v.RefType), clean(v.RefID), clean(v.Reason)
		if v.Metadata != nil {
			v.Metadata = []byte(clean(string(v.Metadata)))
		}
		if err := l.move(v); err != nil {
			return err
		}
	}
	for _, a := range l.accounts {
		if a.Kind == wallet.KindWallet && !a.covered() {
			return wallet.ErrInsufficient.With("accountId", a.ID.String())
		}
	}
	return nil
}

func (l *ledger) move(v *wallet.Transfer) error {
	debit, credit := l.accounts[v.DebitAccountID], l.accounts[v.CreditAccountID]
	switch {
	case debit == nil:
		return fault.ErrInvalid.At("debitAccountId")
	case credit == nil:
		return fault.ErrInvalid.At("creditAccountId")
	case debit == credit:
		return fault.ErrInvalid.At("creditAccountId")
	case debit.Currency != v.Currency || credit.Currency != v.Currency:
		return fault.ErrInvalid.At("currency")
	case v.Amount <= 0:
		return fault.ErrInvalid.At("amount")
	}
	if err := debit.move(v.Kind, -v.Amount); err != nil {
		return err
	}
	err := credit.move(v.Kind, v.Amount)
	v.DebitAfter, v.CreditAfter = debit.Posted, credit.Posted
	return err
}

// move changes the balance by amount, and a wallet's totals as the kind says. Error: money.ErrOverflow.
func (b *balance) move(kind wallet.TransferKind, amount money.Amount) (err error) {
	if b.Posted, err = b.Posted.Add(amount); err != nil {
		return fmt.Errorf("account %s: %w", b.ID, err)
	}
	b.posted += amount
	if amount < 0 {
		b.debits++
	} else {
		b.credits++
	}
	if b.Kind != wallet.KindWallet {
		return nil
	}
	switch {
	case kind.Credits():
		b.credited += amount
	case kind == wallet.TransferCapture:
		b.spent -= amount
	}
	return nil
}

// covered reports whether what is posted and the overdraft cover what is held.
func (b *balance) covered() bool {
	spendable, err := b.Posted.Add(b.Overdraft)
	return err != nil || spendable >= b.Held // an overflow is above every hold
}

// transfersInsert finds references that are posted already, or come twice among the transfers.
func (l *ledger) transfersInsert(ctx context.Context, transfers []*wallet.Transfer) error {
	rows := make([][]any, len(transfers))
	for i, v := range transfers {
		rows[i] = transferValues(v)
	}
	inserted, err := l.database.execEach(ctx, l.t, transferInsert, rows)
	if err == nil && slices.Contains(inserted, 0) {
		err = errPosted
	}
	return err
}

var accountMove = newStatement(`UPDATE account
	SET posted = posted + ?, credited = credited + ?, spent = spent + ?, debits = debits + ?, credits = credits + ?,
	updated_at = ? WHERE id = ?`)

// accountsUpdate writes one row per account, however many transfers moved it, as a difference: others may have moved
// what is held meanwhile.
func (l *ledger) accountsUpdate(ctx context.Context, transfers []*wallet.Transfer) error {
	now := arg(stampOf(l.database.clock()))
	var rows [][]any
	for _, account := range accountsOf(transfers) {
		a := l.accounts[account]
		rows = append(rows, []any{int64(a.posted), int64(a.credited), int64(a.spent), a.debits, a.credits, now, arg(account)})
	}
	_, err := l.database.execEach(ctx, l.t, accountMove, rows)
	return err
}

func (l *ledger) batchInsert(ctx context.Context, transfers []*wallet.Transfer) error {
	rows := make([]wallet.Transfer, len(transfers))
	for i, v := range transfers {
		rows[i] = *v
	}
	hash := ChainHash([sha256.Size]byte(l.last.Hash), rows)
	return insert(ctx, l.t, &batchRow{
		Number: l.last.Number + 1, At: stampOf(l.database.clock()),
		FirstTransfer: rows[0].Number, LastTransfer: rows[len(rows)-1].Number, Count: int64(len(rows)),
		PrevHash: l.last.Hash, Hash: hash[:],
	})
}
