//go:build !unix

package http1

// canWatch says whether a connection can be looked at without being read.
const canWatch = false

// awaitEnd is not called.
func (*conn) awaitEnd() (gone bool, err error) { return false, nil }
