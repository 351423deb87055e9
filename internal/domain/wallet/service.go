package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Service changes wallets and reads them. Calls are paid through the Book.
type Service struct {
	store   Store
	book    *Book
	bus     *event.Bus
	now     clock.Clock
	grants  []money.Money
	primary money.Currency
	flush   func(context.Context) error
	// expiring is held while a grant is expired: see expire.
	expiring sync.Mutex
}

// Options of a Service.
type Options struct {
	Store Store
	Book  *Book
	Bus   *event.Bus
	Now   clock.Clock
	// Primary is the currency of a user's main wallet; Welcome is what a new user is granted, per currency.
	Primary money.Currency
	Welcome []money.Money
	// Flush waits until everything that was captured is in the database.
	Flush func(context.Context) error
}

// NewService returns a service.
func NewService(o Options) *Service {
	return &Service{
		store: o.Store, book: o.Book, bus: o.Bus, now: o.Now, grants: o.Welcome, primary: o.Primary, flush: o.Flush,
	}
}

// Primary is the currency of a user's main wallet.
func (s *Service) Primary() money.Currency { return s.primary }

// WelcomeTx makes a new user's wallets and grants what every new user is given.
func (s *Service) WelcomeTx(ctx context.Context, t tx.Tx, tenant, user id.ID) error {
	if _, err := s.ensure(ctx, t, tenant, user, s.primary); err != nil {
		return err
	}
	for _, g := range s.grants {
		account, err := s.ensure(ctx, t, tenant, user, g.Currency)
		if err != nil {
			return err
		}
		if g.Units <= 0 {
			continue
		}
		own, err := s.own(ctx, t, CodeGrantPromo, KindGrant, g.Currency)
		if err != nil {
			return err
		}
		if err := s.store.TransferPost(ctx, t, s.transfer(TransferGrant, own.ID, account.ID, g, "user", user.String())); err != nil {
			return err
		}
	}
	return nil
}

// Accounts returns the users' wallets with what calls under way have done to them.
func (s *Service) Accounts(ctx context.Context, users ...id.ID) ([]Account, error) {
	accounts, err := s.store.WalletsOf(ctx, users...)
	if err != nil {
		return nil, err
	}
	for i := range accounts {
		s.live(&accounts[i])
	}
	return accounts, nil
}

// live replaces stored balances by those in memory, which are ahead of them, unless the database has the last word.
func (s *Service) live(a *Account) {
	w := s.book.Loaded(a.UserID, a.Currency)
	if w == nil || w.lender != nil {
		return
	}
	posted, held := w.Balance()
	a.Spent += a.Posted - posted
	a.Posted, a.Held = posted, held
}

// Entries lists the user's transfers.
func (s *Service) Entries(ctx context.Context, q EntryQuery) (page.Page[Entry], error) {
	return s.store.EntryList(ctx, q)
}

// TransfersOf returns the transfers that refer to an object, such as ("task", id), the oldest first.
func (s *Service) TransfersOf(ctx context.Context, refType, refID string) ([]Transfer, error) {
	return s.store.TransferByRef(ctx, refType, refID)
}

// SetBalance asks that a wallet hold exactly Target. The same IdempotencyKey changes the balance once.
type SetBalance struct {
	UserID         id.ID
	TenantID       id.ID
	Currency       money.Currency
	Target         money.Amount
	Reason         string
	IdempotencyKey string
	Metadata       json.RawMessage
}

// Adjustment is what SetBalance did. Entry is empty when the wallet already held the target.
type Adjustment struct {
	Before, After Account
	Entry         Entry
}

// SetBalance posts the difference between the target and what the wallet holds now, making the wallet if there is none.
// Codes: negative_balance, conflict (below what is frozen), currency_unsupported, idempotency_conflict.
func (s *Service) SetBalance(ctx context.Context, by event.Actor, in SetBalance) (Adjustment, error) {
	if in.Target < 0 {
		return Adjustment{}, ErrNegative.At("balance")
	}
	if !in.Currency.Known() {
		return Adjustment{}, ErrCurrency.At("currency")
	}
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = id.At(s.now()).String()
	}
	ref := in.UserID.String() + ":" + in.IdempotencyKey
	if done, err := s.adjusted(ctx, in, ref); err != nil || done != nil {
		if done == nil {
			return Adjustment{}, err
		}
		return *done, err
	}
	// What was captured before must stand before the adjustment in the ledger, so that its balances read in order.
	if err := s.flush(ctx); err != nil {
		return Adjustment{}, ErrBilling.Because(err)
	}
	w, err := s.wallet(ctx, in)
	if err != nil {
		return Adjustment{}, err
	}
	return s.adjust(ctx, by, in, w, ref)
}

// adjusted returns the outcome of an earlier call with the same key, nil if there was none.
func (s *Service) adjusted(ctx context.Context, in SetBalance, ref string) (*Adjustment, error) {
	earlier, err := s.store.TransferByRef(ctx, "adjustment", ref)
	if err != nil || len(earlier) == 0 {
		return nil, err
	}
	t := earlier[0]
	account, err := s.store.WalletOf(ctx, nil, in.UserID, in.Currency)
	if err != nil || t.Currency != in.Currency {
		return nil, errKeyReused.Because(err)
	}
	e := entryOf(t, account)
	if e.BalanceAfter != in.Target {
		return nil, errKeyReused
	}
	before, after := account, account
	before.Posted, after.Posted = e.BalanceBefore, e.BalanceAfter
	return &Adjustment{Before: before, After: after, Entry: e}, nil
}

func (s *Service) wallet(ctx context.Context, in SetBalance) (*Wallet, error) {
	w, err := s.book.Wallet(ctx, in.UserID, in.Currency)
	if !errors.Is(err, ErrNoWallet) {
		return w, err
	}
	err = s.store.InTx(ctx, func(t tx.Tx) error {
		_, err := s.ensure(ctx, t, in.TenantID, in.UserID, in.Currency)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.book.Forget(in.UserID, in.Currency)
	return s.book.Wallet(ctx, in.UserID, in.Currency)
}

// adjust takes what is to go out of the wallet's spendable part first, so that no call can spend it meanwhile, and lets
// come in what is to come in only once the database has it.
func (s *Service) adjust(ctx context.Context, by event.Actor, in SetBalance, w *Wallet, ref string) (Adjustment, error) {
	if w.lender != nil {
		return s.adjustLeased(ctx, by, in, w, ref)
	}
	delta, hold, err := w.toward(in.Target)
	if err != nil {
		return Adjustment{}, err
	}
	defer hold.Release()
	var out Adjustment
	err = s.store.InTx(ctx, func(t tx.Tx) error {
		if out.Before, err = s.store.AccountByID(ctx, t, w.ID); err != nil {
			return err
		}
		if out.Entry, err = s.postDelta(ctx, t, in, out.Before, delta, ref); err != nil {
			return err
		}
		if out.After, err = s.store.AccountByID(ctx, t, w.ID); err != nil {
			return err
		}
		return s.announce(ctx, t, by, in, out)
	})
	if err != nil {
		return Adjustment{}, err
	}
	if delta > 0 {
		w.credit(delta)
	} else {
		hold.Capture(-delta)
	}
	s.live(&out.After)
	return out, nil
}

// toward returns the difference to a target and, when it is negative, a hold of it.
func (w *Wallet) toward(target money.Amount) (money.Amount, Hold, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if target < w.held+w.reserved {
		return 0, Hold{}, ErrFrozen.With("frozen", (w.held + w.reserved).Text(w.Currency))
	}
	delta, err := target.Sub(w.posted)
	if err != nil {
		return 0, Hold{}, ErrAmount.Because(err).At("balance")
	}
	if delta >= 0 {
		return delta, Hold{}, nil
	}
	w.held -= delta
	w.open++
	return delta, Hold{wallet: w, Amount: -delta}, nil
}

func (s *Service) postDelta(
	ctx context.Context, t tx.Tx, in SetBalance, account Account, delta money.Amount, ref string,
) (Entry, error) {
	if delta == 0 {
		return Entry{AccountID: account.ID, BalanceBefore: account.Posted, BalanceAfter: account.Posted}, nil
	}
	own, err := s.own(ctx, t, CodeAdjustAdmin, KindAdjust, in.Currency)
	if err != nil {
		return Entry{}, err
	}
	debit, credit, amount := own.ID, account.ID, delta
	if delta < 0 {
		debit, credit, amount = credit, debit, -delta
	}
	tr := s.transfer(TransferAdjustment, debit, credit, money.Money{Currency: in.Currency, Units: amount}, "adjustment", ref)
	tr.Reason, tr.Metadata = in.Reason, in.Metadata
	if err := s.store.TransferPost(ctx, t, tr); err != nil {
		return Entry{}, err
	}
	return entryOf(*tr, account), nil
}

func (s *Service) announce(ctx context.Context, t tx.Tx, by event.Actor, in SetBalance, out Adjustment) error {
	state := func(a Account) map[string]string {
		return map[string]string{"currency": string(a.Currency), "balance": a.Posted.Text(a.Currency)}
	}
	return s.bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "wallet", Action: "wallet.balance_set", TargetType: "wallet", TargetID: out.Before.ID.String(),
		TargetTenantID: out.Before.TenantID, TargetUserID: in.UserID, Before: state(out.Before), After: state(out.After),
		Reason: in.Reason, Metadata: map[string]any{"idempotencyKey": in.IdempotencyKey},
	})
}

func (s *Service) transfer(k TransferKind, debit, credit id.ID, m money.Money, refType, refID string) *Transfer {
	now := s.now()
	return &Transfer{
		ID: id.At(now), At: now, Kind: k, Currency: m.Currency, Amount: m.Units, DebitAccountID: debit,
		CreditAccountID: credit, RefType: refType, RefID: refID,
	}
}

func (s *Service) ensure(ctx context.Context, t tx.Tx, tenant, user id.ID, c money.Currency) (Account, error) {
	now := s.now()
	v := newAccount(now, KindWallet, c)
	v.TenantID, v.UserID = tenant, user
	v.Code = "wallet:" + user.String()
	var err error
	if v.Overdraft, err = s.policyOverdraft(ctx, t, tenant, c); err != nil {
		return Account{}, err
	}
	t.AfterCommit(func() { s.book.Forget(user, c) })
	return s.store.AccountEnsure(ctx, t, &v)
}

func (s *Service) own(ctx context.Context, t tx.Tx, code string, kind AccountKind, c money.Currency) (Account, error) {
	v := newAccount(s.now(), kind, c)
	v.Code = code
	return s.store.AccountEnsure(ctx, t, &v)
}

func newAccount(now time.Time, kind AccountKind, c money.Currency) Account {
	return Account{ID: id.At(now), Kind: kind, Currency: c, Status: "active", CreatedAt: now, UpdatedAt: now}
}

// entryOf shows a posted transfer from one of its accounts.
func entryOf(t Transfer, a Account) Entry {
	e := Entry{Transfer: t, AccountID: a.ID, TenantID: a.TenantID, UserID: a.UserID, Credit: t.CreditAccountID == a.ID}
	if e.Credit {
		e.BalanceAfter, e.BalanceBefore = t.CreditAfter, t.CreditAfter-t.Amount
	} else {
		e.BalanceAfter, e.BalanceBefore = t.DebitAfter, t.DebitAfter+t.Amount
	}
	return e
}
