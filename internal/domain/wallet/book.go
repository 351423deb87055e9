package wallet

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Book keeps the wallets that calls are paid from in memory, so that a hold costs no I/O. The database knows what was
// posted; the book also knows what is posted but not written yet, and what is held.
//
// The book is the authority on one node, which is the only writer. Where there are several, NewLeasedBook returns one whose
// wallets spend what the database has lent to this node. Source: MONEY sections 4 and 5.
type Book struct {
	store  Store
	now    clock.Clock
	shards [bookShards]bookShard
	load   singleflight.Group
	lend   func(Account) Lender // nil where this node is the only one
}

const (
	bookShards = 64
	// missingFor is how long a wallet that does not exist is not looked for again; making one forgets that at once.
	missingFor = 2 * time.Second
)

type bookShard struct {
	mu      sync.RWMutex
	wallets map[bookKey]bookEntry
}

type bookKey struct {
	user     id.ID
	currency money.Currency
}

// bookEntry is a wallet, or the knowledge until when there is none.
type bookEntry struct {
	wallet  *Wallet
	missing time.Time
}

// NewBook returns an empty book over the store.
func NewBook(s Store, now clock.Clock) *Book {
	b := &Book{store: s, now: now}
	for i := range b.shards {
		b.shards[i].wallets = map[bookKey]bookEntry{}
	}
	return b
}

// Wallet returns the user's wallet in a currency. Only the first call for a wallet reads the database.
// Codes: wallet_missing, billing_unavailable.
func (b *Book) Wallet(ctx context.Context, user id.ID, c money.Currency) (*Wallet, error) {
	key := bookKey{user, c}
	s := b.shard(key)
	s.mu.RLock()
	e, ok := s.wallets[key]
	s.mu.RUnlock()
	if ok && e.wallet != nil {
		return e.wallet, nil
	}
	if ok && b.now().Before(e.missing) {
		return nil, ErrNoWallet.With("currency", string(c))
	}
	return b.fetch(ctx, s, key)
}

func (b *Book) fetch(ctx context.Context, s *bookShard, key bookKey) (*Wallet, error) {
	v, err, _ := b.load.Do(key.user.String()+string(key.currency), func() (any, error) {
		account, err := b.store.WalletOf(context.WithoutCancel(ctx), nil, key.user, key.currency)
		if errors.Is(err, fault.ErrNotFound) {
			s.put(key, bookEntry{missing: b.now().Add(missingFor)})
			return nil, ErrNoWallet.With("currency", string(key.currency))
		}
		if err != nil {
			return nil, ErrBilling.Because(err)
		}
		return s.keep(key, account, b.lend), nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*Wallet), nil //nolint:forcetypeassert // made above
}

// Forget drops the knowledge that a wallet does not exist, after it was made.
func (b *Book) Forget(user id.ID, c money.Currency) {
	key := bookKey{user, c}
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wallets[key].wallet == nil {
		delete(s.wallets, key)
	}
}

// Loaded returns the user's wallet if it is in memory, else nil.
func (b *Book) Loaded(user id.ID, c money.Currency) *Wallet {
	key := bookKey{user, c}
	s := b.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.wallets[key].wallet
}

// Holds returns how many holds are open and their sum over all wallets: both are zero at rest.
func (b *Book) Holds() (open int64, units money.Amount) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		for _, e := range s.wallets {
			if e.wallet != nil {
				n, held := e.wallet.holds()
				open, units = open+n, units+held
			}
		}
		s.mu.RUnlock()
	}
	return open, units
}

func (b *Book) shard(k bookKey) *bookShard { return &b.shards[k.user[15]%bookShards] }

func (s *bookShard) put(key bookKey, e bookEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wallets[key] = e
}

// keep files a wallet unless a concurrent load already did: holds must all meet in one object.
func (s *bookShard) keep(key bookKey, a Account, lend func(Account) Lender) *Wallet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.wallets[key]; e.wallet != nil {
		return e.wallet
	}
	w := &Wallet{ID: a.ID, Currency: a.Currency}
	if lend != nil {
		w.lender = lend(a)
	} else {
		w.posted, w.reserved, w.overdraft = a.Posted, a.Held, a.Overdraft
		w.disabled = a.Status != "" && a.Status != "active"
	}
	s.wallets[key] = bookEntry{wallet: w}
	return w
}
