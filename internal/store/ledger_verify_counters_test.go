package store

import (
	"testing"
	"time"
)

// countersWrong verifies the books and returns in how many places the counters are wrong.
func (s *Store) countersWrong(t *testing.T) int64 {
	t.Helper()
	found, err := s.Wallet().Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found.Checks {
		if c.Name == "counters" {
			return c.Wrong
		}
	}
	t.Fatal("counters are not checked")
	return 0
}

// TestVerifyFindsWrongCounters changes what totals are made of, one thing at a time.
func TestVerifyFindsWrongCounters(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		o.Clock = func() time.Time { return time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC) }
		s := migrated(t, o)
		c := newCrowd(t, s, 400)
		if n, err := s.Wallet().entriesCount(t.Context(), 7, 1000); err != nil || n < 10 {
			t.Fatalf("counted %d chunks, %v", n, err)
		}
		if _, err := s.Tasks().DaysSeal(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		if n := s.countersWrong(t); n != 0 {
			t.Fatalf("%d counters are wrong from the beginning", n)
		}
		purse := c.purses[c.users[0].ID].String()
		for change, back := range map[string]string{
			"UPDATE account SET debits = debits + 1 WHERE id = '" + purse + "'":           "UPDATE account SET debits = debits - 1 WHERE id = '" + purse + "'",
			"UPDATE account SET credits = credits - 1 WHERE code = 'revenue'":             "UPDATE account SET credits = credits + 1 WHERE code = 'revenue'",
			"UPDATE task_tally SET n = n + 1 WHERE day = 20463":                           "UPDATE task_tally SET n = n - 1 WHERE day = 20463",
			"UPDATE task_tally SET status = 'x' WHERE status = 'failed'":                  "UPDATE task_tally SET status = 'failed' WHERE status = 'x'",
			"DELETE FROM task_day WHERE day = 20463":                                      "INSERT INTO task_day (day, sealed_at) VALUES (20463, 1)",
			"INSERT INTO task_day (day, sealed_at) VALUES (20535, 1)":                     "DELETE FROM task_day WHERE day = 20535",
			"UPDATE entry_tally SET n = n + 1 WHERE kind = 'capture'":                     "UPDATE entry_tally SET n = n - 1 WHERE kind = 'capture'",
			"UPDATE entry_tally SET first = first - 1 WHERE kind = 'capture'":             "UPDATE entry_tally SET first = first + 1 WHERE kind = 'capture'",
			"UPDATE entry_counted SET n = n - 1":                                          "UPDATE entry_counted SET n = n + 1",
			"UPDATE entry_counted SET upto = upto + 1":                                    "UPDATE entry_counted SET upto = upto - 1",
			"UPDATE account SET debits = credits, credits = debits WHERE kind = 'wallet'": "UPDATE account SET debits = credits, credits = debits WHERE kind = 'wallet'",
		} {
			s.mustExec(t, change)
			if s.countersWrong(t) == 0 {
				t.Errorf("%s was not found", change)
			}
			s.mustExec(t, back)
		}
		if n := s.countersWrong(t); n != 0 {
			t.Errorf("%d counters are wrong at the end", n)
		}
	})
}
