package http1

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// headSize is what is read at once; a head that does not fit is net/http's.
	headSize = 4 << 10
	// lingering is how long a connection is kept at most after its last answer. As long as in net/http.
	lingering = 500 * time.Millisecond
	// maxLingering bounds what is read meanwhile.
	maxLingering = 256 << 10
)

var buffers = sync.Pool{New: func() any { return new([headSize]byte) }}

// What a connection does.
const (
	waits  = iota // for a request
	works         // on one
	closed        // while it waited, by a shutdown
)

// conn is a connection. One goroutine serves it.
type conn struct {
	net.Conn

	server *Server
	raw    syscall.RawConn
	base   context.Context //nolint:containedctx // of the requests; one for all of them
	remote string
	state  atomic.Int32
	watch  watch

	buffer *[headSize]byte // nil: there is nothing in it
	filled []byte          // of the buffer
	readBy time.Time       // the read deadline for the next request
	armed  atomic.Bool     // and it is the one that is set
	timed  atomic.Bool     // there is a write deadline
}

func newConn(s *Server, c net.Conn, raw syscall.RawConn) *conn {
	base := context.WithValue(context.Background(), http.ServerContextKey, s.inner)
	own := &conn{
		Conn: c, server: s, raw: raw, remote: c.RemoteAddr().String(),
		base: context.WithValue(base, http.LocalAddrContextKey, c.LocalAddr()),
	}
	own.watch.conn = own
	return own
}

// serve answers the connection's requests one after the other.
func (c *conn) serve() {
	given := false
	defer func() {
		if !given {
			_ = c.Close()
		}
		c.watch.end() // of a handler that never returned
		c.release()
		c.server.remove(c)
	}()
	for wait := c.server.inner.ReadHeaderTimeout; c.await(wait); wait = c.server.idle() {
		if !c.state.CompareAndSwap(waits, works) {
			return // a shutdown has closed it
		}
		ctx, cancel := context.WithCancel(c.base)
		req := blank.WithContext(ctx)
		head := parseHead(req, c.filled)
		again := head > 0 && c.answer(req, head, cancel)
		cancel()
		if head == 0 {
			given = true
			c.handOver()
			return
		}
		if !again {
			return
		}
		c.state.Store(waits)
		if c.server.draining.Load() {
			return
		}
	}
}

// await waits for a request. It reports false when none will come.
func (c *conn) await(wait time.Duration) bool {
	if len(c.filled) > 0 {
		return true // came with the last one
	}
	c.expectBy(wait)
	if c.buffer == nil {
		c.buffer = buffers.Get().(*[headSize]byte) //nolint:forcetypeassert // the pool holds nothing else
	}
	n, err := c.Read(c.buffer[:])
	c.filled = c.buffer[:n]
	return err == nil
}

// expectBy sets the deadline for a request. A deadline that is most of the wait away is as good, and costs nothing.
func (c *conn) expectBy(wait time.Duration) {
	if wait <= 0 {
		c.expectEver()
		return
	}
	now := c.server.now()
	if left := c.readBy.Sub(now); !c.armed.Load() || left > wait || left < wait/4*3 {
		c.readBy = now.Add(wait)
		_ = c.SetReadDeadline(c.readBy)
		c.armed.Store(true)
	}
}

// expectEver takes the deadline away.
func (c *conn) expectEver() {
	c.armed.Store(false)
	_ = c.SetReadDeadline(time.Time{})
}

// closeIdle closes the connection unless it works on a request.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(waits, closed) {
		_ = c.Close()
	}
}

// handOver gives the connection to net/http, with what was read of it.
func (c *conn) handOver() {
	c.expectEver()
	c.server.hand(&begun{Conn: c.Conn, read: append([]byte(nil), c.filled...)}, nil)
}

// release gives the buffer back.
func (c *conn) release() {
	if c.buffer != nil {
		buffers.Put(c.buffer)
		c.buffer, c.filled = nil, nil
	}
}

// blank is what requests are made of.
var blank http.Request

// answer has the handler answer one request, and reports whether another may follow.
func (c *conn) answer(req *http.Request, head int, cancel context.CancelFunc) bool {
	w := &answer{
		conn: c, body: body{conn: c, left: req.ContentLength}, header: make(http.Header, usualFields), length: -1, close: req.Close,
	}
	b := &w.body
	c.filled = c.filled[head:]
	req.Body, req.RemoteAddr = b, c.remote
	if req.ContentLength == 0 {
		req.Body = http.NoBody
		b.end()
	}
	c.watch.begin(cancel, b)
	completed := c.handle(w, req)
	c.watch.end()
	cancel() // before the answer is complete: nothing of the request goes on behind it
	b.over.Store(true)
	if !completed {
		return false
	}
	if !w.finish() || !b.skip() {
		c.linger()
		return false
	}
	if c.timed.Swap(false) {
		_ = c.SetWriteDeadline(time.Time{})
	}
	return true
}

// usualFields is how many fields the header of an answer has.
const usualFields = 12

// handle calls the handler. It reports false when that did not return: then the answer must not look complete.
func (c *conn) handle(w http.ResponseWriter, req *http.Request) (completed bool) {
	defer func() {
		if completed {
			return
		}
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the value, as net/http compares it
			log.Printf("http: panic serving %v: %v\n%s", c.remote, p, debug.Stack())
		}
	}()
	c.server.inner.Handler.ServeHTTP(w, req)
	return true
}

// linger ends the answers, and waits a while for the client to see that: one who is still sending when its connection is closed
// would not. Of one who sends more than a little nothing is read any more, but it has the time.
func (c *conn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.SetReadDeadline(c.server.now().Add(lingering))
	if n, _ := io.CopyN(io.Discard, c.Conn, maxLingering); n == maxLingering {
		_ = c.raw.Read(func(uintptr) bool { return false }) // until the deadline
	}
}

// begun is a connection of which something was read.
type begun struct {
	net.Conn
	read []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.read) == 0 {
		b.read = nil // the connection may live long
		return b.Conn.Read(p)
	}
	n := copy(p, b.read)
	b.read = b.read[n:]
	return n, nil
}

// CloseWrite tells the client that nothing more will come: net/http does so before it hangs up on one that is still sending.
func (b *begun) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom lets files be sent without a copy.
func (b *begun) ReadFrom(r io.Reader) (int64, error) { return io.Copy(b.Conn, r) }
