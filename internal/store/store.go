// Package store keeps Gantry's state in SQL: in SQLite for one node, in PostgreSQL for many, behind the same methods.
//
// It implements what each domain asks of storage, one type per domain; README.md shows the tables, the transactions and
// the hash chain. All SQL of Gantry is in this package.
package store

import (
	"context"
	"errors"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// Options says which database to open.
type Options struct {
	// URL is a PostgreSQL address (postgres://…), or the path of a SQLite file; empty: Path.
	URL string
	// Path is the SQLite file, made when it is missing; its folder must exist.
	Path string
	// MaxReaders bounds the connections that read (SQLite), or all connections (PostgreSQL); 0: 8, or 16.
	MaxReaders int
	// Clock stamps what no domain stamps; nil: the system's.
	Clock clock.Clock
	// Logger hears of migrations; nil: nobody does.
	Logger *slog.Logger
	// Watch is told of every statement before it is sent, with the context of whoever asked for it; a statement that is
	// executed for many rows is told once, and listening for news of leases never. nil: nobody watches.
	Watch func(ctx context.Context, statement string)
}

// Store is an open database.
type Store struct{ db *database }

// database is what the domains' stores share.
type database struct {
	engine engine
	// writer runs transactions; reader runs everything else. On PostgreSQL they are the same pool.
	writer *bun.DB
	reader *bun.DB
	clock  clock.Clock
	log    *slog.Logger
	watch  func(ctx context.Context, statement string)
}

// Open opens the database and checks that it answers. Its schema is made and renewed by Migrate.
func Open(ctx context.Context, o Options) (*Store, error) {
	db, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	db.clock, db.log = o.Clock, o.Logger
	if db.clock == nil {
		db.clock = clock.System
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	db.watchBy(o.Watch)
	return &Store{db}, nil
}

// Close closes all connections; transactions under way are rolled back.
func (s *Store) Close() error {
	if s.db.reader == s.db.writer {
		return s.db.writer.Close()
	}
	return errors.Join(s.db.reader.Close(), s.db.writer.Close())
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.reader.PingContext(ctx) }

// Identity is the storage of tenants, groups, users, apps, keys and sessions.
func (s *Store) Identity() *Identity { return &Identity{s.db} }

// Catalog is the storage of providers and base models.
func (s *Store) Catalog() *Catalog { return &Catalog{s.db} }

// Routing is the storage of platforms, their models and policies.
func (s *Store) Routing() *Routing { return &Routing{s.db} }

// Access is the storage of access rules.
func (s *Store) Access() *Access { return &Access{s.db} }

// Pricing is the storage of rule sets.
func (s *Store) Pricing() *Pricing { return &Pricing{s.db} }

// Wallet is the storage of accounts and transfers.
func (s *Store) Wallet() *Wallet { return &Wallet{s.db} }

// Tasks is the storage of tasks and their events.
func (s *Store) Tasks() *Tasks { return &Tasks{s.db} }

// Audit is the storage of audit entries.
func (s *Store) Audit() *Audit { return &Audit{s.db} }

// Journal writes down what relayed calls left behind.
func (s *Store) Journal() *Journal { return &Journal{s.db} }

// Limits is the storage of what quotas have been used, of long rate-limit windows, and of the policies of scopes.
func (s *Store) Limits() *Limits { return &Limits{s.db} }

// Settings is the storage of settings.
func (s *Store) Settings() *Settings { return &Settings{s.db} }
