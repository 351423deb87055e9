package store

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// failure translates what a database says into the core's faults. A fault is passed on; what has no meaning to a caller
// stays as it is and becomes an internal error further up.
func failure(err error) error {
	var sqliteErr *driver.Error
	var postgresErr *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*fault.Error)):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return fault.ErrNotFound
	case errors.As(err, &sqliteErr):
		return sqliteFailure(sqliteErr, err)
	case errors.As(err, &postgresErr):
		return postgresFailure(postgresErr, err)
	}
	return err
}

func sqliteFailure(e *driver.Error, err error) error {
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return conflictAt(lastColumn(e.Error()), err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fault.ErrInvalid.Because(err)
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return checkFailure(e.Error(), err)
	}
	if e.Code()&0xff == sqlite3.SQLITE_BUSY {
		return fault.ErrUnavail.Because(err)
	}
	return err
}

// lastColumn reads the column from "… UNIQUE constraint failed: user_group.tenant_id, user_group.key (2067)".
// The last one tells rows apart; those before it say within what.
func lastColumn(message string) string {
	column := message[strings.LastIndexByte(message, '.')+1:]
	column, _, _ = strings.Cut(column, " ")
	return column
}

// SQLSTATEs of PostgreSQL that mean something to a caller.
const (
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	checkViolation       = "23514"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	adminShutdown        = "57P01"
)

// postgresFailure reads the column from the index, which is named <table>_<last column>_unique.
func postgresFailure(e *pgconn.PgError, err error) error {
	switch e.Code {
	case uniqueViolation:
		name := strings.TrimPrefix(e.ConstraintName, e.TableName+"_")
		return conflictAt(strings.TrimSuffix(name, "_unique"), err)
	case foreignKeyViolation:
		return fault.ErrInvalid.Because(err)
	case checkViolation:
		return checkFailure(e.ConstraintName, err)
	case serializationFailure, deadlockDetected, adminShutdown:
		return fault.ErrUnavail.Because(err)
	}
	return err
}

// checkFailure tells the one check that a caller can run into from those that only a mistake in the program can.
func checkFailure(constraint string, err error) error {
	if strings.Contains(constraint, "account_covered") {
		return wallet.ErrInsufficient.Because(err)
	}
	return err
}

// conflictAt names the field behind a column: "username_fold" is username, "is_default" default, "canonical_key"
// canonicalKey.
func conflictAt(column string, err error) error {
	if column == "pkey" {
		column = "id"
	}
	column = strings.TrimPrefix(strings.TrimSuffix(column, "_fold"), "is_")
	words := strings.Split(column, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return fault.ErrConflict.Because(err).At(strings.Join(words, ""))
}
