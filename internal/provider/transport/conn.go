package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxHeader bounds the head of an answer.
	maxHeader = 64 << 10
	// readSize is what is read at once when the caller asks for less.
	readSize = 4 << 10
	// lateAnswer is how long an answer is waited for that a server gave before it had read the whole request.
	lateAnswer = time.Second
)

// conn is one connection. One call at a time owns it.
type conn struct {
	net.Conn

	host   *host
	bare   *socket
	since  time.Time     // idle since
	reader *bufio.Reader // during a call, once there is something to read
	one    [1]byte
	first  []byte // what of one was read and not yet passed on
	budget int64  // bytes that may still be read while the head of an answer is; negative: no bound
}

var errHeader = errors.New("transport: the head of the answer is too long")

// Read implements io.Reader for the buffer of a call.
func (c *conn) Read(p []byte) (int, error) {
	if c.budget == 0 {
		return 0, errHeader
	}
	if c.budget > 0 && int64(len(p)) > c.budget {
		p = p[:c.budget]
	}
	first := copy(p, c.first)
	c.first = c.first[first:]
	if first == len(p) {
		return first, nil
	}
	n, err := c.Conn.Read(p[first:]) // no answer is a single byte: behind the first there are more, or an end
	n += first
	if c.budget > 0 {
		c.budget -= int64(n)
	}
	return n, err
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readSize) }}

// past is a deadline that ends every read and write.
var past = time.Unix(1, 0)

// exchange sends a request and reads the head of its answer.
func (c *conn) exchange(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	// Whoever cancels ends what blocks on the connection; nobody has to watch it meanwhile.
	stop := afterFunc(ctx, func() { _ = c.SetDeadline(past) })
	answer := &answer{}
	resp := &answer.Response
	if err := c.converse(req, resp); err != nil {
		stop()
		_ = c.Close()
		if ended := ctx.Err(); ended != nil {
			return nil, fmt.Errorf("%w: %w", ended, context.Cause(ctx))
		}
		return nil, err
	}
	b := &answer.body
	b.conn, b.ctx, b.stop, b.last = c, ctx, stop, resp.Close || req.Close
	switch {
	case resp.ContentLength == 0 || req.Method == http.MethodHead:
		b.finish(true)
	case len(resp.TransferEncoding) > 0:
		b.chunked = true
	case resp.ContentLength > 0:
		b.left = resp.ContentLength
	default:
		b.left, b.last = -1, true
	}
	resp.Body = b
	return resp, nil
}

// afterFunc is context.AfterFunc, which makes a context of its own even where the one that it is given needs none for it.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if own, ok := ctx.(interface{ AfterFunc(f func()) func() bool }); ok {
		return own.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// answer is a response with its body.
type answer struct {
	http.Response
	body body
}

func (c *conn) converse(req *http.Request, resp *http.Response) error {
	sent := c.send(req)
	if sent != nil {
		// A server may refuse a request before it has read all of it, and hang up.
		_ = c.SetReadDeadline(c.host.o.Now().Add(lateAnswer))
		if req.Context().Err() != nil { // it is why the request could not be sent; the deadline must not outlive it
			return sent
		}
	}
	c.await()
	c.reader = readers.Get().(*bufio.Reader) //nolint:forcetypeassert // the pool holds nothing else
	c.reader.Reset(c)
	c.budget = maxHeader
	for {
		if err := readHead(c.reader, req, resp); err != nil {
			c.release()
			return errors.Join(sent, err)
		}
		if resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			c.budget = -1
			c.releaseEmpty()
			resp.Close = resp.Close || sent != nil || resp.StatusCode == http.StatusSwitchingProtocols
			return nil //nolint:nilerr // what could not be sent does not matter where there is an answer
		}
	}
}

// await waits for the answer with nothing in hand: models think for minutes, and a call that waits for one needs no buffer. What
// fails here fails again where the answer is read.
func (c *conn) await() {
	if c.Conn == net.Conn(c.bare) {
		_ = c.bare.await()
		return
	}
	// What TLS holds already cannot be seen from below it. A byte of the answer is as good.
	n, _ := c.Conn.Read(c.one[:])
	c.first = c.one[:n]
}

// releaseEmpty gives the call's buffer back when nothing is left in it: who goes on may wait for long before the next read.
func (c *conn) releaseEmpty() {
	if c.reader.Buffered() == 0 {
		c.release()
	}
}

// release gives the call's buffer back.
func (c *conn) release() {
	if c.reader != nil {
		c.reader.Reset(nil)
		readers.Put(c.reader)
		c.reader = nil
	}
}
