package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

const fewCalls = 3000

// shown is a page as its reader sees it.
type shown struct {
	Total int64
	IDs   []string
}

func (c *crowd) show(t *testing.T, q tasks.Query) shown {
	t.Helper()
	p, err := c.store.Tasks().TaskList(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	out := shown{Total: p.Total}
	for i := range p.Items {
		out.IDs = append(out.IDs, p.Items[i].ID.String())
	}
	return out
}

// pagesOf asks for several pages of each list.
func (c *crowd) pagesOf(t *testing.T) map[string]shown {
	t.Helper()
	out := map[string]shown{}
	for name, q := range c.taskQuestions() {
		for _, p := range []page.Request{{Page: 1, Size: 7}, {Page: 2, Size: 50}, {Page: 5, Size: 20}, {Page: 9, Size: 100}, {Page: 400, Size: 3}} {
			q.Page = p
			out[name+string(rune('0'+p.Page%10))] = c.show(t, q)
		}
	}
	return out
}

// TestListsAreTheSameWhenDaysWereCounted compares every list before its days are counted, half-way, and after.
func TestListsAreTheSameWhenDaysWereCounted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) // the last day is not over
		o.Clock = func() time.Time { return now }
		c := newCrowd(t, migrated(t, o), fewCalls)
		want := c.pagesOf(t)
		if want["big/all1"].Total < fewCalls/4 || want["big/q-model1"].Total == 0 || want["big/q-request1"].Total != 1 {
			t.Fatalf("a poor world: %+v", want["big/all1"])
		}
		for range 3 { // twice 40 days, then what is left
			if _, err := c.store.Tasks().DaysSeal(t.Context(), 40); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c.pagesOf(t)); diff != "" {
				t.Fatalf("(-before +after)\n%s", diff)
			}
		}
		if days := c.sealedDays(t); len(days) != 89 || days[0] != dayOf(stampOf(c.begin)) {
			t.Errorf("%d days are counted, the first is %d", len(days), days[0])
		}
		if n, err := c.store.Tasks().DaysSeal(t.Context(), 40); n != 0 || err != nil {
			t.Errorf("counted %d days again, %v", n, err)
		}
	})
}

func (c *crowd) sealedDays(t *testing.T) (days []int64) {
	t.Helper()
	if err := c.store.db.reader.NewSelect().Table("task_day").Column("day").Order("day").Scan(t.Context(), &days); err != nil {
		t.Fatal(err)
	}
	return days
}

// TestDayIsCountedAgainWhenATaskComesLate writes a call of a day that was counted, and one that has not ended.
func TestDayIsCountedAgainWhenATaskComesLate(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		o.Clock = func() time.Time { return now }
		c := newCrowd(t, migrated(t, o), fewCalls)
		if n, err := c.store.Tasks().DaysSeal(t.Context(), 1000); err != nil || n != 119 {
			t.Fatalf("counted %d days, %v", n, err)
		}
		mine := tasks.Query{User: c.users[0].ID}
		before := c.show(t, mine).Total
		late, _ := c.call(fewCalls / 2)
		late.ID, late.UserID, late.RequestID = id.New(), c.users[0].ID, "late"
		c.apply(t, late)
		if got := c.show(t, mine).Total; got != before+1 {
			t.Errorf("%d tasks, want %d", got, before+1)
		}
		if slices.Contains(c.sealedDays(t), dayOf(stampOf(late.CreatedAt))) {
			t.Error("the day is still counted")
		}
		if n, err := c.store.Tasks().DaysSeal(t.Context(), 1000); err != nil || n != 1 {
			t.Errorf("counted %d days again, %v", n, err)
		}
		late.ID, late.Status = id.New(), tasks.Running
		c.apply(t, late)
		if n, err := c.store.Tasks().DaysSeal(t.Context(), 1000); err != nil || n != 0 {
			t.Errorf("counted %d days with a task that runs, %v", n, err)
		}
		if got := c.show(t, mine).Total; got != before+2 {
			t.Errorf("%d tasks, want %d", got, before+2)
		}
	})
}

func (c *crowd) apply(t *testing.T, task tasks.Task) {
	t.Helper()
	if err := c.store.Journal().RecordsApply(context.Background(), []*journal.Record{{Task: task}}, journal.Position{}); err != nil {
		t.Fatal(err)
	}
}
