package store_test

import (
	"path/filepath"
	"testing"

	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/store/storetest"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store {
		t.Helper()
		return open(t, store.Options{Path: filepath.Join(t.TempDir(), "a b?c%d#e.db")})
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store {
		t.Helper()
		return open(t, store.Options{URL: pgtest.New(t), MaxReaders: 8})
	})
}
