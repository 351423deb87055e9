package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// engine is a kind of database.
type engine int

const (
	sqlite engine = iota
	postgres
)

const (
	defaultReaders  = 8
	defaultPostgres = 16
)

// connect opens the pools for o and pings them.
func connect(ctx context.Context, o Options) (*database, error) {
	target := o.URL
	if target == "" {
		target = o.Path
	}
	switch scheme, _, found := strings.Cut(target, "://"); {
	case target == "":
		return nil, errors.New("store: neither a URL nor a path is given")
	case !found:
		return connectSQLite(ctx, target, o.MaxReaders)
	case scheme == "postgres" || scheme == "postgresql":
		return connectPostgres(ctx, target, o.MaxReaders)
	default:
		return nil, errors.New("store: a database URL begins with postgres://, anything else is the path of a file")
	}
}

// connectSQLite opens one connection that writes and a pool that reads. The write-ahead log lets them work side by side;
// one writer means that a transaction waits its turn in Go instead of failing as busy. It has a cache of 64 MiB, because
// most inserts go into the middle of an index by user.
func connectSQLite(ctx context.Context, path string, readers int) (*database, error) {
	if readers <= 0 {
		readers = defaultReaders
	}
	writer, err := openSQLite(ctx, path, 1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)", "wal_autocheckpoint(4096)"},
	})
	if err != nil {
		return nil, err
	}
	reader, err := openSQLite(ctx, path, readers, url.Values{
		"_pragma": {"busy_timeout(10000)", "query_only(1)"},
	})
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &database{
		engine: sqlite,
		writer: bun.NewDB(writer, newSQLiteDialect()),
		reader: bun.NewDB(reader, newSQLiteDialect()),
	}, nil
}

func openSQLite(ctx context.Context, path string, conns int, query url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Every setting belongs to a connection, so it is part of the address from which connections are made.
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return checked(ctx, db)
}

// connectPostgres opens one pool. Statements made by bun carry their values inside, so preparing each would only fill the
// server's memory; the hot statements are prepared explicitly.
func connectPostgres(ctx context.Context, address string, conns int) (*database, error) {
	if conns <= 0 {
		conns = defaultPostgres
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("store: the database URL cannot be read") // the cause may show the password
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["jit"] = "off" // compiling a query takes longer than any of ours runs
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if db, err = checked(ctx, db); err != nil {
		return nil, err
	}
	pool := bun.NewDB(db, newPostgresDialect())
	return &database{engine: postgres, writer: pool, reader: pool}, nil
}

// checked closes db again if it does not answer.
func checked(ctx context.Context, db *sql.DB) (*sql.DB, error) {
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
