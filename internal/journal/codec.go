package journal

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// errShort says that a record ends before its last field, or goes on behind it. The checksum of its frame was right, so
// it was written by another version.
var errShort = errors.New("journal: record of another version")

// noTime stands for the zero time, which has no Unix microseconds.
const noTime = -1 << 63

// The functions below are not inlined: a task has forty fields, each of which would be a piece of code of its own. A call alone finds
// little of its code in the processor's caches, and waits for every line that is not there; a loop would not notice.

//go:noinline
func appendInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

//go:noinline
func appendID(b []byte, u *id.ID) []byte { return append(b, u[:]...) }

//go:noinline
func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

//go:noinline
func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendInt(b, noTime)
	}
	return appendInt(b, t.UnixMicro())
}

func appendUsage(b []byte, u *inference.Usage) []byte {
	b = appendBool(b, u.Estimated)
	for _, q := range u.Quantities {
		b = appendInt(b, q)
	}
	return b
}

// reader takes a record apart. After a failure it returns zero values and keeps the error.
type reader struct {
	b   []byte
	err error
}

// take returns the next n bytes, nil when there are fewer.
func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err = errShort
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.err = errShort
		return 0
	}
	r.take(n)
	return v
}

func (r *reader) bool() bool {
	b := r.take(1)
	return len(b) == 1 && b[0] == 1
}

func (r *reader) bytes() []byte {
	n, width := binary.Uvarint(r.b)
	if width <= 0 || n > uint64(len(r.b)) {
		r.err = errShort
		return nil
	}
	r.take(width)
	out := r.take(int(n)) //nolint:gosec // not above the length of a slice
	if len(out) == 0 {
		return nil
	}
	return append([]byte(nil), out...)
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) id() (u id.ID) {
	copy(u[:], r.take(len(u)))
	return u
}

func (r *reader) time() time.Time {
	v := r.int()
	if v == noTime || r.err != nil {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}

func (r *reader) usage() (u inference.Usage) {
	u.Estimated = r.bool()
	for i := range u.Quantities {
		u.Quantities[i] = r.int()
	}
	return u
}

// end reports what went wrong, if anything did.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = errShort
	}
	return r.err
}
