//go:build !unix

package transport

// alive cannot look at the socket here: the call finds out.
func (*conn) alive() bool { return true }
