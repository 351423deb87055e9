package relay

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// How long sessions may be silent, and how long they may last, where nobody says otherwise. Source: the provider sheet
// "openai", section 7, for the latter.
const (
	sessionIdle  = 15 * time.Minute
	sessionTotal = 60 * time.Minute
)

// Session is what a surface knows of a session that a caller asks for.
type Session struct {
	Model string
	// SetUp describes the session before the caller hears of it, as the protocol's JSON; nil: it is as the upstream makes it.
	SetUp []byte
	// Simulation asks for the simulation engine.
	Simulation bool
	// Header are the caller's headers that belong to the session.
	Header http.Header
	// Holder tells who the caller is. It is asked again while the session lasts, so that who may not call any more does not.
	Holder func(ctx context.Context) (*identity.Principal, error)
	// Accept upgrades the caller's connection. After an error it has been answered.
	Accept func() (socket.Line, error)
}

// session is a caller's session at an upstream. The call is what it is as a request: admitted and limited once, and the one
// under way that counts. What it costs is told and paid for turn by turn; see turn. One goroutine owns both.
type session struct {
	*call

	want Session
	line socket.Line // to the caller
	up   socket.Line // to the upstream

	toCaller, toUpstream *outbox
	waiting              *pending // news that cannot be delivered yet; nil: none

	talk    conversation
	ready   *turn   // for what the upstream may begin by itself; nil: none
	asked   []*turn // for responses that were asked for and have not begun
	running map[string]*turn
	turns   int // that were recorded
	// recorded says that attempts at other upstreams are in the record of a turn.
	recorded bool
	writers  map[string]*writer // of what is heard, by the upstream's name, as far as they may be used
	writer   *writer            // in force; nil: nothing is written down
	known    time.Time          // when the caller was last known to be allowed
	ended    *ending            // nil: the session goes on
	lost     bool               // its connection could not be upgraded, and was answered
}

// sessions are those of a relay.
type sessions struct {
	open     sync.WaitGroup
	once     sync.Once
	draining chan struct{} // closed: no response begins any more
	cutOnce  sync.Once
	cut      chan struct{} // closed: what is under way is cut
}

// ServeSession takes a session from its admission to its end. What goes wrong before the connection is upgraded is answered
// over HTTP, what goes wrong later by an event and a code. op.Format must be openai.Realtime.
func (r *Relay) ServeSession(w http.ResponseWriter, req *http.Request, op Operation, from Caller, want Session) {
	r.inflight.Add(1)
	r.sessions.open.Add(1)
	defer r.inflight.Add(-1)
	defer r.sessions.open.Done()
	s := &session{call: newCall(r, w, req, op, from), want: want, running: map[string]*turn{}, writers: map[string]*writer{}}
	defer s.finish()
	s.traceSteps()
	for step, do := range [...]func(*session) error{stepAdmit: (*session).admit, stepResolve: (*session).resolve, stepReserve: (*session).reserve} {
		err := do(s)
		s.end(step)
		if err != nil {
			s.discard()
			s.refuse(err)
			return
		}
	}
	s.run()
}

// admit authenticates the caller. There is no body to be read.
func (s *session) admit() (err error) {
	select {
	case <-s.sessions.draining:
		return errDrained
	default:
	}
	if s.principal, err = s.want.Holder(s.ctx()); err != nil {
		return err
	}
	s.known = s.start
	s.ask = wire.Ask{Model: s.want.Model, Stream: true, Choices: 1, Simulation: s.want.Simulation}
	return s.check()
}

var errDrained = fault.ErrUnavail.Saying("The service is about to stop. Connect again.").After(time.Second)

// reserve finds the first target, and holds what the first response can cost.
func (s *session) reserve() error { return s.reserveIn(s) }

// enter reserves what a target needs: a place among the requests under way, and the hold of the first response.
func (s *session) enter(t *Target) error {
	s.discard()
	s.leaveLimits()
	s.target = t
	s.talk = newConversation(t)
	if err := s.price(); err != nil {
		return err
	}
	if err := s.takePlace(t); err != nil {
		return err
	}
	if err := s.hear(s.want.SetUp); err != nil {
		return err
	}
	var err error
	s.ready, err = s.newTurn(s.talk.next(nil))
	return err
}

// price finds the prices in force and the wallet that pays. Codes: pricing_*, those of wallets.
func (s *session) price() error {
	s.accepted = s.now()
	if s.schedule = s.target.Schedule.At(s.accepted); s.schedule == nil {
		return pricing.ErrNoRules.Because(s.target.PriceError)
	}
	purse, err := s.wallets.Wallet(s.ctx(), s.principal.UserID, s.schedule.Currency)
	s.purse = purse
	return err
}

// takePlace counts the session as a request, and as one under way for as long as it lasts. What it takes besides is counted
// turn by turn. Codes: rate_limit, upstream_rate_limit.
func (s *session) takePlace(t *Target) error {
	if s.guard == nil {
		return nil
	}
	l := &s.limited
	l.subjects = append(l.subjects[:l.caller], t.Limits...)
	var err error
	l.admission, err = s.guard.Windows.Admit(s.ctx(), l.subjects, limits.Weights{Requests: 1, Currency: s.purse.Currency})
	s.showLimits()
	return err
}

// hear reads what the session is to be set up with, so that the first hold covers it.
func (s *session) hear(setUp []byte) error {
	if len(setUp) == 0 {
		return nil
	}
	d, err := openai.PeekRealtimeSession(setUp)
	if err != nil {
		return err
	}
	if err := s.approve(&d); err != nil {
		return err
	}
	s.talk.describe(&d)
	return nil
}

// run tries candidates until the session has been held with one, or must be given up.
func (s *session) run() {
	r := s.tryAll(s)
	switch {
	case s.lost:
		s.discard()
		s.fail(fault.ErrClientGone)
		s.recordSession()
	case r.Category != inference.OK && !r.delivered:
		s.discard()
		s.giveUp(r.Outcome)
	}
}

// finish counts the session where no turn was counted, and ends what is left of it.
func (s *session) finish() {
	s.endLimits()
	s.plan.abandon(s)
	if s.turns == 0 {
		s.metrics.observe(s.call)
	}
	s.tell()
}

// discard ends the holds of turns that have not begun.
func (s *session) discard() {
	if s.ready != nil {
		s.ready.release()
		s.ready = nil
	}
	for _, t := range s.asked {
		t.release()
	}
	s.asked = nil
}

// DrainSessions lets no session begin any more, and those that are open end when what is under way has been said.
func (r *Relay) DrainSessions() { r.sessions.once.Do(func() { close(r.sessions.draining) }) }

// AwaitSessions waits until all sessions have ended. When ctx ends first they are cut, which settles them.
func (r *Relay) AwaitSessions(ctx context.Context) {
	done := make(chan struct{})
	go func() { defer close(done); r.sessions.open.Wait() }()
	select {
	case <-done:
	case <-ctx.Done():
		r.sessions.cutOnce.Do(func() { close(r.sessions.cut) })
		<-done
	}
}

// MayTalk reports whether a caller may open a session with a model: what ServeSession would refuse before anything else.
// Code: model_not_found.
func (r *Relay) MayTalk(who *Asker, model string) error {
	s := r.snapshot.Load()
	ask := wire.Ask{Model: model, Choices: 1}
	f := forwarder{principal: who.Principal, format: openai.Realtime, ask: &ask, from: who.From, at: who.At, read: true}
	_, _, err := s.lead(&f, wire.API(openai.Realtime))
	return err
}

// recordSession leaves the one record of a session in which nothing was said, or which failed: of all others the turns are
// the records.
func (s *session) recordSession() {
	if s.turns > 0 && s.failure == nil {
		return
	}
	s.held, s.accepted = 0, s.start
	if s.statuses = tasks.Succeeded; s.failure != nil {
		s.statuses = tasks.Failed
	}
	s.record()
}
