//go:build !linux

package app

// heapBefore matters only where pages are chosen.
const heapBefore = 0

// forget does nothing: b may stay in memory.
func forget([]byte) {}

// addresses is empty: nothing is done with it.
func addresses([]byte) extent { return extent{} }

// enlarge does nothing: the system chooses its pages.
func enlarge(extent) extent { return extent{} }

// gather does nothing, as enlarge.
func gather(extent) {}
