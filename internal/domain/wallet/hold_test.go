package wallet_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// row is a storage with one wallet.
type row struct {
	wallet.Store

	account wallet.Account
}

func (r row) WalletOf(context.Context, tx.Tx, id.ID, money.Currency) (wallet.Account, error) {
	return r.account, nil
}

// newWallet is a wallet in memory, found in its book.
func newWallet(t *testing.T, posted, overdraft money.Amount) (*wallet.Book, *wallet.Wallet) {
	t.Helper()
	user := id.New()
	b := wallet.NewBook(row{account: wallet.Account{
		ID: id.New(), UserID: user, Currency: money.USD, Posted: posted, Overdraft: overdraft,
	}}, clock.System)
	w, err := b.Wallet(t.Context(), user, money.USD)
	if err != nil {
		t.Fatal(err)
	}
	return b, w
}

// rounds is how often a test that needs luck to fail is made.
func rounds(short, long int) int {
	if os.Getenv("GANTRY_SOAK") != "" {
		return long
	}
	return short
}

// TestAffordsExactlyK lets 500 calls hold at once from a wallet that affords some of them.
func TestAffordsExactlyK(t *testing.T) {
	t.Parallel()
	const calls, price = 500, 7
	for round := range rounds(100, 2000) {
		k := round * 5 % (calls + 1)
		book, w := newWallet(t, money.Amount(k*price+round%price), 0)
		var start, all sync.WaitGroup
		var succeeded, refused atomic.Int64
		start.Add(1)
		for range calls {
			all.Go(func() {
				start.Wait()
				h, err := w.Hold(price)
				if errors.Is(err, wallet.ErrInsufficient) {
					refused.Add(1)
					return
				}
				if captured, overrun := h.Capture(price); err == nil && captured == price && overrun == 0 {
					succeeded.Add(1)
				}
			})
		}
		start.Done()
		all.Wait()
		if succeeded.Load() != int64(k) || refused.Load() != int64(calls-k) {
			t.Errorf("%d of %d calls succeeded and %d were refused, want %d", succeeded.Load(), calls, refused.Load(), k)
		}
		if posted, held := w.Balance(); posted != money.Amount(round%price) || held != 0 {
			t.Errorf("%d is left and %d held", posted, held)
		}
		if open, units := book.Holds(); open != 0 || units != 0 {
			t.Errorf("%d holds of %d are open", open, units)
		}
	}
}

// TestCaptureTakesTheHoldOrAnOverrunRemains is MONEY's P4: what is taken and what remains are the whole charge, more than
// the hold is taken only as far as the wallet affords it, and a hold ends once.
func TestCaptureTakesTheHoldOrAnOverrunRemains(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		amount := func(name string) money.Amount { return money.Amount(rapid.Int64Range(0, 50).Draw(r, name)) }
		posted, overdraft, held, charge := amount("posted"), amount("overdraft"), amount("held"), amount("charge")
		_, w := newWallet(t, posted, overdraft)
		h, err := w.Hold(held)
		if (err == nil) != (held <= posted+overdraft) {
			r.Fatalf("a hold of %d: %v", held, err)
		}
		captured, overrun := h.Capture(charge)
		switch {
		case err != nil && (captured != 0 || overrun != 0):
			r.Fatalf("a hold that failed captured %d", captured)
		case err != nil:
			return
		case captured+overrun != charge || captured < 0 || overrun < 0:
			r.Fatalf("%d and %d are not %d", captured, overrun, charge)
		case charge <= held && overrun != 0:
			r.Fatalf("an overrun of %d for %d within a hold of %d", overrun, charge, held)
		case overrun > 0 && w.Spendable() != 0:
			r.Fatalf("an overrun of %d while %d could be spent", overrun, w.Spendable())
		}
		if again, more := h.Capture(charge); again != 0 || more != 0 || h.Open() {
			r.Fatalf("captured again: %d, %d", again, more)
		}
		if got, _ := w.Balance(); got != posted-captured || w.Spendable() < 0 {
			r.Fatalf("%d is left of %d after %d", got, posted, captured)
		}
	})
}

// TestReadersSeeWhatWasHeldAndTaken is MONEY's P7: while calls hold and capture, every reader sees a balance that was
// there at some moment between its question and its answer. Captures only lower it, so what had been captured for good
// before the question is missing from it, and nothing is that had not begun before the answer.
func TestReadersSeeWhatWasHeldAndTaken(t *testing.T) {
	t.Parallel()
	const balance, overdraft, callers, readers = 10_000, 300, 8, 4
	_, w := newWallet(t, balance, overdraft)
	var begun, ended atomic.Int64 // captured so far: at most, at least
	var reads atomic.Int64
	stop := make(chan struct{})
	var calling, reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			for {
				atLeast := ended.Load()
				posted, held := w.Balance()
				atMost := begun.Load()
				if posted > money.Amount(balance-atLeast) || posted < money.Amount(balance-atMost) {
					t.Errorf("a balance of %d, with between %d and %d captured of %d", posted, atLeast, atMost, balance)
				}
				if held < 0 || posted+overdraft < held || w.Spendable() < 0 {
					t.Errorf("%d with %d held and an overdraft of %d", posted, held, overdraft)
				}
				reads.Add(1)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for caller := range callers {
		calling.Go(func() {
			for i := range rounds(2000, 50_000) {
				h, err := w.Hold(money.Amount(1 + (i+caller)%5))
				if err != nil {
					continue
				}
				if i%3 == 0 {
					h.Release()
					continue
				}
				begun.Add(int64(h.Amount))
				captured, _ := h.Capture(h.Amount)
				ended.Add(int64(captured))
			}
		})
	}
	calling.Wait()
	close(stop)
	reading.Wait()
	if begun.Load() != ended.Load() || reads.Load() < readers {
		t.Errorf("%d begun, %d ended, %d reads", begun.Load(), ended.Load(), reads.Load())
	}
	if posted, held := w.Balance(); posted != money.Amount(balance-ended.Load()) || held != 0 {
		t.Errorf("%d is left and %d held after %d were captured", posted, held, ended.Load())
	}
}
