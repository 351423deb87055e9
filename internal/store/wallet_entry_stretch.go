package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// entryList is one question about a user's entries.
type entryList struct {
	db      bun.IDB
	engine  engine
	q       wallet.EntryQuery
	wallets []id.ID
	refs    *bun.SelectQuery // numbers of what the text names; nil: the text is part of something
}

// sides selects the list's entries within spans, of which one side needs no more than the newest most; 0: all.
func (l *entryList) sides(most int64, spans ...span) *bun.SelectQuery {
	var shapes []narrowing
	var single []int64 // what is rare is looked up together
	for _, s := range spans {
		if s.first == s.last {
			single = append(single, s.first)
			continue
		}
		shapes = append(shapes, l.among(most, func(side *bun.SelectQuery) {
			if side.Where("number >= ?", s.first); s.last != endless {
				side.Where("number <= ?", s.last)
			}
		}))
	}
	if len(single) > 0 {
		shapes = append(shapes, l.among(most, func(side *bun.SelectQuery) { side.Where("number IN (?)", bun.List(single)) }))
	}
	return entrySides(l.db, l.wallets, l.q, shapes...)
}

// among narrows a side to some numbers and to the text.
func (l *entryList) among(most int64, numbers func(*bun.SelectQuery)) narrowing {
	return func(side *bun.SelectQuery) *bun.SelectQuery {
		numbers(side)
		if l.refs != nil {
			side.Where("number IN (?)", l.refs)
		} else if l.q.Text != "" {
			entryText(side, l.q.Text)
		}
		if most == 0 || l.engine == sqlite { // which merges sides in order, and stops
			return side
		}
		top := side.Order("number DESC").Limit(most)
		return l.db.NewSelect().TableExpr("(?) AS top", top).ColumnExpr("number, account, credit")
	}
}

// count counts one by one.
func (l *entryList) count(ctx context.Context, s span) (int64, error) {
	return l.db.NewSelect().TableExpr("(?) AS side", l.sides(0, s)).Count(ctx)
}

// spans cuts the list at the chunks that were counted, the newest first. Only what is behind them, and chunks in which the
// list's time begins or ends, are counted one by one.
func (l *entryList) spans(ctx context.Context) ([]span, error) {
	if l.refs != nil {
		whole := span{first: 0, last: endless}
		n, err := l.count(ctx, whole)
		whole.n = n
		return []span{whole}, err
	}
	chunks, err := l.chunks(ctx)
	if err != nil {
		return nil, err
	}
	tail := span{first: 0, last: endless}
	if len(chunks) > 0 {
		tail.first = chunks[0].Upto + 1
	}
	if tail.n, err = l.count(ctx, tail); err != nil {
		return nil, err
	}
	out := []span{tail}
	for i := range chunks {
		s, err := l.chunk(ctx, chunks, i)
		if err != nil {
			return nil, err
		}
		if s.n > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// chunkRow is what the list has of a chunk.
type chunkRow struct {
	Upto        int64
	N           int64
	First, Last int64
	Cut         bool // some of it may be outside of the list's time
}

// chunk turns a chunk into its span.
func (l *entryList) chunk(ctx context.Context, chunks []chunkRow, i int) (span, error) {
	c := &chunks[i]
	if !c.Cut {
		return span{c.First, c.Last, c.N}, nil
	}
	s := span{first: 1, last: c.Upto}
	if i+1 < len(chunks) {
		s.first = chunks[i+1].Upto + 1
	}
	n, err := l.count(ctx, s)
	s.n = n
	return s, err
}

// chunks reads what was counted: all chunks of the user, the newest first, with what the list has of each.
func (l *entryList) chunks(ctx context.Context) ([]chunkRow, error) {
	var rows []chunkRow
	query := l.db.NewSelect().Table("entry_tally").Column("upto").Where("user_id = ?", l.q.User).Group("upto").Order("upto DESC")
	listed, args := l.listed()
	cut, cutArgs := l.cut()
	for _, column := range []string{"CAST(COALESCE(SUM(CASE WHEN %s THEN n END), 0) AS BIGINT) AS n", "COALESCE(MIN(CASE WHEN %s THEN first END), 0) AS first", "COALESCE(MAX(CASE WHEN %s THEN last END), 0) AS last"} {
		query.ColumnExpr(fmt.Sprintf(column, listed), args...)
	}
	query.ColumnExpr(fmt.Sprintf("MAX(CASE WHEN %s THEN 1 ELSE 0 END) = 1 AS cut", listed+" AND "+cut), append(slices.Clone(args), cutArgs...)...)
	if err := query.Scan(ctx, &rows); err != nil || l.q.Text == "" {
		return rows, err
	}
	return rows, l.addOthers(ctx, rows)
}

// listed is the condition for what the list has of what was counted, and may have.
func (l *entryList) listed() (string, []any) {
	where, args := "account_id IN (?)", []any{bun.List(l.wallets)}
	and := func(condition string, value ...any) {
		where, args = where+" AND "+condition, append(args, value...)
	}
	switch l.q.Direction {
	case "debit":
		and("NOT credit")
	case "credit":
		and("credit")
	}
	if l.q.Kind != "" {
		and("kind = ?", l.q.Kind)
	}
	if l.q.Text != "" {
		and("kind = 'capture' AND (lower(reason) LIKE lower(?) ESCAPE '!' OR 'capture' LIKE lower(?) ESCAPE '!')", like(l.q.Text), like(l.q.Text))
	}
	if !l.q.From.IsZero() {
		and("(last_at IS NULL OR last_at >= ?)", stampOf(l.q.From))
	}
	if !l.q.To.IsZero() {
		and("(first_at IS NULL OR first_at < ?)", stampOf(l.q.To))
	}
	return where, args
}

// cut is the condition for what may lie outside of the list's time.
func (l *entryList) cut() (string, []any) {
	where, args := "FALSE", []any{}
	if !l.q.From.IsZero() {
		where, args = where+" OR first_at IS NULL OR first_at < ?", append(args, stampOf(l.q.From))
	}
	if !l.q.To.IsZero() {
		where, args = where+" OR last_at IS NULL OR last_at >= ?", append(args, stampOf(l.q.To))
	}
	return "(" + where + ")", args
}

// addOthers adds to the chunks the entries that are no charges for calls and have the text in them. They are few, have
// indexes of their own, and each may say something else.
func (l *entryList) addOthers(ctx context.Context, chunks []chunkRow) error {
	if len(chunks) == 0 {
		return nil
	}
	var numbers []int64
	sides := entrySides(l.db, l.wallets, l.q, func(side *bun.SelectQuery) *bun.SelectQuery {
		return entryText(side.Where("kind <> 'capture'").Where("number <= ?", chunks[0].Upto), l.q.Text)
	})
	if err := l.db.NewSelect().TableExpr("(?) AS side", sides).Column("number").Scan(ctx, &numbers); err != nil {
		return err
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	i := 0
	for _, number := range numbers {
		for i+1 < len(chunks) && chunks[i+1].Upto >= number {
			i++
		}
		chunks[i].add(number)
	}
	return nil
}

// add adds one entry. One of a chunk that is cut is counted there.
func (c *chunkRow) add(number int64) {
	if c.Cut {
		return
	}
	if c.N == 0 {
		c.First, c.Last = number, number
	}
	c.N, c.First, c.Last = c.N+1, min(c.First, number), max(c.Last, number)
}

// read reads a page of some spans.
func (l *entryList) read(ctx context.Context, spans []span, offset, size int64) (some []sideRow, err error) {
	err = l.db.NewSelect().TableExpr("(?) AS side", l.sides(offset+size, spans...)).Column("number", "account", "credit").
		Order("number DESC").Limit(size).Offset(offset).Scan(ctx, &some)
	return some, err
}
