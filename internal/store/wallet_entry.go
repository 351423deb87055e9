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
		l := entryList{db: db, engine: s.engine, q: q, wallets: slices.Collect(maps.Keys(wallets))}
		if l.refs, err = refsOf(ctx, db, q); err != nil {
			return err
		}
		spans, err := l.spans(ctx)
		if err != nil {
			return err
		}
		total = sumSpans(spans)
		shown, err := pageSpans(spans, int64(request.Offset()), int64(request.Size), func(some []span, offset, size int64) ([]sideRow, error) {
			return l.read(ctx, some, offset, size)
		})
		if err != nil {
			return err
		}
		items, err = entriesRead(ctx, db, shown, wallets)
		return err
	})
	return page.Of(request, items, total), err
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
func entrySides(db bun.IDB, wallets []id.ID, q wallet.EntryQuery, shapes ...narrowing) *bun.SelectQuery {
	var sides *bun.SelectQuery
	add := func(column, credit string, w id.ID) {
		for _, shape := range shapes {
			side := shape(entrySide(db, column, credit, w, q))
			if sides == nil {
				sides = side
			} else {
				sides = sides.UnionAll(side)
			}
		}
	}
	for _, w := range wallets {
		if q.Direction != "credit" {
			add("debit_account_id", "FALSE", w)
		}
		if q.Direction != "debit" {
			add("credit_account_id", "TRUE", w)
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
	return query
}

// entryText finds the text in entries: in the kind and the reason, and of those that are no charges for calls also in the
// reference. The reference of a charge is a task, of which only the whole id is looked for.
func entryText(query *bun.SelectQuery, text string) *bun.SelectQuery {
	const part = "lower(?) LIKE lower(?) ESCAPE '!'"
	return query.WhereGroup(" AND ", func(query *bun.SelectQuery) *bun.SelectQuery {
		for _, column := range []string{"reason", "kind"} {
			query.WhereOr(part, bun.Ident(column), like(text))
		}
		return query.WhereOr("kind <> 'capture' AND "+part, bun.Ident("ref_id"), like(text))
	})
}

// refsOf selects the numbers of the transfers that the text names: of a task by its id or the request id of its call, with
// its refunds, or of a grant. Nil: it names none of the user's.
func refsOf(ctx context.Context, db bun.IDB, q wallet.EntryQuery) (*bun.SelectQuery, error) {
	if q.Text == "" {
		return nil, nil //nolint:nilnil // nothing is named
	}
	refs := referring(db, q)
	found, err := db.NewSelect().Table("account").Where("user_id = ? AND kind = ?", q.User, wallet.KindWallet).
		Where("EXISTS (SELECT 1 FROM transfer WHERE number IN (?) AND account.id IN (debit_account_id, credit_account_id))", refs).
		Exists(ctx)
	if err != nil || !found {
		return nil, err
	}
	return refs, nil
}

func referring(db bun.IDB, q wallet.EntryQuery) *bun.SelectQuery {
	text := q.Text
	if whole, err := id.Parse(text); err == nil {
		text = whole.String()
	}
	number := func() *bun.SelectQuery { return db.NewSelect().TableExpr("transfer AS t").Column("t.number") }
	ofTask := func(condition string) *bun.SelectQuery {
		return number().Join("JOIN task AS k ON "+condition).Where("k.request_id = ? AND k.user_id = ?", q.Text, q.User)
	}
	return number().Where("t.ref_type IN (?, ?) AND t.ref_id = ?", wallet.RefTask, wallet.RefGrant, text).
		UnionAll(number().Where("t.ref_type = ? AND t.ref_id >= ? AND t.ref_id < ?", wallet.RefRefund, text+":", text+";")).
		UnionAll(ofTask("t.ref_type = 'task' AND t.ref_id = CAST(k.id AS TEXT)")).
		UnionAll(ofTask("t.ref_type = 'refund' AND t.ref_id >= CAST(k.id AS TEXT) || ':' AND t.ref_id < CAST(k.id AS TEXT) || ';'"))
}

// entriesRead reads the transfers of one page.
func entriesRead(ctx context.Context, db bun.IDB, shown []sideRow, wallets map[id.ID]wallet.Account) ([]wallet.Entry, error) {
	if len(shown) == 0 {
		return []wallet.Entry{}, nil
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
