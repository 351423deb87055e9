package relay

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

const (
	// unset is a moment that does not come.
	unset = math.MaxInt64
	// heedless is how long an attempt goes on without an eye on the caller. Many are over by then; one whose caller has left is
	// cancelled well within the 500 ms that it may have.
	heedless = 50 * time.Millisecond
)

// deadline is the context of an attempt, and ends it when it makes no progress. It also ends with the caller's, which it follows
// when it has been under way for a moment. Moments are nanoseconds since it was made.
//
// Progress is made with every event, and silence is rare: progress only moves the moment, and the timer, when it fires, looks
// whether that has been put off.
type deadline struct {
	ctx    attemptContext
	timer  *time.Timer
	made   time.Time
	end    int64 // the attempt's last moment; unset: it has none
	idle   time.Duration
	until  atomic.Int64 // the moment that ends the attempt
	fires  atomic.Int64 // when the timer looks; not after until
	passed atomic.Bool  // it has ended the attempt
	paused pauses
}

// newDeadline returns a deadline without a limit but the total one, which counts from the start of the call.
func newDeadline(parent context.Context, start time.Time, total time.Duration, now clock.Clock) *deadline {
	d := &deadline{ctx: attemptContext{Context: parent}, made: time.Now(), end: unset} //nolint:forbidigo // the clock that timers go by
	d.until.Store(unset)
	d.fires.Store(int64(heedless))
	d.timer = time.AfterFunc(heedless, d.lapse)
	d.bound(total-now().Sub(start), total)
	return d
}

// now is the moment it is.
func (d *deadline) now() int64 {
	return int64(time.Since(d.made)) //nolint:forbidigo // the clock that timers go by
}

// bound limits the attempt to the time that is left of its own; without a total there is no limit.
func (d *deadline) bound(left, total time.Duration) {
	if total > 0 {
		d.end = min(d.end, d.now()+int64(max(left, 0)))
	}
}

// arm gives the attempt the time d from now to make progress; 0 means no limit but the total one.
func (d *deadline) arm(wait time.Duration) {
	now := d.now()
	until := d.end
	if wait > 0 {
		until = min(until, now+int64(wait))
	}
	d.until.Store(until)
	if until < d.fires.Load() {
		d.fires.Store(until)
		d.timer.Reset(time.Duration(until - now))
	}
}

// lapse is called when the timer fires: it ends the attempt, unless there was progress meanwhile, or the time that has passed
// was not the upstream's.
func (d *deadline) lapse() {
	d.ctx.follow()
	if !d.over() {
		return
	}
	if d.paused.on.Load() {
		d.paused.missed.Store(true)
		if d.paused.on.Load() || !d.paused.missed.Swap(false) {
			return // resume will see, or has seen it
		}
	}
	d.passed.Store(true)
	d.ctx.end(context.Canceled)
}

// over reports whether the attempt has had its time. If not, the timer is set again.
func (d *deadline) over() bool {
	for {
		until := d.until.Load()
		left := until - d.now()
		if left > 0 {
			d.fires.Store(until)
			d.timer.Reset(time.Duration(left))
		} else {
			d.fires.Store(unset)
		}
		if d.until.Load() == until { // else it was armed meanwhile, maybe for a moment before the timer's
			return left <= 0
		}
	}
}

// stop ends the attempt: whatever the upstream still does is cancelled.
func (d *deadline) stop() {
	d.timer.Stop()
	d.ctx.end(context.Canceled)
}

// pauses are the times in which it is not the upstream that is waited for.
type pauses struct {
	on     atomic.Bool
	missed atomic.Bool // the deadline would have passed
}

// pause keeps the deadline from passing until resume, which reports whether it would have passed and must be armed again.
func (d *deadline) pause() { d.paused.on.Store(true) }

func (d *deadline) resume() (missed bool) {
	d.paused.on.Store(false)
	return d.paused.missed.Load() && d.paused.missed.Swap(false)
}
