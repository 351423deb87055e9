package relay

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// lane is what offers one operation of a route: platform models, the first priority first.
type lane struct {
	kind    inference.Kind
	choices []*choice
	// guarded says that access rules are about one of the choices.
	guarded bool
	// window is the smallest context window among them that is known; 0: none is.
	window int64
	// turn numbers the requests: see spread.
	turn atomic.Uint64
}

// choice is one platform model with the keys that it can be asked with. It is chosen before a key is, so that a platform's
// share does not grow with its keys.
type choice struct {
	keys     []*Target // never empty
	strategy routing.KeyStrategy
	weight   int64
	priority int64
	// platformRoom and modelRoom are how many requests may be under way; 0: any number.
	platformRoom, modelRoom int64
	keyLimits               bool // a key has limits of its own
	lacks                   wire.Needs
	turn                    atomic.Uint64
}

// newLane groups a route's targets, which come in the order of their platforms' priority.
func newLane(targets []*Target, api inference.API) *lane {
	l := &lane{kind: api.Kind}
	l.turn.Store(rand.Uint64N(1 << 32)) //nolint:gosec // so that snapshots in quick succession do not begin alike
	for _, t := range targets {
		if !t.offers(api) {
			continue
		}
		l.guarded = l.guarded || t.rules != nil
		if n := len(l.choices); n > 0 && l.choices[n-1].keys[0].Model == t.Model {
			l.choices[n-1].keys = append(l.choices[n-1].keys, t)
			continue
		}
		l.choices = append(l.choices, newChoice(t))
		if t.ContextWindow > 0 && (l.window == 0 || t.ContextWindow < l.window) {
			l.window = t.ContextWindow
		}
	}
	return l
}

func newChoice(t *Target) *choice {
	c := &choice{
		keys: []*Target{t}, strategy: t.strategy, weight: max(1, t.Model.Weight), priority: t.priority(), lacks: lacking(t),
	}
	for _, s := range t.Limits {
		switch {
		case s.Rate == nil:
		case s.Kind == limits.KindPlatform:
			c.platformRoom = s.Rate.Concurrent
		case s.Kind == limits.KindModel:
			c.modelRoom = s.Rate.Concurrent
		case s.Kind == limits.KindCredential:
			c.keyLimits = true
		}
	}
	return c
}

// lacking is what the declared capabilities of a target do not have. What nobody declared is not known to lack.
func lacking(t *Target) wire.Needs {
	var out wire.Needs
	if in := t.Capabilities.InputModalities; len(in) > 0 && !slices.Contains(in, "image") {
		out |= wire.NeedsImages
	}
	if f := t.Capabilities.Features; len(f) > 0 && !slices.Contains(f, "tools") {
		out |= wire.NeedsTools
	}
	return out
}

// effective is the priority with what demotions add.
func (c *choice) effective(now time.Time) int64 {
	t := c.keys[0]
	return c.priority + t.platformUnit.Demotion(now) + t.modelUnit.Demotion(now)
}

// loadSteps is into how many steps the load of a choice is divided. Within a step weights decide, so that they mean
// something under load too.
const loadSteps = 4

// load is how full the choice is, in steps of a quarter; 0 where nothing bounds what is under way.
func (c *choice) load() int64 {
	t := c.keys[0]
	return max(step(t.platformUnit.InFlight(), c.platformRoom), step(t.modelUnit.InFlight(), c.modelRoom))
}

func step(busy, room int64) int64 {
	if room <= 0 {
		return 0
	}
	return busy * loadSteps / room
}

// gate is the state of the platform and the model together.
func (c *choice) gate(now time.Time) (routing.Gate, time.Time) {
	t := c.keys[0]
	g, until := t.modelUnit.Gate(now)
	return worse(g, until, t.platformUnit, now)
}

// gate is the state of everything that the target needs.
func (t *Target) gate(c *choice, now time.Time) (routing.Gate, time.Time) {
	g, until := c.gate(now)
	return worse(g, until, t.keyUnit, now)
}

func worse(g routing.Gate, until time.Time, u *routing.Unit, now time.Time) (routing.Gate, time.Time) {
	other, later := u.Gate(now)
	if later.After(until) {
		until = later
	}
	return max(g, other), until
}

// units are what has a health of its own, of what a target needs.
func (t *Target) units() [3]*routing.Unit {
	return [3]*routing.Unit{t.platformUnit, t.modelUnit, t.keyUnit}
}

// unit returns the one that a rule is about.
func (t *Target) unit(k routing.UnitKind) *routing.Unit {
	switch k {
	case routing.UnitPlatform:
		return t.platformUnit
	case routing.UnitCredential:
		return t.keyUnit
	case routing.UnitModel:
	}
	return t.modelUnit
}

// spread turns the number of a request into a point of [0, 2^64) such that the points of any number of consecutive
// requests lie evenly: shares by weight are met after a few requests and not only in the long run. dimension 1 and 2 are
// even together as well. They are the powers of the plastic number's inverse, by which multiples spread best.
func spread(seed uint64, dimension int) uint64 {
	return seed * [...]uint64{1: 0xC13FA9A902A6328F, 2: 0x91E10DA5C79E7B1D}[dimension]
}

// mix makes one number of several that has nothing to do with them (the finalizer of MurmurHash3).
func mix(a, b uint64) uint64 {
	a ^= b * 0x9E3779B97F4A7C15
	a = (a ^ a>>33) * 0xFF51AFD7ED558CCD
	a = (a ^ a>>33) * 0xC4CEB9FE1A85EC53
	return a ^ a>>33
}

// portion is a point of [0, 2^64) as a number below total.
func portion(point uint64, total int64) int64 {
	hi, _ := bits.Mul64(point, uint64(total)) //nolint:gosec // not negative
	return int64(hi)                          //nolint:gosec // below total
}

// unit01 is a point of [0, 2^64) as a number in (0, 1).
func unit01(point uint64) float64 { return (float64(point>>11) + 0.5) / (1 << 53) }

// rendezvous is how strongly a conversation is drawn to something: the strongest has it. Each keeps its own conversations
// when others come and go, and has a share by weight.
func rendezvous(conversation uint64, what id.ID, weight int64) float64 {
	return -float64(max(1, weight)) / math.Log(unit01(mix(conversation, hashID(what))))
}

func hashID(v id.ID) uint64 {
	var h uint64 = 14695981039346656037
	for _, b := range v {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

func hashText(s string) uint64 {
	var h uint64 = 14695981039346656037
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
