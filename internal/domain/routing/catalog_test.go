package routing_test

import (
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
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

// TestEditsAtOnce changes different things of one provider at the same time: none is lost.
func TestEditsAtOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			t.Helper()
			return store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")}
		},
		"postgres": func(t *testing.T) store.Options { t.Helper(); return store.Options{URL: pgtest.New(t), MaxReaders: 8} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := editorOn(t, o(t))
			text := func(s string) *string { return &s }
			p, err := e.CreateProvider(t.Context(), admin, catalog.ProviderInput{Key: text("acme"), DisplayName: text("Acme")})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for _, in := range []catalog.ProviderInput{
				{DisplayName: text("A")}, {Code: text("b")}, {IconPath: text("/c")}, {DefaultAuthType: text("d")}, {Metadata: json.RawMessage(`{"e":1}`)},
			} {
				all.Go(func() {
					if _, err := e.UpdateProvider(t.Context(), admin, p.ID, in); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			got, err := e.Store.ProviderList(t.Context())
			if err != nil || got[0].DisplayName != "A" || got[0].Code != "b" || got[0].IconPath != "/c" || got[0].DefaultAuthType != "d" || string(got[0].Metadata) != `{"e":1}` {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// editorOn is an editor of an empty catalogue.
func editorOn(t *testing.T, o store.Options) *catalog.Editor {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return catalog.NewEditor(catalog.EditorParts{
		Store: s.Catalog(), Rules: routing.CatalogRules{}, Bus: &event.Bus{}, Now: clock.System,
	})
}

// TestStartingModelsPassTheirOwnChecks changes nothing about each of them.
func TestStartingModelsPassTheirOwnChecks(t *testing.T) {
	t.Parallel()
	e := editorOn(t, store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")})
	providers, models, err := catalog.Starting(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err == nil {
		err = catalog.NewService(e.Store).Ensure(t.Context(), providers, models)
	}
	if err != nil {
		t.Fatal(err)
	}
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
