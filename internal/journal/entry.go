package journal

import (
	"errors"
	"time"
)

// entryVersion is the first byte of a marshalled entry.
const entryVersion = 1

// errEntry says that a marshalled entry was written by another version.
var errEntry = errors.New("journal: entry of another version")

// Promise returns a ticket and the function that settles it, for other ways to take entries down than files. The function
// may be called once; nil says that the entry is durable.
func Promise() (Ticket, func(error)) {
	f := &fate{}
	return Ticket{fate: f}, f.resolve
}

// MarshalBinary implements encoding.BinaryMarshaler. LeaseID is left out.
func (o *Open) MarshalBinary() ([]byte, error) { return o.append([]byte{entryVersion}), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (o *Open) UnmarshalBinary(b []byte) error { return unmarshal(b, o.read) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (m *Mark) MarshalBinary() ([]byte, error) { return m.append([]byte{entryVersion}), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *Mark) UnmarshalBinary(b []byte) error { return unmarshal(b, m.read) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (v *Record) MarshalBinary() ([]byte, error) { return v.append([]byte{entryVersion}), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (v *Record) UnmarshalBinary(b []byte) error { return unmarshal(b, v.read) }

func unmarshal(b []byte, read func(*reader)) error {
	if len(b) == 0 || b[0] != entryVersion {
		return errEntry
	}
	r := reader{b: b[1:]}
	read(&r)
	return r.end()
}

// Interrupted is the record of a call that nobody ended: what its last mark says was delivered is charged, and nothing
// where m is nil. Source: MONEY section 3, "gateway crash mid-stream".
func Interrupted(o *Open, m *Mark, at time.Time) *Record {
	c := cut{open: *o, mark: m}
	return c.record(func() time.Time { return at })
}
