package gateway_test

import (
	"path/filepath"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// onEachDatabase runs a test on both databases.
func onEachDatabase(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for name, options := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			t.Helper()
			return store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")}
		},
		"postgres": func(t *testing.T) store.Options {
			t.Helper()
			return store.Options{URL: pgtest.New(t), MaxReaders: 4}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := worldOf(t, surfacetest.On(t, identity.Config{}, surfacetest.Storage{
				Identity: s.Identity(), Settings: s.Settings(), Catalog: s.Catalog(), Routing: s.Routing(), Access: s.Access(),
			}))
			w.people = s.Identity()
			test(t, w)
		})
	}
}
