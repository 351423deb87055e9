package store

import (
	"path/filepath"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// eachEngine runs a test on both databases.
func eachEngine(t *testing.T, test func(*testing.T, Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Options{Path: filepath.Join(t.TempDir(), "gantry.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Options{URL: pgtest.New(t), MaxReaders: 4})
	})
}

// openTest opens a store without a schema.
func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// migrated opens a store with a schema.
func migrated(t *testing.T, o Options) *Store {
	t.Helper()
	s := openTest(t, o)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// exec runs one statement as an administrator would who has the database's password.
func (s *Store) exec(t *testing.T, statement string, args ...any) error {
	t.Helper()
	_, err := s.db.writer.ExecContext(t.Context(), statement, args...)
	return failure(err)
}

func (s *Store) mustExec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := s.exec(t, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
