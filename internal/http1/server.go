// Package http1 is the server of callers: it answers the requests that a relay lives of itself, and leaves all others to net/http.
//
// A plain request is a POST over HTTP/1.1 whose head has come whole, whose length is known and in which nothing is unusual
// (parseHead). It is read and answered in one goroutine with one read and one write. The first request of a connection that is
// anything else, malformed or hostile ones among them, is given to net/http with what was read of it, and so is the rest of
// that connection: what is refused, and how, is decided there alone. Source: decision 0041.
package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// Server serves the handler of an http.Server, with its ReadHeaderTimeout and IdleTimeout. The answers that the handler gives to
// plain requests have the meaning that net/http gives them; their writers are Chunkers of the relay besides.
type Server struct {
	inner *http.Server
	now   clock.Clock

	results chan accepted // what net/http is to accept
	ended   chan struct{} // closed when Serve returns

	draining atomic.Bool
	dates    *clock.Seconds

	mu    sync.Mutex
	conns map[*conn]struct{}
	empty chan struct{} // closed when the last connection is gone while draining
}

// accepted is what a listener returned.
type accepted struct {
	conn net.Conn
	err  error
}

// New returns a server that answers with the handler of inner, and that leaves to inner what it does not serve itself.
func New(inner *http.Server, now clock.Clock) *Server {
	return &Server{
		inner: inner, now: now, results: make(chan accepted), ended: make(chan struct{}), conns: map[*conn]struct{}{},
		empty: make(chan struct{}), dates: clock.NewSeconds(http.TimeFormat),
	}
}

// Serve accepts connections until the listener fails or the server is stopped; it is called once. Error: http.ErrServerClosed
// after Shutdown or Close, else the listener's.
func (s *Server) Serve(l net.Listener) error {
	defer close(s.ended)
	go s.accept(l)
	return s.inner.Serve(handing{l, s})
}

// accept takes connections in. What fails is net/http's to judge: it waits before it accepts again, or gives up.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err == nil && s.take(c) {
			continue
		}
		if !s.hand(c, err) {
			return
		}
	}
}

// hand gives net/http a connection or an error. It reports false when the server has ended; then the connection is closed.
func (s *Server) hand(c net.Conn, err error) bool {
	select {
	case s.results <- accepted{c, err}:
		return true
	case <-s.ended:
		if c != nil {
			_ = c.Close()
		}
		return false
	}
}

// handing is the listener of net/http.
type handing struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (h handing) Accept() (net.Conn, error) {
	r := <-h.server.results
	return r.conn, r.err
}

// take serves a connection, if it is of a kind that can be watched.
func (s *Server) take(c net.Conn) bool {
	socket, ok := c.(syscall.Conn)
	if !ok || !canWatch {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	own := newConn(s, c, raw)
	if s.add(own) {
		go own.serve()
	}
	return true
}

// add keeps a connection in mind; while draining it is closed instead.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.draining.Load() {
		s.tellEmpty()
	}
}

// tellEmpty is for who has the lock.
func (s *Server) tellEmpty() {
	if len(s.conns) > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// Shutdown accepts no more connections, closes those that wait for a request, and returns when the others have got their
// answers. Error: the context's.
func (s *Server) Shutdown(ctx context.Context) error {
	rest := make(chan error, 1)
	go func() { rest <- s.inner.Shutdown(ctx) }() // closes the listener first
	s.drain((*conn).closeIdle)
	select {
	case <-s.empty:
		return <-rest
	case <-ctx.Done():
		return errors.Join(ctx.Err(), <-rest)
	}
}

// Close closes every connection at once.
func (s *Server) Close() error {
	err := s.inner.Close()
	s.drain(func(c *conn) { _ = c.Close() })
	return err
}

// drain has nothing begin any more, and does what is to be done with what is there.
func (s *Server) drain(each func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	for c := range s.conns {
		each(c)
	}
	s.tellEmpty()
}

// idle is how long a connection may wait for its next request; 0: for ever.
func (s *Server) idle() time.Duration {
	if s.inner.IdleTimeout != 0 {
		return s.inner.IdleTimeout
	}
	return s.inner.ReadTimeout
}
