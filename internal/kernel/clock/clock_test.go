package clock_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// TestTimesAreWrittenAsTheLibraryWritesThem compares times of the same second and of others, near to us and far, in several zones.
func TestTimesAreWrittenAsTheLibraryWritesThem(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	zones := []*time.Location{time.UTC, time.UTC, time.UTC, time.FixedZone("", 8*60*60), time.FixedZone("UTC", 0)}
	at := time.Date(2026, 2, 28, 23, 59, 58, 0, time.UTC)
	check := func(v time.Time) {
		t.Helper()
		if got, want := string(clock.Append([]byte("at "), v)), "at "+v.Format(time.RFC3339Nano); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for range 20_000 {
		digits := []int64{1, 10, 1000, 1_000_000, 100_000_000}[rnd.IntN(5)]
		at = at.Truncate(time.Second).Add(time.Duration(rnd.Int64N(int64(time.Second)/digits) * digits)) // with zeros at the end
		check(at.In(zones[rnd.IntN(len(zones))]))
		switch rnd.IntN(20) {
		case 0:
			at = at.Add(time.Second)
		case 1:
			at = time.Unix(rnd.Int64N(200_000_000_000), 0).UTC() // to the year 8307
		}
	}
	check(time.Time{})
	check(time.Unix(-1, 1).UTC())
	check(at.Truncate(time.Second))
}
