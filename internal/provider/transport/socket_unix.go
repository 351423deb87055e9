//go:build unix

package transport

import (
	"errors"
	"io"
	"syscall"
)

// canTell reports whether the socket can tell when a read would wait.
func (s *socket) canTell() bool { return s.raw != nil }

// attempt reads once. It returns false, to be called again when there is something, after it has told that it waits. What
// comes while it tells is not missed: the runtime has begun to watch the socket before.
func (s *socket) attempt(fd uintptr) bool {
	for {
		n, err := syscall.Read(int(fd), s.p)
		switch {
		case err == nil && n == 0:
			s.err = io.EOF
		case err == nil:
			s.n = n
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return !s.tell()
		default:
			s.err = err
		}
		return true
	}
}

// tell says once for a read that it waits, and reports whether it may.
func (s *socket) tell() bool {
	if !s.told {
		s.told = true
		s.err = s.onWait()
	}
	return s.err == nil
}

// alive reports whether an idle connection is still silent and open. Bytes that nobody asked for mean that the server is
// about to close it, or that the two are out of step.
func (s *socket) alive() bool {
	return s.raw == nil || s.raw.Read(s.look) == nil && s.silent
}

func (s *socket) peek(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	s.silent = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	return true
}

// await waits until there is something to be read, or an end. Its error is the connection's.
func (s *socket) await() error {
	if s.raw == nil {
		return nil
	}
	s.told = false
	return s.raw.Read(s.come)
}

// arrived looks once; when it is called again there is something.
func (s *socket) arrived(fd uintptr) bool {
	if s.told {
		return true
	}
	s.told = true
	s.peek(fd)
	return !s.silent
}
