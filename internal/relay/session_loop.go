package relay

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	// recheck is how often it is asked whether the caller may still call. Source: DESIGN section 2.
	recheck = 2 * time.Second
	// farewell is how long the caller may take for the last words.
	farewell = 5 * time.Second
)

// ending is why a session ends, and what both sides hear of it.
type ending struct {
	fault   *fault.Error // the caller hears; nil: nothing went wrong
	about   string       // the caller's event that is at fault
	code    socket.Code
	outcome provider.Outcome // of the attempt
	left    bool             // the caller does not hear anything any more
}

var (
	errSessionIdle  = fault.New(http.StatusRequestTimeout, "session_idle", "Nothing was said for too long.")
	errSessionTotal = fault.New(http.StatusRequestTimeout, "session_expired", "The session has reached its maximum duration.")
)

// incoming is a message from one side, or the end of what comes from there.
type incoming struct {
	message []byte
	err     error
}

// listenTo reads messages until the line ends or ctx does.
func listenTo(ctx context.Context, l socket.Line, to chan<- incoming) {
	for {
		message, err := l.Read(ctx)
		select {
		case to <- incoming{message, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// converseWith passes events on until the session ends, beginning with the upstream's first.
func (s *session) converseWith(first []byte) provider.Outcome {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx()))
	s.toCaller, s.toUpstream = newOutbox(s.line, s.limits.Stall), newOutbox(s.up, s.limits.Stall)
	fromCaller, fromUpstream := make(chan incoming), make(chan incoming)
	var all sync.WaitGroup
	all.Go(func() { s.toCaller.run(ctx) })
	all.Go(func() { s.toUpstream.run(ctx) })
	all.Go(func() { listenTo(ctx, s.line, fromCaller) })
	all.Go(func() { listenTo(ctx, s.up, fromUpstream) })
	s.news(first)
	s.converse(fromCaller, fromUpstream)
	s.takeLeave()
	cancel()
	all.Wait()
	return s.ended.outcome
}

// converse takes events from both sides in the order in which they come, as long as there is room for what they lead to.
func (s *session) converse(fromCaller, fromUpstream <-chan incoming) {
	idle, total := time.NewTimer(s.limits.SessionIdle), time.NewTimer(s.limits.SessionTotal-s.now().Sub(s.start))
	tick := time.NewTicker(recheck)
	defer func() { idle.Stop(); total.Stop(); tick.Stop() }()
	draining := s.sessions.draining
	for s.ended == nil {
		hear, listen := fromCaller, fromUpstream
		if !s.toUpstream.room() {
			hear = nil
		}
		if s.waiting != nil || !s.toCaller.room() {
			listen = nil
		}
		select {
		case in := <-hear:
			idle.Reset(s.limits.SessionIdle)
			s.fromCaller(in)
		case in := <-listen:
			idle.Reset(s.limits.SessionIdle)
			s.fromUpstream(in)
		case <-s.toCaller.moved:
			s.goOn()
		case <-s.toUpstream.moved:
		case <-s.toCaller.broken:
			s.callerGone()
		case <-s.toUpstream.broken:
			s.upstreamGone(nil)
		case <-idle.C:
			s.over(errSessionIdle)
		case <-total.C:
			s.over(errSessionTotal)
		case <-tick.C:
			s.checkHolder()
		case <-draining:
			draining = nil
		case <-s.sessions.cut:
			s.over(errDrained)
		}
		if draining == nil && s.ended == nil && len(s.running)+len(s.asked) == 0 && s.waiting == nil {
			s.over(errDrained)
		}
	}
}

// over ends the session with a fault of nobody's in particular.
func (s *session) over(f *fault.Error) {
	s.finishWith(&ending{fault: f, code: socket.Away, outcome: ok})
}

// finishWith ends the session; the first reason counts.
func (s *session) finishWith(e *ending) {
	if s.ended == nil {
		s.ended = e
	}
}

// refused ends the session because of what its caller may not do, or not pay.
func (s *session) refused(err error, about string) {
	f := fault.From(err)
	code := socket.Refused
	if f.Status >= http.StatusInternalServerError {
		code = socket.Internal
	}
	s.finishWith(&ending{fault: f, about: about, code: code, outcome: ok})
}

func (s *session) fromCaller(in incoming) {
	if in.err != nil {
		s.callerGone()
		return
	}
	s.hearAsk(in.message)
}

// callerGone ends a session whose caller has left, or does not read what it is sent.
func (s *session) callerGone() { s.finishWith(&ending{code: socket.Normal, outcome: ok, left: true}) }

func (s *session) fromUpstream(in incoming) {
	if in.err != nil {
		s.upstreamGone(in.err)
		return
	}
	s.news(in.message)
}

// upstreamGone ends a session whose upstream has: as it should when nothing was under way and it says so, and else broken.
func (s *session) upstreamGone(err error) {
	var closed *socket.ClosedError
	if errors.As(err, &closed) && (closed.Code == socket.Normal || closed.Code == socket.Away) && len(s.running)+len(s.asked) == 0 {
		s.finishWith(&ending{code: closed.Code, outcome: ok})
		return
	}
	o := provider.Outcome{Category: inference.ServerError, Code: "upstream_error", Message: "The upstream ended the session."}
	s.finishWith(&ending{fault: faultOf(o), code: socket.Internal, outcome: o})
}

// checkHolder ends the session of a caller who may not call any more. Where that cannot be told now, the session goes on.
func (s *session) checkHolder() {
	now := s.now()
	if now.Sub(s.known) < recheck {
		return
	}
	s.known = now
	p, err := s.want.Holder(context.WithoutCancel(s.ctx()))
	switch f := fault.From(err); {
	case err == nil:
		s.principal = p
	case f.Status < http.StatusInternalServerError:
		s.refused(err, "")
	}
}

// say sends the caller an event of ours.
func (s *session) say(event []byte) { s.toCaller.put(letter{message: event}) }

// takeLeave takes leave of both sides: the upstream stops at once, what is out is paid for, and the caller hears why.
func (s *session) takeLeave() {
	e := s.ended
	var all sync.WaitGroup
	defer all.Wait()
	code := e.code
	if code == socket.Broken {
		code = socket.Normal
	}
	all.Go(func() { s.up.Close(socket.Normal, "") })
	s.discard()
	if !e.left && !s.toCaller.flush(farewell) {
		e.left = true
	}
	s.settleAll(e)
	if s.failure == nil && e.fault != nil && e.fault.Status >= http.StatusInternalServerError {
		s.fail(e.fault)
	}
	s.closeAttempt(e)
	s.recordSession()
	if e.fault != nil && !e.left {
		s.say(openai.RealtimeError(e.fault, e.about))
		s.toCaller.flush(farewell)
	}
	all.Go(func() { s.line.Close(code, "") })
}

// closeAttempt completes the record of the attempt that the session was.
func (s *session) closeAttempt(e *ending) {
	a := &s.attempts[s.deciding]
	s.note(a, e.outcome)
	if a.Verdict = verdictServed; e.left {
		a.Verdict = verdictCallerLeft
	}
}
