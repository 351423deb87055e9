package store

import (
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// The dialects write values into statements. PostgreSQL cannot hold the character NUL, and bun breaks a statement that
// has one; callers can send it in any text, so it is replaced, in what is stored and in what is looked for alike.
type (
	sqliteDialect   struct{ *sqlitedialect.Dialect }
	postgresDialect struct{ *pgdialect.Dialect }
)

func newSQLiteDialect() sqliteDialect     { return sqliteDialect{sqlitedialect.New()} }
func newPostgresDialect() postgresDialect { return postgresDialect{pgdialect.New()} }

// AppendString implements bun's schema.Dialect.
func (d sqliteDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, clean(s))
}

// AppendString implements bun's schema.Dialect.
func (d postgresDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, clean(s))
}

const replacement = string(utf8.RuneError)

// clean replaces what a database cannot hold as text: NUL and what is not UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", replacement)
	}
	return strings.ToValidUTF8(s, replacement)
}

// clip is clean, and cuts s to at most n bytes at a character's border.
func clip(s string, n int) string {
	s = clean(s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
