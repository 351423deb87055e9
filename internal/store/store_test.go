package store_test

import (
	"path/filepath"
	"testing"

	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/store/storetest"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

func open(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), o)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
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
