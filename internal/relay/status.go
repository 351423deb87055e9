package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// ModelStatus is how a platform model does on this node, by what requests are routed by.
type ModelStatus struct {
	// Rate limits the model; nil: nothing does.
	Rate *limits.RateLimit
	// Windows are those of Rate that hold anything.
	Windows []limits.WindowState
	// Model and Platform are the states of the two.
	Model, Platform routing.UnitStatus
	// Busy and Room say how full the fuller of the two is: requests under way, and how many may be. Room is 0 where nothing
	// bounds them.
	Busy, Room int64
	// Priority is the platform's with what demotions add to it.
	Priority int64
	// CredentialDisabled says that a policy disabled at least one of its credentials.
	CredentialDisabled bool
}

// ModelStatuses returns the status of every platform model that requests are routed to, by its id.
func (r *Relay) ModelStatuses() map[id.ID]ModelStatus {
	out := map[id.ID]ModelStatus{}
	windows, now := r.modelWindows(), r.now()
	for _, route := range r.Snapshot().Routes() {
		for _, t := range route.Targets {
			s, known := out[t.Model.ID]
			if !known {
				s = t.status(windows[t.Model.ID], now)
			}
			s.CredentialDisabled = s.CredentialDisabled || t.keyUnit.Status(now).Disabled
			out[t.Model.ID] = s
		}
	}
	return out
}

// modelWindows are this node's windows of platform models.
func (r *Relay) modelWindows() map[id.ID][]limits.WindowState {
	out := map[id.ID][]limits.WindowState{}
	if r.guard == nil {
		return out
	}
	for _, w := range r.guard.Windows.Windows(func(s limits.Scope) bool { return s.Kind == limits.KindModel }) {
		out[w.Scope.ID] = append(out[w.Scope.ID], w)
	}
	return out
}

func (t *Target) status(windows []limits.WindowState, now time.Time) ModelStatus {
	s := ModelStatus{
		Windows: windows, Model: t.modelUnit.Status(now), Platform: t.platformUnit.Status(now),
		Priority: newChoice(t).effective(now),
	}
	var platformRoom, modelRoom int64
	for _, subject := range t.Limits {
		switch {
		case subject.Rate == nil:
		case subject.Kind == limits.KindModel:
			s.Rate, modelRoom = subject.Rate, subject.Rate.Concurrent
		case subject.Kind == limits.KindPlatform:
			platformRoom = subject.Rate.Concurrent
		}
	}
	s.Busy, s.Room = fuller(s.Model.InFlight, modelRoom, s.Platform.InFlight, platformRoom)
	return s
}

// fuller returns the one of two that has the smaller share left; the first where neither is bounded.
func fuller(busyA, roomA, busyB, roomB int64) (busy, room int64) {
	if roomB > 0 && (roomA <= 0 || busyB*roomA > busyA*roomB) {
		return busyB, roomB
	}
	return busyA, max(0, roomA)
}
