package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrNewer says that the database was made by a later version of Gantry, which this one could damage.
var ErrNewer = errors.New("store: the database is newer than this program")

// schemaLock is the key of the PostgreSQL advisory lock under which the schema is changed.
const schemaLock = 0x67616e747278

// Migrate brings the schema up to date, in one transaction: all of it or nothing. It never goes back. The version is read
// under the lock, so of processes that migrate at the same time one does the work and the others find it done.
// Error: ErrNewer.
func (s *Store) Migrate(ctx context.Context) error {
	scripts, err := migrations(s.db.engine)
	if err != nil {
		return err
	}
	return s.db.inTx(ctx, func(t *transaction) error {
		current, err := s.db.schemaVersion(ctx, t)
		if err != nil {
			return err
		}
		if current > len(scripts) {
			return fmt.Errorf("%w: it has version %d, the program knows %d", ErrNewer, current, len(scripts))
		}
		for _, m := range scripts[current:] {
			if err := s.db.migrate(ctx, t, m); err != nil {
				return fmt.Errorf("store: migration %s: %w", m.name, err)
			}
		}
		return nil
	})
}

// schemaVersion locks the schema and returns how many migrations it has seen. SQLite's transaction is the lock.
func (d *database) schemaVersion(ctx context.Context, t *transaction) (int, error) {
	if d.engine == postgres {
		if _, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(schemaLock)); err != nil {
			return 0, err
		}
	}
	_, err := t.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (
		version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	if err != nil {
		return 0, err
	}
	var version int
	err = t.NewSelect().Table("schema_version").ColumnExpr("COALESCE(MAX(version), 0)").Scan(ctx, &version)
	return version, err
}

// migrate runs one script. It goes to the driver as it is: bun would take its question marks for arguments.
func (d *database) migrate(ctx context.Context, t *transaction, m migration) error {
	if _, err := t.Tx.Tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, "INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)",
		m.version, m.name, stampOf(d.clock()))
	t.AfterCommit(func() { d.log.InfoContext(ctx, "database migrated", "version", m.version, "name", m.name) })
	return err
}
