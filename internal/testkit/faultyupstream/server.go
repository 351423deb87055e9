// Package faultyupstream is an upstream that misbehaves on purpose. It speaks HTTP/1.1 by hand over a bare connection, so it
// can break off, stall or lie at any byte, which no well-behaved server library lets one do.
package faultyupstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Handler answers one request, well or badly. When it returns, the connection stays open for another request unless the
// handler closed it.
type Handler func(*Exchange)

// Server accepts connections until its test ends.
type Server struct {
	// Address is host and port.
	Address string

	listener net.Listener
	handler  Handler
	deaf     bool // reads heads only
	all      sync.WaitGroup

	mu      sync.Mutex
	open    map[net.Conn]bool
	served  int
	opened  int
	closing bool
}

// New starts a server that answers every request with h. When the test ends, its connections are closed.
func New(tb testing.TB, h Handler) *Server {
	tb.Helper()
	return listen(tb, &Server{handler: h})
}

// NewDeaf starts a server that reads no bodies: h is called right behind the head. Of a peer
// that leaves it learns by Swallow only.
func NewDeaf(tb testing.TB, h Handler) *Server {
	tb.Helper()
	return listen(tb, &Server{handler: h, deaf: true})
}

func listen(tb testing.TB, s *Server) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Address, s.listener, s.open = l.Addr().String(), l, map[net.Conn]bool{}
	s.all.Go(s.accept)
	tb.Cleanup(s.close)
	return s
}

// Requests is how many requests have come.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// Connections is how many connections have come.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.note(c) {
			return
		}
		s.all.Go(func() { s.serve(c) })
	}
}

// note keeps a connection, or closes it if the server has been told to end.
func (s *Server) note(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = c.Close()
		return false
	}
	s.open[c] = true
	s.opened++
	return true
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.served++
		s.mu.Unlock()
		if s.deaf {
			s.handler(&Exchange{Request: req, conn: c})
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		e := newExchange(c, in, req, body)
		s.handler(e)
		if e.closed {
			return
		}
		<-e.quiet
	}
}

func (s *Server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closing = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
}
