package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// soaking reports whether the long form of the properties is asked for, as `make soak` does.
func soaking() bool { return os.Getenv("GANTRY_SOAK") != "" }

// longest is how many steps a random sequence has at most.
func longest() int {
	if soaking() {
		return 200
	}
	return 12
}

// TestBooksStayRightWhateverHappens is MONEY's P1 and P4: random sequences of everything that moves money, on a wallet in
// memory and in the database. After each sequence every invariant holds, and the balance, the charges and the grants are
// those of a plain model.
func TestBooksStayRightWhateverHappens(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		rapid.Check(t, func(r *rapid.T) {
			m := &model{T: r, bank: b}
			m.user, m.wallet = b.user(money.Amount(rapid.Int64Range(0, 100).Draw(r, "balance")))
			m.posted, _ = m.wallet.Balance()
			for range rapid.IntRange(1, longest()).Draw(r, "steps") {
				m.step(rapid.SampledFrom(steps).Draw(r, "step"))
				m.same()
			}
			m.end()
		})
	})
}

// model is what a wallet must hold, computed the plain way.
type model struct {
	*rapid.T

	bank      *bank
	user      identity.User
	wallet    *wallet.Wallet
	posted    money.Amount
	overdraft money.Amount
	holds     []wallet.Hold
	charges   []charge
	grants    []*gift
}

type charge struct {
	task id.ID
	left money.Amount
}

type gift struct {
	id                      id.ID
	amount, spent, returned money.Amount
	expires                 time.Time
	closed                  bool
}

var steps = []string{
	"hold", "hold", "hold", "capture", "capture", "overrun", "release", "adjust", "refund", "grant", "grant", "expire", "recharge",
	"overdraft", "flush", "wait",
}

func (m *model) amount(name string, most money.Amount) money.Amount {
	return money.Amount(rapid.Int64Range(1, int64(most)).Draw(m.T, name))
}

func (m *model) held() (sum money.Amount) {
	for i := range m.holds {
		sum += m.holds[i].Amount
	}
	return sum
}

func (m *model) step(name string) {
	switch name {
	case "hold":
		m.hold()
	case "capture", "overrun", "release":
		m.finish(name)
	case "adjust":
		m.adjust()
	case "refund":
		m.refund()
	case "grant":
		m.grant()
	case "expire":
		m.expire()
	case "recharge":
		m.recharge()
	case "overdraft":
		m.setOverdraft()
	case "flush":
		m.ok(m.bank.flush(m.bank.ctx))
	case "wait":
		m.bank.pass(time.Duration(m.amount("minutes", 90)) * time.Minute)
	}
}

func (m *model) ok(err error) {
	if err != nil {
		m.Fatal(err)
	}
}

func (m *model) hold() {
	amount := m.amount("hold", 60)
	h, err := m.wallet.Hold(amount)
	switch afford := m.posted + m.overdraft - m.held(); {
	case amount > afford && !errors.Is(err, wallet.ErrInsufficient):
		m.Fatalf("a hold of %d of %d: %v", amount, afford, err)
	case amount <= afford:
		m.ok(err)
		m.holds = append(m.holds, h)
	}
}

// finish ends a hold. What a capture takes beyond its hold is what the wallet affords; the rest is an overrun (P4).
func (m *model) finish(how string) {
	if len(m.holds) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.holds)-1).Draw(m.T, "which")
	h := m.holds[i]
	m.holds = slices.Delete(m.holds, i, i+1)
	if how == "release" {
		h.Release()
		return
	}
	amount := m.amount("amount", h.Amount)
	if how == "overrun" {
		amount += h.Amount
	}
	want := min(amount, max(h.Amount, m.posted+m.overdraft-m.held()))
	task, captured := m.bank.capture(m.user, m.wallet, &h, amount)
	if captured != want || captured > amount {
		m.Fatalf("captured %d of %d from a hold of %d, want %d", captured, amount, h.Amount, want)
	}
	m.posted -= captured
	m.charges = append(m.charges, charge{task: task, left: captured})
	m.spend(captured)
}

// spend takes from the grants in the order of their ends.
func (m *model) spend(amount money.Amount) {
	open := slices.Clone(m.grants)
	slices.SortStableFunc(open, func(a, b *gift) int { return a.expires.Compare(b.expires) })
	for _, g := range open {
		if !g.closed && m.bank.clock().Before(g.expires) {
			taken := min(amount, g.amount-g.spent)
			g.spent += taken
			amount -= taken
		}
	}
}

func (m *model) adjust() {
	target := m.amount("target", 150)
	_, err := m.bank.service.SetBalance(m.bank.ctx, event.Actor{}, wallet.SetBalance{
		UserID: m.user.ID, TenantID: m.user.TenantID, Currency: money.USD, Target: target,
	})
	if target < m.held() {
		if !errors.Is(err, wallet.ErrFrozen) {
			m.Fatalf("a target of %d below %d held: %v", target, m.held(), err)
		}
		return
	}
	m.ok(err)
	m.posted = target
}

func (m *model) refund() {
	if len(m.charges) == 0 {
		return
	}
	c := &m.charges[rapid.IntRange(0, len(m.charges)-1).Draw(m.T, "which")]
	amount := m.amount("refund", 40)
	_, err := m.bank.service.Refund(m.bank.ctx, event.Actor{}, wallet.RefundRequest{TaskID: c.task, Amount: amount})
	if amount > c.left {
		if !errors.Is(err, wallet.ErrRefund) {
			m.Fatalf("a refund of %d of %d left: %v", amount, c.left, err)
		}
		return
	}
	m.ok(err)
	c.left -= amount
	m.posted += amount
}

func (m *model) grant() {
	g := &gift{amount: m.amount("gift", 40), expires: m.bank.clock().Add(time.Duration(m.amount("lasts", 240)) * time.Minute)}
	out, err := m.bank.service.Grant(m.bank.ctx, event.Actor{}, wallet.GrantRequest{
		UserID: m.user.ID, TenantID: m.user.TenantID, Currency: money.USD, Amount: g.amount, ExpiresAt: g.expires,
	})
	m.ok(err)
	g.id = out.Grant.ID
	m.grants = append(m.grants, g)
	m.posted += g.amount
}

func (m *model) expire() {
	now := m.bank.clock()
	_, err := m.bank.service.ExpireGrants(m.bank.ctx, now)
	m.ok(err)
	due := slices.Clone(m.grants)
	slices.SortStableFunc(due, func(a, b *gift) int { return a.expires.Compare(b.expires) })
	for _, g := range due {
		if !g.closed && !now.Before(g.expires) {
			g.closed = true
			g.returned = max(0, min(g.amount-g.spent-m.held(), m.posted-m.held()))
			m.posted -= g.returned
		}
	}
}

// recharge pays in as a channel does, and starts anew, which loads the wallet from the database.
func (m *model) recharge() {
	if len(m.holds) > 0 {
		return
	}
	b, amount := m.bank, m.amount("recharge", 80)
	m.ok(b.flush(b.ctx))
	m.ok(b.store.Wallet().InTx(b.ctx, func(t tx.Tx) error {
		clearing := wallet.Account{ID: id.New(), Code: "clearing:bank", Kind: wallet.KindClearing, Currency: money.USD, Status: "active"}
		from, err := b.store.Wallet().AccountEnsure(b.ctx, t, &clearing)
		if err != nil {
			return err
		}
		return b.store.Wallet().TransferPost(b.ctx, t, &wallet.Transfer{
			ID: id.New(), At: b.clock(), Kind: wallet.TransferRecharge, Currency: money.USD, Amount: amount,
			DebitAccountID: from.ID, CreditAccountID: m.wallet.ID, RefType: "order", RefID: id.New().String(),
		})
	}))
	m.posted += amount
	b.restart()
	m.wallet = b.wallet(m.user)
}

func (m *model) setOverdraft() {
	amount := m.amount("overdraft", 50) - 1
	_, err := m.bank.service.SetOverdraft(m.bank.ctx, event.Actor{}, wallet.SetOverdraft{
		UserID: m.user.ID, Currency: money.USD, Amount: amount,
	})
	if m.posted+amount < m.held() {
		if !errors.Is(err, wallet.ErrOverdraft) {
			m.Fatalf("an overdraft of %d for %d - %d: %v", amount, m.posted, m.held(), err)
		}
		return
	}
	m.ok(err)
	m.overdraft = amount
}

// same holds the wallet in memory against the model, and I3.
func (m *model) same() {
	posted, held := m.wallet.Balance()
	if posted != m.posted || held != m.held() {
		m.Fatalf("the wallet has %d and %d held, want %d and %d", posted, held, m.posted, m.held())
	}
	if posted+m.overdraft < held || m.wallet.Spendable() != posted+m.overdraft-held {
		m.Fatalf("spendable is %d of %d + %d - %d", m.wallet.Spendable(), posted, m.overdraft, held)
	}
}

// end ends what is open and looks at the database.
func (m *model) end() {
	for len(m.holds) > 0 {
		m.finish("release")
	}
	b := m.bank
	m.ok(b.flush(b.ctx))
	row, err := b.store.Wallet().WalletOf(b.ctx, nil, m.user.ID, money.USD)
	m.ok(err)
	if row.Posted != m.posted || row.Overdraft != m.overdraft {
		m.Fatalf("the database has %d and an overdraft of %d, want %d and %d", row.Posted, row.Overdraft, m.posted, m.overdraft)
	}
	for _, g := range m.grants {
		got, err := b.store.Wallet().GrantByID(b.ctx, nil, g.id)
		m.ok(err)
		// What is spent of an open grant is known once another one of the wallet is closed.
		if got.Returned != g.returned || got.ClosedAt.IsZero() == g.closed || (g.closed && got.Spent != g.spent) {
			m.Fatalf("a grant has %+v, want %+v", got, *g)
		}
	}
	found, err := b.store.Wallet().Verify(b.ctx)
	m.ok(err)
	if !found.Clean() {
		m.Fatalf("the books: %+v", found.Checks)
	}
	m.statement()
}

// statement holds the wallet's own statement against its balance.
func (m *model) statement() {
	s, err := m.bank.service.Statement(m.bank.ctx, wallet.StatementQuery{UserID: m.user.ID, Currency: money.USD})
	m.ok(err)
	var sum money.Amount
	for l, err := range s.Lines {
		m.ok(err)
		sum += l.Moved()
	}
	if s.Opening != 0 || s.Closing != m.posted || sum != m.posted {
		m.Fatalf("the statement goes from %d to %d by %d, want 0 to %d", s.Opening, s.Closing, sum, m.posted)
	}
}

// TestStatementsOfAnyPeriod is MONEY's P9: whatever the bounds, a statement is the sum of its rows, and the next period
// begins where it ends. Entries were booked in another order than they happened.
func TestStatementsOfAnyPeriod(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, entries := b.history(40)
		bound := rapid.Custom(func(r *rapid.T) time.Time {
			if rapid.IntRange(0, 9).Draw(r, "open") == 0 {
				return time.Time{}
			}
			return historyStart.Add(time.Duration(rapid.Int64Range(-2000, 12_000).Draw(r, "ns")))
		})
		rapid.Check(t, func(r *rapid.T) {
			bounds := []time.Time{bound.Draw(r, "a"), bound.Draw(r, "b"), bound.Draw(r, "c")}
			slices.SortFunc(bounds, time.Time.Compare)
			first := b.statement(r, u, bounds[0], bounds[1], entries)
			second := b.statement(r, u, bounds[1], bounds[2], entries)
			if !bounds[1].IsZero() && first.Closing != second.Opening {
				r.Fatalf("%d is carried over as %d", first.Closing, second.Opening)
			}
		})
		b.clean()
	})
}

// TestStatementIsOfOneMoment books an entry between the sums and the lines.
func TestStatementIsOfOneMoment(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.history(4)
		b.restart()
		s, err := b.service.Statement(b.ctx, wallet.StatementQuery{UserID: u.ID, Currency: money.USD})
		b.ok(err)
		b.call(u, 1)
		b.ok(b.flush(b.ctx))
		lines := 0
		for _, err := range s.Lines {
			b.ok(err)
			lines++
		}
		if lines != 4 || s.Entries != 4 {
			t.Errorf("%d lines for %d entries, want 4", lines, s.Entries)
		}
		for _, err := range s.Lines {
			b.ok(err)
			break // a reader may stop
		}
		b.ok(b.store.Ping(b.ctx))
	})
}

var historyStart = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

// history posts n entries within ten microseconds, in no order.
func (b *bank) history(n int) (identity.User, []wallet.Entry) {
	u, w := b.user(0)
	var entries []wallet.Entry
	for i := range n {
		b.must(func(t tx.Tx) error {
			own := wallet.Account{ID: id.New(), Code: wallet.CodeAdjustAdmin, Kind: wallet.KindAdjust, Currency: money.USD, Status: "active"}
			from, err := b.store.Wallet().AccountEnsure(b.ctx, t, &own)
			if err != nil {
				return err
			}
			v := wallet.Transfer{
				ID: id.New(), At: historyStart.Add(time.Duration(i*7%10) * time.Microsecond), Kind: wallet.TransferAdjustment,
				Currency: money.USD, Amount: money.Amount(i + 3), DebitAccountID: from.ID, CreditAccountID: w.ID,
				RefType: "adjustment", RefID: fmt.Sprint(i),
			}
			if i%3 == 2 {
				v.DebitAccountID, v.CreditAccountID, v.Amount = w.ID, from.ID, 2
			}
			err = b.store.Wallet().TransferPost(b.ctx, t, &v)
			entries = append(entries, wallet.Entry{Transfer: v, Credit: v.CreditAccountID == w.ID})
			return err
		})
	}
	slices.SortFunc(entries, func(a, b wallet.Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number))
	})
	return u, entries
}

// statement asks for a period and holds it against the entries.
func (b *bank) statement(r *rapid.T, u identity.User, from, to time.Time, entries []wallet.Entry) wallet.Statement {
	s, err := b.service.Statement(b.ctx, wallet.StatementQuery{UserID: u.ID, Currency: money.USD, From: from, To: to})
	if err != nil {
		r.Fatal(err)
	}
	var opening money.Amount
	var want []int64
	for i := range entries {
		e := &entries[i]
		switch {
		case e.At.Before(from):
			opening += e.Moved()
		case to.IsZero() || e.At.Before(to):
			want = append(want, e.Number)
		}
	}
	balance := s.Opening
	var got []int64
	for l, err := range s.Lines {
		if err != nil {
			r.Fatal(err)
		}
		balance += l.Moved()
		if l.Balance != balance {
			r.Fatalf("transfer %d leaves %d, want %d", l.Number, l.Balance, balance)
		}
		got = append(got, l.Number)
	}
	if s.Opening != opening || balance != s.Closing || s.Closing != s.Opening+s.In-s.Out ||
		!slices.Equal(got, want) || s.Entries != int64(len(want)) {
		r.Fatalf("from %v to %v: %+v, lines %v; want an opening of %d and %v", from, to, s.StatementTotals, got, opening, want)
	}
	return s
}
