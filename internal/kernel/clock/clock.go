// Package clock hands time in, so that code which depends on it can be tested exactly.
//
// Timers and deadlines use the standard library directly: tests of those run inside testing/synctest.
package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock tells the current time, always in UTC.
type Clock func() time.Time

// System is the machine's clock.
func System() time.Time { return time.Now().UTC() }

// Seconds writes times to the second in UTC. It keeps the text of the last second, for most times that are written are of the same one
// as those before. It is safe for concurrent use.
type Seconds struct {
	layout string
	last   atomic.Pointer[second]
}

type second struct {
	unix int64
	text string
}

// NewSeconds returns what writes times in a layout of package time.
func NewSeconds(layout string) *Seconds { return &Seconds{layout: layout} }

// Text is a time in the layout.
func (s *Seconds) Text(t time.Time) string {
	kept := s.last.Load()
	if kept == nil || kept.unix != t.Unix() {
		kept = &second{t.Unix(), t.UTC().Format(s.layout)}
		s.last.Store(kept)
	}
	return kept.text
}

var rfc3339 = NewSeconds("2006-01-02T15:04:05")

// Append appends a time as its format time.RFC3339Nano does.
func Append(b []byte, t time.Time) []byte {
	if t.Location() != time.UTC {
		return t.AppendFormat(b, time.RFC3339Nano)
	}
	b = append(b, rfc3339.Text(t)...)
	if n := t.Nanosecond(); n > 0 {
		fraction := [...]byte{'.', '0', '0', '0', '0', '0', '0', '0', '0', '0'}
		end := 1
		for i := len(fraction) - 1; n > 0; i-- {
			fraction[i] += byte(n % 10)
			if end == 1 && fraction[i] != '0' {
				end = i + 1
			}
			n /= 10
		}
		b = append(b, fraction[:end]...)
	}
	return append(b, 'Z')
}

// Manual is a clock that moves only when told to. The zero value stands at the zero time.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual returns a manual clock that stands at t.
func NewManual(t time.Time) *Manual { return &Manual{now: t.UTC()} }

// Now returns the time at which the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock by d, which may be negative.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}
