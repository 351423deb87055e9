package store

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// sideRow is one side of a transfer: the smallest thing that a page of entries is chosen by.
type sideRow struct {
	Number  int64
	Account id.ID
	Credit  bool
}

// EntryList implements wallet.Store. First the page is chosen from the indexes on both sides of transfers, then its
// transfers are read.
func (s *Wallet) EntryList(ctx context.Context, q wallet.EntryQuery) (page.Page[wallet.Entry], error) {
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[wallet.Entry]{}, err
	}
	wallets, err := s.walletsOf(ctx, q)
	if err != nil || len(wallets) == 0 {
		return page.Of(request, []wallet.Entry{}, 0), err
	}
	var items []wallet.Entry
	var total int64
	err = s.snapshot(ctx, func(db bun.IDB) (err error) {
		sides := entrySides(db, wallets, q, s.topOf(db, request))
		if total, err = entryTotal(ctx, db, wallets, q); err != nil {
			return err
		}
		items, err = entryPage(ctx, db, sides, wallets, request)
		return err
	})
	return page.Of(request, items, total), err
}

// entryTotal counts. What is asked by direction alone is kept with the accounts; charges for calls, which are nearly all
// there is, are that without the others.
func entryTotal(ctx context.Context, db bun.IDB, wallets map[id.ID]wallet.Account, q wallet.EntryQuery) (int64, error) {
	bare := q.Text == "" && q.From.IsZero() && q.To.IsZero()
	if !bare || q.Kind != "" && q.Kind != wallet.TransferCapture {
		return db.NewSelect().TableExpr("(?) AS side", entrySides(db, wallets, q, unshaped)).Count(ctx)
	}
	total, err := entriesKept(ctx, db, wallets, q.Direction)
	if err != nil || q.Kind == "" {
		return total, err
	}
	q.Kind = ""
	others, err := db.NewSelect().TableExpr("(?) AS side", entrySides(db, wallets, q, func(side *bun.SelectQuery) *bun.SelectQuery {
		return side.Where("kind <> 'capture'")
	})).Count(ctx)
	return total - others, err
}

// entriesKept reads how many entries the wallets have.
func entriesKept(ctx context.Context, db bun.IDB, wallets map[id.ID]wallet.Account, direction string) (total int64, err error) {
	sum := map[string]string{"debit": "debits", "credit": "credits", "": "debits + credits"}[direction]
	err = db.NewSelect().Table("account").ColumnExpr("CAST(COALESCE(SUM("+sum+"), 0) AS BIGINT)").
		Where("id IN (?)", bun.List(slices.Collect(maps.Keys(wallets)))).Scan(ctx, &total)
	return total, err
}

// unshaped leaves a side as it is.
func unshaped(side *bun.SelectQuery) *bun.SelectQuery { return side }

// topOf cuts each side behind the page on PostgreSQL, which else reads and sorts all of them; SQLite merges them in order
// and stops.
func (s *Wallet) topOf(db bun.IDB, request page.Request) narrowing {
	if s.engine != postgres {
		return unshaped
	}
	return func(side *bun.SelectQuery) *bun.SelectQuery {
		top := side.Order("number DESC").Limit(int64(request.Offset() + request.Size))
		return db.NewSelect().TableExpr("(?) AS top", top).ColumnExpr("number, account, credit")
	}
}

// walletsOf maps the ids of the user's wallets that the query is about.
func (s *Wallet) walletsOf(ctx context.Context, q wallet.EntryQuery) (map[id.ID]wallet.Account, error) {
	found, err := s.WalletsOf(ctx, q.User)
	wallets := map[id.ID]wallet.Account{}
	for _, w := range found {
		if q.Currency == "" || q.Currency == w.Currency {
			wallets[w.ID] = w
		}
	}
	return wallets, err
}

// entrySides selects the sides of transfers that are in the wallets and pass the filters. Each wallet and each side is a
// query of its own, because then the database can merge them in order instead of sorting all that a user ever did.
func entrySides(db bun.IDB, wallets map[id.ID]wallet.Account, q wallet.EntryQuery, shape narrowing) *bun.SelectQuery {
	var sides *bun.SelectQuery
	add := func(side *bun.SelectQuery) {
		side = shape(side)
		if sides == nil {
			sides = side
		} else {
			sides = sides.UnionAll(side)
		}
	}
	for w := range wallets {
		if q.Direction != "credit" {
			add(entrySide(db, "debit_account_id", "FALSE", w, q))
		}
		if q.Direction != "debit" {
			add(entrySide(db, "credit_account_id", "TRUE", w, q))
		}
	}
	return sides
}

func entrySide(db bun.IDB, column, credit string, w id.ID, q wallet.EntryQuery) *bun.SelectQuery {
	query := db.NewSelect().Table("transfer").
		ColumnExpr("number, ? AS account, "+credit+" AS credit", bun.Ident(column)).
		Where("? = ?", bun.Ident(column), w)
	if q.Kind != "" {
		query.Where("kind = ?", q.Kind)
	}
	if q.Kind != "" && q.Kind != wallet.TransferCapture {
		query.Where("kind <> 'capture'") // which is what the small indexes hold
	}
	if !q.From.IsZero() {
		query.Where("at >= ?", stampOf(q.From))
	}
	if !q.To.IsZero() {
		query.Where("at < ?", stampOf(q.To))
	}
	if whole, err := id.Parse(q.Text); err == nil {
		query.Where("number IN (?)", referring(db, whole))
	} else if q.Text != "" {
		query.WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
			for _, column := range []string{"ref_id", "reason", "kind"} {
				query.WhereOr("lower(?) LIKE lower(?) ESCAPE '!'", bun.Ident(column), like(q.Text))
			}
			return query
		})
	}
	return query
}

// referring selects the numbers of transfers that refer to a task or a grant, with a task's refunds, from the index on
// references.
func referring(db bun.IDB, to id.ID) *bun.SelectQuery {
	text := to.String()
	refunds := db.NewSelect().Table("transfer").Column("number").
		Where("ref_type = ? AND ref_id >= ? AND ref_id < ?", wallet.RefRefund, text+":", text+";")
	return db.NewSelect().Table("transfer").Column("number").
		Where("ref_type IN (?, ?) AND ref_id = ?", wallet.RefTask, wallet.RefGrant, text).UnionAll(refunds)
}

// entryPage reads one page of the sides, the newest first, with their transfers.
func entryPage(
	ctx context.Context, db bun.IDB, sides *bun.SelectQuery, wallets map[id.ID]wallet.Account, request page.Request,
) ([]wallet.Entry, error) {
	var shown []sideRow
	query := db.NewSelect().TableExpr("(?) AS side", sides).Column("number", "account", "credit").
		Order("number DESC")
	err := paged(query, request).Scan(ctx, &shown)
	if err != nil || len(shown) == 0 {
		return []wallet.Entry{}, err
	}
	numbers := make([]int64, len(shown))
	for i, side := range shown {
		numbers[i] = side.Number
	}
	transfers, err := all[wallet.Transfer, transferRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("number IN (?)", bun.List(numbers))
	})
	byNumber := map[int64]wallet.Transfer{}
	for _, v := range transfers {
		byNumber[v.Number] = v
	}
	items := make([]wallet.Entry, len(shown))
	for i, side := range shown {
		items[i] = entryOf(byNumber[side.Number], wallets[side.Account], side.Credit)
	}
	return items, err
}

func entryOf(v wallet.Transfer, w wallet.Account, credit bool) wallet.Entry {
	e := wallet.Entry{Transfer: v, AccountID: w.ID, TenantID: w.TenantID, UserID: w.UserID, Credit: credit}
	if credit {
		e.BalanceAfter, e.BalanceBefore = v.CreditAfter, v.CreditAfter-v.Amount
	} else {
		e.BalanceAfter, e.BalanceBefore = v.DebitAfter, v.DebitAfter+v.Amount
	}
	return e
}
