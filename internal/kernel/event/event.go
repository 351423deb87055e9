// Package event lets a domain announce what happened without knowing who listens.
//
// Listeners run in order of subscription, inside the announcer's transaction, so what they write is durable together
// with what they heard of. A listener's error fails the transaction.
package event

import (
	"context"
	"reflect"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Actor is who caused a change. The zero value is Gantry itself.
type Actor struct {
	UserID    id.ID
	Username  string
	TenantID  id.ID
	Roles     []string
	Source    string // "jwt", "session", "system"
	IP        string
	UserAgent string
	RequestID string
}

// Change says that an actor changed an object. Before and After are shown as JSON and must hold no secret;
// nil Before means created, nil After means deleted.
type Change struct {
	Actor      Actor
	Category   string // the domain, such as "platform"
	Action     string // such as "platform.created"
	TargetType string
	TargetID   string
	// TargetTenantID and TargetUserID say whose object it is; zero when it is nobody's.
	TargetTenantID id.ID
	TargetUserID   id.ID
	Before         any
	After          any
	Reason         string
	Metadata       map[string]any
}

// Bus carries events from announcers to listeners. The zero value is ready.
type Bus struct {
	mu        sync.RWMutex
	listeners map[reflect.Type][]func(context.Context, tx.Tx, any) error
}

// On makes f hear every event of type T that is announced on b.
func On[T any](b *Bus, f func(context.Context, tx.Tx, T) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = map[reflect.Type][]func(context.Context, tx.Tx, any) error{}
	}
	t := reflect.TypeFor[T]()
	b.listeners[t] = append(b.listeners[t], func(ctx context.Context, t tx.Tx, e any) error {
		return f(ctx, t, e.(T)) //nolint:forcetypeassert // filed under its type
	})
}

// Announce tells e to every listener for its type, in t.
func (b *Bus) Announce(ctx context.Context, t tx.Tx, e any) error {
	b.mu.RLock()
	listeners := b.listeners[reflect.TypeOf(e)]
	b.mu.RUnlock()
	for _, f := range listeners {
		if err := f(ctx, t, e); err != nil {
			return err
		}
	}
	return nil
}
