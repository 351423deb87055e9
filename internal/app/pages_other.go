//go:build !linux || !amd64

package app

// EnlargePages does nothing: only Linux lets code be moved, and other processors must be told of it.
func EnlargePages() bool { return false }
