package relay

import (
	"context"
	"net/http"
	"time"
)

// Tracer follows requests through other systems. It is safe for concurrent use.
type Tracer interface {
	// Begin is told that a request has arrived at a time; nil says that this one is not followed.
	Begin(req *http.Request, at time.Time) Trace
}

// Trace follows one request. One goroutine uses it.
type Trace interface {
	// ID is the trace's id, as logs show it.
	ID() string
	// Attempt is told that an attempt begins. The context that it returns is what the upstream is called with.
	Attempt(ctx context.Context, at time.Time) context.Context
	// End is told what became of the request, once.
	End(s *Story)
}

// traceSteps decides whether the call's steps are timed: where a trace or the log wants them.
func (c *call) traceSteps() {
	if c.tracer != nil {
		c.trace = c.tracer.Begin(c.req, c.start)
	}
	c.laps.timed = c.trace != nil || c.logs()
}

// traced is the context that the upstream is called with.
func (c *call) traced(ctx context.Context) context.Context {
	if c.trace == nil {
		return ctx
	}
	return c.trace.Attempt(ctx, c.attempts[len(c.attempts)-1].StartedAt)
}

// tell hands the call's story to the log and to its trace, where anybody wants it.
func (c *call) tell() {
	logged := c.logs()
	if c.trace == nil && !logged {
		return
	}
	s := c.story()
	if logged {
		c.logStory(s)
	}
	if c.trace != nil {
		c.trace.End(s)
	}
}
