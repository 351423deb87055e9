package routing

import (
	"context"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// keepLonger is how long a cooldown must be to survive a restart. What is disabled always does.
const keepLonger = time.Minute

// Health holds the units of all platforms, platform models and credentials by id, so that they survive the snapshots that
// point to them. The zero value is ready. It is safe for concurrent use.
type Health struct {
	mu    sync.Mutex
	units map[unitKey]*Unit
}

type unitKey struct {
	kind UnitKind
	id   id.ID
}

// Unit returns a unit, made when it is asked for first.
func (h *Health) Unit(kind UnitKind, unit, platform id.ID) *Unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unitLocked(kind, unit, platform)
}

func (h *Health) unitLocked(kind UnitKind, unit, platform id.ID) *Unit {
	key := unitKey{kind, unit}
	u := h.units[key]
	if u == nil {
		u = &Unit{Kind: kind, ID: unit, Platform: platform}
		if h.units == nil {
			h.units = map[unitKey]*Unit{}
		}
		h.units[key] = u
	}
	return u
}

// Keep forgets all units but those of the given platforms: of a platform, its own, its models' and its credentials'.
// Requests under way may still hold what is forgotten.
func (h *Health) Keep(platforms []Platform, models []PlatformModel) {
	named := make(map[unitKey]bool, 2*len(models))
	for i := range platforms {
		p := &platforms[i]
		named[unitKey{UnitPlatform, p.ID}] = true
		named[unitKey{UnitCredential, p.ID}] = true // of a platform that needs none
		for j := range p.Credentials {
			named[unitKey{UnitCredential, p.Credentials[j].ID}] = true
		}
	}
	for i := range models {
		named[unitKey{UnitModel, models[i].ID}] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.units {
		if !named[key] {
			delete(h.units, key)
		}
	}
}

// Statuses returns the state of every unit that is not as it began: closed, demoted, or busy.
func (h *Health) Statuses(now time.Time) []UnitStatus {
	var out []UnitStatus
	for _, u := range h.all() {
		if s := u.Status(now); !s.Until.IsZero() || s.Demotion != 0 || s.InFlight != 0 {
			out = append(out, s)
		}
	}
	return out
}

func (h *Health) all() []*Unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Unit, 0, len(h.units))
	for _, u := range h.units {
		out = append(out, u)
	}
	return out
}

// Sick is how a unit that is left alone stands in the database.
type Sick struct {
	Kind     UnitKind
	ID       id.ID
	Platform id.ID
	Until    time.Time
	Disabled bool
	Reason   string
	Since    time.Time
}

// HealthStore is what health asks of storage.
type HealthStore interface {
	// SickList returns what is left alone, whoever left it alone.
	SickList(ctx context.Context) ([]Sick, error)
	// SickSave writes units that are left alone, and, where Until is zero, units that are well again. A unit whose row is
	// gone is no error.
	SickSave(ctx context.Context, list []Sick) error
}

// Save writes the units that changed since, as far as what changed outlives a minute.
func (h *Health) Save(ctx context.Context, s HealthStore) error {
	var list []Sick
	var saved []*Unit
	for _, u := range h.all() {
		if v, dirty := u.sick(); dirty {
			list, saved = append(list, v), append(saved, u)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := s.SickSave(ctx, list); err != nil {
		for _, u := range saved {
			u.markDirty()
		}
		return err
	}
	return nil
}

// sick is what the row is to say. dirty is false when it says that already; then nothing is to be written.
func (u *Unit) sick() (v Sick, dirty bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if nobody := u.Kind == UnitCredential && u.ID == u.Platform; nobody || !u.dirty {
		return Sick{}, false // there is no row where a platform has no credentials
	}
	v = Sick{Kind: u.Kind, ID: u.ID, Platform: u.Platform, Disabled: u.disabled, Reason: u.reason, Since: u.since}
	if until := u.until.Load(); until != 0 {
		v.Until = time.Unix(0, until).UTC()
	}
	u.dirty, u.stored = false, !v.Until.IsZero()
	return v, true
}

func (u *Unit) markDirty() {
	u.mu.Lock()
	u.dirty = true
	u.mu.Unlock()
}

// Load takes over what the database says: at the start, and of what other nodes found out. What this node found out itself
// and has not written yet stands.
func (h *Health) Load(ctx context.Context, s HealthStore) error {
	list, err := s.SickList(ctx)
	if err != nil {
		return err
	}
	listed := make(map[unitKey]bool, len(list))
	for i := range list {
		v := &list[i]
		listed[unitKey{v.Kind, v.ID}] = true
		h.Unit(v.Kind, v.ID, v.Platform).adopt(v)
	}
	for _, u := range h.all() {
		if !listed[unitKey{u.Kind, u.ID}] {
			u.adopt(nil)
		}
	}
	return nil
}

// adopt makes the unit as its row says; nil says that it is well.
func (u *Unit) adopt(v *Sick) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.dirty:
	case v == nil && u.stored:
		u.stored, u.disabled, u.firm, u.level, u.reason, u.since = false, false, false, 0, "", time.Time{}
		u.until.Store(0)
	case v != nil && v.Until.UnixNano() != u.until.Load():
		u.stored, u.disabled, u.reason, u.since = true, v.Disabled, v.Reason, v.Since
		u.until.Store(v.Until.UnixNano())
	}
}
