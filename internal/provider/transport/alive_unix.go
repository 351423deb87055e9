//go:build unix

package transport

import "syscall"

// alive reports whether an idle connection is still silent and open. Bytes that nobody asked for mean that the server is
// about to close it, or that the two are out of step.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	silent := false
	err := c.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK //nolint:errorlint // as the kernel returns it
		return true
	})
	return err == nil && silent
}
