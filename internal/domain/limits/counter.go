package limits

import (
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// slices is how many parts a window is counted in. A request leaves the count when its whole part is older than the
// window, so a window is up to 1/16 longer than its policy says, and never shorter: no stretch of time as long as the
// window ever holds more than the limit.
const slices = 16

// windowKey tells the windows of one scope apart.
type windowKey struct {
	metric   Metric
	span     time.Duration
	currency money.Currency // of Amount only
}

// counter counts one window.
type counter struct {
	windowKey
	limit    int64 // that of the last admission, to show
	tick     int64 // number of the newest part
	cells    [slices + 1]cell
	used     int64 // sums over the cells
	reserved int64
	changed  bool // since the last save
}

// cell is what was admitted in one part of a window. What is open counts as reserved.
type cell struct{ used, reserved int64 }

func (c *counter) step() int64 { return int64(c.span) / slices }

// roll brings the window to the present and drops what has left it. A clock that goes back changes nothing.
func (c *counter) roll(now int64) {
	tick := now / c.step()
	if tick <= c.tick {
		return
	}
	for k := max(c.tick+1, tick-slices); k <= tick; k++ {
		old := &c.cells[k%(slices+1)]
		c.used -= old.used
		c.reserved -= old.reserved
		*old = cell{}
	}
	c.tick = tick
}

// left is what the limit still allows; at most 0 when it allows nothing.
func (c *counter) left(limit int64) int64 { return limit - c.used - c.reserved }

// grants returns how much of a weight the limit allows now, which is all of it or nothing. Of tokens it may be less than
// the weight, as long as any are left: estimates of tokens are the most that a request could make, and a limit below that
// would refuse all. What is granted never exceeds the limit, so only one request at a time can make more than was left.
func (c *counter) grants(weight, limit int64) (took int64, ok bool) {
	left := c.left(limit)
	if c.metric == Tokens {
		return min(weight, left), left > 0
	}
	return weight, weight <= left
}

// take reserves an amount. What is certain is used at once.
func (c *counter) take(took int64) {
	at := &c.cells[c.tick%(slices+1)]
	c.changed = true
	if c.metric == Requests {
		at.used += took
		c.used += took
		return
	}
	at.reserved += took
	c.reserved += took
}

// settle puts what a request took in the place of what was reserved in the part numbered tick, unless that has left the
// window.
func (c *counter) settle(tick, took, actual int64) {
	if tick < c.tick-slices || tick > c.tick {
		return
	}
	at := &c.cells[tick%(slices+1)]
	c.changed = true
	if c.metric == Requests {
		more := max(actual-took, -at.used) // somebody may have reset the window meanwhile
		at.used += more
		c.used += more
		return
	}
	at.reserved -= took
	c.reserved -= took
	at.used += actual
	c.used += actual
}

// wait is how long it takes until a weight fits; the whole window when it never does.
func (c *counter) wait(now, weight, limit int64) time.Duration {
	if c.metric == Tokens {
		weight = 1
	}
	missing := weight - c.left(limit)
	for k := c.tick - slices; k <= c.tick && weight <= limit; k++ {
		if k < 0 {
			continue
		}
		at := c.cells[k%(slices+1)]
		if missing -= at.used + at.reserved; missing <= 0 {
			return max(time.Duration((k+slices+1)*c.step()-now), time.Millisecond)
		}
	}
	return c.span
}

// reset is how long it takes until the window is empty, if nothing more is admitted.
func (c *counter) reset(now int64) time.Duration {
	for k := c.tick; k >= max(0, c.tick-slices); k-- {
		if at := c.cells[k%(slices+1)]; at.used+at.reserved > 0 {
			return time.Duration((k+slices+1)*c.step() - now)
		}
	}
	return 0
}
