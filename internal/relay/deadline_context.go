package relay

import (
	"context"
	"slices"
	"sync"
)

// attemptContext is the caller's context with an end of its own, as context.WithCancel makes one. It costs a fifth of that, because
// it has no part in the caller's until it is told to follow it, and because what is to be done at its end lies in the context itself.
type attemptContext struct {
	context.Context //nolint:containedctx // it is one itself

	mu       sync.Mutex
	done     chan struct{} // nil: nobody has asked for it
	err      error         // nil: it has not ended
	unfollow func() bool   // nil: it does not follow the caller's
	at       []atEnd
	room     [2]atEnd // of at, for what there usually is
	count    int      // of all that were ever in at
}

// atEnd is what is to be done at the end.
type atEnd struct {
	number int
	do     func()
}

// Done implements context.Context.
func (c *attemptContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *attemptContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc is what context.AfterFunc looks for.
func (c *attemptContext) AfterFunc(do func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go do()
		return func() bool { return false }
	}
	if c.at == nil {
		c.at = c.room[:0]
	}
	c.count++
	number := c.count
	c.at = append(c.at, atEnd{number, do})
	return func() bool { return c.forget(number) }
}

// forget takes out what was to be done, and reports whether it was in.
func (c *attemptContext) forget(number int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.at)
	c.at = slices.DeleteFunc(c.at, func(a atEnd) bool { return a.number == number })
	return len(c.at) < n
}

// follow has the context end with the caller's from now on: at once, where that has ended.
func (c *attemptContext) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.unfollow == nil {
		c.unfollow = context.AfterFunc(c.Context, func() { c.end(c.Context.Err()) })
	}
}

// end ends the context, once.
func (c *attemptContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	if c.unfollow != nil {
		c.unfollow()
	}
	for _, a := range c.at {
		go a.do()
	}
	c.at = nil
}
