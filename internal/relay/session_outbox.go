package relay

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	// maxQueued is how many messages wait for a slow reader, and maxQueuedBytes how many bytes, but that a single message may
	// be longer. Then nothing more is read for it. Source: THREATS, row 40.
	maxQueued      = 128
	maxQueuedBytes = 1 << 20
)

// letter is a message on its way.
type letter struct {
	message []byte
	of      *turn // that it is a piece of; nil: of none
	delta   openai.RealtimeInput
	out     chan<- struct{} // closed when the message is out; nil: nobody waits
}

// outbox sends messages to one side in their order, so that a side that reads slowly holds up what is meant for it and
// nothing else.
type outbox struct {
	line   socket.Line
	stall  time.Duration
	queue  chan letter
	bytes  atomic.Int64
	moved  chan struct{} // something went out
	broken chan struct{} // closed: nothing goes out any more
}

func newOutbox(l socket.Line, stall time.Duration) *outbox {
	return &outbox{
		line: l, stall: stall, queue: make(chan letter, maxQueued), moved: make(chan struct{}, 1), broken: make(chan struct{}),
	}
}

// run sends what is put in until ctx ends or the line does.
func (b *outbox) run(ctx context.Context) {
	defer close(b.broken)
	for {
		select {
		case l := <-b.queue:
			if !b.send(ctx, &l) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *outbox) send(ctx context.Context, l *letter) bool {
	patience, cancel := context.WithTimeout(ctx, b.stall)
	defer cancel()
	if len(l.message) > 0 {
		if b.line.Write(patience, l.message) != nil {
			return false
		}
	}
	if l.of != nil {
		l.of.deliver(l.delta)
	}
	b.bytes.Add(-int64(len(l.message)))
	if l.out != nil {
		close(l.out)
	}
	select {
	case b.moved <- struct{}{}:
	default:
	}
	return true
}

// room reports whether another message may be put in.
func (b *outbox) room() bool { return b.bytes.Load() < maxQueuedBytes && len(b.queue) < maxQueued-1 }

// put puts a message in. There must have been room; the place that room leaves is for what ends a session.
func (b *outbox) put(l letter) {
	b.bytes.Add(int64(len(l.message)))
	select {
	case b.queue <- l:
	case <-b.broken:
	}
}

// flush waits until everything that was put in is out; false when that took too long, or cannot be any more.
func (b *outbox) flush(most time.Duration) bool {
	out := make(chan struct{})
	b.put(letter{out: out})
	limit := time.NewTimer(most)
	defer limit.Stop()
	select {
	case <-out:
		return true
	case <-b.broken:
	case <-limit.C:
	}
	return false
}
