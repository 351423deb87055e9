package http1

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// body is that of a request: so many bytes, of which the first may have come with the head.
type body struct {
	conn *conn
	left int64 // to be read
	done atomic.Bool
	over atomic.Bool // the handler has returned
}

// end is when all was read: from now on what comes is another request, or the client's end. A buffer that holds nothing more
// goes back, for the answer may take long.
func (b *body) end() {
	if len(b.conn.filled) == 0 {
		b.conn.release()
	}
	b.done.Store(true)
}

// Read implements io.Reader. Errors: io.ErrUnexpectedEOF when the client hangs up before the end, http.ErrBodyReadAfterClose
// once the handler has returned, and the connection's.
func (b *body) Read(p []byte) (int, error) {
	if b.over.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.next(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.end()
		err = io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads what came with the head, and then from the connection.
func (b *body) next(p []byte) (int, error) {
	c := b.conn
	if len(c.filled) > 0 {
		n := copy(p, c.filled)
		c.filled = c.filled[n:]
		return n, nil
	}
	if c.armed.Load() { // the deadline was for the head
		c.expectEver()
	}
	return c.Read(p)
}

// Close implements io.Closer. What was not read is skipped when the request has ended.
func (b *body) Close() error { return nil }

// unread reports whether bytes of the body have not come yet, as far as anybody knows.
func (b *body) unread() bool { return b.left > int64(len(b.conn.filled)) }

// Whole reports whether all that is to be read has come, as the relay asks (relay.Whole).
func (b *body) Whole() bool { return !b.unread() }

// skip passes over what the handler did not read and reports whether the next request is in sight: what has not come is not
// waited for.
func (b *body) skip() bool {
	if b.unread() {
		return false
	}
	b.conn.filled = b.conn.filled[b.left:]
	b.left = 0
	return true
}
