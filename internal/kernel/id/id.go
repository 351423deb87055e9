// Package id makes and reads the identifiers of Gantry's entities: UUIDs of version 7.
//
// They sort by the time of their making to a fraction of a millisecond, so a new row lands at the end of an index.
// They are not secrets: whoever knows one must still be allowed to see what it names.
package id

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ID is a UUID. The zero value means "none" and is stored as NULL.
type ID [16]byte

// ErrSyntax says that a text is not a UUID in its canonical form.
var ErrSyntax = errors.New("id: not a UUID")

// New returns a UUIDv7 of the present moment.
func New() ID { return At(time.Now()) }

// At returns a UUIDv7 of the moment t; two calls with one t differ.
// The 12 bits behind the millisecond hold its fraction (RFC 9562, section 6.2, method 3).
func At(t time.Time) ID {
	ns := t.UnixNano()
	ms := ns / int64(time.Millisecond)
	fraction := uint16((ns % int64(time.Millisecond)) * 4096 / int64(time.Millisecond))
	var u ID
	binary.BigEndian.PutUint64(u[0:], uint64(ms)<<16|0x7000|uint64(fraction))
	binary.BigEndian.PutUint64(u[8:], 0x8000000000000000|rand.Uint64()>>2) //nolint:gosec // identifiers are not secrets
	return u
}

// Time returns the moment that a UUIDv7 carries, to the millisecond.
func (u ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)).UTC()
}

// IsZero reports whether u names nothing.
func (u ID) IsZero() bool { return u == ID{} }

// String returns the canonical form, 36 lower-case characters; "" for the zero value.
func (u ID) String() string {
	if u.IsZero() {
		return ""
	}
	b, _ := u.AppendText(make([]byte, 0, 36))
	return string(b)
}

// AppendText appends the canonical form, for code that must not allocate.
func (u ID) AppendText(b []byte) ([]byte, error) {
	var out [36]byte
	hex.Encode(out[0:8], u[0:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:36], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return append(b, out[:]...), nil
}

// Parse reads the canonical form, in either letter case. The error is ErrSyntax.
func Parse(s string) (ID, error) {
	var u ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrSyntax
	}
	var digits [32]byte
	copy(digits[0:], s[0:8])
	copy(digits[8:], s[9:13])
	copy(digits[12:], s[14:18])
	copy(digits[16:], s[19:23])
	copy(digits[20:], s[24:36])
	if _, err := hex.Decode(u[:], digits[:]); err != nil {
		return ID{}, ErrSyntax
	}
	return u, nil
}

// MarshalText implements encoding.TextMarshaler; the zero value is the empty text.
func (u ID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; the empty text is the zero value.
func (u *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*u = ID{}
		return nil
	}
	v, err := Parse(string(b))
	*u = v
	return err
}

// Value stores the canonical form, and NULL for the zero value.
func (u ID) Value() (driver.Value, error) {
	if u.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return u.String(), nil
}

// Scan reads the canonical form, the 16 bytes, or NULL.
func (u *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*u = ID{}
		return nil
	case string:
		return u.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == len(u) {
			copy(u[:], v)
			return nil
		}
		return u.UnmarshalText(v)
	case [16]byte:
		*u = v
		return nil
	}
	return fmt.Errorf("id: cannot read %T", src)
}

// Compact is the form without hyphens: 32 hexadecimal digits, for names that others prefix.
func (u ID) Compact() string { return hex.EncodeToString(u[:]) }

// ParseCompact reads what Compact wrote, in lower case. The error is ErrSyntax.
func ParseCompact(s string) (ID, error) {
	var u ID
	if len(s) != hex.EncodedLen(len(u)) {
		return ID{}, ErrSyntax
	}
	if _, err := hex.Decode(u[:], []byte(s)); err != nil || u.Compact() != s {
		return ID{}, ErrSyntax
	}
	return u, nil
}
