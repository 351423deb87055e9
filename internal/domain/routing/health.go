package routing

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// UnitKind is what has a health of its own.
type UnitKind uint8

// The kinds of units.
const (
	UnitModel UnitKind = iota + 1 // a platform model
	UnitPlatform
	UnitCredential
)

var unitNames = [...]string{UnitModel: "platform_model", UnitPlatform: "platform", UnitCredential: "credential"}

// String returns the kind's name as policies write it; "" for the zero value.
func (k UnitKind) String() string { return unitNames[k] }

func parseUnitKind(name string) (UnitKind, bool) {
	for k, n := range unitNames {
		if n == name && n != "" {
			return UnitKind(k), true
		}
	}
	return 0, false
}

// Gate says whether a unit may be sent a request.
type Gate uint8

// The gates.
const (
	Open    Gate = iota
	Ready        // half open: one request may find out whether the unit is well again
	Cooling      // left alone; a last resort
	Firm         // left alone because the upstream asked for it, or because it is disabled: not even a last resort
)

// probeLease is how long a probe may take before another request may try.
const probeLease = 10 * time.Minute

// Unit is the health of a platform, a platform model or a credential. It outlives snapshots. While nothing failed, a
// request reads two of its atomics and counts itself in and out; the lock is for failures and for what follows them.
//
// States: open → cooling (or disabled) until a time → half open, in which one request at a time probes → open, or cooling
// for twice as long.
type Unit struct {
	Kind UnitKind
	ID   id.ID
	// Platform is the unit itself, or what it belongs to.
	Platform id.ID

	until    atomic.Int64 // Unix nanoseconds at which the cooldown ends; 0: open
	demoted  atomic.Int64 // added to the priority until recovers; 0: nothing
	recovers atomic.Int64
	probing  atomic.Int64 // Unix nanoseconds at which the probe under way is given up; 0: none
	inflight atomic.Int64
	served   atomic.Int64
	excluded atomic.Int64 // Unix nanoseconds of the last event about a limit
	failed   atomic.Int64 // what it had served when it failed last
	closed   atomic.Int64 // Unix nanoseconds at which it was closed last
	watched  atomic.Bool  // it failed lately, so what it serves is counted

	mu       sync.Mutex
	windows  map[string]*window // by Rule.Key
	level    uint               // how often the cooldown was doubled
	firm     bool               // see Firm
	disabled bool
	reason   string
	since    time.Time // of the disabling
	// dirty says that the row in the database is not as the unit; stored, that the row says that the unit is closed.
	dirty, stored bool
}

// window remembers the last failures that a rule counted.
type window struct {
	at     []int64 // Unix nanoseconds, a ring
	served []int64 // what the unit had served by then
	next   int
	full   bool
}

// Gate returns whether the unit may be sent a request, and until when not. It neither locks nor allocates.
func (u *Unit) Gate(now time.Time) (Gate, time.Time) {
	until := u.until.Load()
	if until == 0 {
		return Open, time.Time{}
	}
	return u.closedGate(now.UnixNano(), until)
}

func (u *Unit) closedGate(now, until int64) (Gate, time.Time) {
	if now >= until {
		if lease := u.probing.Load(); lease == 0 || now >= lease {
			return Ready, time.Time{}
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.disabled {
			return Firm, time.Unix(0, now).Add(time.Second).UTC()
		}
		return Cooling, time.Unix(0, now).Add(time.Second).UTC()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.firm || u.disabled {
		return Firm, time.Unix(0, until).UTC()
	}
	return Cooling, time.Unix(0, until).UTC()
}

// Demotion is what is added to the priority now.
func (u *Unit) Demotion(now time.Time) int64 {
	step := u.demoted.Load()
	if step == 0 || now.UnixNano() >= u.recovers.Load() {
		return 0
	}
	return step
}

// Probe takes the place of the one request that may try a half-open unit. It reports false when another has it. An open
// unit needs no probe.
func (u *Unit) Probe(now time.Time) (held, ok bool) {
	until := u.until.Load()
	if until == 0 || now.UnixNano() < until {
		return false, until == 0
	}
	lease := u.probing.Load()
	if lease != 0 && now.UnixNano() < lease {
		return false, false
	}
	won := u.probing.CompareAndSwap(lease, now.Add(probeLease).UnixNano())
	return won, won
}

// Unprobe gives the place back: the request found out nothing.
func (u *Unit) Unprobe() { u.probing.Store(0) }

// Enter and Leave count the requests under way.
func (u *Unit) Enter() { u.inflight.Add(1) }

// Leave ends what Enter began.
func (u *Unit) Leave() { u.inflight.Add(-1) }

// InFlight is how many requests are under way.
func (u *Unit) InFlight() int64 { return u.inflight.Load() }

// watch is how many requests a unit serves in a row until it is not watched any more.
const watch = 10_000

// Serve counts a request that an open unit served, where failures are to be compared with it.
func (u *Unit) Serve() {
	if u.watched.Load() && u.served.Add(1)-u.failed.Load() > watch {
		u.watched.Store(false)
	}
}

// mostServed: a unit that served more than so many times as many requests as failed is not in trouble, however many fail.
const mostServed = 9

// count takes a failure down and reports whether it makes the rule's threshold: so many failures within the window, which
// are at least a tenth of what the unit was asked, so that a busy upstream is not left alone for one failure in a thousand.
func (w *window) count(r *Rule, now, served int64) bool {
	if len(w.at) != r.Threshold {
		*w = window{at: make([]int64, r.Threshold), served: make([]int64, r.Threshold)}
	}
	w.at[w.next], w.served[w.next] = now, served
	w.next = (w.next + 1) % r.Threshold
	w.full = w.full || w.next == 0
	oldest := w.next
	return w.full && now-w.at[oldest] <= int64(r.Window) && served-w.served[oldest] <= mostServed*int64(r.Threshold)
}

// UnitStatus is a unit's state, as people and the database see it.
type UnitStatus struct {
	Kind     UnitKind
	ID       id.ID
	Platform id.ID
	// Until is when the unit may be tried again; zero: it is open.
	Until time.Time
	// Firm: see the gate of that name. Disabled comes with a reason and the moment at which it began.
	Firm, Disabled bool
	Reason         string
	Since          time.Time
	Demotion       int64
	DemotedUntil   time.Time
	InFlight       int64
}

// Status returns the unit's state.
func (u *Unit) Status(now time.Time) UnitStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := UnitStatus{
		Kind: u.Kind, ID: u.ID, Platform: u.Platform, Firm: u.firm, Disabled: u.disabled, Reason: u.reason, Since: u.since,
		Demotion: u.Demotion(now), InFlight: u.inflight.Load(),
	}
	if until := u.until.Load(); until != 0 {
		s.Until = time.Unix(0, until).UTC()
	}
	if s.Demotion != 0 {
		s.DemotedUntil = time.Unix(0, u.recovers.Load()).UTC()
	}
	return s
}

// Clone returns a copy that lives on its own, for trying out what would happen.
func (u *Unit) Clone() *Unit {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := &Unit{
		Kind: u.Kind, ID: u.ID, Platform: u.Platform, windows: map[string]*window{}, level: u.level, firm: u.firm,
		disabled: u.disabled, reason: u.reason, since: u.since,
	}
	for key, w := range u.windows {
		c.windows[key] = &window{
			at: append([]int64(nil), w.at...), served: append([]int64(nil), w.served...), next: w.next, full: w.full,
		}
	}
	c.until.Store(u.until.Load())
	c.demoted.Store(u.demoted.Load())
	c.recovers.Store(u.recovers.Load())
	c.probing.Store(u.probing.Load())
	c.inflight.Store(u.inflight.Load())
	c.served.Store(u.served.Load())
	c.excluded.Store(u.excluded.Load())
	c.failed.Store(u.failed.Load())
	c.closed.Store(u.closed.Load())
	c.watched.Store(u.watched.Load())
	return c
}
