package relay

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// pending is a piece of a response that waits until what went before it is out and marked.
type pending struct {
	message []byte
	of      *turn
	delta   openai.RealtimeInput
}

// news takes an upstream's event.
func (s *session) news(message []byte) {
	n, err := openai.PeekRealtimeNews(message)
	if err != nil {
		s.finishWith(&ending{fault: faultOf(garbledStream), code: socket.Internal, outcome: garbledStream})
		return
	}
	switch n.Type {
	case openai.RealtimeSessionCreated, openai.RealtimeSessionUpdated:
		message = s.described(message, &n.Session)
	case openai.RealtimeResponseBegun:
		s.responseBegun(&n)
	case openai.RealtimeResponseDone:
		message = s.responseDone(message, &n)
	case openai.RealtimeCommitted:
		s.committed(&n)
	case openai.RealtimeCleared:
		s.talk.buffer = 0
	case openai.RealtimeSpeechStarted:
		s.talk.speechBegan(n.StartMs)
	case openai.RealtimeWritten:
		s.written(message, &n)
	case openai.RealtimeUnwritten:
		s.unwritten(&n)
	case openai.RealtimeLimits:
		return // they are the account's, which is not the caller's
	case openai.RealtimeTrouble:
		message = s.troubled(message, &n)
	}
	if len(message) > 0 {
		s.pass(&pending{message, s.running[n.Response], n.Delta})
	}
}

// pass sends the caller a piece, or keeps it until it may be sent. What a crash could make unpaid is bounded.
func (s *session) pass(p *pending) {
	if t := p.of; t != nil && p.delta != (openai.RealtimeInput{}) {
		queued := t.queued.Plus(p.delta)
		tokens, out := t.tokens(queued.Text, queued.AudioBytes), t.out()
		t.marks.sent(t.call, out)
		if t.marks.behind(tokens) && out < t.onItsWay() {
			s.waiting = p // what is on its way must be out first
			return
		}
		if err := t.marks.allow(t.call, tokens); err != nil {
			s.refused(err, "")
			return
		}
		if t.queued = queued; t.ttft == 0 {
			t.ttft = s.now().Sub(t.start)
		}
	}
	if s.waiting = nil; s.ttft == 0 {
		s.ttft = s.now().Sub(s.start)
	}
	s.toCaller.put(letter{message: p.message, of: p.of, delta: p.delta})
}

// goOn sends what waited, if it may be sent now.
func (s *session) goOn() {
	if s.waiting != nil && s.ended == nil {
		s.pass(s.waiting)
	}
}

// described takes in what the upstream says of the session, and returns it with the caller's names of models.
func (s *session) described(message []byte, d *openai.RealtimeSession) []byte {
	s.talk.describe(d)
	written := ""
	switch w := s.writers[d.WritesBy]; {
	case d.Mute:
		s.writer = nil
	case d.Writes && w != nil:
		s.writer, written = w, w.alias
	}
	return d.Rename(message, s.ask.Model, written)
}

// responseBegun finds the turn of a response: the one that was asked for, or the one that is ready for what the upstream
// begins by itself.
func (s *session) responseBegun(n *openai.RealtimeNews) {
	if n.Response == "" || s.running[n.Response] != nil {
		return
	}
	var t *turn
	if len(s.asked) > 0 {
		t, s.asked = s.asked[0], s.asked[1:]
	} else {
		var err error
		if t, err = s.take(s.talk.next(nil)); err != nil {
			s.refuseTurn(t, err, "")
			s.toUpstream.put(letter{message: []byte(`{"type":"response.cancel"}`)})
			return
		}
	}
	t.begun(s.attemptsOf())
	s.running[n.Response] = t
}

// attemptsOf are the attempts that a response is recorded with: the first one also with those at other upstreams before.
func (s *session) attemptsOf() []tasks.Attempt {
	from := s.deciding
	if !s.recorded {
		from, s.recorded = 0, true
	}
	return slices.Clone(s.attempts[from : s.deciding+1])
}

// responseDone settles a response. The caller hears of it when it is paid for.
func (s *session) responseDone(message []byte, n *openai.RealtimeNews) []byte {
	t := s.running[n.Response]
	if t == nil {
		return message // its beginning was refused
	}
	delete(s.running, n.Response)
	if n.Told && !t.aside {
		s.talk.told(n.Talk, t.size.said)
	}
	if err := s.settleResponse(t, n); err != nil {
		s.refused(err, "")
		return nil
	}
	if err := s.afford(); err != nil {
		s.refused(err, "") // after the caller has heard of this one
	}
	return message
}

// settleResponse charges what a response took: what the upstream tells, or else what is out.
func (s *session) settleResponse(t *turn, n *openai.RealtimeNews) error {
	s.turns++
	if n.Told {
		return t.conclude(outcomeServed, wire.Metered{Usage: n.Usage, Known: true}, ok)
	}
	if n.Status == "failed" && t.onItsWay() == 0 {
		return t.fruitless(s.trouble(n.Error))
	}
	s.flushTurn(t)
	s.talk.past[inference.TextInput] += t.text.Load()
	s.talk.past[inference.AudioInput] += tokensIn(t.sound.Load(), spokenTokens, t.rate)
	how, o := outcomeEstimated, ok
	if n.Status == "failed" {
		how, o = outcomeCut, brokenStream
		t.fail(faultOf(o))
	}
	return t.conclude(how, t.counted(), o)
}

// flushTurn waits until what is on its way of a turn is out: what is charged must be.
func (s *session) flushTurn(t *turn) {
	if t.out() < t.onItsWay() {
		s.toCaller.flush(farewell)
	}
}

// counted is what a turn took by our count, and never less than a mark that was made.
func (t *turn) counted() wire.Metered {
	u := t.soFar()
	if missing := t.marks.most() - u.OutputTokens(); missing > 0 {
		u.Quantities[inference.TextOutput] += missing
	}
	return wire.Metered{Usage: u, Known: true}
}

// committed makes sound a part of the conversation. Where it is written down, that begins now.
func (s *session) committed(n *openai.RealtimeNews) {
	bytes := s.talk.commit()
	if s.writer == nil || n.Item == "" || bytes == 0 || s.running[n.Item] != nil {
		return
	}
	if err := s.heardTurn(n.Item, bytes); err != nil {
		s.refused(err, "")
	}
}

// written settles a recording.
func (s *session) written(message []byte, n *openai.RealtimeNews) {
	t := s.running[n.Item]
	if t == nil || t.heard == 0 {
		return
	}
	delete(s.running, n.Item)
	s.turns++
	m := n.Written(message, t.heard, t.rate)
	t.settleGuesses(inference.Transcriptions, &m)
	if err := t.conclude(served(m), m, ok); err != nil {
		s.refused(err, "")
	}
}

// unwritten ends a recording that the upstream could not write down: nothing is charged.
func (s *session) unwritten(n *openai.RealtimeNews) {
	t := s.running[n.Item]
	if t == nil || t.heard == 0 {
		return
	}
	delete(s.running, n.Item)
	s.turns++
	if err := t.fruitless(brokenStream); err != nil {
		s.refused(err, "")
	}
}

// troubled takes an error that the upstream tells. What is wrong with the caller's event the caller hears as it was told; what
// is wrong with the operator's account is not the caller's.
func (s *session) troubled(message []byte, n *openai.RealtimeNews) []byte {
	s.giveBack(n.About)
	o := s.trouble(n.Error)
	_, said := openai.RealtimeErrorText(n.Error)
	if o.Category == inference.InvalidRequest && provider.Scrub(said) == said {
		return message
	}
	return openai.RealtimeError(faultOf(o), n.About)
}

// giveBack ends the hold of a response that the upstream refused to begin: the one that an error names, or the first.
func (s *session) giveBack(about string) {
	at := slices.IndexFunc(s.asked, func(t *turn) bool { return t.about == about })
	if at < 0 {
		return
	}
	s.asked[at].release()
	s.asked = slices.Delete(s.asked, at, at+1)
}

// settleAll settles what was under way when the session ended.
func (s *session) settleAll(e *ending) {
	for name, t := range s.running {
		delete(s.running, name)
		s.turns++
		if err := s.cutOff(t, e); err != nil {
			s.log.Error("session not settled", "request_id", s.requestID, "task", t.taskID, "error", err)
		}
	}
}

// cutOff settles a turn in whose middle the session ended. What was being written down is not charged: nobody has it.
func (s *session) cutOff(t *turn, e *ending) error {
	o := e.outcome
	if e.left {
		o = callerLeft
	}
	if o.Category == inference.OK {
		o = provider.Outcome{Category: inference.Canceled, Code: codeOf(e.fault), Message: "The session ended."}
	}
	if t.heard > 0 {
		return t.fruitless(o)
	}
	how := outcomeCut
	if e.left {
		how = outcomeClientGone
	} else if e.fault != nil {
		t.fail(e.fault)
	}
	return t.conclude(how, t.counted(), o)
}

func codeOf(f *fault.Error) string {
	if f == nil {
		return "canceled"
	}
	return f.Code
}
