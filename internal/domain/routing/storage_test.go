package routing_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/routing/routingtest"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/store"
)

func TestPlatformsOnRealStorage(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	people := identitytest.On(t, identity.Config{}, s.Identity(), s.Settings(), nil)
	tenant, err := people.Store.TenantByKey(t.Context(), identity.DefaultTenantKey)
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, secret.KeySize), "credential")
	if err != nil {
		t.Fatal(err)
	}
	models := catalog.NewService(s.Catalog())
	providers, bases, err := catalog.Starting(people.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := models.Ensure(t.Context(), providers, bases); err != nil {
			t.Fatal(err)
		}
	}
	r := routing.NewService(routing.Parts{
		Store: s.Routing(), Catalog: models, Adapters: routingtest.Adapters{}, Bus: &event.Bus{}, Box: box, Now: people.Clock.Now,
	})
	by := event.Actor{TenantID: tenant.ID}
	c, err := r.Connect(t.Context(), by, draft(), []string{"gpt-4o", "unheard-of"})
	if err != nil {
		t.Fatal(err)
	}
	people.Clock.Advance(time.Minute)
	in := draft()
	in.Name, in.Credentials = "Renamed", json.RawMessage(`{"keys":[{"key":"sk-aaaaaaaaaaaa"},{"key":"sk-bbbbbbbbbbbb","weight":0}]}`)
	if _, err := r.ReplacePlatform(t.Context(), by, c.Platform.ID, in); err != nil {
		t.Fatal(err)
	}
	platforms, err := r.Platforms(t.Context())
	if err != nil || len(platforms) != 1 || platforms[0].Name != "Renamed" || len(platforms[0].Credentials) != 2 {
		t.Fatalf("platforms %+v, %v", platforms, err)
	}
	if fields, err := routing.Unseal(box, &platforms[0].Credentials[1]); err != nil || fields["apiKey"].Reveal() != "sk-bbbbbbbbbbbb" {
		t.Errorf("unsealed %v, %v", fields, err)
	}
	if err := r.DeletePlatform(t.Context(), by, c.Platform.ID); err != nil {
		t.Fatal(err)
	}
	routes, err := r.Models(t.Context(), id.ID{})
	if err != nil || len(routes) != 0 {
		t.Errorf("routes %+v, %v", routes, err)
	}
}
