package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// account makes an account; a user makes it a wallet.
func (w *world) account(code string, kind wallet.AccountKind, c money.Currency, owner identity.User) wallet.Account {
	w.t.Helper()
	v := wallet.Account{
		ID: id.New(), Code: code, Kind: kind, Currency: c, TenantID: owner.TenantID, UserID: owner.ID, Status: "active",
		CreatedAt: epoch, UpdatedAt: epoch,
	}
	w.must(func(t tx.Tx) (err error) {
		v, err = w.Wallet().AccountEnsure(w.ctx, t, &v)
		return err
	})
	return v
}

func (w *world) wallet(owner identity.User, c money.Currency) wallet.Account {
	w.t.Helper()
	return w.account("wallet:"+id.New().String(), wallet.KindWallet, c, owner)
}

func (w *world) book(code string, kind wallet.AccountKind, c money.Currency) wallet.Account {
	w.t.Helper()
	return w.account(code, kind, c, identity.User{})
}

// post posts a transfer with a reference of its own.
func (w *world) post(
	kind wallet.TransferKind, from, to wallet.Account, amount money.Amount,
) (v wallet.Transfer, err error) {
	v = wallet.Transfer{
		ID: id.New(), At: epoch, Kind: kind, Currency: from.Currency, Amount: amount, DebitAccountID: from.ID,
		CreditAccountID: to.ID, RefType: "task", RefID: id.New().String(), Metadata: json.RawMessage(`{"z": 1.50}`),
	}
	err = w.in(func(t tx.Tx) error { return w.Wallet().TransferPost(w.ctx, t, &v) })
	return v, err
}

func (w *world) posted(kind wallet.TransferKind, from, to wallet.Account, amount money.Amount) wallet.Transfer {
	w.t.Helper()
	v, err := w.post(kind, from, to, amount)
	w.ok(err)
	return v
}

// balanced proves the books: they sum to zero, every account is the sum of its transfers, and the chain is whole.
func (w *world) balanced() {
	w.t.Helper()
	totals, err := w.Wallet().Totals(w.ctx)
	w.ok(err)
	var transfers int64
	for _, total := range totals {
		if total.Posted != 0 || total.Differing != 0 {
			w.t.Errorf("the books do not balance: %+v", total)
		}
		transfers += total.Transfers
	}
	chain, err := w.Wallet().ChainVerify(w.ctx)
	w.ok(err)
	if chain.Broken != 0 || chain.Transfers != transfers {
		w.t.Errorf("the chain is %+v over %d transfers", chain, transfers)
	}
}

func testAccounts(_ *testing.T, w *world) {
	s := w.Wallet()
	var v wallet.Account
	fill(&v)
	v.Kind, v.Currency, v.TenantID, v.UserID = wallet.KindWallet, money.USD, w.tenant.ID, w.user.ID
	want := v
	want.Posted, want.Held, want.Credited, want.Spent, want.Number = 0, 0, 0, 0, 1
	w.must(func(t tx.Tx) error {
		found(w, "AccountEnsure", want)(s.AccountEnsure(w.ctx, t, &v))
		again := wallet.Account{ID: id.New(), Code: v.Code, Currency: v.Currency}
		found(w, "AccountEnsure again", want)(s.AccountEnsure(w.ctx, t, &again))
		found(w, "AccountByID in the transaction", want)(s.AccountByID(w.ctx, t, v.ID))
		found(w, "WalletOf in the transaction", want)(s.WalletOf(w.ctx, t, w.user.ID, money.USD))
		return nil
	})
	found(w, "AccountByID", want)(s.AccountByID(w.ctx, nil, v.ID))
	found(w, "WalletOf", want)(s.WalletOf(w.ctx, nil, w.user.ID, money.USD))
	missing[wallet.Account](w, "another id")(s.AccountByID(w.ctx, nil, id.New()))
	missing[wallet.Account](w, "another currency")(s.WalletOf(w.ctx, nil, w.user.ID, money.CNY))

	second := wallet.Account{ID: id.New(), Code: "wallet:2", Kind: wallet.KindWallet, Currency: "USD", UserID: w.user.ID}
	w.refused(w.in(func(t tx.Tx) error {
		_, err := s.AccountEnsure(w.ctx, t, &second)
		return err
	}), fault.ErrConflict, "currency")

	eve := w.newUser("eve")
	sim, hers := w.wallet(w.user, money.SIM), w.wallet(eve, money.USD)
	w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD)
	found(w, "WalletsOf", []wallet.Account{sim, want, hers})(s.WalletsOf(w.ctx, eve.ID, w.user.ID, id.New()))
	found(w, "WalletsOf nobody", []wallet.Account(nil))(s.WalletsOf(w.ctx))
}

func testTransfers(t *testing.T, w *world) {
	t.Helper()
	s := w.Wallet()
	mine := w.wallet(w.user, money.USD)
	grant := w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD)
	usage := w.book(wallet.CodeRevenueUsage, wallet.KindRevenue, money.USD)

	v := w.posted(wallet.TransferGrant, grant, mine, 100)
	same(w, "the first number", v.Number, 1)
	same(w, "balances after a grant", [2]money.Amount{v.DebitAfter, v.CreditAfter}, [2]money.Amount{-100, 100})
	v = w.posted(wallet.TransferCapture, mine, usage, 30)
	same(w, "balances after a capture", [2]money.Amount{v.DebitAfter, v.CreditAfter}, [2]money.Amount{70, 30})
	found(w, "TransferByRef", []wallet.Transfer{v})(s.TransferByRef(w.ctx, v.RefType, v.RefID))
	w.posted(wallet.TransferAdjustment, mine, grant, 10)
	w.posted(wallet.TransferRefund, usage, mine, 5)
	w.posted(wallet.TransferRecharge, grant, mine, 1)

	mine, err := s.AccountByID(w.ctx, nil, mine.ID)
	w.ok(err)
	same(w, "the wallet", [3]money.Amount{mine.Posted, mine.Credited, mine.Spent}, [3]money.Amount{66, 91, 30})
	usage, err = s.AccountByID(w.ctx, nil, usage.ID)
	w.ok(err)
	same(w, "revenue", [3]money.Amount{usage.Posted, usage.Credited, usage.Spent}, [3]money.Amount{25, 0, 0})
	if !mine.UpdatedAt.After(epoch) {
		t.Errorf("UpdatedAt = %v, want the time of the last transfer", mine.UpdatedAt)
	}
	w.balanced()

	totals, err := s.Totals(w.ctx)
	w.ok(err)
	same(w, "Totals", totals, []wallet.Total{{Currency: money.USD, Accounts: 3, Transfers: 5}})
}

func testTransferRefusals(t *testing.T, w *world) {
	t.Helper()
	s := w.Wallet()
	mine, cny := w.wallet(w.user, money.USD), w.wallet(w.user, money.CNY)
	grant := w.book(wallet.CodeGrantPromo, wallet.KindGrant, money.USD)
	done := w.posted(wallet.TransferGrant, grant, mine, 100)
	stranger := wallet.Account{ID: id.New(), Currency: money.USD}

	for _, c := range []struct {
		name     string
		from, to wallet.Account
		amount   money.Amount
		want     *fault.Error
		path     string
	}{
		{"overdrawn", mine, grant, 101, wallet.ErrInsufficient, ""},
		{"nothing", mine, grant, 0, fault.ErrInvalid, "amount"},
		{"negative", mine, grant, -1, fault.ErrInvalid, "amount"},
		{"to itself", mine, mine, 1, fault.ErrInvalid, "creditAccountId"},
		{"two currencies", mine, cny, 1, fault.ErrInvalid, "currency"},
		{"from nowhere", stranger, mine, 1, fault.ErrInvalid, "debitAccountId"},
		{"to nowhere", mine, stranger, 1, fault.ErrInvalid, "creditAccountId"},
	} {
		t.Log(c.name)
		_, err := w.post(wallet.TransferCapture, c.from, c.to, c.amount)
		w.refused(err, c.want, c.path)
	}
	if _, err := w.post(wallet.TransferGrant, grant, mine, math.MaxInt64); err == nil {
		t.Error("a balance overflowed")
	}
	// A refusal leaves the transaction usable, in both databases.
	twin := done
	twin.ID, twin.Amount = id.New(), 1000
	w.must(func(t tx.Tx) error {
		w.refused(s.TransferPost(w.ctx, t, &twin), fault.ErrConflict, "refId")
		next := done
		next.ID, next.RefID = id.New(), "next"
		return s.TransferPost(w.ctx, t, &next)
	})
	twin.Kind = wallet.TransferRefund
	w.must(func(t tx.Tx) error { return s.TransferPost(w.ctx, t, &twin) })
	w.posted(wallet.TransferCapture, mine, grant, 1200)
	w.balanced()
}

func testWalletEntries(t *testing.T, w *world) {
	t.Helper()
	mine, sim := w.wallet(w.user, money.USD), w.wallet(w.user, money.SIM)
	hers := w.wallet(w.newUser("eve"), money.USD)
	grant, play := w.book("g", wallet.KindGrant, money.USD), w.book("g", wallet.KindGrant, money.SIM)
	w.posted(wallet.TransferGrant, grant, mine, 1000)
	w.posted(wallet.TransferGrant, play, sim, 500)
	w.posted(wallet.TransferGrant, grant, hers, 7)
	for i := range 5 {
		v := wallet.Transfer{
			ID: id.New(), At: epoch.Add(time.Duration(i) * time.Hour), Kind: wallet.TransferCapture, Currency: money.USD,
			Amount: 10, DebitAccountID: mine.ID, CreditAccountID: grant.ID, RefType: "task",
			RefID: fmt.Sprintf("Task-%d", i), Reason: fmt.Sprintf("%d%% off_", i),
		}
		w.must(func(t tx.Tx) error { return w.Wallet().TransferPost(w.ctx, t, &v) })
	}
	last := w.posted(wallet.TransferRefund, hers, mine, 2)

	list := func(q wallet.EntryQuery) page.Page[wallet.Entry] {
		t.Helper()
		p, err := w.Wallet().EntryList(w.ctx, q)
		w.ok(err)
		return p
	}
	every := list(wallet.EntryQuery{User: w.user.ID})
	same(w, "the newest entry", every.Items[0], wallet.Entry{
		Transfer: last, AccountID: mine.ID, TenantID: w.tenant.ID, UserID: w.user.ID, Credit: true,
		BalanceBefore: 950, BalanceAfter: 952,
	})
	second := list(wallet.EntryQuery{User: w.user.ID, Page: page.Request{Page: 2, Size: 3}})
	same(w, "the second page", second, page.Page[wallet.Entry]{Items: every.Items[3:6], Total: 8, Page: 2, Size: 3})
	for what, c := range map[string]struct {
		query wallet.EntryQuery
		want  int64
	}{
		"everything":      {wallet.EntryQuery{}, 8},
		"credits":         {wallet.EntryQuery{Direction: "credit"}, 3},
		"debits":          {wallet.EntryQuery{Direction: "debit"}, 5},
		"a kind":          {wallet.EntryQuery{Kind: wallet.TransferGrant}, 2},
		"a currency":      {wallet.EntryQuery{Currency: money.SIM}, 1},
		"no wallet":       {wallet.EntryQuery{Currency: "EUR"}, 0},
		"a reference":     {wallet.EntryQuery{Text: "Task-3"}, 1},
		"a kind's text":   {wallet.EntryQuery{Text: "refu"}, 1},
		"a reason":        {wallet.EntryQuery{Text: "% off_"}, 5},
		"a wildcard":      {wallet.EntryQuery{Text: "%off"}, 0},
		"from":            {wallet.EntryQuery{From: epoch.Add(time.Hour)}, 4},
		"until":           {wallet.EntryQuery{To: epoch.Add(time.Hour)}, 4},
		"all of them":     {wallet.EntryQuery{Text: "off", Direction: "debit", Kind: "capture", Currency: "USD", From: epoch}, 5},
		"another's debit": {wallet.EntryQuery{Direction: "debit", Kind: wallet.TransferRefund}, 0},
	} {
		c.query.User = w.user.ID
		same(w, what, list(c.query).Total, c.want)
	}
	same(w, "nobody's entries", list(wallet.EntryQuery{User: id.New()}).Total, 0)
}
