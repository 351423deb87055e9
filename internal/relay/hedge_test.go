package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// fullStream is a whole stream of an upstream, seenStream what the caller gets of it.
const (
	fullStream = chunk + last + usage + done
	seenStream = bare + bareBy + done
)

// TestHedge: whoever has something to deliver first is delivered and paid, once; whatever became of the other, nothing of
// it is left behind.
func TestHedge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body          string
		first, second act
		leaves        time.Duration // when the caller leaves; 0: it stays
		status        int
		answer        string
		took          time.Duration
		attempts      string
		charged       string
		cause         string
		requests      []int64 // of the caller, and at both platforms
		cancelled     int64
	}{
		"the second wins": {
			body: question, first: act{after: never, status: 200, body: whole}, second: act{after: soon, status: 200, body: whole},
			status: 200, answer: whole, took: due + soon, attempts: "first canceled hedged_lost, second ok served",
			charged: "0.00021", cause: "hedge", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"the second wins a stream": {
			body: streamed, first: act{after: never, status: 200, body: fullStream}, second: act{after: soon, status: 200, body: fullStream},
			status: 200, answer: seenStream, took: due + soon, attempts: "first canceled hedged_lost, second ok served",
			charged: "0.00021", cause: "hedge", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"a head is no answer": {
			body: question, first: act{after: never, status: 200, body: whole, early: true}, second: act{status: 200, body: whole},
			status: 200, answer: whole, took: due, attempts: "first canceled hedged_lost, second ok served",
			charged: "0.00021", cause: "hedge", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"a head is no event": {
			body: streamed, first: act{after: never, status: 200, body: fullStream, early: true}, second: act{status: 200, body: fullStream, early: true, after: soon},
			status: 200, answer: seenStream, took: due + soon, attempts: "first canceled hedged_lost, second ok served",
			charged: "0.00021", cause: "hedge", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"the first wins": {
			body: question, first: act{after: later, status: 200, body: whole}, second: act{after: never, status: 200, body: whole},
			status: 200, answer: whole, took: later, attempts: "first ok served, second canceled hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"the first wins a stream": {
			body: streamed, first: act{after: later, status: 200, body: fullStream, early: true}, second: act{after: never, status: 200, body: fullStream, early: true},
			status: 200, answer: seenStream, took: later, attempts: "first ok served, second canceled hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"the first answers in time": {
			body: question, first: act{after: soon, status: 200, body: whole}, second: act{status: 200, body: whole},
			status: 200, answer: whole, took: soon, attempts: "first ok served",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 0},
		},
		"the first stream answers in time": {
			body: streamed, first: act{after: soon, status: 200, body: fullStream}, second: act{status: 200, body: fullStream},
			status: 200, answer: seenStream, took: soon, attempts: "first ok served",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 0},
		},
		"the first fails in time": {
			body: question, first: act{after: soon, status: 503}, second: act{after: later, status: 200, body: whole},
			status: 200, answer: whole, took: soon + later, attempts: "first overloaded next_platform, second ok served",
			charged: "0.00021", cause: "failover", requests: []int64{1, 1, 1},
		},
		"the first fails, the second goes on": {
			body: streamed, first: act{after: later, status: 503}, second: act{after: 2 * later, status: 200, body: fullStream},
			status: 200, answer: seenStream, took: due + 2*later, attempts: "first overloaded hedged_lost, second ok served",
			charged: "0.00021", cause: "failover", requests: []int64{1, 1, 1},
		},
		"the second fails, the first goes on": {
			body: question, first: act{after: 2 * later, status: 200, body: whole}, second: act{after: soon},
			status: 200, answer: whole, took: 2 * later, attempts: "first ok served, second connect hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1},
		},
		"the second refuses the request, the first does not": {
			body: question, first: act{after: 2 * later, status: 200, body: whole}, second: act{after: soon, status: 400},
			status: 200, answer: whole, took: 2 * later, attempts: "first ok served, second invalid_request hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1},
		},
		"the first refuses the request": {
			body: question, first: act{after: later, status: 400}, second: act{after: never, status: 200, body: whole},
			status: 400, took: later, attempts: "first invalid_request stop, second canceled hedged_lost",
			charged: "0", cause: "alias", requests: []int64{1, 1, 1}, cancelled: 1,
		},
		"the second is no answer": {
			body: question, first: act{after: 2 * later, status: 200, body: whole}, second: act{after: soon, status: 200, body: "{"},
			status: 200, answer: whole, took: 2 * later, attempts: "first ok served, second protocol hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1},
		},
		"the second is no stream": {
			body: streamed, first: act{after: 2 * later, status: 200, body: fullStream}, second: act{status: 200, body: "data: {\"error\":{\"message\":\"no\"}}\n\n"},
			status: 200, answer: seenStream, took: 2 * later, attempts: "first ok served, second server_error hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1},
		},
		"both streams break off": {
			body: streamed, first: act{after: 2 * later, status: 200}, second: act{status: 200, body: ": hold on\n\n"},
			status: 502, took: 2 * later, attempts: "first protocol exhausted, second protocol hedged_lost",
			charged: "0", cause: "alias", requests: []int64{1, 1, 1},
		},
		"both fail": {
			body: question, first: act{after: later, status: 503}, second: act{after: later, status: 503},
			status: 503, took: due + later, attempts: "first overloaded hedged_lost, second overloaded exhausted",
			charged: "0", cause: "failover", requests: []int64{1, 1, 1},
		},
		"the caller leaves during the race": {
			body: streamed, first: act{after: never, status: 200, body: fullStream}, second: act{after: never, status: 200, body: fullStream, early: true},
			leaves: later, status: 499, took: later, attempts: "first canceled caller_left, second canceled caller_left",
			charged: "0", cause: "", requests: []int64{1, 1, 1}, cancelled: 2,
		},
		"the caller leaves before": {
			body: question, first: act{after: never, status: 200, body: whole}, second: act{status: 200, body: whole},
			leaves: soon, status: 499, took: soon, attempts: "first canceled caller_left",
			charged: "0", cause: "alias", requests: []int64{1, 1, 0}, cancelled: 1,
		},
		"the loser does not hear and answers later": {
			body: question, first: act{after: 2 * later, status: 200, body: whole, deaf: true}, second: act{status: 200, body: whole},
			status: 200, answer: whole, took: due, attempts: "first canceled hedged_lost, second ok served",
			charged: "0.00021", cause: "hedge", requests: []int64{1, 1, 1},
		},
		"the loser does not hear and streams later": {
			body: streamed, first: act{status: 200, after: later, body: fullStream}, second: act{after: later, status: 200, body: fullStream, early: true, deaf: true},
			status: 200, answer: seenStream, took: later, attempts: "first ok served, second canceled hedged_lost",
			charged: "0.00021", cause: "alias", requests: []int64{1, 1, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, hedging)
				h.plays(h.first, c.first)
				h.plays(h.second, c.second)
				ctx := t.Context()
				if c.leaves > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, c.leaves)
					defer stop()
				}
				start := time.Now()
				w := h.ask(ctx, c.body)
				if took := time.Since(start); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				synctest.Wait()
				if n := h.ended.Load(); n != c.cancelled {
					t.Errorf("%d upstreams were cancelled at once, want %d", n, c.cancelled)
				}
				time.Sleep(time.Second) //nolint:forbidigo // virtual: whoever is late has come
				synctest.Wait()
				if w.Code != c.status || c.answer != "" && w.Body.String() != c.answer {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				r := h.charged(t, c.charged)
				if got := h.story(t); got != c.attempts {
					t.Errorf("attempts: %s\nwant: %s", got, c.attempts)
				}
				if got := story(t, &r.Task).Cause; c.cause != "" && got != c.cause {
					t.Errorf("cause %s, want %s", got, c.cause)
				}
				h.atRest(t, c.requests...)
			})
		})
	}
}
