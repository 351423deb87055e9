package journal_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/journal"
)

// TestFlushWaitsForTheBooks appends and flushes again and again: each time the books have every record, also when tickets
// do not wait for the disk.
func TestFlushWaitsForTheBooks(t *testing.T) {
	t.Parallel()
	for _, ack := range []journal.Ack{journal.Durable, journal.Process} {
		t.Run(string(ack), func(t *testing.T) {
			t.Parallel()
			b := newBooks()
			o := options(t.TempDir(), b)
			o.Ack = ack
			j, _ := begin(t, o)
			defer end(t, j)
			for n := 1; n <= 200; n++ {
				open, record := call()
				j.Open(open)
				j.Append(record)
				if err := j.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := b.count(); got != n {
					t.Fatalf("flushed with %d of %d records in the books", got, n)
				}
			}
		})
	}
}
