// Package pgtest gives tests a real PostgreSQL.
//
// The first call of New in a test process starts one temporary server, without fsync and reachable through a
// unix socket only. It lives as long as the process: a watchdog stops it and removes its files when the
// process ends, however it ends, so neither a panic nor a test timeout nor kill -9 leaves a server behind.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// adminTimeout bounds creating or dropping one database.
const adminTimeout = 30 * time.Second

// start starts the server of this process once; later calls get the same server or the same error.
var start = sync.OnceValues(startServer)

var databases atomic.Int64

// New returns the DSN (postgres://…) of a fresh, empty database. It is dropped when the test ends, with
// whoever is still connected. Without PostgreSQL's binaries the test fails with the package to install.
func New(tb testing.TB) string {
	tb.Helper()
	srv, err := start()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := srv.exec("CREATE DATABASE " + name); err != nil {
		tb.Fatalf("pgtest: create a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := srv.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			tb.Errorf("pgtest: drop the database: %v", err)
		}
	})
	return srv.dsn(name)
}

// dsn returns the address of one database of the server.
func (s *server) dsn(database string) string {
	query := url.Values{"host": {s.dir}, "user": {superuser}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// exec runs one statement in the maintenance database. It uses no test's context, because a test's context
// has ended by the time its database is dropped.
func (s *server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(superuser))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
