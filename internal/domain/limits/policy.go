package limits

import (
	"math/bits"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// RateLimit is a compiled rateLimitPolicy: {rpm, tpm, concurrent, rpd, tpd, windows:[{metric, limit, windowSeconds}]}.
type RateLimit struct {
	// Concurrent is how many requests may be under way; 0: any number.
	Concurrent int64
	Windows    []Window
}

// Window bounds what a metric may count in any stretch of time as long as Span.
type Window struct {
	Metric Metric
	// Limit is a count; of Amount it is 1e-9 of a major unit, whatever the currency.
	Limit int64
	Span  time.Duration
}

// in returns the limit in the unit in which weights of the currency are counted.
func (w *Window) in(c money.Currency) int64 {
	limit := w.Limit
	if w.Metric == Amount {
		for e := c.Exponent(); e < factorPlaces; e++ {
			limit /= 10
		}
	}
	return limit
}

// factorPlaces is the scale of Window.Limit for amounts.
const factorPlaces = 9

// Period is a stretch of time that a quota is given for.
type Period uint8

// The periods.
const (
	Total Period = iota
	Day
	Month
	numPeriods
)

// String returns the period's name.
func (p Period) String() string { return [...]string{"total", "day", "month", ""}[min(p, numPeriods)] }

// Bound is how much a quota allows in one period. The zero value bounds nothing.
type Bound struct {
	Set   bool
	Limit money.Amount
	// Soft is the use at which an alert is announced; 0: none.
	Soft money.Amount
}

// Quota is a compiled quotaPolicy: {currency, total, day, month, timeZone, soft}. It bounds what is spent in one
// currency; at least one bound is set.
type Quota struct {
	Currency money.Currency
	Bounds   [numPeriods]Bound
	// Offset is what the time zone, in which days and months begin, is ahead of UTC: whole quarters of an hour.
	Offset time.Duration
}

// index numbers the period that at lies in; a later period has a higher number.
func (p Period) index(at time.Time, offset time.Duration) int64 {
	local := at.UTC().Add(offset)
	switch p {
	case Day:
		return floorDiv(local.Unix(), int64(24*time.Hour/time.Second))
	case Month:
		return int64(local.Year())*12 + int64(local.Month())
	case Total, numPeriods:
	}
	return 0
}

// start returns when the period that at lies in began; the zero time for Total.
func (p Period) start(at time.Time, offset time.Duration) time.Time {
	y, m, d := at.UTC().Add(offset).Date()
	switch p {
	case Day:
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Add(-offset)
	case Month:
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Add(-offset)
	case Total, numPeriods:
	}
	return time.Time{}
}

// end returns when the next period begins; the zero time for Total.
func (p Period) end(at time.Time, offset time.Duration) time.Time {
	y, m, d := at.UTC().Add(offset).Date()
	switch p {
	case Day:
		return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC).Add(-offset)
	case Month:
		return time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Add(-offset)
	case Total, numPeriods:
	}
	return time.Time{}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// share returns amount × factor, rounded up; 0 ≤ factor ≤ One and amount ≥ 0, so it cannot overflow.
func share(amount money.Amount, f money.Factor) money.Amount {
	hi, lo := bits.Mul64(uint64(amount), uint64(f)) //nolint:gosec // not negative
	lo, carry := bits.Add64(lo, uint64(money.One-1), 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(money.One))
	return money.Amount(q) //nolint:gosec // at most amount
}
