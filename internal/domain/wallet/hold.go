package wallet

import (
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Wallet is a wallet in memory. Its methods do no I/O and are safe for concurrent use.
type Wallet struct {
	ID       id.ID
	Currency money.Currency

	limit     sync.Mutex // one change of the overdraft at a time; taken before mu
	mu        sync.Mutex
	posted    money.Amount
	held      money.Amount // of relayed calls under way
	reserved  money.Amount // durable holds of the database
	overdraft money.Amount
	open      int64
	disabled  bool

	// lender is where the money comes from if this node is not the only one; then the fields above stay at 0.
	lender Lender
}

// Hold is money set aside for one call. It ends with exactly one Capture or Release; the zero value holds nothing.
type Hold struct {
	wallet *Wallet
	Amount money.Amount
	// Lease is the lease that the money is set aside in; zero where this node is the only one.
	Lease id.ID
	done  bool
}

// Spendable is what a hold may still take.
func (w *Wallet) Spendable() money.Amount {
	if w.lender != nil {
		return w.lender.Spendable()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.spendable()
}

func (w *Wallet) spendable() money.Amount { return w.posted + w.overdraft - w.held - w.reserved }

// Balance returns what the customer owns and how much of it is held.
func (w *Wallet) Balance() (posted, held money.Amount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posted, w.held + w.reserved
}

func (w *Wallet) holds() (int64, money.Amount) {
	if w.lender != nil {
		return w.lender.Holds()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open, w.held
}

// Hold sets amount aside; amount ≥ 0. Nothing is set aside when it returns an error.
// Codes: insufficient_balance, wallet_disabled; of a leased wallet also billing_unavailable.
func (w *Wallet) Hold(amount money.Amount) (Hold, error) {
	if w.lender != nil {
		return w.borrow(amount)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.disabled {
		return Hold{}, ErrDisabled
	}
	if amount < 0 || w.spendable() < amount {
		return Hold{}, ErrInsufficient
	}
	w.held += amount
	w.open++
	return Hold{wallet: w, Amount: amount}, nil
}

func (w *Wallet) borrow(amount money.Amount) (Hold, error) {
	if amount < 0 {
		return Hold{}, ErrInsufficient
	}
	lease, err := w.lender.Hold(amount)
	if err != nil {
		return Hold{}, err
	}
	return Hold{wallet: w, Amount: amount, Lease: lease}, nil
}

// Capture ends the hold and takes amount from the wallet. What exceeds the hold is taken as far as the wallet affords
// it; the rest is returned as overrun, which Gantry pays. A hold that has ended captures nothing.
func (h *Hold) Capture(amount money.Amount) (captured, overrun money.Amount) {
	w, ok := h.end()
	if !ok {
		return 0, 0
	}
	if w.lender != nil {
		captured = w.lender.End(h.Lease, h.Amount, amount)
		return captured, amount - captured
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= h.Amount
	w.open--
	captured = amount
	if amount > h.Amount {
		captured = min(amount, max(h.Amount, w.spendable()))
	}
	w.posted -= captured
	return captured, amount - captured
}

// Release ends the hold and takes nothing. A hold that has ended stays as it is.
func (h *Hold) Release() { h.Capture(0) }

// Open reports whether the hold has not ended yet.
func (h *Hold) Open() bool { return h.wallet != nil && !h.done }

func (h *Hold) end() (*Wallet, bool) {
	if h.wallet == nil || h.done {
		return nil, false
	}
	h.done = true
	return h.wallet, true
}

// credit adds to what is posted, after the database has it.
func (w *Wallet) credit(amount money.Amount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posted += amount
}
