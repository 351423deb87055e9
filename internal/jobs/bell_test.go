package jobs

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
)

// TestBellRingsForWhatStands has the bell ring for transactions that were committed, and once for several.
func TestBellRingsForWhatStands(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{Path: t.TempDir() + "/gantry.db", Clock: clock.System})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := make(bell, 1)
	enqueue := func(end error) {
		err := s.Tasks().InTx(t.Context(), func(in tx.Tx) error {
			return errors.Join(b.liteTx(t.Context(), in, func(*sql.Tx) error { return nil }), end)
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	heard := func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		if len(b) == 0 {
			cancel()
		}
		defer cancel()
		n, err := b.WaitForNotification(ctx)
		return err == nil && n.Topic == "river_insert"
	}
	enqueue(errors.New("undone"))
	if heard() {
		t.Error("the bell rang for what was rolled back")
	}
	enqueue(nil)
	enqueue(nil)
	if !heard() || heard() {
		t.Error("two that were enqueued are to be heard of once")
	}
}
