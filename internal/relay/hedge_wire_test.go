package relay_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/testkit/faultyupstream"
)

// hedgedRig is a rig with two real upstreams, of which the second is asked after 50 ms.
type hedgedRig struct {
	*rig

	first, second *faultyupstream.Server
}

func newHedgedRig(t *testing.T, first, second faultyupstream.Handler) *hedgedRig {
	t.Helper()
	a, b := faultyupstream.New(t, first), faultyupstream.New(t, second)
	to := faultTransport(t, nil)
	r := newRig(t, "http://"+a.Address+"/v1", to, patient)
	src := oneAccount("http://"+a.Address+"/v1", to, slog.New(slog.DiscardHandler))
	p, m := src.Platforms[0], src.Models[0]
	p.ID, p.Name, p.Key, p.BaseURL, p.Priority = id.New(), "second", "second", "http://"+b.Address+"/v1", 1
	m.ID, m.PlatformID, m.ProviderModelName = id.New(), p.ID, "second-model"
	src.Platforms, src.Models = append(src.Platforms, p), append(src.Models, m)
	src.Runner = &routing.RunnerPolicy{FailoverPolicy: json.RawMessage(`{"hedge":{"enabled":true,"afterMs":50}}`)}
	r.relay.Use(relay.Compile(src))
	r.listen(t)
	return &hedgedRig{r, a, b}
}

// goneAt is an upstream that does something, and then tells when its connection was closed.
func goneAt(do func(*faultyupstream.Exchange), called chan<- struct{}, gone chan<- time.Time) faultyupstream.Handler {
	return func(e *faultyupstream.Exchange) {
		do(e)
		called <- struct{}{}
		e.Stall()
		gone <- time.Now()
	}
}

// TestLoserLosesItsConnectionAtOnce: the upstream that was outrun is rid of the call while the winner streams on, event by
// event.
func TestLoserLosesItsConnectionAtOnce(t *testing.T) {
	t.Parallel()
	for name, loser := range map[string]func(*faultyupstream.Exchange){
		"before the head":        func(*faultyupstream.Exchange) {},
		"before the first event": (*faultyupstream.Exchange).Stream,
		"within the first event": func(e *faultyupstream.Exchange) { e.Stream(); e.Chunk(hello[:20]) },
		"behind a comment":       func(e *faultyupstream.Exchange) { e.Stream(); e.Chunk(": wait\n\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			called, gone, won, goOn := make(chan struct{}, 1), make(chan time.Time, 1), make(chan time.Time, 1), make(chan struct{})
			r := newHedgedRig(t, goneAt(loser, called, gone), func(e *faultyupstream.Exchange) {
				<-called
				e.Stream()
				won <- time.Now()
				e.Chunk(hello)
				<-goOn
				e.Chunk(tail)
				e.End()
			})
			resp, err := r.post(t.Context(), t, streamed)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			first := make([]byte, 10)
			if _, err := io.ReadFull(resp.Body, first); err != nil {
				t.Fatal(err)
			}
			if took := (<-gone).Sub(<-won); took > cancelWithin {
				t.Errorf("the loser was cancelled after %v", took)
			}
			close(goOn)
			rest, err := io.ReadAll(resp.Body)
			if got := string(first) + string(rest); err != nil || !strings.Contains(got, "Hello") || !strings.HasSuffix(got, done) {
				t.Errorf("got %q, %v", got, err)
			}
			rec := r.only(t)
			if rec.Task.Charged != cost(10, 20) || rec.Task.ResolvedModel != "second-model" || lastAttempt(t, rec).Verdict != "served" {
				t.Errorf("%v for %s, %s", rec.Task.Charged, rec.Task.ResolvedModel, rec.Task.Attempts)
			}
		})
	}
}

// TestCallerWhoLeavesARaceCancelsBoth measures at both upstreams how soon their connections are closed.
func TestCallerWhoLeavesARaceCancelsBoth(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"buffered": question, "stream": streamed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			called, gone := make(chan struct{}, 2), make(chan time.Time, 2)
			nothing := goneAt(func(*faultyupstream.Exchange) {}, called, gone)
			r := newHedgedRig(t, nothing, goneAt(func(e *faultyupstream.Exchange) {
				if e.Streamed() {
					e.Stream()
				}
			}, called, gone))
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if resp, err := r.post(ctx, t, body); err == nil {
					_ = resp.Body.Close()
				}
			}()
			<-called
			<-called
			start := time.Now()
			leave()
			for range 2 {
				if took := (<-gone).Sub(start); took > cancelWithin {
					t.Errorf("an upstream was cancelled after %v", took)
				}
			}
			<-ended
			if rec := r.only(t); rec.Task.Charged != 0 || rec.Task.HTTPStatus != 499 || lastAttempt(t, rec).Verdict != "caller_left" {
				t.Errorf("charged %v, %d, %s", rec.Task.Charged, rec.Task.HTTPStatus, rec.Task.Attempts)
			}
		})
	}
}

// TestWinnerOfARaceKeepsItsConnection: what was read to its end serves the next call.
func TestWinnerOfARaceKeepsItsConnection(t *testing.T) {
	t.Parallel()
	serve := func(e *faultyupstream.Exchange) {
		if e.Streamed() {
			e.Stream()
			e.Chunk(hello + tail)
			e.End()
			return
		}
		e.Whole(http.StatusOK, "application/json", wholeAnswer(""))
	}
	r := newHedgedRig(t, serve, serve)
	for i, body := range []string{question, streamed, question, streamed} {
		resp, err := r.post(t.Context(), t, body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(got), "Hello") {
			t.Errorf("call %d: %d %s, %v", i, resp.StatusCode, got, err)
		}
		_ = resp.Body.Close()
	}
	r.conserved(t, r.written(t, 4))
	if n := r.first.Connections(); n != 1 {
		t.Errorf("%d connections for four calls", n)
	}
}
