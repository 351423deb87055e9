package simulation

import (
	"context"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
)

// beat is one event of a script.
type beat struct {
	event []byte
	// tokens is how much of the pace it takes; an event without any comes at once.
	tokens int
	last   bool // the answer is complete with it
}

// script is the body of a streamed answer that is known from its beginning. Nothing runs between reads: each read waits
// until its event is due, so a reader that stops costs nothing, and the context ends it at once.
type script struct {
	ctx    context.Context //nolint:containedctx // a body belongs to one call
	now    clock.Clock
	plan   plan
	beats  []beat
	tokens int // sent
	start  time.Time
	buf    []byte
	err    error
}

func newScript(ctx context.Context, now clock.Clock, p plan, beats []beat) *script {
	return &script{ctx: ctx, now: now, plan: p, beats: beats, start: now().Add(p.firstToken())}
}

// Read returns what is due.
func (s *script) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, provider.SendError(s.ctx, s.ctx.Err())
	}
	for len(s.buf) == 0 && s.err == nil {
		s.play()
	}
	if len(s.buf) == 0 {
		return 0, s.err
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// Close ends the script; further reads fail.
func (s *script) Close() error {
	s.buf, s.err = nil, io.ErrClosedPipe
	return nil
}

// play makes the next event once its time has come, or does what the plan says in its place.
func (s *script) play() {
	if len(s.beats) == 0 {
		s.err = io.EOF
		return
	}
	b := s.beats[0]
	if (s.tokens >= s.plan.after && b.tokens > 0 || b.last) && s.fail(b.event) { // a short answer fails at its end
		return
	}
	if b.tokens > 0 {
		s.tokens += b.tokens
		due := s.start.Add(s.plan.spend(s.tokens - 1))
		if err := pause(s.ctx, due.Sub(s.now())); err != nil {
			s.err = provider.SendError(s.ctx, err)
			return
		}
	}
	s.beats, s.buf = s.beats[1:], b.event
}

// fail does what the plan's fault is, if it has one that comes in the middle of a stream.
func (s *script) fail(event []byte) bool {
	switch s.plan.fault {
	case faultHang:
		s.err = provider.SendError(s.ctx, pause(s.ctx, forever))
	case faultCut:
		s.buf, s.err = event[:len(event)/2], io.ErrUnexpectedEOF
	case faultMalformed:
		s.buf, s.err = []byte("event: error\ndata: {\"type\":\n\n"), io.EOF
	default:
		return false
	}
	return true
}
