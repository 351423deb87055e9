package identitytest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// CheapPasswords makes hashing fast enough for tests.
var CheapPasswords = identity.PasswordCost{MemoryKiB: 8, Passes: 1, Threads: 1}

// World is a service with everything around it at hand.
type World struct {
	*identity.Service
	Clock *clock.Manual
	// Fake is the storage when it is the one of this package; nil otherwise.
	Fake *Store

	// Unsettled are users whose money is not; Settled refuses them with the error.
	Unsettled map[id.ID]error

	mu       sync.Mutex
	changes  []event.Change
	welcomed []id.ID
}

// Settled implements identity.Funds.
func (w *World) Settled(_ context.Context, user id.ID) error { return w.Unsettled[user] }

// Policies are the checks that the program has.
func Policies() identity.PolicyChecks {
	return identity.PolicyChecks{
		Discount: pricing.CheckDiscount, Recharge: pricing.CheckRecharge, RateLimit: limits.CheckRateLimit,
		Quota: limits.CheckQuota, Overdraft: wallet.CheckOverdraft,
	}
}

// WelcomeTx implements identity.Welcomer and remembers the user.
func (w *World) WelcomeTx(_ context.Context, _ tx.Tx, _, user id.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.welcomed = append(w.welcomed, user)
	return nil
}

// Actions returns the actions announced so far.
func (w *World) Actions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, len(w.changes))
	for i := range w.changes {
		out[i] = w.changes[i].Action
	}
	return out
}

// Changes returns what was announced so far.
func (w *World) Changes() []event.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]event.Change(nil), w.changes...)
}

// Welcomed returns who was welcomed so far.
func (w *World) Welcomed() []id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]id.ID(nil), w.welcomed...)
}

// TokenSecret is the secret that test tokens are signed with.
func TokenSecret() []byte { return bytes.Repeat([]byte("s"), identity.MinTokenSecret) }

// New returns a service over an empty fake storage, with the default tenant and group, at noon of 1 March 2026.
func New(tb testing.TB, c identity.Config) *World {
	tb.Helper()
	s := NewStore()
	w := On(tb, c, s, s.Settings(), nil)
	w.Fake = s
	return w
}

// On returns a service over the given storage. A nil welcomer only remembers.
func On(tb testing.TB, c identity.Config, s identity.Store, settings identity.Settings, welcome identity.Welcomer) *World {
	tb.Helper()
	w := &World{Unsettled: map[id.ID]error{}, Clock: clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
	tokens, err := identity.NewTokens(w.Clock.Now, TokenSecret())
	if err != nil {
		tb.Fatal(err)
	}
	box, err := secret.NewBox(bytes.Repeat([]byte{7}, secret.KeySize), "api_key")
	if err != nil {
		tb.Fatal(err)
	}
	if welcome == nil {
		welcome = w
	}
	bus := &event.Bus{}
	event.On(bus, func(_ context.Context, _ tx.Tx, e event.Change) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changes = append(w.changes, e)
		return nil
	})
	w.Service = identity.NewService(c, identity.Parts{
		Store: s, Settings: settings, Bus: bus, Now: w.Clock.Now, Passwords: identity.NewPasswords(CheapPasswords),
		Tokens: tokens, Box: box, Welcome: welcome, Funds: w, Policies: Policies(), Directory: identity.NewDirectory(s, tokens, w.Clock.Now),
	})
	if err := w.EnsureDefaults(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return w
}
