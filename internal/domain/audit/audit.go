// Package audit keeps who changed what. It hears of changes; nobody calls it to write.
package audit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Entry is one change. Before and After are JSON objects without secrets; null when there was none.
type Entry struct {
	ID             id.ID
	Number         int64
	At             time.Time
	Category       string
	Action         string
	ActorUserID    id.ID
	ActorUsername  string
	ActorTenantID  id.ID
	ActorRoles     []string
	ActorSource    string
	IP             string
	UserAgent      string
	RequestID      string
	TargetType     string
	TargetID       string
	TargetTenantID id.ID
	TargetUserID   id.ID
	Reason         string
	Before         json.RawMessage
	After          json.RawMessage
	Metadata       json.RawMessage
}

// Query selects entries; zero fields do not restrict. Limit is at most 1000.
type Query struct {
	Category   string
	Action     string
	TargetType string
	TargetID   string
	Limit      int
}

// Store is what audit asks of storage. Entries are never changed or deleted.
type Store interface {
	EntryInsert(ctx context.Context, t tx.Tx, v *Entry) error
	// EntryList returns the newest entries first.
	EntryList(ctx context.Context, q Query) ([]Entry, error)
}

// Listen makes every announced change an entry, in the transaction of the change.
func Listen(bus *event.Bus, s Store, now func() time.Time) {
	event.On(bus, func(ctx context.Context, t tx.Tx, c event.Change) error {
		e, err := entryOf(c, now())
		if err != nil {
			return err
		}
		return s.EntryInsert(ctx, t, &e)
	})
}

func entryOf(c event.Change, now time.Time) (Entry, error) {
	e := Entry{
		ID: id.At(now), At: now, Category: c.Category, Action: c.Action,
		ActorUserID: c.Actor.UserID, ActorUsername: c.Actor.Username, ActorTenantID: c.Actor.TenantID,
		ActorRoles: c.Actor.Roles, ActorSource: c.Actor.Source, IP: c.Actor.IP, UserAgent: c.Actor.UserAgent,
		RequestID: c.Actor.RequestID, TargetType: c.TargetType, TargetID: c.TargetID,
		TargetTenantID: c.TargetTenantID, TargetUserID: c.TargetUserID, Reason: c.Reason,
	}
	var err error
	for _, part := range []struct {
		to   *json.RawMessage
		from any
	}{{&e.Before, c.Before}, {&e.After, c.After}, {&e.Metadata, c.Metadata}} {
		if *part.to, err = json.Marshal(part.from); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}
