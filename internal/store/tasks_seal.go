package store

import (
	"context"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
)

const (
	dayLength = int64(24 * time.Hour / time.Microsecond)
	// sealAfter is how long after its end a day is sealed: calls are written down when they end.
	sealAfter = 2 * time.Hour
)

// dayOf numbers the day that a moment lies in.
func dayOf(s stamp) int64 { return int64(s) / dayLength }

func dayBegin(day int64) stamp { return stamp(day * dayLength) }

// DaysSeal counts the tasks of days that are over, at most that many days, the oldest first, so that lists need not. A day
// with a task that has not ended waits. It returns how many days it sealed.
func (s *Tasks) DaysSeal(ctx context.Context, most int) (int, error) {
	days, err := s.daysOpen(ctx, most)
	if err != nil {
		return 0, err
	}
	sealed := 0
	for _, day := range days {
		done := false
		err := s.inTx(ctx, func(t *transaction) (err error) {
			done, err = s.daySeal(ctx, t, day)
			return err
		})
		if err != nil {
			return sealed, failure(err)
		}
		if done {
			sealed++
		}
	}
	return sealed, nil
}

// daysOpen lists the days that are over and not sealed, since the first task.
func (s *Tasks) daysOpen(ctx context.Context, most int) ([]int64, error) {
	var first stamp
	if err := s.reader.NewSelect().Table("task").ColumnExpr("MIN(created_at)").Scan(ctx, &first); err != nil || first == 0 {
		return nil, failure(err)
	}
	var sealed []int64
	if err := s.reader.NewSelect().Table("task_day").Column("day").Order("day").Scan(ctx, &sealed); err != nil {
		return nil, failure(err)
	}
	var open []int64
	end := dayOf(stampOf(s.clock().Add(-sealAfter)))
	for day := dayOf(first); day < end && len(open) < most; day++ {
		if _, found := slices.BinarySearch(sealed, day); !found {
			open = append(open, day)
		}
	}
	return open, nil
}

// daySeal counts one day. The lock makes sure that nobody is writing a task of that day who has not seen that it is sealed:
// whoever holds one finishes first, and whoever comes later finds the day and opens it again.
func (s *Tasks) daySeal(ctx context.Context, t *transaction, day int64) (bool, error) {
	if s.engine == postgres {
		if _, err := t.ExecContext(ctx, "LOCK TABLE task IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return false, err
		}
	}
	from, to := int64(dayBegin(day)), int64(dayBegin(day+1))
	open, err := t.NewSelect().Table("task").Where("created_at >= ? AND created_at < ?", from, to).
		Where("status NOT IN (?, ?, ?)", tasks.Succeeded, tasks.Failed, tasks.Canceled).Exists(ctx)
	if err != nil || open {
		return false, err
	}
	result, err := t.ExecContext(ctx, "INSERT INTO task_day (day, sealed_at) VALUES (?, ?) ON CONFLICT (day) DO NOTHING",
		day, int64(stampOf(s.clock())))
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO task_tally
			(day, user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, n, first_at, last_at)
		SELECT ?, user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model, COUNT(*),
			MIN(created_at), MAX(created_at)
		FROM task WHERE created_at >= ? AND created_at < ? AND user_id IS NOT NULL
		GROUP BY user_id, status, kind, model_type, api_key_id, is_simulated, requested_model, resolved_model`, day, from, to)
	return err == nil, err
}

// daysOpenAgain takes back what was counted of days of which there are more tasks now. Today's are not counted, so ordinary
// calls ask the database nothing. Days are taken in order, so that two who do this never wait for each other in a circle.
func (s *Journal) daysOpenAgain(ctx context.Context, t *transaction, fresh []*journal.Record) error {
	today := dayOf(stampOf(s.clock()))
	var days []int64
	for _, r := range fresh {
		if day := dayOf(stampOf(r.Task.CreatedAt)); day < today && !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	for _, day := range days {
		result, err := t.ExecContext(ctx, "DELETE FROM task_day WHERE day = ?", day)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			continue
		}
		if _, err := t.ExecContext(ctx, "DELETE FROM task_tally WHERE day = ?", day); err != nil {
			return err
		}
	}
	return nil
}
