package relay

import (
	"cmp"
	"errors"
	"io"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// answerOf checks and meters a whole answer.
func answerOf(f wire.Format, ask *wire.Ask, body []byte) (wire.Metered, bool) {
	if a, ok := f.(wire.Answerer); ok {
		return a.AnswerTo(ask, body)
	}
	return f.Answer(body)
}

// tellType notes what the answer is, where it need not be JSON.
func (c *call) tellType(resp *http.Response) {
	if f, ok := c.op.Format.(wire.Answerer); ok {
		c.contentType = f.ContentType(&c.ask, resp.Header.Get("Content-Type"))
	}
}

// markedPieces is what a mark of an operation charges that is not priced by tokens of text first: what the caller sent in,
// which is used up when the upstream has answered, and nothing of what is still to come.
func (c *call) markedPieces(k inference.Kind, u inference.Usage) inference.Usage {
	u.Quantities[inference.Characters] = c.ask.Characters
	if (k == inference.Transcriptions || k == inference.Translations) && !c.ask.SecondsBound {
		u.Quantities[inference.AudioSecond] = c.ask.Seconds
	}
	return chargeable(k, c.schedule, u)
}

// maxPiece is how much of an answer that is passed on as it comes is read at once.
const maxPiece = 16 << 10

// passing is one answer on its way from an upstream to the caller, as it comes. Of two pieces one is always kept back, so that
// the last one can wait until its charge is durable.
type passing struct {
	*call
	d       *deadline
	meter   wire.Passing
	resp    *http.Response
	attempt *tasks.Attempt
	out     *http.ResponseController
	mark    marks
	memory  [2][maxPiece]byte
	turn    int
	total   int64 // bytes that were read
}

// deliverPassing passes an answer on as it comes. Until its first piece is sent a failure is the attempt's alone; afterwards
// nothing can be said any more, and the connection is broken instead, so that nobody takes a part for the whole.
func (c *call) deliverPassing(f wire.Passer, d *deadline, resp *http.Response, a *tasks.Attempt) provider.Outcome {
	p := &passing{
		call: c, d: d, resp: resp, attempt: a, meter: f.Passing(&c.ask), out: http.NewResponseController(c.w), mark: c.firstMark(),
	}
	piece, over, o := p.next()
	for len(piece) == 0 && !over {
		piece, over, o = p.next()
	}
	if len(piece) == 0 {
		return unbegun(o)
	}
	p.tellType(resp)
	for !over {
		var following []byte
		if following, over, o = p.next(); o.Category != inference.OK {
			break
		}
		if len(following) == 0 {
			continue
		}
		if o = p.pass(piece); o.Category != inference.OK {
			break
		}
		piece = following
	}
	return p.end(piece, o)
}

// unbegun is the outcome of an answer that ended before there was anything of it.
func unbegun(o provider.Outcome) provider.Outcome {
	if o.Category == inference.OK {
		return noAnswer
	}
	return o
}

// next reads a piece; over says that it is the last, and may be empty.
func (p *passing) next() (piece []byte, over bool, o provider.Outcome) {
	if p.d.resume() || p.total > 0 {
		p.d.arm(p.d.idle)
	}
	memory := p.memory[p.turn][:]
	n, err := p.resp.Body.Read(memory)
	p.d.pause()
	p.total += int64(n)
	piece = memory[:n]
	p.turn = 1 - p.turn
	switch {
	case n > 0 && !p.meter.Add(piece) || p.total > maxAnswer:
		return nil, true, noAnswer
	case errors.Is(err, io.EOF):
		return piece, true, ok
	case err != nil:
		return nil, true, p.broken(p.d, err, inference.Protocol)
	}
	return piece, false, ok
}

// pass sends a piece that is not the last, once what the caller sent in is charged whatever happens.
func (p *passing) pass(piece []byte) provider.Outcome {
	if p.mark.waiting && p.mark.await(p.call) != nil {
		return unbilled
	}
	if p.send(piece) != nil {
		return callerLeft
	}
	return ok
}

// send sends a piece now.
func (p *passing) send(piece []byte) error {
	if !p.delivered {
		p.begin()
	}
	_ = p.out.SetWriteDeadline(p.now().Add(p.limits.Stall))
	_, err := p.w.Write(piece)
	return cmp.Or(err, p.out.Flush())
}

func (p *passing) begin() {
	p.delivered = true
	p.plan.alive(p.call)
	p.status = http.StatusOK
	p.attempt.TTFT = p.now().Sub(p.attempt.StartedAt)
	p.ttft = p.now().Sub(p.start)
	h := p.w.Header()
	h["Content-Type"] = []string{p.contentType}
	h["X-Accel-Buffering"] = []string{"no"}
	p.w.WriteHeader(http.StatusOK)
}

// end settles the answer and sends its last piece once that is durable.
func (p *passing) end(last []byte, o provider.Outcome) provider.Outcome {
	if o.Category != inference.OK && !p.delivered {
		return o
	}
	p.call.note(p.attempt, o)
	p.attempt.Verdict = verdictServed
	m := p.meter.Result()
	p.countPieces(&m)
	how := served(m)
	switch o.Category {
	case inference.OK:
	case inference.Canceled:
		how, p.attempt.Verdict = outcomeClientGone, verdictCallerLeft
	default:
		how = outcomeCut
		p.fail(faultOf(o))
	}
	err := p.settle(how, m).wait()
	if err != nil {
		p.fail(err)
	}
	if err != nil && !p.delivered {
		p.delivered = true
		p.answerFailure()
		return ok
	}
	if err != nil || o.Category != inference.OK {
		p.breakOff()
		return o
	}
	_ = p.send(last) // who has left by now has paid for it all the same, as for any answer
	return ok
}

// breakOff has the connection end without the end of the answer: what ends a body can no longer be written.
func (p *passing) breakOff() { _ = p.out.SetWriteDeadline(past) }
