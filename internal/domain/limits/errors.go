package limits

import (
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// What a caller is told. Messages name the kind of scope, never anybody's name: who shares a limit is nobody's business.
var (
	// ErrRate says that a rate limit of the caller's is used up; RetryAfter says until when.
	ErrRate = fault.New(429, "rate_limit", "The rate limit is reached. Try again later.")
	// ErrTarget says that an upstream is at its limit: another may serve the request.
	ErrTarget = fault.New(429, "upstream_rate_limit", "Every upstream of this model is at its rate limit. Try again later.")
	// ErrQuota says that a quota does not cover the request: with status 429 and RetryAfter until the next day or month
	// begins, with 402 for a total quota.
	ErrQuota = fault.New(429, "quota_exceeded", "The quota does not cover the cost of this request.")
	// ErrUnavailable says that what a scope has used, or its policy, could not be read.
	ErrUnavailable = fault.New(503, "limits_unavailable", "Limits cannot be checked now; no request can be served.")
)

// statusTotal is the status of a quota that no waiting renews.
const statusTotal = 402

func rateFault(s Scope, m Metric, wait time.Duration) *fault.Error {
	base := ErrRate
	if !s.Kind.OfCaller() {
		// Which upstream is at which limit is the operator's business.
		return ErrTarget.After(wait)
	}
	what := m.String()
	if m == Concurrent {
		what = "concurrent requests"
	}
	return base.Saying("The rate limit of this "+kindTitles[s.Kind]+" for "+what+" is reached. Try again later.").
		With("scope", s.Kind.String()).With("metric", m.String()).After(wait)
}

func quotaFault(k Kind, p Period, wait time.Duration) *fault.Error {
	when := map[Period]string{Total: "", Day: " for today", Month: " for this month"}[p]
	f := ErrQuota.Saying("The quota of this "+kindTitles[k]+when+" does not cover the cost of this request.").
		With("scope", k.String()).With("period", p.String())
	if p == Total {
		f.Status = statusTotal
		return f
	}
	return f.After(wait)
}
