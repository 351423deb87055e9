package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// ErrOlder says that the database was made by an earlier version of Gantry and not brought up to date yet.
var ErrOlder = errors.New("store: the database is older than this program")

// OpenReadOnly opens a database to be read, also while another process writes it; every attempt to write fails. The
// database must exist and have this program's schema. Errors: ErrOlder, ErrNewer.
func OpenReadOnly(ctx context.Context, o Options) (*Store, error) {
	db, err := connectReadOnly(ctx, o)
	if err != nil {
		return nil, err
	}
	db.clock, db.log = clock.System, slog.New(slog.DiscardHandler)
	s := &Store{db}
	if err := s.current(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connectReadOnly(ctx context.Context, o Options) (*database, error) {
	if o.URL != "" {
		return connect(ctx, Options{URL: readOnlyAddress(o.URL), MaxReaders: o.MaxReaders})
	}
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: there is no database at %s", o.Path)
	}
	// mode=rw does not make a database; query_only refuses writes. mode=ro could not read what a process left in the
	// write-ahead log when it was killed.
	reader, err := openSQLite(ctx, o.Path, max(1, o.MaxReaders), url.Values{
		"mode": {"rw"}, "_pragma": {"busy_timeout(10000)", "query_only(1)"},
	})
	if err != nil {
		return nil, err
	}
	pool := bun.NewDB(reader, newSQLiteDialect())
	return &database{engine: sqlite, writer: pool, reader: pool}, nil
}

// readOnlyAddress makes every transaction of a PostgreSQL connection one that reads. What cannot be read is left to
// connect, which says so.
func readOnlyAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	query.Set("default_transaction_read_only", "on")
	u.RawQuery = query.Encode()
	return u.String()
}

// current checks that the database has the schema of this program.
func (s *Store) current(ctx context.Context) error {
	scripts, err := migrations(s.db.engine)
	if err != nil {
		return err
	}
	var version int
	err = s.db.reader.NewSelect().Table("schema_version").ColumnExpr("COALESCE(MAX(version), 0)").Scan(ctx, &version)
	switch {
	case err != nil:
		return fmt.Errorf("store: this is no database of Gantry: %w", err)
	case version < len(scripts):
		return fmt.Errorf("%w: it has version %d, the program knows %d; gantry serve brings it up to date", ErrOlder, version, len(scripts))
	case version > len(scripts):
		return fmt.Errorf("%w: it has version %d, the program knows %d", ErrNewer, version, len(scripts))
	}
	return nil
}
