package relay

import (
	"math"
	"sync/atomic"
	"time"
)

// never is how long a timer waits that is not meant to end.
const never = time.Duration(math.MaxInt64)

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

// lapse ends the attempt, unless the time that has passed was not the upstream's.
func (d *deadline) lapse() {
	if d.paused.on.Load() {
		d.paused.missed.Store(true)
		if d.paused.on.Load() || !d.paused.missed.Swap(false) {
			return // resume will see, or has seen it
		}
	}
	d.cancel(errDeadline)
}
