package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const (
	// busyWait is how long a call waits for another node's answer.
	busyWait = 10 * time.Second
	// busyLook is the pause between two looks.
	busyLook = 250 * time.Millisecond
	// releaseTimeout bounds giving up a claim.
	releaseTimeout = 5 * time.Second
	// claimSlack is how much longer than a call can take a claim is held.
	claimSlack = time.Hour
)

// launch has the call made on a tape, apart from its caller: what it is sent, it is sent as a listener.
func (c *call) launch(t *tape, k keyed) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.ctx()))
	own := *c
	own.w, own.chunker, own.tape, own.req, own.taskID = t, nil, t, c.req.WithContext(ctx), id.At(c.start)
	t.mu.Lock()
	t.cancel, t.over = cancel, ctx.Done()
	t.mu.Unlock()
	c.inflight.Add(1)
	go own.perform(t, k)
}

// perform makes the call, or finds the answer that there is.
func (c *call) perform(t *tape, k keyed) {
	defer c.inflight.Add(-1)
	defer t.cancel()
	mine := false
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("call failed", "request_id", c.requestID, "task", c.taskID.String(), "error", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.broke(t)
		}
		c.endTape(t, mine)
	}()
	if mine = c.claim(t, k); !mine {
		return
	}
	defer c.finish()
	c.traceSteps()
	err := c.reserve()
	c.end(stepReserve)
	if err != nil {
		c.refuse(err)
		return
	}
	c.run()
	if c.outcome == outcomeClientGone {
		t.close(c.owed)
	}
}

// broke answers a call that failed in a way nobody thought of.
func (c *call) broke(t *tape) {
	if t.status == 0 {
		c.fail(fault.ErrInternal)
		c.answerFailure()
	}
}

// claim makes sure that nobody else makes the call, and reports whether this one is to. Otherwise it puts what there is on
// the tape.
func (c *call) claim(t *tape, k keyed) bool {
	if t.flush {
		if err := c.replays.Flush(c.ctx()); err != nil {
			t.refuse(fault.ErrUnavail.Because(err))
			return false
		}
	}
	for end := c.now().Add(busyWait); ; {
		found, state, err := c.replays.Store.ReplayClaim(c.ctx(), c.claimed(k))
		switch {
		case err != nil:
			t.refuse(fault.ErrUnavail.Because(err))
			return false
		case state == tasks.Answered:
			c.repeat(t, &found)
			return false
		case state == tasks.Claimed:
			return c.own(t, k)
		}
		t.know(found.Fingerprint, found.TaskID)
		if !c.now().Before(end) {
			t.refuse(errKeyBusy)
			return false
		}
		select {
		case <-time.After(busyLook):
		case <-c.ctx().Done():
			t.refuse(fault.ErrClientGone)
			return false
		}
	}
}

// claimed is the call as others see it while it runs. The claim outlives the call whatever happens.
func (c *call) claimed(k keyed) *tasks.Replay {
	return &tasks.Replay{
		Claim: k.claim, Fingerprint: k.fingerprint, TaskID: c.taskID, UserID: c.principal.UserID, CreatedAt: c.start,
		ExpiresAt: c.start.Add(c.replays.Retention + c.limits.Total + c.replays.Linger + claimSlack),
	}
}

// own begins the answer of a call that is this one's to make, unless it cannot be made or is not what was asked for first.
func (c *call) own(t *tape, k keyed) bool {
	switch {
	case k.unserved != nil || t.answersAnother(k.fingerprint):
		c.release(t)
		t.refuse(errVoid)
		return false
	case !c.replays.room():
		c.release(t)
		t.refuse(errNoRoom)
		return false
	}
	t.know(k.fingerprint, c.taskID)
	return true
}

// repeat puts a stored answer on the tape.
func (c *call) repeat(t *tape, found *tasks.Replay) {
	t.know(found.Fingerprint, found.TaskID)
	switch {
	case found.Lost:
		t.refuse(errAnswerLost.With("taskId", found.TaskID.String()))
	case c.replays.take(t, int64(len(found.Body)), false) != nil:
		t.refuse(errNoRoom)
	default:
		t.load(found)
	}
}

// whyGone is why an answer ends before its end although its upstream has not.
func (c *call) whyGone() *fault.Error {
	switch {
	case c.tape == nil:
		return fault.ErrClientGone
	case c.tape.full:
		return errTooLong
	}
	return fault.ErrClientGone.Saying("The call was ended because nobody listened to it any more.")
}

// recordReplay writes the call's record with its answer, if there is one to repeat: a call that was charged nothing and did
// not succeed may be tried again.
func (c *call) recordReplay(r *journal.Record) journal.Ticket {
	if c.charged > 0 || c.statuses == tasks.Succeeded {
		r.Replay = c.answered()
	}
	ticket := c.journal.Append(r)
	if r.Replay != nil {
		c.tape.recorded = &ticket
	}
	return ticket
}

// answered is what repeats are answered.
func (c *call) answered() *tasks.Replay {
	now := c.now()
	v := &tasks.Replay{
		Claim: c.tape.claim, Fingerprint: c.tape.fingerprint, TaskID: c.taskID, UserID: c.principal.UserID,
		Status: http.StatusOK, ContentType: "application/json", CreatedAt: now, ExpiresAt: now.Add(c.replays.Retention),
		Body: c.tape.sealed(c.ask.Stream, c.owed),
	}
	switch {
	case c.ask.Stream:
		v.ContentType = "text/event-stream"
	case c.contentType != "":
		v.ContentType = c.contentType
	}
	if int64(len(v.Body)) > c.replays.MaxBytes {
		v.Body, v.Lost = nil, true
	}
	return v
}

// endTape ends the answer and decides whether repeats get it. What was recorded and is not known to be durable is looked up
// before the call is made again.
func (c *call) endTape(t *tape, mine bool) {
	switch {
	case t.stored:
		c.replays.keep(t)
	case t.recorded == nil:
		if mine {
			c.release(t)
		}
		c.replays.drop(t, false)
	case waitFor(*t.recorded, c.limits.Settle) == nil:
		t.expireAt(c.now().Add(c.replays.Retention))
		c.replays.keep(t)
	default:
		c.replays.drop(t, true)
	}
	t.end()
}

// release gives the claim up. If the database cannot be told, this node takes the claim over at the next repeat.
func (c *call) release(t *tape) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), releaseTimeout)
	defer cancel()
	if err := c.replays.Store.ReplayRelease(ctx, t.claim, c.taskID); err != nil && !errors.Is(err, fault.ErrNotFound) {
		c.log.Warn("claim of an idempotency key not given up", "request_id", c.requestID, "error", err)
	}
}
