// Package limits bounds what callers may spend and how fast anybody may call: quotas in money, and rate-limit windows.
//
// Both are counted in memory as used + reserved: an admission reserves the most that a request can take, its end puts
// what it took in the reservation's place. README.md says what holds and why. Source: DESIGN sections 6 and 8.
package limits

import (
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Kind is what a scope is.
type Kind uint8

// The kinds of scopes. Those up to KindKey are the caller's, the others the target's.
const (
	KindTenant Kind = iota + 1
	KindGroup
	KindUser
	KindApp
	KindKey
	KindPlatform
	KindModel
	KindCredential
)

// kindNames are how contracts and tables write kinds; kindTitles how people read them.
var (
	kindNames = [...]string{
		KindTenant: "tenant", KindGroup: "user_group", KindUser: "user", KindApp: "app", KindKey: "api_key",
		KindPlatform: "platform", KindModel: "platform_model", KindCredential: "credential",
	}
	kindTitles = [...]string{
		KindTenant: "tenant", KindGroup: "user group", KindUser: "user", KindApp: "app", KindKey: "API key",
		KindPlatform: "upstream", KindModel: "model", KindCredential: "upstream",
	}
)

// String returns the kind's name; "" for the zero value.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind reads a name.
func ParseKind(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name && n != "" {
			return Kind(k), true
		}
	}
	return 0, false
}

// OfCaller reports whether the kind is one of the caller's.
func (k Kind) OfCaller() bool { return k >= KindTenant && k <= KindKey }

// Scope is something that has limits of its own.
type Scope struct {
	Kind Kind
	ID   id.ID
}

// Policy is what limits a scope; nil parts limit nothing. Policies are immutable.
type Policy struct {
	Rate  *RateLimit
	Quota *Quota
}

// Subject is a scope of a request with its policy.
type Subject struct {
	Scope
	Policy
}

// maxScopes is how many scopes one request has at most: one of each kind.
const maxScopes = 8

// Metric is what a window counts.
type Metric uint8

// The metrics. Concurrent has no window: it counts requests under way.
const (
	Requests Metric = iota + 1
	Tokens
	Amount
	Images
	Seconds
	Concurrent
)

var metricNames = [...]string{
	Requests: "requests", Tokens: "tokens", Amount: "amount", Images: "images", Seconds: "seconds", Concurrent: "concurrent",
}

// String returns the metric's name; "" for the zero value.
func (m Metric) String() string {
	if int(m) < len(metricNames) {
		return metricNames[m]
	}
	return ""
}

// ParseMetric reads a name.
func ParseMetric(name string) (Metric, bool) {
	for m, n := range metricNames {
		if n == name && n != "" {
			return Metric(m), true
		}
	}
	return 0, false
}

// Weights are what one request takes, or may take at most, of each metric.
type Weights struct {
	Requests int64
	Tokens   int64
	Images   int64
	Seconds  int64
	// Amount is money of Currency; every currency has a window of its own.
	Amount   money.Amount
	Currency money.Currency
	// Within says that it is a part of a request that has its place already, and so not one more under way.
	Within bool
}

// of returns the weight in one metric.
func (w *Weights) of(m Metric) int64 {
	switch m {
	case Requests:
		return w.Requests
	case Tokens:
		return w.Tokens
	case Amount:
		return int64(w.Amount)
	case Images:
		return w.Images
	case Seconds:
		return w.Seconds
	case Concurrent:
		return 1
	}
	return 0
}
