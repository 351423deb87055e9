package app

import "runtime"

// heapFloor is how much is allocated at least between two collections of garbage. A process with little in memory would
// otherwise collect every few megabytes, a hundred times a second under load, which costs more than anything a call does.
const heapFloor = 64 << 20

// raiseHeap counts heapFloor bytes as in use until the returned function is called. They are never touched, so the system
// gives no memory for them; only the collector's goal is higher.
func raiseHeap() (end func()) {
	floor := make([]byte, heapFloor)
	forget(floor) // the runtime may have cleared them
	return func() { runtime.KeepAlive(floor) }
}
