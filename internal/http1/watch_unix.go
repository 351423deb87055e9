//go:build unix

package http1

import (
	"errors"
	"syscall"
)

// canWatch says whether a connection can be looked at without being read.
const canWatch = true

// awaitEnd waits until something comes, which it leaves where it is, and reports whether that is the end. Error: the
// connection's.
func (c *conn) awaitEnd() (gone bool, err error) {
	var b [1]byte
	err = c.raw.Read(func(fd uintptr) bool {
		for {
			n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			switch {
			case errors.Is(err, syscall.EINTR):
				continue
			case errors.Is(err, syscall.EAGAIN):
				return false
			}
			gone = err != nil || n == 0
			return true
		}
	})
	return gone, err
}
