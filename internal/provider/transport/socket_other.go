//go:build !unix

package transport

// canTell reports that the socket cannot tell here when a read would wait.
func (*socket) canTell() bool { return false }

func (*socket) attempt(uintptr) bool { return true }

// alive cannot be told here: a connection that is not is found so by its next call.
func (*socket) alive() bool { return true }

// await does not wait: whoever reads does.
func (*socket) await() error { return nil }

func (*socket) peek(uintptr) bool { return true }

func (*socket) arrived(uintptr) bool { return true }
