//go:build !unix

package transport

// canTell reports that the socket cannot tell here when a read would wait.
func (*socket) canTell() bool { return false }

func (*socket) attempt(uintptr) bool { return true }
