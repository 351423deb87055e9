package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// countRow is how many transfers an account says that it has.
type countRow struct {
	bun.BaseModel `bun:"table:account"`

	Number          int64
	ID              id.ID
	Code            string
	Debits, Credits int64
}

func (r countRow) value() countRow { return r }

// counters holds what the totals of lists are made of against the rows that it counts.
func (a *auditor) counters(ctx context.Context) error {
	err := pages[countRow, countRow](ctx, a, whole, func(v *countRow) int64 { return v.Number },
		func(_ context.Context, page []countRow) error {
			for _, v := range page {
				sums := a.sides.by[v.ID]
				if sums == nil {
					sums = &side{}
				}
				row := fmt.Sprintf("account %s (%s)", v.ID, v.Code)
				differs(a, "counters", row, "debits", sums.debits, v.Debits)
				differs(a, "counters", row, "credits", sums.credits, v.Credits)
			}
			return nil
		})
	if err != nil {
		return err
	}
	if err := a.taskDays(ctx); err != nil {
		return err
	}
	return a.entryChunks(ctx)
}

// taskDays counts the tasks of days that are counted again.
func (a *auditor) taskDays(ctx context.Context) error {
	var days, strays []int64
	if err := a.db.NewSelect().Table("task_day").Column("day").Order("day").Scan(ctx, &days); err != nil {
		return failure(err)
	}
	for _, day := range days {
		wrong, err := a.apart(ctx, a.db.NewRaw(taskGroups, day, int64(dayBegin(day)), int64(dayBegin(day+1))),
			a.db.NewRaw(taskTallied, day))
		if err != nil {
			return err
		}
		differs(a, "counters", fmt.Sprintf("day %d", day), "groups of tasks that are counted wrong", 0, wrong)
	}
	err := a.db.NewSelect().Table("task_tally").ColumnExpr("DISTINCT day").
		Where("NOT EXISTS (SELECT 1 FROM task_day WHERE task_day.day = task_tally.day)").Scan(ctx, &strays)
	for _, day := range strays {
		differs(a, "counters", fmt.Sprintf("day %d", day), "counted", true, false)
	}
	return failure(err)
}

// Groups of tasks as they are, and as they were counted.
const (
	taskGroups = `SELECT ? AS day, user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model,
			COUNT(*) AS n, MIN(created_at) AS first_at, MAX(created_at) AS last_at
		FROM task WHERE created_at >= ? AND created_at < ? AND user_id IS NOT NULL
		GROUP BY user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model`
	taskTallied = `SELECT day, user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model,
			CAST(SUM(n) AS BIGINT) AS n, MIN(first_at) AS first_at, MAX(last_at) AS last_at FROM task_tally WHERE day = ?
		GROUP BY day, user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model`
)

// apart counts the rows that only one of two queries returns.
func (a *auditor) apart(ctx context.Context, one, other *bun.RawQuery) (n int, err error) {
	err = a.db.NewRaw("SELECT (SELECT COUNT(*) FROM (? EXCEPT ?) AS a) + (SELECT COUNT(*) FROM (? EXCEPT ?) AS b)",
		one, other, other, one).Scan(ctx, &n)
	return n, failure(err)
}

// entryChunks counts the entries of users that are counted again.
func (a *auditor) entryChunks(ctx context.Context) error {
	var users []struct {
		UserID  id.ID
		Upto, N int64
	}
	err := a.db.NewSelect().Table("entry_counted").Column("user_id", "upto", "n").Order("user_id").Scan(ctx, &users)
	for _, u := range users {
		if err != nil {
			break
		}
		var c chunkSums
		if c, err = a.entryChunksOf(ctx, u.UserID); err == nil {
			row := "entries of user " + u.UserID.String()
			differs(a, "counters", row, "counted up to transfer", c.upto, u.Upto)
			differs(a, "counters", row, "entries that are counted", c.n, u.N)
		}
	}
	return failure(err)
}

// chunkSums is what the chunks of a user sum up to.
type chunkSums struct{ upto, n int64 }

func (a *auditor) entryChunksOf(ctx context.Context, user id.ID) (sums chunkSums, err error) {
	wallets, err := walletIDs(ctx, a.db, user)
	if err != nil {
		return sums, failure(err)
	}
	var chunks []struct{ Upto, N int64 }
	err = a.db.NewSelect().Table("entry_tally").Column("upto").ColumnExpr("CAST(SUM(n) AS BIGINT) AS n").
		Where("user_id = ?", user).Group("upto").Order("upto").Scan(ctx, &chunks)
	if err != nil {
		return sums, failure(err)
	}
	for _, c := range chunks {
		wrong, err := a.apart(ctx, entryGroups(a.db, user, wallets, sums.upto, c.Upto), a.db.NewRaw(
			"SELECT user_id, upto, account_id, credit, kind, reason, n, first, last, first_at, last_at FROM entry_tally WHERE user_id = ? AND upto = ?",
			user, c.Upto))
		if err != nil {
			return sums, err
		}
		if wrong > 0 {
			a.Add(wallet.Finding{
				Check: "counters", Row: fmt.Sprintf("entries of user %s up to transfer %d", user, c.Upto),
				Field: "groups that are counted wrong", Expected: "0", Actual: fmt.Sprint(wrong),
			})
		}
		sums.upto, sums.n = c.Upto, sums.n+c.N
	}
	return sums, nil
}
