package routing_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/store"
)

func TestCatalogRules(t *testing.T) {
	t.Parallel()
	var r routing.CatalogRules
	for _, c := range []struct {
		check func(json.RawMessage) error
		text  string
		path  string // of the fault; "-": there is none
	}{
		{r.CheckRateLimit, ``, "-"},
		{r.CheckRateLimit, `{}`, "-"},
		{r.CheckRateLimit, `{"rpm":1}`, "-"},
		{r.CheckRateLimit, `[]`, ""},
		{r.CheckRateLimit, `{"windows":[{"metric":"x"}]}`, "windows[0].metric"},
		{r.CheckRuntimePolicy, `{"retryPolicy":{"maxAttempts":2}}`, "-"},
		{r.CheckRuntimePolicy, `{"retryPolicy":{"maxAttempts":0}}`, "retryPolicy.maxAttempts"},
		{r.CheckRuntimePolicy, `{"x":1}`, "x"},
		{r.CheckBilling, `{"currency":"USD","rules":[]}`, "-"},
		{r.CheckBilling, `{"currency":"USD","rules":[{"unit":"request"}]}`, "rules[0].basePrice"},
		{r.CheckParams, `{"anything":1}`, "-"}, // without ParamRules
	} {
		f := fault.From(c.check(json.RawMessage(c.text)))
		if (f == nil) != (c.path == "-") || f != nil && f.Path != c.path {
			t.Errorf("%s: %v, want a fault at %q", c.text, f, c.path)
		}
	}
}

// TestDeletedPlatformsKeepNoSecrets looks at the row that stays.
func TestDeletedPlatformsKeepNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := draft()
	in.Config = json.RawMessage(`{"proxyUrl":"http://user:word@proxy:1","headers":{"X-A":"b"}}`)
	p, err := w.CreatePlatform(t.Context(), admin, in)
	if err != nil || len(p.ProxySealed) == 0 || p.Owner() != routing.OwnedByOperator {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := w.DeletePlatform(t.Context(), admin, p.ID); err != nil {
		t.Fatal(err)
	}
	row := w.store.Platforms[0]
	if row.Status != routing.Deleted || row.Name != p.Name || len(row.Credentials)+len(row.ProxySealed) > 0 || string(row.Config) != "{}" {
		t.Errorf("what is left: %+v", row)
	}
	row.OwnerUserID = id.New()
	if row.Owner() != routing.OwnedBySupplier {
		t.Errorf("owner %s", row.Owner())
	}
}

// TestStartingModelsPassTheirOwnChecks changes nothing about each of them.
func TestStartingModelsPassTheirOwnChecks(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	providers, models, err := catalog.Starting(now)
	if err == nil {
		err = catalog.NewService(s.Catalog()).Ensure(t.Context(), providers, models)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := catalog.NewEditor(catalog.EditorParts{
		Store: s.Catalog(), Rules: routing.CatalogRules{}, Bus: &event.Bus{}, Now: func() time.Time { return now },
	})
	for i := range providers {
		if _, err := e.UpdateProvider(t.Context(), admin, providers[i].ID, catalog.ProviderInput{}); err != nil {
			t.Errorf("%s: %v", providers[i].Key, err)
		}
	}
	for i := range models {
		if _, err := e.UpdateModel(t.Context(), admin, models[i].ID, catalog.ModelInput{}); err != nil {
			t.Errorf("%s: %v", models[i].CanonicalKey, err)
		}
	}
}
