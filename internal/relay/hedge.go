package relay

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/params"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// rivals are attempts of a call that are sent, and listened to until they have something to deliver, in goroutines of their
// own. Everything else is done by the call's goroutine, which alone knows which of them counts.
type rivals struct {
	of   [2]*rival
	n    int
	at   int              // whose footing is the call's
	room limits.Admission // at the target that was joined and not called yet
	news chan int         // holds all there will be
}

// footing is what a call has of one target: the request as that target takes it, and its price.
type footing struct {
	target      *Target
	body        []byte
	ask         wire.Ask
	received    *received
	changes     []params.Change
	inputTokens int64
	schedule    *pricing.Schedule
	dimensions  pricing.Dimensions
	maxOutput   int64
	crossing    *translate.Crossing
}

func (c *call) footing() footing {
	return footing{c.target, c.body, c.ask, c.received, c.changes, c.inputTokens, c.schedule, c.dimensions, c.maxOutput, c.crossing}
}

func (c *call) stand(f *footing) {
	c.target, c.body, c.ask, c.received, c.changes = f.target, f.body, f.ask, f.received, f.changes
	c.inputTokens, c.schedule, c.dimensions, c.maxOutput = f.inputTokens, f.schedule, f.dimensions, f.maxOutput
	c.crossing = f.crossing
}

// outrun is the outcome of an attempt that another one made superfluous. It says nothing about the upstream.
var outrun = provider.Outcome{
	Category: inference.Canceled, Code: "hedged", Message: "Another attempt of the request had something to deliver first.",
}

// dispatch implements racing.
func (c *call) dispatch(t *Target) {
	if c.rivals == nil {
		c.rivals = &rivals{news: make(chan int, 2)}
	}
	h := c.rivals
	a := c.attempt(t)
	r := &rival{no: h.n, attempt: c.deciding, target: t, d: c.patience(t), format: c.op.Format, log: c.log}
	r.call, r.crossing = c.calling(t, a), c.crossing
	if c.ask.Stream {
		r.meter = c.meter(t)
	}
	r.footing, r.room, h.room = c.footing(), h.room, limits.Admission{}
	h.of[r.no], h.at = r, r.no
	h.n++
	go r.run(c.traced(&r.d.ctx), h.news)
}

// await implements racing.
func (c *call) await(most time.Duration) (no int, ready bool) {
	h := c.rivals
	if most == 0 {
		no = <-h.news
		return no, h.of[no].ready
	}
	due := time.NewTimer(most)
	defer due.Stop()
	select {
	case no = <-h.news:
		return no, h.of[no].ready
	case <-due.C:
		return -1, false
	}
}

// enterBeside implements racing. The hold stays what it is, and the caller's limits count one request: a second one is only asked
// of the target's limits.
func (c *call) enterBeside(t *Target) error {
	first := c.footing()
	room, err := c.roomBeside(t)
	if err != nil {
		c.stand(&first)
		return err
	}
	h := c.rivals
	h.of[h.at].footing, h.room = first, room
	if c.guard != nil {
		h.of[h.at].room = c.limited.admission.Split()
	}
	return nil
}

func (c *call) roomBeside(t *Target) (limits.Admission, error) {
	if err := c.shapeFor(t); err != nil {
		return limits.Admission{}, err
	}
	c.target = t
	if c.schedule = t.Schedule.At(c.accepted); c.schedule == nil || c.schedule.Currency != c.purse.Currency {
		return limits.Admission{}, errUncovered
	}
	c.dimensions = c.priceDimensions()
	if producesText(c.op.Format.Kind()) {
		c.maxOutput = outputBeside(t, &c.ask, c.maxOutput)
	}
	s := stake{kind: c.op.Format.Kind(), ask: &c.ask, inputs: c.inputs(inference.Usage{})}
	worst, err := s.at(t, c.schedule, c.maxOutput)
	if err != nil || worst > c.held {
		return limits.Admission{}, errUncovered
	}
	if err := c.cross(t); err != nil {
		return limits.Admission{}, err
	}
	if c.guard == nil {
		return limits.Admission{}, nil
	}
	return c.guard.Windows.Admit(c.ctx(), t.Limits, c.weights(t, t.Limits, c.purse.Currency, worst))
}

// outputBeside is the output limit of a second attempt: never more than the first was allowed.
func outputBeside(t *Target, ask *wire.Ask, first int64) int64 {
	return min(t.outputAt(ask), max(first, ask.MaxOutput))
}

// conclude implements racing.
func (c *call) conclude(no int) result {
	h := c.rivals
	r := h.of[no]
	defer r.d.stop()
	if h.at != no {
		c.stand(&r.footing)
		h.at = no
	}
	if r.ready && no > 0 {
		c.open() // what the journal knows is of the first
	}
	r.over, c.deciding = true, r.attempt
	a := &c.attempts[r.attempt]
	if r.silent() {
		defer r.resp.Body.Close()
		c.noteAnswer(a, r.resp)
		return c.tried(a, c.unbegun(r))
	}
	return c.tried(a, c.receive(r.d, a, r.resp, r.err))
}

// unbegun says why a stream ended before there was anything to deliver.
func (c *call) unbegun(r *rival) provider.Outcome {
	switch r.sign {
	case wire.Broken:
		return brokenStream
	case wire.Garbled:
		return garbledStream
	default:
		return c.broken(r.d, r.err, inference.Protocol)
	}
}

// drop implements racing. What the attempt has cost is the operator's: nothing of it is booked.
func (c *call) drop(no int, verdict string) result {
	r := c.rivals.of[no]
	a := &c.attempts[r.attempt]
	a.Verdict = verdict
	if !r.over {
		r.over = true
		if r.stop() {
			c.noteLoser(r)
		}
		c.note(a, outrun)
	}
	r.room.End(limits.Weights{}, limits.Weights{Requests: 1})
	return result{Outcome: outrun, sent: a.StartedAt}
}

// noteLoser takes down what is known of an attempt that had ended when it was dropped.
func (c *call) noteLoser(r *rival) {
	a := &c.attempts[r.attempt]
	if r.resp != nil {
		c.noteAnswer(a, r.resp)
	}
	if r.usage == nil {
		return
	}
	used := map[string]int64{}
	for resource, n := range r.usage.Quantities {
		if n > 0 {
			used[inference.Resource(resource).String()] = n
		}
	}
	a.Usage = c.marshal(used)
}

// endRace gives back what attempts beside each other needed; served is what the one took that counts. Attempts that nobody
// ended are cancelled.
func (c *call) endRace(served limits.Weights) {
	h := c.rivals
	if h == nil {
		return
	}
	c.rivals = nil
	h.room.End(limits.Weights{}, limits.Weights{})
	for _, r := range h.of[:h.n] {
		if !r.over {
			r.stop()
		}
		r.room.End(served, served)
	}
}
