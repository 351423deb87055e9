package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// TestLimitsFromTheDatabase: a policy is in force when the change that set it is committed, alerts reach the bus, and long
// windows survive a restart.
func TestLimitsFromTheDatabase(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			t.Helper()
			return store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")}
		},
		"postgres": func(t *testing.T) store.Options { t.Helper(); return store.Options{URL: pgtest.New(t), MaxReaders: 4} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLimitsFromTheDatabase(t, open(t))
		})
	}
}

func testLimitsFromTheDatabase(t *testing.T, o store.Options) {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := clock.NewManual(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	var bus event.Bus
	start := func() *limiting {
		l := newLimiting(s.Limits(), limits.NewLimiter(now.Now), &bus, now.Now, nil, slog.New(slog.DiscardHandler), "n")
		if err := l.windows.Load(t.Context(), s.Limits(), "n"); err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := start()
	user := limits.Scope{Kind: limits.KindUser, ID: addUser(t, s)}
	limitUser(t, s, &bus, user.ID, l)

	background, stop := context.WithCancel(t.Context())
	defer stop()
	heard := make(chan limits.Exhausted, 1)
	event.On(&bus, func(_ context.Context, _ tx.Tx, e limits.Exhausted) error { heard <- e; return nil })
	go l.run(background)

	guard := l.guard()
	policy, err := guard.Policies.Of(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	subjects := []limits.Subject{{Scope: user, Policy: policy}}
	if err := guard.Budgets.Reserve(t.Context(), new(limits.Reservation), now.Now(), subjects, money.USD, 11); !errors.Is(err, limits.ErrQuota) {
		t.Fatalf("quota: %v", err)
	}
	if e := <-heard; e.Scope != user {
		t.Errorf("announced %+v", e)
	}
	once := limits.Weights{Requests: 1}
	a, err := guard.Windows.Admit(t.Context(), subjects, once)
	if err != nil {
		t.Fatal(err)
	}
	a.End(once, once)
	l.save(t.Context())
	l.windows.Sweep()
	l.tidy(t.Context())

	again := start()
	if _, err := again.windows.Admit(t.Context(), subjects, once); !errors.Is(err, limits.ErrRate) {
		t.Errorf("after a restart: %v", err)
	}
}

func addUser(t *testing.T, s *store.Store) id.ID {
	t.Helper()
	tenant := identity.Tenant{ID: id.New(), Key: "t"}
	user := identity.User{ID: id.New(), TenantID: tenant.ID, Username: "u"}
	err := s.Identity().InTx(t.Context(), func(inner tx.Tx) error {
		return errors.Join(s.Identity().TenantInsert(t.Context(), inner, &tenant), s.Identity().UserInsert(t.Context(), inner, &user))
	})
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

// limitUser sets a user's policies, after it was remembered that there are none.
func limitUser(t *testing.T, s *store.Store, bus *event.Bus, user id.ID, l *limiting) {
	t.Helper()
	if p, err := l.book.Of(t.Context(), limits.Scope{Kind: limits.KindUser, ID: user}); err != nil || p != (limits.Policy{}) {
		t.Fatalf("policy %+v, %v", p, err)
	}
	err := s.Identity().InTx(t.Context(), func(inner tx.Tx) error {
		err := s.Limits().UserPoliciesPut(t.Context(), inner, user, json.RawMessage(`{"rpd":1}`),
			json.RawMessage(`{"currency":"USD","day":"0.000000010"}`))
		return errors.Join(err, bus.Announce(t.Context(), inner, event.Change{TargetType: "user", TargetID: user.String()}))
	})
	if err != nil {
		t.Fatal(err)
	}
}
