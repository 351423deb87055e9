package relay

import (
	"testing"
	"testing/synctest"
	"time"
)

// armed is a deadline in a time of its own, and how long it took to end.
func armed(t *testing.T, total time.Duration, during func(d *deadline)) (took time.Duration, passed bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDeadline(t.Context(), start, total, time.Now)
		defer d.stop()
		during(d)
		<-d.ctx.Done()
		took, passed = time.Since(start), d.passed.Load()
	})
	return took, passed
}

func TestDeadlineEndsWhatMakesNoProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		total  time.Duration
		during func(d *deadline)
		want   time.Duration
	}{
		"armed once":             {0, func(d *deadline) { d.arm(time.Second) }, time.Second},
		"total alone":            {5 * time.Second, func(d *deadline) { d.arm(0) }, 5 * time.Second},
		"total before idle":      {time.Second, func(d *deadline) { d.arm(time.Minute) }, time.Second},
		"a shorter one later":    {0, func(d *deadline) { d.arm(time.Minute); d.arm(time.Second) }, time.Second},
		"a shorter one after it": {0, func(d *deadline) { d.arm(time.Minute); d.arm(time.Hour); d.arm(time.Second) }, time.Second},
		"put off by progress": {0, func(d *deadline) {
			for range 10 {
				d.arm(time.Second)
				<-time.After(900 * time.Millisecond)
			}
		}, 9*time.Second + 100*time.Millisecond},
		"no longer than total, whatever the progress": {2 * time.Second, func(d *deadline) {
			for range 3 {
				d.arm(time.Second)
				<-time.After(900 * time.Millisecond)
			}
		}, 2700 * time.Millisecond},
		"bounded by the attempt's own": {time.Minute, func(d *deadline) { d.bound(3*time.Second, 3*time.Second); d.arm(0) }, 3 * time.Second},
		"paused": {0, func(d *deadline) {
			d.arm(time.Second)
			d.pause()
			<-time.After(10 * time.Second)
			if !d.resume() {
				panic("a deadline that would have passed was not noticed")
			}
			d.arm(time.Second)
		}, 11 * time.Second},
		"paused for a moment": {0, func(d *deadline) {
			d.arm(time.Second)
			d.pause()
			<-time.After(time.Second / 2)
			if d.resume() {
				panic("missed before its time")
			}
		}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			took, passed := armed(t, c.total, c.during)
			if took != c.want || !passed {
				t.Errorf("ended after %v, passed: %v, want %v", took, passed, c.want)
			}
		})
	}
}
