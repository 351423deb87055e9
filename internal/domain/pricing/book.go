package pricing

import (
	"cmp"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Book holds all rule sets with all their versions. It is immutable and safe for concurrent use.
type Book struct {
	sets     map[id.ID][]*RuleSet // by the time at which they take effect
	defaults map[money.Currency]id.ID
	first    id.ID
}

// NewBook makes a book of the versions of rule sets; those of one set share its ID. A version that is not active is left
// out: until the next one the earlier version stays in force.
func NewBook(versions []RuleSet) *Book {
	b := &Book{sets: map[id.ID][]*RuleSet{}, defaults: map[money.Currency]id.ID{}}
	for i := range versions {
		v := &versions[i]
		if !isActive(v.Status) || len(v.Rules) == 0 {
			continue
		}
		b.sets[v.ID] = append(b.sets[v.ID], v)
		if _, known := b.defaults[v.Currency]; v.Default && !known {
			b.defaults[v.Currency] = v.ID
			if b.first.IsZero() {
				b.first = v.ID
			}
		}
	}
	for _, set := range b.sets {
		slices.SortStableFunc(set, func(x, y *RuleSet) int {
			return cmp.Or(x.EffectiveAt.Compare(y.EffectiveAt), cmp.Compare(x.Version, y.Version))
		})
	}
	return b
}

// Has reports whether any version of the set can ever price something.
func (b *Book) Has(set id.ID) bool { return len(b.sets[set]) > 0 }

// Default is the set that prices what names no other; the zero id when there is none.
func (b *Book) Default() id.ID { return b.first }

// DefaultFor is the default set in a currency; the zero id when there is none.
func (b *Book) DefaultFor(c money.Currency) id.ID { return b.defaults[c] }

// InForce returns the version that prices calls accepted at now; nil when none is in force yet.
func (b *Book) InForce(set id.ID, now time.Time) *RuleSet {
	var found *RuleSet
	for _, v := range b.sets[set] {
		if !v.EffectiveAt.After(now) {
			found = v
		}
	}
	return found
}

// Recently is how long ago a call may have been accepted that is priced now: its request was still being read.
const Recently = time.Minute

// Schedule compiles the version that is in force at now, those that were until Recently, and all that follow;
// Schedule.At picks among them, and takes the first one for calls from before it. When none is in force yet, At finds none
// before the first takes effect. Codes: those of Compile.
func (b *Book) Schedule(set id.ID, now time.Time, factors ...NamedFactor) (*Schedule, error) {
	versions := b.sets[set]
	for len(versions) > 1 && !versions[1].EffectiveAt.After(now.Add(-Recently)) {
		versions = versions[1:]
	}
	var first, last *Schedule
	for _, v := range versions {
		s, err := Compile(v.Rules, factors...)
		if err != nil {
			return nil, err
		}
		s.SetID, s.Version, s.since = v.ID, v.Version, v.EffectiveAt
		switch {
		case first == nil:
			if first = s; !s.since.After(now) {
				s.since = time.Time{}
			}
		case s.Currency != first.Currency:
			return nil, ErrCurrencyMixed.Saying("The versions of a set must share a currency.")
		default:
			last.next = s
		}
		last = s
	}
	if first == nil {
		return nil, ErrNoRules
	}
	return first, nil
}

// At returns the schedule that prices a call accepted at now: s or one of its successors; nil when s is not in force
// yet. A call keeps the one that it was accepted under.
func (s *Schedule) At(now time.Time) *Schedule {
	if s == nil || s.since.After(now) {
		return nil
	}
	for s.next != nil && !s.next.since.After(now) {
		s = s.next
	}
	return s
}
