package journal_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// state is what the books must say of one call after a crash.
type state struct {
	open    bool
	charged money.Amount
	ended   bool
}

// TestAnyPrefixRecoversToAStateThatWasReached (P2) writes a random script, cuts the journal at a random byte, and expects
// of the recovery exactly what the entries before the cut say: nothing lost that was durable, nothing that came later, and
// every call closed. Recovering again, or dying while recovering, changes nothing (P3).
func TestAnyPrefixRecoversToAStateThatWasReached(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		b := newBooks()
		b.gate = make(chan struct{}) // the books get nothing before the crash
		o := options(dir, b)
		o.SegmentSize = rapid.Int64Range(500, 20_000).Draw(rt, "segment")
		j, _ := begin(t, o)
		states, sizes := script(t, rt, j, dir)
		cut := rapid.Int64Range(0, sizes[len(sizes)-1]).Draw(rt, "cut")
		after, books := crashed(t, o, b)
		close(b.gate)
		end(t, j)
		truncate(rt, after.Dir, cut)
		durable := 0
		for durable+1 < len(sizes) && sizes[durable+1] <= cut {
			durable++
		}
		for range rapid.IntRange(1, 5).Draw(rt, "recoveries") {
			again, _, err := journal.Start(t.Context(), after, clock.System)
			if err != nil {
				rt.Fatalf("cut at %d of %v: %v", cut, sizes, err)
			}
			end(t, again)
			compare(rt, books, states[durable])
		}
	})
}

// script makes a random history. It returns the expected state of every call, and the journal's size, after each step.
func script(t *testing.T, rt *rapid.T, j *journal.Journal, dir string) ([]map[id.ID]state, []int64) {
	t.Helper()
	now := map[id.ID]state{}
	states, sizes := []map[id.ID]state{{}}, []int64{0}
	var live []*journal.Open
	records := map[id.ID]*journal.Record{}
	for range rapid.IntRange(1, 25).Draw(rt, "steps") {
		kind := rapid.IntRange(0, 2).Draw(rt, "kind")
		if kind > 0 && len(live) == 0 {
			kind = 0
		}
		switch kind {
		case 0:
			open, record := call()
			live, records[open.Task.ID] = append(live, open), record
			wait(t, j.Open(open))
			now[open.Task.ID] = state{open: true}
		case 1:
			task := live[rapid.IntRange(0, len(live)-1).Draw(rt, "which")].Task.ID
			amount := money.Amount(rapid.Int64Range(0, 100).Draw(rt, "amount"))
			wait(t, j.Mark(&journal.Mark{TaskID: task, Amount: amount}))
			now[task] = state{open: true, charged: amount}
		case 2:
			at := rapid.IntRange(0, len(live)-1).Draw(rt, "which")
			task := live[at].Task.ID
			live = append(live[:at:at], live[at+1:]...)
			wait(t, j.Append(records[task]))
			now[task] = state{ended: true, charged: records[task].Task.Charged}
		}
		states, sizes = append(states, maps.Clone(now)), append(sizes, size(rt, dir))
	}
	return states, sizes
}

func segments(rt *rapid.T, dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		rt.Fatal(err)
	}
	return names
}

func size(rt *rapid.T, dir string) (total int64) {
	for _, name := range segments(rt, dir) {
		info, err := os.Stat(name)
		if err != nil {
			rt.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// truncate cuts the journal behind its first bytes, as if the rest had never reached the disk.
func truncate(rt *rapid.T, dir string, keep int64) {
	for _, name := range segments(rt, dir) {
		info, err := os.Stat(name)
		if err != nil {
			rt.Fatal(err)
		}
		switch {
		case keep <= 0:
			err = os.Remove(name)
		case keep < info.Size():
			err = os.Truncate(name, keep)
		}
		if err != nil {
			rt.Fatal(err)
		}
		keep -= info.Size()
	}
}

func compare(rt *rapid.T, b *books, want map[id.ID]state) {
	if len(b.tasks) != len(want) {
		rt.Fatalf("%d calls in the books, want %d", len(b.tasks), len(want))
	}
	for task, s := range want {
		got := b.tasks[task]
		if got == nil {
			rt.Fatalf("a call is missing: %+v", s)
		}
		if got.Task.Charged != s.charged || (got.Task.Status == tasks.Failed) == s.ended {
			rt.Fatalf("got %s, want %+v", fmt.Sprint(got.Task.Status, " ", got.Task.Charged), s)
		}
	}
}
