package relay

import (
	"net/http"
	"sync/atomic"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// turn is what a session is charged for: a response, or a recording that was written down. It is a call of its own in the
// books, with its own hold, marks and record, so that money is where it belongs at every moment of a session.
//
// It goes ready → asked for → begun → settled. A turn that has not begun is a hold and nothing else. Source: MONEY, sections
// 3 and 4; decision 0035.
type turn struct {
	*call

	size  size
	marks marks
	aside bool   // it is no part of the conversation
	about string // the caller's event that asked for it; "": it has no name
	heard int64  // bytes of sound that are written down
	rate  int64  // of sound that is spoken, or written down

	text, sound atomic.Int64         // estimated tokens and bytes that are out
	queued      openai.RealtimeInput // output that was put on its way, out or not
}

// newTurn holds what a response of a size can cost at most. Codes: those of pricing and of holds.
func (s *session) newTurn(most size) (*turn, error) {
	t := &turn{call: s.part(s.op.Format), size: most, rate: s.talk.spokenRate}
	return t, t.cover(most)
}

// part is a call for a part of the session.
func (s *session) part(f wire.Format) *call {
	now := s.now()
	c := &call{
		Relay: s.Relay, w: s.w, req: s.req, op: Operation{Format: f, Scope: s.op.Scope}, requestID: s.requestID, caller: s.caller,
		secure: s.secure, taskID: id.At(now), start: now, accepted: now, principal: s.principal, ask: s.ask,
		discounts: s.discounts, route: s.route, plan: s.plan, forwarded: s.forwarded, purpose: s.purpose, fallbacks: s.fallbacks,
		failed: s.failed, target: s.target, schedule: s.schedule, purse: s.purse,
	}
	c.limited.subjects, c.limited.caller, c.limited.part = s.limited.subjects, s.limited.caller, true
	return c
}

// cover makes the hold one for a size.
func (t *turn) cover(most size) error {
	t.hold.Release()
	t.held = 0
	worst, err := t.worst(most)
	if err != nil {
		return err
	}
	if t.hold, err = t.purse.Hold(worst); err != nil {
		return err
	}
	t.size, t.held = most, worst
	return nil
}

// worst is the most that a response can cost: its output is text or sound, whichever is dearer.
func (t *turn) worst(most size) (money.Amount, error) {
	in := t.inputs(inference.Usage{Quantities: most.input})
	var worst money.Amount
	for _, r := range [...]inference.Resource{inference.TextOutput, inference.AudioOutput} {
		if r == inference.AudioOutput && most.text {
			break
		}
		in.Usage.Quantities[inference.TextOutput], in.Usage.Quantities[inference.AudioOutput] = 0, 0
		in.Usage.Quantities[r] = most.output
		amount, err := t.schedule.WorstCase(&in)
		if err != nil {
			return 0, err
		}
		worst = max(worst, amount)
	}
	return worst, nil
}

// covers reports whether what is held is enough for a size.
func (t *turn) covers(most size) bool {
	for r, n := range most.input {
		if n > t.size.input[r] {
			return false
		}
	}
	return most.output <= t.size.output && (most.text || !t.size.text)
}

// limit reserves what the turn can take of quotas and windows. Codes: quota_exceeded, rate_limit, upstream_rate_limit.
func (t *turn) limit() (err error) {
	if t.guard == nil {
		return nil
	}
	l := &t.limited
	if err = t.guard.Budgets.Reserve(t.ctx(), &l.budget, t.accepted, l.subjects[:l.caller], t.purse.Currency, t.held); err != nil {
		return err
	}
	w := limits.Weights{Tokens: t.size.output, Amount: t.held, Currency: t.purse.Currency, Within: true}
	for _, n := range t.size.likely {
		w.Tokens += n
	}
	if l.admission, err = t.guard.Windows.Admit(t.ctx(), l.subjects, w); err != nil {
		l.budget.Release()
	}
	return err
}

// begun is told that the upstream works at the turn: from now on it is in the books, with what it reads as its first mark.
// The attempts are those that it is recorded with; the last one is the session's at this upstream.
func (t *turn) begun(attempts []tasks.Attempt) {
	t.call.turn = t
	t.attempts, t.deciding = attempts, len(attempts)-1
	a := &t.attempts[t.deciding]
	a.No, a.StartedAt, a.TTFT, a.StatusCode = len(attempts), t.now(), 0, http.StatusOK
	t.open()
	t.marks = marks{ticket: t.mark(0), waiting: true}
}

// soFar is what has been read and is out.
func (t *turn) soFar() inference.Usage {
	u := inference.Usage{Quantities: t.size.likely, Estimated: true}
	if t.heard > 0 {
		u.Quantities = inference.Quantities{}
		return u // nothing is charged before it is written down
	}
	u.Quantities[inference.TextOutput] = t.text.Load()
	u.Quantities[inference.AudioOutput] = tokensIn(t.sound.Load(), spokenTokens, t.rate)
	return u
}

// tokens are those of an output as a whole: pieces of sound are rounded together, so that figures can be compared.
func (t *turn) tokens(text, sound int64) int64 { return text + tokensIn(sound, spokenTokens, t.rate) }

// out is how many output tokens are out, onItsWay how many were put on their way, those included.
func (t *turn) out() int64 { return t.tokens(t.text.Load(), t.sound.Load()) }

func (t *turn) onItsWay() int64 { return t.tokens(t.queued.Text, t.queued.AudioBytes) }

// deliver notes that a piece is out. It may be called by another goroutine.
func (t *turn) deliver(d openai.RealtimeInput) {
	t.text.Add(d.Text)
	t.sound.Add(d.AudioBytes)
}

// conclude settles the turn and waits until that is durable. Code: billing_unavailable.
func (t *turn) conclude(how outcome, m wire.Metered, o provider.Outcome) error {
	a := &t.attempts[t.deciding]
	t.note(a, o)
	a.Verdict, a.TTFT = verdictServed, t.ttft
	if how == outcomeClientGone {
		a.Verdict = verdictCallerLeft
	}
	if t.status = http.StatusOK; t.failure != nil {
		t.status = t.failure.Status
	}
	t.delivered = true
	err := t.settle(how, m).wait()
	t.metrics.observe(t.call)
	t.tell()
	return err
}

// fruitless ends a turn that took nothing: the upstream failed before it said anything, and told no usage.
func (t *turn) fruitless(o provider.Outcome) error {
	t.hold.Release()
	a := &t.attempts[t.deciding]
	t.note(a, o)
	a.Verdict = verdictServed
	t.fail(faultOf(o))
	t.statuses = tasks.Failed
	ticket := t.record()
	t.endLimits()
	t.metrics.observe(t.call)
	t.tell()
	return waitFor(ticket, t.limits.Settle)
}

// release ends a turn that has not begun.
func (t *turn) release() {
	t.hold.Release()
	t.limited.budget.Release()
	t.limited.admission.End(limits.Weights{}, limits.Weights{})
}

// reprice makes a turn that has not begun one of now: prices and quotas go by when a response begins.
func (t *turn) reprice(s *pricing.Schedule) {
	now := t.now()
	t.schedule, t.taskID, t.start, t.accepted = s, id.At(now), now, now
}
