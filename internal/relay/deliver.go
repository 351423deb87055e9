package relay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

const (
	// maxAnswer bounds a buffered answer: an upstream must not be able to fill the memory.
	maxAnswer = 64 << 20
	// maxEvent bounds one event of a stream.
	maxEvent = 8 << 20
	// lastBytes is how long the end of an answer may take behind its terminator, and maxRest what may come until then: a
	// connection whose answer was read to its end can be used again.
	lastBytes = time.Second
	maxRest   = 4 << 10
)

var (
	ok         = provider.Outcome{Category: inference.OK}
	callerLeft = provider.Outcome{Category: inference.Canceled, Code: "client_closed_request", Message: "The caller left."}

	brokenStream = provider.Outcome{
		Category: inference.ServerError, Code: "upstream_error", Message: "The upstream reported an error in its stream.",
	}
	unbilled = provider.Outcome{
		Category: inference.ServerError, Code: "billing_unavailable", Message: "Billing is not available.",
	}
	noAnswer = provider.Outcome{
		Category: inference.Protocol, Code: "upstream_bad_response", Message: "The upstream's answer is not valid.",
	}
	garbledStream = provider.Outcome{
		Category: inference.Protocol, Code: "upstream_bad_response", Message: "The upstream's stream is not valid.",
	}
)

// deliverWhole reads the whole answer, settles it, and only then sends it: what was not charged is not delivered.
func (c *call) deliverWhole(d *deadline, resp *http.Response, a *tasks.Attempt) provider.Outcome {
	body, err := readAnswer(resp)
	if err != nil {
		return c.broken(d, err, inference.Protocol)
	}
	m, valid := answerOf(c.op.Format, &c.ask, body)
	if !valid || len(body) > maxAnswer {
		return noAnswer
	}
	c.exact(&m)
	c.countWhole(&m, body)
	if body, err = c.exchangeMedia(d, body); err != nil {
		return c.mediaFailed(d, a, err)
	}
	body = c.shelve(body)
	a.TTFT = c.now().Sub(a.StartedAt)
	c.ttft = c.now().Sub(c.start)
	c.status = http.StatusOK
	c.note(a, ok)
	a.Verdict = verdictServed
	c.owed = body
	c.tellType(resp)
	if err := c.settle(served(m), m).wait(); err != nil {
		c.fail(err)
		c.delivered = true
		c.answerFailure()
		return ok
	}
	h := c.w.Header()
	h["Content-Type"] = jsonType
	if c.contentType != "" {
		h["Content-Type"] = []string{c.contentType}
	}
	h["Content-Length"] = []string{itoa(len(body))}
	c.w.WriteHeader(http.StatusOK)
	c.delivered = true
	c.write(body)
	c.unsent = c.tape == nil // who listens to a tape has all of it
	return ok
}

const (
	// piece is how much of a large answer is sent under one deadline.
	piece = 64 << 10
	// buffered is what the system takes of an answer whether or not the caller does: no deadline has to be paid for.
	buffered = 4 << 10
)

// write sends a whole answer, piece by piece: a slow caller may take its time for a large one, and a caller who takes nothing
// is left.
func (c *call) write(body []byte) {
	out := http.NewResponseController(c.w)
	for len(body) > 0 {
		n := min(len(body), piece)
		if len(body) > buffered {
			_ = out.SetWriteDeadline(c.now().Add(c.limits.Stall))
		}
		if _, err := c.w.Write(body[:n]); err != nil {
			return
		}
		body = body[n:]
	}
}

// jsonType is shared by all answers.
var jsonType = []string{"application/json"}

// trusted is how much memory is given to an answer because its head says that it is so long.
const trusted = 1 << 20

// readAnswer reads a whole answer, at once where its length is known.
func readAnswer(resp *http.Response) ([]byte, error) {
	if resp.ContentLength <= 0 || resp.ContentLength > trusted {
		return io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	}
	body := make([]byte, resp.ContentLength)
	_, err := io.ReadFull(resp.Body, body)
	return body, err
}

// served is the outcome of a complete answer.
func served(m wire.Metered) outcome {
	if m.Known && !m.Usage.Estimated {
		return outcomeServed
	}
	return outcomeEstimated
}

// stream is one event stream on its way from an upstream to the caller.
type stream struct {
	*call
	d        *deadline
	events   *sse.Reader
	meter    wire.Meter
	runner   wire.Runner // nil: the format cannot
	out      *http.ResponseController
	attempt  *tasks.Attempt
	marks    marks
	ready    *[]byte // events that may be sent and are not; nil when there are none
	written  int64   // output tokens in what was sent and what is ready
	begun    bool
	finished bool // the answer is complete
	ended    bool // and its terminator has come
	moved    bool // the answer went on since the idle deadline was set
	told     bool // the upstream's connection calls wait before it waits
	gone     bool // the caller does not take what is sent
	margin   int  // what a frame leaves free at its beginning
	extended time.Time
}

// maxReady is how much is collected before it is sent, when events come faster than they can be sent one by one.
const maxReady = 16 << 10

var readies = sync.Pool{New: func() any { b := make([]byte, 0, maxReady+64); return &b }} // and what frames it

// deliverStream passes events on as they come. Until the first one is sent, a failure is the attempt's alone and another
// may follow; afterwards it is the caller's to see.
func (c *call) deliverStream(d *deadline, resp *http.Response, a *tasks.Attempt) provider.Outcome {
	s := &stream{
		call: c, d: d, attempt: a, marks: c.firstMark(), out: http.NewResponseController(c.w), events: sse.NewReader(resp.Body, maxEvent),
		meter: c.meter(c.target),
	}
	s.runner, _ = s.meter.(wire.Runner)
	if s.chunker != nil {
		s.margin = s.chunker.FrameSize()
	}
	if w, ok := resp.Body.(provider.Waiter); ok {
		s.told = w.OnWait(s.wait)
	}
	defer releaseMeter(s.meter)
	o, gone := s.pump()
	s.events.Release()
	if !s.begun && !s.finished {
		return o
	}
	s.end(o, gone)
	if s.ended && !gone {
		d.resume()
		d.arm(lastBytes)
		_, _ = io.CopyN(io.Discard, resp.Body, maxRest)
	}
	return o
}

// meter is one for a stream of a target's.
func (c *call) meter(t *Target) wire.Meter {
	return c.op.Format.Meter(wire.MeterOptions{
		HideUsage: t.Shape.StreamUsage && !c.ask.WantsUsage, Family: t.family, NoUsage: !t.Shape.StreamUsage,
		Choices: c.ask.Choices, Ask: &c.ask, Names: c.names(),
	})
}

// pump passes events on until the stream ends. gone says that the caller does not take them any more.
func (s *stream) pump() (o provider.Outcome, gone bool) {
	for {
		if s.glide() {
			continue
		}
		if s.rest() != nil {
			return callerLeft, true
		}
		if s.events.Empty() && s.begun {
			s.events.Fill()
			s.d.pause()
			continue
		}
		event, err := s.events.Next()
		s.d.pause()
		if s.gone {
			return callerLeft, true
		}
		if err != nil {
			return s.broke(err), s.ctx().Err() != nil
		}
		s.moved = s.moved || len(event.Data) > 0 // a comment says that the connection lives, not that the answer goes on
		if event.Unterminated && !whole(&event) {
			return s.broke(io.ErrUnexpectedEOF), false
		}
		deliver, sign := s.meter.Event(event.Raw, event.Data)
		switch sign {
		case wire.Ended:
			s.finished, s.ended = true, true
			return ok, false
		case wire.Broken:
			return brokenStream, false
		case wire.Garbled:
			return garbledStream, false
		case wire.Finished:
			s.finished = true
		case wire.Goes:
		}
		if len(deliver) == 0 {
			continue
		}
		err = s.send(deliver)
		if errors.Is(err, wallet.ErrBilling) {
			return unbilled, false
		}
		if err != nil {
			return callerLeft, true
		}
	}
}

// glide makes ready to be sent what has come and is like the events before, as much as may be delivered without a mark. It
// reports whether that was anything.
func (s *stream) glide() bool {
	if s.runner == nil || !s.begun {
		return false
	}
	b := s.events.Pending()
	if len(b) == 0 {
		return false
	}
	s.collect()
	room := max(0, maxReady-len(*s.ready))
	deliver, taken := s.runner.Run(*s.ready, b[:min(len(b), room)], s.marks.durable+maxUnmarked)
	if taken == 0 {
		return false
	}
	*s.ready = deliver
	s.events.Skip(taken)
	s.moved, s.written = true, s.meter.Tokens()
	return true
}

// handBack gives the place of what was ready to other streams: a stream that waits has none.
func (s *stream) handBack() {
	if cap(*s.ready) <= 2*maxReady {
		*s.ready = (*s.ready)[:0]
		readies.Put(s.ready)
	}
	s.ready = nil
}

// collect makes a place for what may be sent, if there is none.
func (s *stream) collect() {
	if s.ready == nil {
		s.ready = readies.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
		*s.ready = (*s.ready)[:s.margin]
	}
}

// rest waits with nothing that may be sent: either the connection says when it waits, or it is whenever no event is at hand.
func (s *stream) rest() error {
	if s.told || s.events.Buffered() {
		return nil
	}
	return s.wait()
}

// wait makes ready for a wait: nothing that may be sent waits with us, and the wait has its limit. The upstream's silence
// counts from here: the caller, or the journal, may have needed longer than the upstream may.
func (s *stream) wait() error {
	err := s.flush()
	s.gone = err != nil
	if s.moved {
		s.moved = false
		s.d.arm(s.d.idle)
	}
	if s.d.resume() {
		s.d.arm(s.limits.Idle)
	}
	return err
}

// doneData is the one event that is no JSON.
var doneData = []byte("[DONE]")

// whole makes an event that lacks its blank line one that has it, unless it was cut in the middle of its data.
func whole(e *sse.Event) bool {
	if len(e.Data) > 0 && !json.Valid(e.Data) && !bytes.Equal(e.Data, doneData) {
		return false
	}
	e.Raw = append(append([]byte(nil), e.Raw...), "\n\n"...)
	return true
}

// broke says what the end of the upstream's bytes means. An answer that was complete may lack its terminator, however its
// connection ended; where several choices were asked for, one that has finished is not all of them.
func (s *stream) broke(err error) provider.Outcome {
	if s.finished && s.ctx().Err() == nil && (s.ask.Choices <= 1 || errors.Is(err, io.EOF)) {
		return ok
	}
	return s.call.broken(s.d, err, inference.Protocol)
}

// send passes bytes on and, unless more of the upstream's are at hand already, flushes them. It waits where the journal
// is behind: what a crash could make unpaid is bounded.
func (s *stream) send(b []byte) error {
	tokens := s.meter.Tokens() // with those of the event in hand
	if s.begun && s.marks.behind(tokens) {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if err := s.marks.allow(s.call, tokens); err != nil {
		return err
	}
	if !s.begun {
		s.begin()
	}
	s.collect()
	*s.ready = append(*s.ready, b...)
	s.written = tokens
	if len(*s.ready) < maxReady && (s.told || s.events.Buffered()) {
		return nil
	}
	return s.flush()
}

// flush sends what is ready; only then is it delivered, and may be marked.
func (s *stream) flush() error {
	if s.ready == nil {
		return nil
	}
	if len(*s.ready) == s.margin {
		s.handBack()
		return nil
	}
	if now := s.now(); now.Sub(s.extended) > s.limits.Stall/6 {
		s.extended = now
		_ = s.out.SetWriteDeadline(now.Add(s.limits.Stall))
	}
	err := s.pass(*s.ready)
	s.handBack()
	if err != nil {
		return err
	}
	if s.tape == nil || s.tape.heard() {
		s.marks.sent(s.call, s.written)
	}
	return nil
}

// pass sends a frame to the caller now.
func (s *stream) pass(frame []byte) error {
	if s.chunker == nil {
		_, err := s.w.Write(frame)
		return cmp.Or(err, s.out.Flush())
	}
	return s.chunker.Chunk(frame)
}

func (s *stream) begin() {
	s.begun, s.delivered = true, true
	s.plan.alive(s.call)
	s.status = http.StatusOK
	s.attempt.TTFT = s.now().Sub(s.attempt.StartedAt)
	s.ttft = s.now().Sub(s.start)
	h := s.w.Header()
	streamHeader(h)
	if f, ok := s.op.Format.(wire.Typed); ok {
		h.Set("Content-Type", f.StreamType())
	}
	s.w.WriteHeader(http.StatusOK)
}

// streamHeader is the header of an event stream that nobody on its way is to hold up.
func streamHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
}

// end settles the stream and sends its last frame once that is durable.
func (s *stream) end(o provider.Outcome, gone bool) {
	if !s.ended || gone {
		s.d.stop()
	}
	_ = s.out.SetWriteDeadline(s.now().Add(s.limits.Stall)) // the last one may have passed while the upstream was silent
	if s.begun && !gone {
		gone = s.flush() != nil // what is charged must be out
	}
	s.call.note(s.attempt, o)
	s.attempt.Verdict = verdictServed
	m := s.counted()
	how := served(m)
	switch {
	case gone:
		how = outcomeClientGone
		s.attempt.Verdict = verdictCallerLeft
	case o.Category != inference.OK:
		how = outcomeCut
		s.fail(faultOf(o))
	}
	s.owed = s.lastWords(gone)
	if !gone && o.Category == inference.OK {
		s.shelveStream(s.meter)
	}
	err := s.settle(how, m).wait()
	if gone {
		return
	}
	if err != nil {
		s.fail(err)
		s.owed = s.lastWords(gone)
	}
	if !s.begun {
		s.begin()
	}
	_ = s.pass(append(make([]byte, s.margin, s.margin+len(s.owed)+2), s.owed...))
}

// lastWords are what ends the stream: its terminator, or why there is none.
func (s *stream) lastWords(gone bool) []byte {
	switch {
	case s.failure != nil:
		return s.op.Format.ErrorFrame(s.failure)
	case gone:
		return s.op.Format.ErrorFrame(s.whyGone())
	}
	if closer, ok := s.meter.(wire.Closer); ok {
		return closer.Last()
	}
	return s.op.Format.End()
}
