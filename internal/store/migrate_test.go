package store

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		var stores []*Store
		for range 4 {
			stores = append(stores, openTest(t, o))
		}
		var wg sync.WaitGroup
		for _, s := range stores {
			wg.Go(func() {
				if err := s.Migrate(t.Context()); err != nil {
					t.Errorf("Migrate: %v", err)
				}
			})
		}
		wg.Wait()
		scripts, err := migrations(stores[0].db.engine)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := stores[0].db.reader.NewSelect().Table("schema_version").Count(t.Context())
		if err != nil || rows != int64(len(scripts)) {
			t.Errorf("%d rows of versions (%v), want one for each of %d scripts", rows, err, len(scripts))
		}
	})
}

func TestMigrateRefusesWhatIsNewer(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		s := migrated(t, o)
		s.mustExec(t, "INSERT INTO schema_version (version, name, applied_at) VALUES (9999, 'later', 0)")
		err := s.Migrate(t.Context())
		if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("Migrate = %v, want ErrNewer with both versions", err)
		}
	})
}

func TestMigrateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		s := openTest(t, o)
		s.mustExec(t, "CREATE TABLE audit_entry (in_the_way TEXT)")
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "0001_init") {
			t.Fatalf("Migrate = %v, want the name of the script that failed", err)
		}
		if err := s.exec(t, "SELECT 1 FROM tenant"); err == nil {
			t.Error("part of a failed migration is there")
		}
		s.mustExec(t, "DROP TABLE audit_entry")
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate again: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for what, o := range map[string]Options{
		"nothing":           {},
		"another database":  {URL: "mysql://root:hunter2@localhost/x"},
		"an unreadable URL": {URL: "postgres://root:hunter2@local host:x/"},
		"nobody there":      {URL: "postgres://root:hunter2@127.0.0.1:1/x?connect_timeout=1"},
		"no such folder":    {Path: t.TempDir() + "/none/gantry.db"},
	} {
		s, err := Open(t.Context(), o)
		if err == nil {
			t.Errorf("%s was opened", what)
			_ = s.Close()
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", what, err)
		}
	}
}
