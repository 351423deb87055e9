package httpx

import (
	"context"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

const (
	// lookEvery is how often something is looked at whose news come from another node.
	lookEvery = time.Second
	// aliveEvery is how often a stream without news shows that it is alive, so that no proxy ends it.
	aliveEvery = 15 * time.Second
	// takeWithin is how long a caller may take for what it is sent.
	takeWithin = time.Minute
)

var aliveFrame = []byte(": alive\n\n")

// EventWriter writes one stream of server-sent events. It is not safe for concurrent use.
type EventWriter struct {
	w     http.ResponseWriter
	out   *http.ResponseController
	now   clock.Clock
	begun bool
}

// NewEventWriter returns a writer of events. Nothing is sent before the first Write.
func NewEventWriter(w http.ResponseWriter, now clock.Clock) *EventWriter {
	return &EventWriter{w: w, out: http.NewResponseController(w), now: now}
}

// Begun reports whether something was written: from then on there can be no other answer.
func (e *EventWriter) Begun() bool { return e.begun }

// Write sends events that are framed already, and at once. The error says that the caller has left, or takes too long.
func (e *EventWriter) Write(b []byte) error {
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
	}
	_ = e.out.SetWriteDeadline(e.now().Add(takeWithin))
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.out.Flush()
}

// Watch calls look now, after all news, and every second, for those of other nodes, until look is done or fails, the context
// ends, or the caller leaves. Meanwhile it shows the caller that the connection lives; a nil e is nobody to show it to. done
// reports whether look was done; the error is look's.
func (e *EventWriter) Watch(ctx context.Context, news <-chan struct{}, look func() (done bool, err error)) (done bool, err error) {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		if done, err := look(); done || err != nil {
			return done, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-alive.C:
			if e != nil && e.Write(aliveFrame) != nil {
				return false, nil
			}
		case <-news:
		case <-again.C:
		}
	}
}
