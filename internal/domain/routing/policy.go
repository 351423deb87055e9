package routing

import (
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Policies are the compiled runtime policies of one platform model. They are immutable.
type Policies struct {
	Retry   Retry
	Degrade []Rule
	Disable []Rule
}

// Retry is a compiled retryPolicy: how often and how patiently one candidate is tried.
type Retry struct {
	// MaxAttempts is how often one candidate is tried, at least 1.
	MaxAttempts int
	// Total, FirstByte and Idle bound one attempt; 0 means the relay's own bound.
	Total, FirstByte, Idle time.Duration
	Backoff                Backoff
	// On are the categories after which the same candidate may be tried again.
	On                Categories
	RespectRetryAfter bool
}

// Backoff is the pause before a candidate is tried again: Initial × Multiplier^n, at most Max, less a share of up to
// Jitter of it.
type Backoff struct {
	Initial, Max time.Duration
	Multiplier   float64 // at least 1
	Jitter       float64 // 0 to 1
}

// Wait returns the pause before the try after tries tries. draw is a random number in [0, 1).
func (b *Backoff) Wait(tries int, draw float64) time.Duration {
	wait := float64(b.Initial)
	for range tries - 1 {
		if wait *= b.Multiplier; wait >= float64(b.Max) {
			break
		}
	}
	return time.Duration(min(wait, float64(b.Max)) * (1 - b.Jitter*draw))
}

// Runner is the compiled runner policy: how a request goes from candidate to candidate. It is immutable.
type Runner struct {
	Failover Failover
	HardStop Categories
	Demote   []Rule
}

// Failover is a compiled failoverPolicy.
type Failover struct {
	// Enabled false keeps a request at the platform model that it began with.
	Enabled bool
	// MaxAttempts bounds the attempts of one request over all candidates.
	MaxAttempts int
	// MaxElapsed is how long after a request's start another attempt may begin; 0: as long as the caller waits.
	MaxElapsed time.Duration
	// On are the categories after which another candidate may be tried.
	On Categories
	// Hedge is nil where nothing is hedged, as nothing is by default.
	Hedge *Hedge
}

// Hedge is a compiled failoverPolicy.hedge: a second attempt beside one that takes its time. It is immutable.
type Hedge struct {
	// After is how long the first attempt of a request may have nothing to deliver.
	After time.Duration
	// Kinds are the operations that are hedged.
	Kinds []inference.Kind
}

// Of is the hedge for an operation; nil when there is none.
func (h *Hedge) Of(k inference.Kind) *Hedge {
	if h == nil || !slices.Contains(h.Kinds, k) {
		return nil
	}
	return h
}

// Rule says what follows from failures: that its target is left alone, disabled, or tried later than others.
type Rule struct {
	// Key tells rules apart and is the same for the same text, so that what was counted survives a new snapshot.
	Key   string
	Match Match
	// Threshold failures within Window trigger the rule.
	Threshold int
	Window    time.Duration
	// Cooldown is how long the target is left alone, doubling up to MaxCooldown while it fails when it is tried again.
	Cooldown, MaxCooldown time.Duration
	Target                UnitKind
	// Disables makes the target's return a matter of its recovery alone: it is never a last resort.
	Disables bool
	// Step is added to the priority of the target by a demotion.
	Step int64
}

// Match is what a failure must be like: any of what is listed.
type Match struct {
	On       Categories
	Statuses []int
	Codes    []string
	Keywords []string // in lower case, found anywhere in the message
}

// Failure is an attempt that did not succeed, in the words that rules speak.
type Failure struct {
	Category inference.Category
	Status   int // 0: there was no response
	Code     string
	Message  string
	// RetryAfter is how long the upstream asked to be left alone; 0 when it did not say.
	RetryAfter time.Duration
	RequestID  string
}

// Matches reports whether the failure is one of those.
func (m *Match) Matches(f *Failure) bool {
	if m.On.Has(f.Category) || slices.Contains(m.Statuses, f.Status) {
		return true
	}
	if f.Code != "" && slices.Contains(m.Codes, f.Code) {
		return true
	}
	return len(m.Keywords) > 0 && m.mentioned(strings.ToLower(f.Message))
}

func (m *Match) mentioned(message string) bool {
	return slices.ContainsFunc(m.Keywords, func(k string) bool { return strings.Contains(message, k) })
}

// Categories is a set of outcome categories.
type Categories uint32

// CategoriesOf returns the set of the given categories.
func CategoriesOf(list ...inference.Category) Categories {
	var out Categories
	for _, c := range list {
		out |= categoryBit(c)
	}
	return out
}

// Has reports whether c is in the set.
func (s Categories) Has(c inference.Category) bool { return s&categoryBit(c) != 0 }

// categoryBit is 0 for what is no category.
func categoryBit(c inference.Category) Categories {
	return 1 << (slices.Index(inference.Categories, c) + 1) &^ 1
}
