package routing

import (
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// PolicyBook finds the policies in force.
type PolicyBook struct {
	sets     map[id.ID]*PolicySet
	standard *PolicySet // nil: there is no default set
}

// NewPolicyBook returns a book of the given sets. Sets that are not active count as if they were not there.
func NewPolicyBook(sets []PolicySet) *PolicyBook {
	b := &PolicyBook{sets: map[id.ID]*PolicySet{}}
	for i := range sets {
		s := &sets[i]
		if s.Status != "" && s.Status != "active" {
			continue
		}
		b.sets[s.ID] = s
		if s.Default {
			b.standard = s
		}
	}
	return b
}

// Of compiles what holds for a platform model. base may be nil. The error joins what could not be read: each such policy
// counts as if it were not there, so the policies can be used all the same.
// Precedence: DESIGN section 6; the built-in defaults come last.
func (b *PolicyBook) Of(p *Platform, m *PlatformModel, base *catalog.BaseModel) (*Policies, error) {
	levels := b.levels(p, m, base)
	out := &Policies{}
	retry, err1 := firstPolicy("retryPolicy", levels, ParseRetry, nil)
	degrade, err2 := firstPolicy("degradePolicy", levels, ParseDegrade, DefaultDegradePolicy)
	disable, err3 := firstPolicy("autoDisablePolicy", levels, ParseDisable, DefaultAutoDisablePolicy)
	if out.Retry = DefaultRetry(); retry != nil {
		out.Retry = *retry
	}
	out.Degrade, out.Disable = degrade, disable
	return out, errors.Join(err1, err2, err3)
}

// RateLimit is the rateLimitPolicy of a set; nil when it says none, or is not there.
func (b *PolicyBook) RateLimit(set id.ID) json.RawMessage { return b.of(set)["rateLimitPolicy"] }

// DefaultRateLimit is the rateLimitPolicy of the default set; nil when it says none.
func (b *PolicyBook) DefaultRateLimit() json.RawMessage { return b.standard.level()["rateLimitPolicy"] }

// level is one place where policies are said, by the policy's name.
type level map[string]json.RawMessage

// levels are the places, from the most to the least specific.
func (b *PolicyBook) levels(p *Platform, m *PlatformModel, base *catalog.BaseModel) []level {
	out := []level{
		members(m.RuntimePolicyOverride),
		{"retryPolicy": m.RetryPolicy},
		b.of(m.RuntimePolicySetID),
		{"retryPolicy": p.RetryPolicy},
		members(p.RuntimePolicy), b.of(p.RuntimePolicySetID),
	}
	if base != nil {
		out = append(out, members(base.RuntimePolicyOverride), b.of(base.RuntimePolicySetID))
	}
	return append(out, b.standard.level())
}

func (b *PolicyBook) of(set id.ID) level { return b.sets[set].level() }

func (s *PolicySet) level() level {
	if s == nil {
		return nil
	}
	return level{
		"rateLimitPolicy": s.RateLimitPolicy, "retryPolicy": s.RetryPolicy, "degradePolicy": s.DegradePolicy,
		"autoDisablePolicy": s.AutoDisablePolicy,
	}
}

// firstPolicy reads the first level that says anything, and the built-in text where none does.
func firstPolicy[T any](
	name string, levels []level, parse func(string, json.RawMessage) (T, error), builtIn json.RawMessage,
) (T, error) {
	var bad error
	for _, l := range append(levels, level{name: builtIn}) {
		if saysNothing(l[name]) {
			continue
		}
		v, err := parse(name, l[name])
		if err == nil {
			return v, bad
		}
		bad = errors.Join(bad, err)
	}
	var none T
	return none, bad
}

func saysNothing(raw json.RawMessage) bool {
	text := string(raw)
	return text == "" || text == "null" || text == "{}"
}

func members(object json.RawMessage) level {
	var out level
	_ = json.Unmarshal(object, &out) // what is no object has no members
	return out
}

// Member is one member of a JSON object, nil when there is none.
func Member(object json.RawMessage, key string) json.RawMessage { return members(object)[key] }
