package app

import (
	"runtime"
	"runtime/debug"
)

// heapFloor is how much is allocated at least between two collections of garbage. A process with little in memory would
// otherwise collect every few megabytes, a hundred times a second under load, which costs more than anything a call does.
const heapFloor = 64 << 20

// heap is the memory of what the program allocates, as a gateway wants it. Source: decisions 0039 and 0040.
type heap struct {
	floor []byte // never touched, so the system gives no memory for it; only the collector's goal is higher
	large extent // what is to lie on large pages
}

// extent is a range of addresses.
type extent struct{ first, end uintptr }

// raiseHeap counts heapFloor bytes as in use until end is called, and asks the system for large pages for what will be allocated.
func raiseHeap() *heap {
	h := &heap{large: layRoom()}
	h.floor = make([]byte, heapFloor)
	forget(h.floor) // the runtime may have cleared it
	runtime.GC()    // gives the room back, so that the next collection is due after the floor
	return h
}

// settle gives back what only the start needed, and lays what it left on large pages: each password that was hashed took 64 MiB,
// which nothing else would give back.
func (h *heap) settle() {
	debug.FreeOSMemory()
	gather(h.large)
}

func (h *heap) end() { runtime.KeepAlive(h.floor) }
