package routing_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// told keeps what it is told.
type told struct{ events []routing.PolicyEvent }

func (t *told) Tell(e routing.PolicyEvent) { t.events = append(t.events, e) }

// TestEnableCredential: a key that a policy disabled is open again at once, and what was being written of it is not the
// last word.
func TestEnableCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	health, events := &routing.Health{}, &told{}
	w.Health, w.Events = health, events
	p, err := w.CreatePlatform(t.Context(), admin, routing.NewPlatform{
		Provider: "openai", Name: "p", Credentials: json.RawMessage(`{"apiKey":"sk-0123456789"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := p.Credentials[0].ID
	unit := health.Unit(routing.UnitCredential, key, p.ID)
	rules, err := routing.ParseDisable("autoDisablePolicy", routing.DefaultAutoDisablePolicy)
	if err != nil {
		t.Fatal(err)
	}
	if _, closed := unit.Fail(&rules[0], &routing.Failure{Category: inference.Authentication}, w.Now(), false); !closed {
		t.Fatal("the policy did nothing")
	}
	list, err := w.Credentials(t.Context(), admin, p.ID)
	if err != nil || len(list) != 1 || list[0].Status != routing.AutoDisabled || list[0].DisabledReason != "authentication" {
		t.Fatalf("%+v, %v", list, err)
	}
	changes, rebuilt := len(w.changes), w.rebuilt
	for range 2 { // the second time there is nothing to do
		c, err := w.EnableCredential(t.Context(), admin, p.ID, key)
		if err != nil || c.Status != routing.Enabled || !c.CooldownUntil.IsZero() {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if gate, _ := unit.Gate(w.Now().Add(time.Second)); gate != routing.Open {
		t.Errorf("the gate is %v", gate)
	}
	if len(events.events) != 1 || events.events[0].Kind != routing.EventRecovery || events.events[0].CredentialID != key {
		t.Errorf("told %+v", events.events)
	}
	if len(w.changes) != changes+1 || w.changes[changes].Action != "credential.enabled" || w.rebuilt != rebuilt+1 {
		t.Errorf("announced %+v, rebuilt %d times", w.changes[changes:], w.rebuilt-rebuilt)
	}
	if _, err := w.EnableCredential(t.Context(), admin, p.ID, id.New()); !errors.Is(err, routing.ErrCredential) {
		t.Errorf("an unknown credential: %v", err)
	}
	if _, err := w.Credentials(t.Context(), admin, id.New()); !errors.Is(err, routing.ErrPlatform) {
		t.Errorf("an unknown platform: %v", err)
	}
}
