package routing

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

// EventKind is what a policy did.
type EventKind string

// The kinds of policy events.
const (
	EventCooldown    EventKind = "cooldown"    // left alone for a time
	EventProbe       EventKind = "probe"       // one request tries it again
	EventReturn      EventKind = "return"      // well again after a cooldown
	EventDisable     EventKind = "disable"     // taken out of rotation
	EventRecovery    EventKind = "recovery"    // back in rotation
	EventDemotion    EventKind = "demotion"    // tried later than before
	EventRestoration EventKind = "restoration" // at its own priority again
	EventExclusion   EventKind = "exclusion"   // passed over because it is at a limit
)

// EventKinds lists all of them.
var EventKinds = []EventKind{
	EventCooldown, EventProbe, EventReturn, EventDisable, EventRecovery, EventDemotion, EventRestoration, EventExclusion,
}

// Triggered reports whether a failure triggers such events.
func (k EventKind) Triggered() bool {
	return k == EventCooldown || k == EventDisable || k == EventDemotion
}

// PolicyEvent is something that a policy did to a platform, a platform model or a credential, and why.
type PolicyEvent struct {
	ID     id.ID
	Number int64
	At     time.Time
	Kind   EventKind
	// PlatformModelID and CredentialID are zero where the event is not about one.
	PlatformID      id.ID
	PlatformModelID id.ID
	CredentialID    id.ID
	// The trigger: empty where no outcome triggered the event.
	Category  inference.Category
	Status    int
	Code      string
	RequestID string
	// Before and After are the states as JSON: {until, disabled, reason, demotion}.
	Before json.RawMessage
	After  json.RawMessage
	Until  time.Time // zero: not for a time
}

// Event makes the change's event. f is nil where no failure triggered it.
func (c *Change) Event(now time.Time, f *Failure, requestID string) PolicyEvent {
	e := PolicyEvent{
		ID: id.At(now), At: now, Kind: c.Kind, PlatformID: c.Unit.Platform, RequestID: requestID,
		Before: c.Before.text(), After: c.After.text(), Until: c.After.Until,
	}
	switch c.Unit.Kind {
	case UnitModel:
		e.PlatformModelID = c.Unit.ID
	case UnitCredential:
		if c.Unit.ID != c.Unit.Platform { // a platform without credentials has one all the same
			e.CredentialID = c.Unit.ID
		}
	case UnitPlatform:
	}
	if c.Kind == EventDemotion {
		e.Until = c.After.DemotedUntil
	}
	if f != nil {
		e.Category, e.Status, e.Code = f.Category, f.Status, f.Code
	}
	return e
}

// text is a state as events keep it.
func (s *UnitStatus) text() json.RawMessage {
	v := struct {
		State    string     `json:"state"`
		Until    *time.Time `json:"until,omitempty"`
		Reason   string     `json:"reason,omitempty"`
		Demotion int64      `json:"demotion,omitempty"`
	}{State: "open", Reason: s.Reason, Demotion: s.Demotion}
	switch {
	case s.Disabled:
		v.State = "disabled"
	case !s.Until.IsZero():
		v.State = "cooling"
	}
	if !s.Until.IsZero() {
		v.Until = &s.Until
	}
	out, _ := json.Marshal(v) //nolint:errchkjson // texts, times and numbers always have a form in JSON
	return out
}

// EventQuery selects policy events, the newest first. Zero fields do not restrict.
type EventQuery struct {
	Platform, Model, Credential id.ID
	Kind                        EventKind
	From, To                    time.Time
	Page                        page.Request
}

// EventStore keeps policy events.
type EventStore interface {
	// PolicyEventsInsert writes events in the order given. One that is there already is left as it is.
	PolicyEventsInsert(ctx context.Context, list []PolicyEvent) error
	PolicyEventList(ctx context.Context, q EventQuery) (page.Page[PolicyEvent], error)
	// PolicyEventsForget deletes the events before a moment and returns how many there were.
	PolicyEventsForget(ctx context.Context, before time.Time) (int64, error)
}
