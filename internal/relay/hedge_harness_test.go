package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

const (
	// due is when calls of these tests are hedged, soon and later what comes before and after.
	soon, due, later, never = 50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond, time.Hour
	// hedging is the policy that says so.
	hedging = `{"hedge":{"enabled":true,"afterMs":100}}`
)

// act is what an upstream does with a call.
type act struct {
	after  time.Duration // until its answer, or a stream's first event
	status int           // 0: it is not reached
	body   string
	early  bool // the head of the answer comes at once, with a comment in streams
	deaf   bool // it does not hear that the call was cancelled
}

// hedged is a bench of two platforms and a caller with limits, whose calls are hedged.
type hedged struct {
	*bench

	src     relay.Sources
	windows *limits.Limiter
	budgets *limits.Budgets
	events  *heard
	key     limits.Scope
	bodies  atomic.Int64 // that are open
	ended   atomic.Int64 // calls that upstreams saw cancelled
}

func newHedged(t *testing.T, policy string, change ...func(*relay.Options)) *hedged {
	t.Helper()
	h := &hedged{key: limits.Scope{Kind: limits.KindKey, ID: id.New()}, events: &heard{}}
	h.windows = limits.NewLimiter(clock.System)
	h.budgets = limits.NewBudgets(limits.BudgetOptions{Now: clock.System})
	h.bench = newBench(t, "1", relay.Limits{}, append(change, func(o *relay.Options) {
		o.Guard = &relay.Guard{Windows: h.windows, Budgets: h.budgets}
		o.Events = h.events
	})...)
	h.principal.KeyID = h.key.ID
	h.principal.RateLimitPolicy = []byte(`{"rpm":1000,"tpm":1000000,"concurrent":100}`)
	h.src = h.sources(slog.New(slog.DiscardHandler))
	for i := range h.src.Platforms {
		h.src.Platforms[i].RateLimitPolicy = json.RawMessage(`{"rpm":1000,"concurrent":100}`)
		h.src.Models[i].RetryPolicy = json.RawMessage(`{"maxAttempts":1}`)
	}
	h.src.Runner = &routing.RunnerPolicy{FailoverPolicy: json.RawMessage(policy)}
	h.compile()
	return h
}

func (h *hedged) compile() { h.relay.Use(relay.Compile(h.src)) }

// plays makes an upstream do something with every call.
func (h *hedged) plays(u *upstream, a act) {
	u.answer = func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
		if a.deaf {
			ctx = context.WithoutCancel(ctx)
		}
		body := &script{h: h, ctx: ctx, reader: strings.NewReader(a.body)}
		if a.early {
			body.wait = a.after
		} else if err := h.rest(ctx, a.after); err != nil {
			return nil, err
		}
		if a.status == 0 {
			return nil, errRefused
		}
		h.bodies.Add(1)
		return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: body}, nil
	}
}

// rest waits, unless the call is cancelled.
func (h *hedged) rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		h.ended.Add(1)
		return ctx.Err()
	}
}

// script is the body of an answer.
type script struct {
	h      *hedged
	ctx    context.Context //nolint:containedctx // the call's, as in an answer of net/http
	wait   time.Duration
	reader io.Reader
	closed atomic.Bool
}

func (s *script) Read(p []byte) (int, error) {
	if s.wait > 0 {
		if err := s.h.rest(s.ctx, s.wait); err != nil {
			return 0, err
		}
		s.wait = 0
	}
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.reader.Read(p)
}

func (s *script) Close() error {
	if !s.closed.Swap(true) {
		s.h.bodies.Add(-1)
	}
	return nil
}

// story is the attempts of the only call, one by one.
func (h *hedged) story(t *testing.T) string {
	t.Helper()
	var attempts []tasks.Attempt
	if err := json.Unmarshal(h.record(t).Task.Attempts, &attempts); err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range attempts {
		a := &attempts[i]
		out = append(out, fmt.Sprint(a.PlatformName, " ", a.Category, " ", a.Verdict))
	}
	return strings.Join(out, ", ")
}

// atRest checks that nothing is reserved, open or under way any more, and how many requests were counted: of the caller,
// of the first and of the second platform.
func (h *hedged) atRest(t *testing.T, requests ...int64) {
	t.Helper()
	if open, units := h.book.Holds(); open != 0 || units != 0 {
		t.Errorf("%d holds of %v are open", open, units)
	}
	if h.budgets.Reserved() != 0 || h.bodies.Load() != 0 {
		t.Errorf("%d of quotas stay reserved, %d answers open", h.budgets.Reserved(), h.bodies.Load())
	}
	got := map[id.ID]int64{}
	for _, w := range h.windows.Windows(nil) {
		if w.Reserved != 0 {
			t.Errorf("a window stays reserved: %+v", w)
		}
		if w.Metric == limits.Requests {
			got[w.Scope.ID] = w.Used
		}
	}
	for i, scope := range []id.ID{h.key.ID, h.src.Platforms[0].ID, h.src.Platforms[1].ID} {
		if got[scope] != requests[i] {
			t.Errorf("scope %d counts %d requests, want %d", i, got[scope], requests[i])
		}
	}
	for _, target := range h.relay.Snapshot().Route("m").Targets {
		if n := target.InFlight(); n != 0 {
			t.Errorf("%d requests are under way at %s", n, target.Platform.Name)
		}
	}
}

// openings is a journal that remembers for which models calls were opened.
type openings struct {
	relay.Journal

	models []string
	held   []money.Amount
}

func (o *openings) Open(v *journal.Open) journal.Ticket {
	o.models, o.held = append(o.models, v.Task.ResolvedModel), append(o.held, v.Task.Held)
	return o.Journal.Open(v)
}
