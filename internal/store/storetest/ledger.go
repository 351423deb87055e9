package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// testLedgerProperties posts random transfers between random accounts and holds the books against a plain sum.
func testLedgerProperties(t *testing.T, w *world) {
	t.Helper()
	users := []identity.User{w.user, w.newUser("eve"), w.newUser("mallory")}
	var accounts []wallet.Account
	for _, u := range users {
		accounts = append(accounts, w.wallet(u, money.USD))
	}
	accounts = append(accounts,
		w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD),
		w.book(wallet.CodeRevenueUsage, wallet.KindRevenue, money.USD))
	want := map[id.ID]money.Amount{}
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(r, "posts") {
			randomPost(r, w, accounts, want)
		}
	})
	for _, a := range accounts {
		got, err := w.Wallet().AccountByID(w.ctx, nil, a.ID)
		w.ok(err)
		same(w, "the balance of "+a.Code, got.Posted, want[a.ID])
	}
	w.balanced()
	for _, u := range users {
		continuous(w, u)
	}
}

// randomPost posts one transfer if the model allows it, and expects a refusal otherwise.
func randomPost(r *rapid.T, w *world, accounts []wallet.Account, want map[id.ID]money.Amount) {
	from := rapid.SampledFrom(accounts).Draw(r, "from")
	to := rapid.SampledFrom(accounts).Draw(r, "to")
	kind := rapid.SampledFrom([]wallet.TransferKind{"capture", "grant", "adjustment", "refund"}).Draw(r, "kind")
	amount := money.Amount(rapid.Int64Range(1, 50).Draw(r, "amount"))
	_, err := w.post(kind, from, to, amount)
	switch {
	case from.ID == to.ID:
		if !errors.Is(err, fault.ErrInvalid) {
			r.Fatalf("a transfer to itself: %v", err)
		}
	case from.Kind == wallet.KindWallet && want[from.ID] < amount:
		if !errors.Is(err, wallet.ErrInsufficient) {
			r.Fatalf("%d from a balance of %d: %v", amount, want[from.ID], err)
		}
	case err != nil:
		r.Fatalf("post: %v", err)
	default:
		want[from.ID] -= amount
		want[to.ID] += amount
	}
}

// continuous proves I8: each entry of a wallet begins where the one before it ended.
func continuous(w *world, u identity.User) {
	w.t.Helper()
	var balance money.Amount
	var entries []wallet.Entry
	for number := 1; ; number++ {
		p, err := w.Wallet().EntryList(w.ctx, wallet.EntryQuery{
			User: u.ID, Page: page.Request{Page: number, Size: page.MaxSize},
		})
		w.ok(err)
		if entries = append(entries, p.Items...); len(p.Items) == 0 {
			break
		}
	}
	for _, e := range slices.Backward(entries) {
		moved := -e.Amount
		if e.Credit {
			moved = e.Amount
		}
		if e.BalanceBefore != balance || e.BalanceAfter != balance+moved {
			w.t.Fatalf("transfer %d goes from %d to %d by %d, but the balance was %d",
				e.Number, e.BalanceBefore, e.BalanceAfter, moved, balance)
		}
		balance = e.BalanceAfter
	}
}

// testConcurrentPosts lets many spend from one wallet at once: exactly as many succeed as it affords.
func testConcurrentPosts(t *testing.T, w *world) {
	t.Helper()
	const workers, each, affords = 6, 5, 17
	mine := w.wallet(w.user, money.USD)
	grant := w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD)
	usage := w.book(wallet.CodeRevenueUsage, wallet.KindRevenue, money.USD)
	w.posted(wallet.TransferGrant, grant, mine, affords*10)
	results := make(chan error, workers*each)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				_, err := w.post(wallet.TransferCapture, mine, usage, 10)
				results <- err
			}
		})
	}
	wg.Wait()
	close(results)
	succeeded := 0
	for err := range results {
		if err == nil {
			succeeded++
		} else if !errors.Is(err, wallet.ErrInsufficient) {
			t.Errorf("post: %v", err)
		}
	}
	same(w, "posts that succeeded", succeeded, affords)
	w.balanced()
	sameReference(t, w, grant, mine)
}

// sameReference lets several post one reference at once: one succeeds.
func sameReference(t *testing.T, w *world, from, to wallet.Account) {
	t.Helper()
	const workers = 5
	results := make(chan error, workers)
	for range workers {
		go func() {
			v := wallet.Transfer{
				ID: id.New(), At: epoch, Kind: wallet.TransferRecharge, Currency: money.USD, Amount: 1,
				DebitAccountID: from.ID, CreditAccountID: to.ID, RefType: "order", RefID: "1",
			}
			results <- w.in(func(t tx.Tx) error { return w.Wallet().TransferPost(w.ctx, t, &v) })
		}()
	}
	succeeded := 0
	for range workers {
		if err := <-results; err == nil {
			succeeded++
		} else if !errors.Is(err, fault.ErrConflict) {
			t.Errorf("post: %v", err)
		}
	}
	same(w, "posts of one reference", succeeded, 1)
	w.balanced()
}
