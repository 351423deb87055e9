package transport

import (
	"net"
	"syscall"
)

// socket is the bare connection below a conn, and below its TLS. Who reads a stream from it can be told before it waits: as
// long as there is more to be read at once, what was read need not be passed on piece by piece.
type socket struct {
	net.Conn

	raw    syscall.RawConn // nil where the socket cannot be looked at
	onWait func() error    // nil: nobody asked

	// Made once: they are called for every call, or every read.
	try, look, come func(fd uintptr) bool

	// Of the read under way.
	p      []byte
	n      int
	err    error
	told   bool
	silent bool // what look saw
}

func newSocket(plain net.Conn) *socket {
	s := &socket{Conn: plain}
	if c, ok := plain.(syscall.Conn); ok {
		s.raw, _ = c.SyscallConn()
	}
	s.try, s.look, s.come = s.attempt, s.peek, s.arrived
	return s
}

// Read implements net.Conn. Its error may be that of whoever was told that it would wait.
func (s *socket) Read(p []byte) (int, error) {
	if s.onWait == nil || len(p) == 0 {
		return s.Conn.Read(p)
	}
	s.p, s.n, s.err, s.told = p, 0, nil, false
	err := s.raw.Read(s.try)
	s.p = nil
	if s.err == nil {
		s.err = err
	}
	return s.n, s.err
}
