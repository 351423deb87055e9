//go:build unix

package transport

import "syscall"

// alive reports whether an idle connection is still silent and open. Bytes that nobody asked for mean that the server is
// about to close it, or that the two are out of step.
func (c *conn) alive() bool {
	if c.bare.raw == nil {
		return true
	}
	if c.look == nil {
		c.look = c.peek // made once: it is called for every call
	}
	return c.bare.raw.Read(c.look) == nil && c.silent
}

func (c *conn) peek(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	c.silent = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	return true
}
