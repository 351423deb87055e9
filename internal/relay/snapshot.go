package relay

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
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
	runner  *routing.Runner
}

// Route is what a model's name leads to.
type Route struct {
	Alias       string
	DisplayName string
	OwnedBy     string
	Types       Types
	Simulated   bool // every target is simulated
	Created     time.Time
	// Targets are ordered by the priority of their platforms.
	Targets []*Target
	lanes   map[inference.API]*lane
	// virtual says that no upstream offers a model of this name: rules lead elsewhere.
	virtual bool
	// forwards are where its requests go instead; nil: nowhere.
	forwards *forwards
}

// Types is a set of model types; sets are small.
type Types []inference.ModelType

// Has reports whether t is in the set.
func (s Types) Has(t inference.ModelType) bool { return slices.Contains(s, t) }

// serves reports whether a model of this name can be asked for an operation: its type says so, or a bridge leads there.
func (r *Route) serves(api inference.API) bool {
	return r.Types.Has(api.Kind.ModelType()) || r.lanes[api] != nil
}

// Target is one way to serve a route: a platform's model with one of the platform's credentials.
type Target struct {
	Platform     *routing.Platform
	Model        *routing.PlatformModel
	CredentialID id.ID
	// Weight is the credential's share among the platform's.
	Weight   int64
	Upstream provider.Upstream
	Dialects map[inference.Kind]inference.Dialect
	Shape    provider.Shape
	// bridges lead from what the upstream does not speak to what it does.
	bridges      map[inference.API]*bridge
	mends        map[inference.API]*bridge // see compiler.mends
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
	// Limits are the rate limits of the platform, the model and the credential.
	Limits []limits.Subject
	// Policies are in force for the model.
	Policies *routing.Policies
	// Schedule is nil when the model cannot be priced; PriceError says why.
	Schedule   *pricing.Schedule
	PriceError error

	strategy routing.KeyStrategy
	// rules are the access rules about the platform model; nil: everybody may use it.
	rules *access.Gate
	// What has a health of its own; it outlives the snapshot.
	platformUnit, modelUnit, keyUnit *routing.Unit
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

func (t *Target) priority() int64 { return t.Platform.EffectivePriority() }

// offers reports whether the target serves an operation that is asked for in a dialect.
func (t *Target) offers(api inference.API) bool { return t.speaks(api) || t.bridges[api] != nil }

// speaks reports whether the upstream offers the operation in that very dialect.
func (t *Target) speaks(api inference.API) bool {
	return t.Dialects[api.Kind] == api.Dialect && api.Dialect != "" && t.Types.Has(api.Kind.ModelType())
}

// apis are what the target offers.
func (t *Target) apis() iter.Seq[inference.API] {
	return func(yield func(inference.API) bool) {
		for kind, dialect := range t.Dialects {
			if api := (inference.API{Kind: kind, Dialect: dialect}); t.speaks(api) && !yield(api) {
				return
			}
		}
		for api := range t.bridges {
			if !yield(api) {
				return
			}
		}
	}
}

// simulated replaces a lane by its twin: the simulation engine, at the same prices in simulated money.
func (s *Snapshot) simulated(l *lane, api inference.API) *lane {
	if len(l.choices) > 0 && l.choices[0].keys[0].Simulated {
		return l
	}
	engine := s.engines[api.Kind.ModelType()]
	if engine == nil || len(l.choices) == 0 {
		return noLane
	}
	first, twin := l.choices[0].keys[0], *engine
	if first.Schedule != nil {
		twin.Schedule = first.Schedule.Simulated()
	}
	twin.MaxOutput, twin.ContextWindow = first.MaxOutput, first.ContextWindow
	return newLane([]*Target{&twin}, api)
}

// noLane offers nothing.
var noLane = &lane{}

// lane returns what offers an operation, which may be nothing.
func (r *Route) lane(api inference.API) *lane {
	if l := r.lanes[api]; l != nil {
		return l
	}
	return noLane
}

func byPriority(a, b *Target) int {
	return cmp.Or(cmp.Compare(a.priority(), b.priority()), cmp.Compare(a.Platform.Number, b.Platform.Number),
		cmp.Compare(a.Model.Number, b.Model.Number))
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
