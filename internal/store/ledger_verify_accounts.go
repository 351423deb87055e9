package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// sides is what the transfers say about accounts.
type sides struct {
	last int64 // number of the last transfer
	by   map[id.ID]*side
}

// side is what the transfers say about one account.
type side struct {
	account                id.ID
	first                  int64 // number of its first transfer
	currency               money.Currency
	after                  money.Amount // its balance as the last transfer wrote it
	posted, granted, spent money.Amount // sums of all; of kinds that count as credited; of captures
	debits, credits        int64
	named                  bool // it is an account
}

func (s *sides) of(account id.ID, v *wallet.Transfer) *side {
	if s.by == nil {
		s.by = map[id.ID]*side{}
	}
	if s.by[account] == nil {
		s.by[account] = &side{account: account, first: v.Number, currency: v.Currency}
	}
	return s.by[account]
}

// move holds a transfer against the balances before it.
func (a *auditor) move(v *wallet.Transfer) error {
	debit, credit := a.sides.of(v.DebitAccountID, v), a.sides.of(v.CreditAccountID, v)
	row := transferName(v)
	a.amounts("order", row, "debitAfter", v.Currency, debit.after-v.Amount, v.DebitAfter)
	a.amounts("order", row, "creditAfter", v.Currency, credit.after+v.Amount, v.CreditAfter)
	differs(a, "order", row, "currency", debit.currency, v.Currency)
	differs(a, "order", row, "currency", credit.currency, v.Currency)
	debit.after, credit.after = v.DebitAfter, v.CreditAfter
	for _, err := range []error{debit.move(v.Kind, -v.Amount), credit.move(v.Kind, v.Amount)} {
		if err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
	}
	return nil
}

func (s *side) move(kind wallet.TransferKind, amount money.Amount) (err error) {
	if s.posted, err = s.posted.Add(amount); err != nil {
		return err
	}
	if amount < 0 {
		s.debits++
	} else {
		s.credits++
	}
	switch {
	case kind.Credits():
		s.granted, err = s.granted.Add(amount)
	case kind == wallet.TransferCapture:
		s.spent, err = s.spent.Sub(amount)
	}
	return err
}

// accounts holds every account against the sums of its transfers, and the accounts of a currency against zero.
func (a *auditor) accounts(ctx context.Context) error {
	totals := map[money.Currency]money.Amount{}
	err := pages[wallet.Account, accountRow](ctx, a, whole, func(v *wallet.Account) int64 { return v.Number },
		func(ctx context.Context, page []wallet.Account) error {
			held, err := a.held(ctx, page)
			if err != nil {
				return err
			}
			for i := range page {
				v := &page[i]
				if totals[v.Currency], err = totals[v.Currency].Add(v.Posted); err != nil {
					return err
				}
				a.account(v, held[v.ID])
			}
			return nil
		})
	if err != nil {
		return err
	}
	for _, c := range sortedKeys(totals) {
		a.amounts("zero", "currency "+string(c), "sum of balances", c, 0, totals[c])
	}
	a.nameless()
	return nil
}

func (a *auditor) account(v *wallet.Account, held money.Amount) {
	a.Accounts++
	row := fmt.Sprintf("account %s (%s, %s)", v.ID, v.Code, v.Currency)
	sums := a.sides.by[v.ID]
	if sums == nil {
		sums = &side{currency: v.Currency}
	}
	sums.named = true
	a.amounts("balances", row, "posted", v.Currency, sums.posted, v.Posted)
	differs(a, "balances", row, "currency of transfers", v.Currency, sums.currency)
	a.amounts("holds", row, "held", v.Currency, held, v.Held)
	if v.Kind != wallet.KindWallet {
		return
	}
	a.amounts("balances", row, "credited", v.Currency, sums.granted, v.Credited)
	a.amounts("balances", row, "spent", v.Currency, sums.spent, v.Spent)
	if spendable, err := v.Posted.Add(v.Overdraft - v.Held); err == nil && spendable < 0 {
		a.Add(wallet.Finding{
			Check: "covered", Row: row, Field: "posted + overdraft - held", Expected: "at least 0",
			Actual: money.Money{Currency: v.Currency, Units: spendable}.String(),
		})
	}
}

// nameless reports accounts that transfers name and that are not there.
func (a *auditor) nameless() {
	var lost []*side
	for _, s := range a.sides.by {
		if !s.named {
			lost = append(lost, s)
		}
	}
	slices.SortFunc(lost, func(x, y *side) int {
		return strings.Compare(fmt.Sprintf("%020d%s", x.first, x.account), fmt.Sprintf("%020d%s", y.first, y.account))
	})
	for _, s := range lost {
		a.Add(wallet.Finding{
			Check: "balances", Row: fmt.Sprintf("transfer %d", s.first), Field: "account", Expected: s.account.String(), Actual: "none",
		})
	}
}

// heldBy are the statements that say what durable holds keep: each selects account and amount. Holds of relayed calls on a
// single node live in memory; among several, leases keep what nodes may spend. Asynchronous tasks hold in both.
func heldBy(e engine) []string {
	if e == sqlite {
		return []string{pledged}
	}
	return []string{"SELECT wallet_id AS account, granted - settled AS amount FROM lease", pledged}
}

// held returns what durable holds keep of the accounts.
func (a *auditor) held(ctx context.Context, page []wallet.Account) (map[id.ID]money.Amount, error) {
	statements := heldBy(a.engine)
	ids := make([]id.ID, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	var rows []struct {
		Account id.ID
		Amount  money.Amount
	}
	err := a.db.NewRaw("SELECT account, CAST(SUM(amount) AS BIGINT) AS amount FROM ("+
		strings.Join(statements, " UNION ALL ")+") AS hold WHERE account IN (?) GROUP BY account", bun.List(ids)).Scan(ctx, &rows)
	held := map[id.ID]money.Amount{}
	for _, r := range rows {
		held[r.Account] = r.Amount
	}
	return held, failure(err)
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
