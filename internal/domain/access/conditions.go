package access

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Conditions must all hold for a rule to match. Nil conditions always hold.
type Conditions struct {
	never    bool
	time     *span
	ips      []netip.Prefix
	kinds    []inference.Kind
	metadata []attribute
}

// attribute is a member that the caller's metadata must have.
type attribute struct{ name, value string }

// span is when a rule applies.
type span struct {
	daily    bool // from and to count
	days     [7]bool
	from, to int // minutes of the day
	zone     *time.Location
	after    time.Time // included; zero: always
	before   time.Time // excluded; zero: for ever
}

// never are the conditions of a rule that matches nobody.
var never = &Conditions{never: true}

// hold reports whether the caller meets the conditions.
func (c *Conditions) hold(who *Caller) bool {
	if c == nil {
		return true
	}
	return !c.never && (c.time == nil || c.time.holds(who.At)) && c.isFrom(who.Address) &&
		(len(c.kinds) == 0 || slices.Contains(c.kinds, who.Kind)) && c.describes(who.Attributes)
}

func (c *Conditions) isFrom(a netip.Addr) bool {
	if len(c.ips) == 0 {
		return true
	}
	a = a.Unmap()
	for i := range c.ips {
		if c.ips[i].Contains(a) {
			return true
		}
	}
	return false
}

func (c *Conditions) describes(who Attributes) bool {
	for i := range c.metadata {
		if who[c.metadata[i].name] != c.metadata[i].value {
			return false
		}
	}
	return true
}

// holds reports whether the time is within the span. A window that ends before it begins goes past midnight and counts for
// the day on which it begins.
func (s *span) holds(at time.Time) bool {
	if !s.after.IsZero() && at.Before(s.after) || !s.before.IsZero() && !at.Before(s.before) {
		return false
	}
	if !s.daily {
		return true
	}
	local := at.In(s.zone)
	minute, day := local.Hour()*60+local.Minute(), int(local.Weekday())
	if s.from < s.to {
		return s.days[day] && minute >= s.from && minute < s.to
	}
	return s.days[day] && minute >= s.from || s.days[(day+6)%7] && minute < s.to
}
