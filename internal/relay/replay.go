package relay

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Replay says how calls with an idempotency key are kept for repeats. Source: docs/idempotency.md.
type Replay struct {
	Store tasks.ReplayStore
	// Flush waits until everything that was taken down before is in the store.
	Flush func(context.Context) error
	// Retention is how long a key is remembered.
	Retention time.Duration
	// MaxBytes is the largest answer that is stored; larger ones are in memory only.
	MaxBytes int64
	// MemoryBytes bounds the answers in memory, those that are being made included.
	MemoryBytes int64
	// Linger is how long a call goes on that nobody listens to.
	Linger time.Duration
}

var (
	errKeyReused = fault.New(http.StatusConflict, "idempotency_conflict",
		"The idempotency key was used for another request.").At(keyHeader)
	errKeyBusy = fault.New(http.StatusConflict, "idempotency_in_progress",
		"The call with this idempotency key is under way on another node. Try again later.").At(keyHeader).After(busyRetry)
	errAnswerLost = fault.New(http.StatusConflict, "idempotency_result_lost",
		"The call with this idempotency key was served and charged, but its answer was too large to be kept.").At(keyHeader)
	errNoRoom = fault.ErrUnavail.Saying("Too many answers are being kept for repeats. Try again later.").After(retryLater)
)

// errTooLong ends a stream that cannot be kept, instead of one that could not be resumed.
var errTooLong = fault.New(http.StatusInsufficientStorage, "answer_too_large",
	"The answer became too large to be kept for repeats. Send the request without an idempotency key.")

// busyRetry is when a call that runs on another node is worth another look.
const busyRetry = 2 * time.Second

// serveKeyed serves a call that may be repeated: whoever comes first has it made, and all follow what is made.
func (c *call) serveKeyed() {
	k, err := c.enterKeyed()
	if err == nil {
		err = c.join(k)
	}
	if errors.Is(err, errAside) {
		c.aside()
		return
	}
	if err != nil {
		defer c.finish()
		c.refuse(err)
	}
}

// keyed is what tells a repeat from another call.
type keyed struct {
	claim       tasks.Digest
	fingerprint tasks.Digest
	after       string // of Last-Event-ID; "" asks for the whole answer
	// unserved is why the call cannot be made now, should there be no answer to repeat; nil when it can.
	unserved error
}

// enterKeyed checks everything that a call must pass, and so must each of its repeats. What only says that no upstream can
// serve the call now does not keep an answer from being repeated.
func (c *call) enterKeyed() (keyed, error) {
	if err := c.admit(); err != nil {
		return keyed{}, err
	}
	key, err := idempotencyKey(c.req.Header)
	if err != nil {
		return keyed{}, err
	}
	k := keyed{
		claim: tasks.ClaimOf(c.principal.UserID, c.req.URL.Path, key), fingerprint: tasks.FingerprintOf(c.body),
	}
	if k.after, err = lastEventID(c.req.Header); err != nil {
		return keyed{}, err
	}
	if err := c.resolve(); err != nil {
		if fault.From(err).Status < http.StatusInternalServerError {
			return keyed{}, err
		}
		k.unserved = err
	}
	if k.after != "" {
		k.unserved = errEventID.Saying("There is no stream to resume with this idempotency key.")
	}
	return k, nil
}

// join follows the call that the key stands for, and has it made if nobody has before.
func (c *call) join(k keyed) error {
	for {
		t, l, first := c.replays.enter(k.claim)
		if first {
			c.launch(t, k)
		}
		err := c.follow(l, k, first)
		t.leave(l)
		if !errors.Is(err, errVoid) {
			return err
		}
		if k.unserved != nil {
			return k.unserved
		}
	}
}

// follow answers the caller with what is or will be on the tape. errVoid says that nothing will be.
func (c *call) follow(l *listener, k keyed, first bool) error {
	known := func(t *tape) bool { return t.known || t.done }
	if err := l.await(c.ctx(), known); err != nil {
		return c.left()
	}
	if l.tape.answersAnother(k.fingerprint) {
		return errKeyReused
	}
	begun := func(t *tape) bool { return t.status != 0 || t.done }
	if err := l.await(c.ctx(), begun); err != nil {
		return c.left()
	}
	if err := l.seek(k.after); err != nil {
		return err
	}
	if !first || l.tape.stored {
		c.w.Header().Set(replayedHeader, "true")
		c.metrics.replayed()
		c.log.Info("request replayed", "request_id", c.requestID, "task", l.tape.taskID.String(), "user", c.principal.UserID.String())
	}
	l.play(c.ctx(), c.w, first, c.now, c.limits.Stall)
	return nil
}

// left notes that the caller did not wait for the answer; the call goes on without it.
func (c *call) left() error {
	c.status = fault.ErrClientGone.Status
	return nil
}

// Drain has calls that nobody listens to end, now and from now on: what they have delivered is settled.
func (r *Relay) Drain() {
	if r.replays != nil {
		r.replays.drain()
	}
}

// TidyReplays forgets the answers in memory that have expired, and what is known to be in the store.
func (r *Relay) TidyReplays(ctx context.Context) error {
	if r.replays == nil {
		return nil
	}
	return r.replays.tidy(ctx)
}
