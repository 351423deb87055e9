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
