package relay

import (
	"maps"
	"sync"
	"sync/atomic"
)

// children keeps what was made for each key, such as one metric for each set of labels. A look-up takes no lock and
// allocates nothing; a new key copies all others, so keys are few and stay. The zero value is ready.
type children[K comparable, V any] struct {
	known atomic.Pointer[map[K]V]
	mu    sync.Mutex
}

// of returns what belongs to a key, made by create when it is asked for first.
func (c *children[K, V]) of(key K, create func(K) V) V {
	if known := c.known.Load(); known != nil {
		if v, ok := (*known)[key]; ok {
			return v
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{}
	if known := c.known.Load(); known != nil {
		if v, ok := (*known)[key]; ok {
			return v
		}
		next = maps.Clone(*known)
	}
	v := create(key)
	next[key] = v
	c.known.Store(&next)
	return v
}
