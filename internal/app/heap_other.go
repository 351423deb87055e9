//go:build !linux

package app

// forget does nothing: b may stay in memory.
func forget([]byte) {}

// layRoom does nothing: the system chooses its pages.
func layRoom() extent { return extent{} }

// gather does nothing, as layRoom.
func gather(extent) {}
