package routing

import (
	"time"
)

// Change is what an outcome changed about a unit.
type Change struct {
	Kind   EventKind
	Unit   *Unit
	Before UnitStatus
	After  UnitStatus
}

// Succeed notes that the unit served a request, or at least answered sensibly. probe says that the request held the
// unit's probe. A unit that was closed is open again, whichever request found that out; but not one that was sent before
// the unit was closed: it knows of the time before.
func (u *Unit) Succeed(now, sent time.Time, probe bool) (Change, bool) {
	u.Serve()
	if !probe && (u.until.Load() == 0 || sent.UnixNano() < u.closed.Load()) {
		return Change{}, false
	}
	before := u.Status(now)
	u.mu.Lock()
	kind := EventReturn
	if u.disabled {
		kind = EventRecovery
	}
	was := u.until.Swap(0)
	u.level, u.firm, u.disabled, u.reason, u.since = 0, false, false, "", time.Time{}
	u.dirty = u.dirty || u.stored
	clear(u.windows)
	u.probing.Store(0)
	u.mu.Unlock()
	return Change{Kind: kind, Unit: u, Before: before, After: u.Status(now)}, was != 0
}

// Fail counts a failure that a rule matches, and does what the rule says when that makes its threshold. probe says that
// the request held the unit's probe: then one failure is enough, and the cooldown doubles.
func (u *Unit) Fail(r *Rule, f *Failure, now time.Time, probe bool) (Change, bool) {
	u.watched.Store(true)
	u.failed.Store(u.served.Load())
	before := u.Status(now)
	u.mu.Lock()
	counted := u.countLocked(r, now)
	kind := EventKind("")
	switch {
	case r.Step > 0:
		if counted {
			kind = u.demoteLocked(r, now)
		}
	case probe:
		u.level++
		kind = u.closeLocked(r, f, now)
	case counted && (u.until.Load() == 0 || r.Disables && !u.disabled):
		u.level = 0
		kind = u.closeLocked(r, f, now)
	}
	u.mu.Unlock()
	return Change{Kind: kind, Unit: u, Before: before, After: u.Status(now)}, kind != ""
}

func (u *Unit) countLocked(r *Rule, now time.Time) bool {
	w := u.windows[r.Key]
	if w == nil {
		if u.windows == nil {
			u.windows = map[string]*window{}
		}
		w = &window{}
		u.windows[r.Key] = w
	}
	return w.count(r, now.UnixNano(), u.served.Load())
}

// closeLocked leaves the unit alone for as long as the upstream asked for, or for the rule's time, doubled with each
// failed probe.
func (u *Unit) closeLocked(r *Rule, f *Failure, now time.Time) EventKind {
	wait := r.Cooldown
	for i := uint(0); i < u.level && wait < r.MaxCooldown; i++ {
		wait *= 2
	}
	if f.RetryAfter > 0 {
		wait = f.RetryAfter
	}
	wait = min(wait, r.MaxCooldown)
	u.firm = f.RetryAfter > 0
	u.reason = string(f.Category)
	u.probing.Store(0)
	kind := EventCooldown
	if r.Disables || u.disabled {
		kind = EventDisable
		if !u.disabled {
			u.disabled, u.since = true, now.Truncate(time.Microsecond)
		}
	}
	u.closed.Store(now.UnixNano())
	u.until.Store(now.Add(wait).Truncate(time.Microsecond).UnixNano()) // as databases keep it
	u.dirty = u.dirty || u.disabled || wait > keepLonger || u.stored
	return kind
}

// maxDemotion bounds what demotions add up to.
const maxDemotion = 1_000_000_000

func (u *Unit) demoteLocked(r *Rule, now time.Time) EventKind {
	step := r.Step
	if now.UnixNano() < u.recovers.Load() {
		step += u.demoted.Load()
	}
	u.demoted.Store(min(step, maxDemotion))
	u.recovers.Store(now.Add(r.Cooldown).UnixNano())
	delete(u.windows, r.Key)
	return EventDemotion
}

// Restore ends a demotion whose time is over.
func (u *Unit) Restore(now time.Time) (Change, bool) {
	step := u.demoted.Load()
	if step == 0 || now.UnixNano() < u.recovers.Load() {
		return Change{}, false
	}
	before := u.Status(now)
	before.Demotion = step
	if !u.demoted.CompareAndSwap(step, 0) {
		return Change{}, false
	}
	return Change{Kind: EventRestoration, Unit: u, Before: before, After: u.Status(now)}, true
}

// excludeEvery is how often it is told that a unit is at its limit.
const excludeEvery = time.Minute

// Exclude notes that the unit was passed over because it is at a limit of its own.
func (u *Unit) Exclude(now time.Time) (Change, bool) {
	last := u.excluded.Load()
	if last != 0 && now.UnixNano()-last < int64(excludeEvery) || !u.excluded.CompareAndSwap(last, now.UnixNano()) {
		return Change{}, false
	}
	s := u.Status(now)
	return Change{Kind: EventExclusion, Unit: u, Before: s, After: s}, true
}
