package store

import (
	"context"
	"fmt"
	"math"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// verifyPage is how many rows are in memory at a time.
const verifyPage = 1000

// Verify holds the whole books against what must be true of them, as of one moment. It reads every transfer and task in
// pages; in memory are one page and a few sums per account.
func (s *Wallet) Verify(ctx context.Context) (wallet.Audit, error) {
	a := &auditor{Audit: wallet.NewAudit(), engine: s.engine}
	err := s.snapshot(ctx, func(db bun.IDB) error {
		a.db = db
		for _, step := range []func(context.Context) error{a.ledger, a.accounts, a.tasks, a.grants, a.counters} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return *a.Audit, err
}

// auditor goes through the books of one snapshot.
type auditor struct {
	*wallet.Audit

	engine engine
	db     bun.IDB
	sides  sides
}

// differs notes a finding when two values are not the same.
func differs[T comparable](a *auditor, check, row, field string, expected, actual T) {
	if expected != actual {
		a.Add(wallet.Finding{
			Check: check, Row: row, Field: field, Expected: fmt.Sprint(expected), Actual: fmt.Sprint(actual),
		})
	}
}

// amounts is differs for amounts of a currency.
func (a *auditor) amounts(check, row, field string, c money.Currency, expected, actual money.Amount) {
	differs(a, check, row, field, money.Money{Currency: c, Units: expected}, money.Money{Currency: c, Units: actual})
}

// pages calls visit with one page of rows after the other, in the order of their numbers.
func pages[V any, R row[V]](
	ctx context.Context, a *auditor, narrow func(*bun.SelectQuery) *bun.SelectQuery, number func(*V) int64,
	visit func(context.Context, []V) error,
) error {
	for last := int64(math.MinInt64); ; {
		rows, err := all[V, R](ctx, a.db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return narrow(q).Where("number > ?", last).Order("number").Limit(verifyPage)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := visit(ctx, rows); err != nil {
			return err
		}
		last = number(&rows[len(rows)-1])
	}
}

// whole narrows nothing.
func whole(q *bun.SelectQuery) *bun.SelectQuery { return q }
