package relay

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Snapshot is everything that requests are routed by, compiled and immutable. A change of configuration makes another.
type Snapshot struct {
	Version int64
	routes  map[string]*Route
	// twins are what simulated requests are sent to instead, by model type.
	engines map[inference.ModelType]*Target
}

// Route is what a model's name leads to.
type Route struct {
	Alias       string
	DisplayName string
	OwnedBy     string
	Types       Types
	Simulated   bool // every target is simulated
	Created     time.Time
	// Targets are ordered by effective priority.
	Targets []*Target
	// virtual says that no upstream offers a model of this name: rules lead elsewhere.
	virtual bool
	// forwards are where its requests go instead; nil: nowhere.
	forwards *forwards
}

// Types is a set of model types; sets are small.
type Types []inference.ModelType

// Has reports whether t is in the set.
func (s Types) Has(t inference.ModelType) bool { return slices.Contains(s, t) }

// Target is one way to serve a route: a platform's model with one of the platform's credentials.
type Target struct {
	Platform     *routing.Platform
	Model        *routing.PlatformModel
	CredentialID id.ID
	Weight       int64
	Upstream     provider.Upstream
	Dialects     map[inference.Kind]inference.Dialect
	Shape        provider.Shape
	Simulated    bool
	Types        Types
	Capabilities catalog.Capabilities
	// shaping changes requests for the target, statuses what its error answers are classified by; nil: nothing.
	shaping  *shaping
	statuses map[string]int
	// family is what the model counts tokens by.
	family tokens.Family
	// ContextWindow and MaxOutput are tokens; 0 means unknown.
	ContextWindow int64
	MaxOutput     int64
	// Limits are the rate limits of the platform and the model.
	Limits []limits.Subject
	// Schedule is nil when the model cannot be priced; PriceError says why.
	Schedule   *pricing.Schedule
	PriceError error
}

// Route returns the route of a name, nil when there is none.
func (s *Snapshot) Route(alias string) *Route { return s.routes[alias] }

// Routes returns all routes in the order of their names.
func (s *Snapshot) Routes() []*Route {
	out := make([]*Route, 0, len(s.routes))
	for _, r := range s.routes {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *Route) int { return strings.Compare(a.Alias, b.Alias) })
	return out
}

// order returns the targets that offer an operation in the order in which they are to be tried: by priority, and among
// equals at random by weight, so that each gets its share.
func (r *Route) order(kind inference.Kind) []*Target {
	if len(r.Targets) == 1 && r.Targets[0].offers(kind) {
		return r.Targets
	}
	out := make([]*Target, 0, len(r.Targets))
	for _, t := range r.Targets {
		if t.offers(kind) {
			out = append(out, t)
		}
	}
	for start := 0; start < len(out); {
		end := start + 1
		for end < len(out) && out[end].priority() == out[start].priority() {
			end++
		}
		shuffle(out[start:end])
		start = end
	}
	return out
}

// shuffle orders targets at random, each next one drawn with a chance in proportion to its weight.
func shuffle(targets []*Target) {
	for len(targets) > 1 {
		var total int64
		for _, t := range targets {
			total += max(1, t.Weight)
		}
		draw := rand.Int64N(total) //nolint:gosec // spreads load, guards nothing
		for i, t := range targets {
			if draw -= max(1, t.Weight); draw < 0 {
				targets[0], targets[i] = targets[i], targets[0]
				break
			}
		}
		targets = targets[1:]
	}
}

func (t *Target) priority() int64 { return t.Platform.EffectivePriority() }

func (t *Target) offers(kind inference.Kind) bool {
	_, spoken := t.Dialects[kind]
	return spoken && t.Types.Has(kind.ModelType())
}

// simulated replaces targets by their twins: the simulation engine, at the same prices in simulated money.
func (s *Snapshot) simulated(targets []*Target, kind inference.Kind) []*Target {
	if len(targets) > 0 && targets[0].Simulated {
		return targets
	}
	engine := s.engines[kind.ModelType()]
	if engine == nil || len(targets) == 0 {
		return nil
	}
	twin := *engine
	if targets[0].Schedule != nil {
		twin.Schedule = targets[0].Schedule.Simulated()
	}
	twin.MaxOutput, twin.ContextWindow = targets[0].MaxOutput, targets[0].ContextWindow
	return []*Target{&twin}
}

func byPriority(a, b *Target) int {
	return cmp.Or(cmp.Compare(a.priority(), b.priority()), cmp.Compare(a.Platform.Number, b.Platform.Number))
}

// Currencies returns the currencies that routes are priced in, and that of simulated calls.
func (s *Snapshot) Currencies() []money.Currency {
	seen := map[money.Currency]bool{money.SIM: true}
	for _, r := range s.routes {
		for _, t := range r.Targets {
			if t.Schedule != nil {
				seen[t.Schedule.Currency] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
