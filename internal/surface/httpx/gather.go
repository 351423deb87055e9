package httpx

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// maxGathered is how much a connection collects before it sends even what is held.
const maxGathered = 64 << 10

// gathers keeps the memory of what was collected: a connection has some only while it holds something.
var gathers = sync.Pool{New: func() any { b := make([]byte, 0, 20<<10); return &b }}

// Conn is a client's connection to which a stream can be written in one system call for all that came together: the server of
// net/http copies a flush through three buffers and writes it in two or three pieces. It is for the goroutine that answers the
// request. Source: decision 0024.
type Conn struct {
	net.Conn
	held   *[]byte // nil: nothing is held back
	failed error   // of a Send: what would follow must not look like a part of the answer
}

// Hold begins to collect what is written.
func (c *Conn) Hold() {
	if c.held == nil {
		c.held = gathers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	}
}

// Send writes what was collected, and what is written from now on at once. Error: the connection's.
func (c *Conn) Send() error {
	held := c.held
	if held == nil {
		return nil
	}
	c.held = nil
	var err error
	if len(*held) > 0 {
		_, err = c.Conn.Write(*held)
		c.failed = err
	}
	if cap(*held) <= maxGathered {
		*held = (*held)[:0]
		gathers.Put(held)
	}
	return err
}

// Head writes the head of an answer, between Hold and Send, on a stack that is not the caller's: net/http takes 3 KiB of it, and
// the stack of a stream that grew for them once would stay as large until its end. Error: of the flush.
func (c *Conn) Head(out *http.ResponseController) error {
	headsOnce.Do(startHeads)
	done := headsDone.Get().(chan error) //nolint:forcetypeassert // the pool holds nothing else
	heads <- head{out, done}
	err := <-done
	headsDone.Put(done)
	return err
}

// head is one to be written.
type head struct {
	out  *http.ResponseController
	done chan<- error
}

var (
	heads     = make(chan head)
	headsOnce sync.Once
	headsDone = sync.Pool{New: func() any { return make(chan error, 1) }}
)

// writers is how many write heads. None ever waits for a connection, because the answer is held; some are there so that calls
// need not wait for the turn of one that was interrupted.
const writers = 4

func startHeads() {
	for range writers {
		go writeHeads()
	}
}

func writeHeads() {
	for h := range heads {
		h.done <- h.write()
	}
}

func (h head) write() (err error) {
	defer func() {
		if p := recover(); p != nil { // it would have been the request's alone
			err = fmt.Errorf("head of an answer: %v", p)
		}
	}()
	return h.out.Flush()
}

// chunkHead is the space that the size of a chunk takes, in hexadecimal with leading zeros. Source: RFC 9112, section 7.1.
const chunkHead = len("00000000\r\n")

// FrameSize is how many bytes a frame must leave free at its beginning, for Chunk.
func (*Conn) FrameSize() int { return chunkHead }

// Chunk writes the content of a frame, what follows its first FrameSize bytes, as one chunk of the answer under way, without
// the detour through net/http's buffers. The answer's header must have been flushed, it must be chunked, as every answer
// over HTTP/1.1 without a Content-Length is, and nothing that was written to it may be unflushed. Chunk writes to the frame,
// and behind it where there is room. Error: the connection's.
func (c *Conn) Chunk(frame []byte) error {
	content := len(frame) - chunkHead
	if content <= 0 {
		return nil // an empty chunk would end the answer
	}
	const digits = "0123456789abcdef"
	for i := chunkHead - 3; i >= 0; i-- {
		frame[i] = digits[content&15]
		content >>= 4
	}
	frame[chunkHead-2], frame[chunkHead-1] = '\r', '\n'
	_, err := c.Write(append(frame, "\r\n"...))
	return err
}

// Write implements net.Conn. What is held back counts as written.
func (c *Conn) Write(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	if c.held == nil {
		n, err := c.Conn.Write(p)
		c.failed = err
		return n, err
	}
	if len(*c.held)+len(p) > maxGathered {
		if err := c.Send(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Write(p)
		c.Hold()
		return n, err
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// CloseWrite tells the client that nothing more will come: net/http does so before it hangs up on a client that is still
// sending, who would not see the answer otherwise.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ReadFrom lets files be sent without a copy.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if from, ok := c.Conn.(io.ReaderFrom); ok && c.held == nil {
		return from.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// Gathering is a listener whose connections are Conns.
func Gathering(l net.Listener) net.Listener { return gathering{l} }

type gathering struct{ net.Listener }

// Accept implements net.Listener.
func (g gathering) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

type connKey struct{}

// WithConn is an http.Server's ConnContext.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// ConnOf returns the connection of a request over HTTP/1.1 that came through Gathering; nil for another.
func ConnOf(req *http.Request) *Conn {
	if req.ProtoMajor != 1 || !req.ProtoAtLeast(1, 1) {
		return nil
	}
	c, _ := req.Context().Value(connKey{}).(*Conn)
	return c
}
