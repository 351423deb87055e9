// Package sse reads server-sent events as they come off the wire, keeping their exact bytes so that they can be passed on
// unchanged. Source: the WHATWG HTML standard, section 9.2.
package sse

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// ErrTooLarge says that an event has more bytes than the reader allows.
var ErrTooLarge = errors.New("sse: event too large")

// Event is what stands between two blank lines. Its slices are valid until the next call of Next.
type Event struct {
	// Raw is the exact text with its blank line. The Raw of all events, in order, are the stream.
	Raw []byte
	// Name is the event field; empty means "message".
	Name []byte
	// Data is the data lines joined by line feeds; nil when there was none, as in a comment that keeps a connection alive.
	Data []byte
	// ID is the id field of this event; nil when there was none.
	ID []byte
	// Unterminated says that the stream ended before the blank line, so the event may be a part of what was meant.
	Unterminated bool
}

const (
	// Nearly all streams are slow, a few hundred bytes at a time, and an open one should not hold much; one that comes faster than
	// it is read is read in larger pieces.
	smallSize  = 2 << 10
	middleSize = 8 << 10
	largeSize  = 64 << 10

	// calm is after how many small pieces in a row a stream counts as slow again.
	calm = 8
)

var (
	small  = sync.Pool{New: func() any { b := make([]byte, smallSize); return &b }}
	middle = sync.Pool{New: func() any { b := make([]byte, middleSize); return &b }}
	large  = sync.Pool{New: func() any { b := make([]byte, largeSize); return &b }}
)

// lend returns a buffer of at least n bytes, of those that are kept if n is not above largeSize.
func lend(n int) *[]byte {
	switch {
	case n <= smallSize:
		return small.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	case n <= middleSize:
		return middle.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	case n <= largeSize:
		return large.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	}
	b := make([]byte, n)
	return &b
}

// giveBack keeps a buffer for other streams; one that a giant event made larger than others is not kept.
func giveBack(b *[]byte) {
	switch len(*b) {
	case smallSize:
		small.Put(b)
	case middleSize:
		middle.Put(b)
	case largeSize:
		large.Put(b)
	}
}

// Reader takes a stream apart into events. It is for one goroutine.
type Reader struct {
	src      io.Reader
	maxEvent int
	buf      []byte
	lent     *[]byte // holds buf; nil after Release
	start    int     // of the event being collected
	end      int     // of what was read
	line     int     // start of the line being looked at
	seen     int     // up to where that line holds no line end
	joined   []byte
	err      error // what ended the source
	begun    bool
	skipLF   bool // the last line end was a CR that may be one half of CRLF
	ready    int  // length of the event at hand, once it is known to be complete
	simple   bool // it is one data line and nothing else
	behind   bool // the last read found about all that it had room for
	calm     int  // how many reads in a row have found little
}

// NewReader returns a reader of r that refuses events of more than maxEvent bytes. Release gives its memory back.
func NewReader(r io.Reader, maxEvent int) *Reader {
	lent := lend(smallSize)
	return &Reader{src: r, maxEvent: maxEvent, buf: *lent, lent: lent}
}

// Release gives the reader's memory back. Neither it nor its events may be used afterwards.
func (r *Reader) Release() {
	if r.lent == nil {
		return
	}
	giveBack(r.lent)
	r.lent, r.buf, r.joined, r.err = nil, nil, nil, io.ErrClosedPipe
	r.start, r.end, r.line, r.seen, r.ready = 0, 0, 0, 0, 0
}

// Next returns the next event as soon as its bytes have arrived. At the end of the stream what is left becomes a last,
// unterminated event; then the error is io.EOF. Other errors are ErrTooLarge and those of the source, which leave the
// part of an event that came before them unread.
func (r *Reader) Next() (Event, error) {
	for {
		if n := r.complete(); n > 0 {
			return r.take(n)
		}
		if r.end-r.start > r.maxEvent {
			return Event{}, ErrTooLarge
		}
		if r.err != nil {
			return r.last()
		}
		r.fill()
	}
}

// Buffered reports whether a further event is already here, so that Next will not wait. Writers use it to flush only
// before they have to wait.
func (r *Reader) Buffered() bool { return r.complete() > 0 }

// Pending returns what was read and not taken, if it begins with an event: for those who can tell events of a kind apart
// faster than Next. It is valid until the next call of Next.
func (r *Reader) Pending() []byte {
	if r.line != r.start || r.skipLF || !r.begun {
		return nil
	}
	return r.buf[r.start:r.end]
}

// Empty reports whether all that was read was taken, and the source may have more.
func (r *Reader) Empty() bool { return r.start == r.end && r.err == nil }

// Fill reads once from the source, as Next does when it has nothing. Next tells its error.
func (r *Reader) Fill() { r.fill() }

// Skip takes the first n bytes of Pending, which must be whole events.
func (r *Reader) Skip(n int) {
	r.start += n
	r.line, r.seen, r.ready, r.simple = r.start, r.start, 0, false
}

func (r *Reader) last() (Event, error) {
	if r.err != io.EOF || r.start == r.end { //nolint:errorlint // readers return io.EOF itself
		return Event{}, r.err
	}
	e, err := r.take(r.end - r.start)
	e.Unterminated = err == nil
	return e, err
}

// complete returns the length of the event at hand, or 0 while its blank line has not come.
func (r *Reader) complete() int {
	if r.ready == 0 && !r.oneLine() {
		r.ready = r.anyLines()
	}
	return r.ready
}

var dataName = []byte("data:")

// oneLine looks for what nearly all events are: one data line that ends with LF, and the blank line.
func (r *Reader) oneLine() bool {
	if r.line != r.start || r.skipLF || !r.begun {
		return false
	}
	b := r.buf[r.start:r.end]
	if !bytes.HasPrefix(b, dataName) {
		return false
	}
	at := bytes.IndexByte(b, '\n')
	if at < 0 || at+1 >= len(b) || b[at+1] != '\n' || bytes.IndexByte(b[:at], '\r') >= 0 {
		return false
	}
	r.ready, r.simple = at+2, true
	return true
}

func (r *Reader) anyLines() int {
	for r.line < r.end {
		if r.skipLF {
			r.skipLF = false
			if r.buf[r.line] == '\n' { // the other half of the line end before; it stays in this event's Raw
				r.line, r.seen = r.line+1, r.line+1
				continue
			}
		}
		at, width := lineEnd(r.buf[r.seen:r.end])
		if at < 0 {
			r.seen = r.end
			return 0
		}
		at += r.seen
		r.skipLF = r.buf[at] == '\r' && at+1 == r.end
		if at == r.line {
			return at + width - r.start
		}
		r.line, r.seen = at+width, at+width
	}
	return 0
}

// lineEnd finds the first CR, LF or CRLF. A CR at the very end counts at once: waiting for a LF could wait forever.
func lineEnd(b []byte) (at, width int) {
	lf := bytes.IndexByte(b, '\n')
	head := b
	if lf >= 0 {
		head = b[:lf]
	}
	cr := bytes.IndexByte(head, '\r')
	switch {
	case cr < 0:
		return lf, 1
	case cr == lf-1:
		return cr, 2
	}
	return cr, 1
}

func (r *Reader) take(n int) (Event, error) {
	if n > r.maxEvent {
		return Event{}, ErrTooLarge
	}
	raw := r.buf[r.start : r.start+n : r.start+n]
	r.start += n
	r.line, r.seen, r.ready = r.start, r.start, 0
	if r.simple {
		r.simple = false
		_, value := field(raw[:n-2])
		return Event{Raw: raw, Data: value}, nil
	}
	return r.parse(raw), nil
}

func (r *Reader) fill() {
	switch {
	case r.start == r.end:
		r.shift()
		if r.calm >= calm && len(r.buf) > smallSize {
			r.exchange(smallSize)
		}
	case r.start > 0 && len(r.buf)-r.end <= len(r.buf)/2: // a read into what little is left would be one more for nothing
		r.shift()
	case r.end == len(r.buf):
		r.exchange(2 * len(r.buf))
	}
	if r.behind && len(r.buf) < largeSize {
		r.exchange(largeSize)
	}
	room := len(r.buf) - r.end
	for range 100 {
		var n int
		n, r.err = r.src.Read(r.buf[r.end:])
		r.end += n
		r.behind = n > 0 && n >= room*3/4
		if r.calm++; n > smallSize/2 {
			r.calm = 0
		}
		if n > 0 || r.err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// exchange swaps the buffer for another one, which has place for what was read.
func (r *Reader) exchange(n int) {
	lent := lend(n)
	copy(*lent, r.buf[:r.end])
	giveBack(r.lent)
	r.lent, r.buf = lent, *lent
}

// shift moves what is unread to the front.
func (r *Reader) shift() {
	copy(r.buf, r.buf[r.start:r.end])
	r.end -= r.start
	r.line -= r.start
	r.seen -= r.start
	r.start = 0
}
