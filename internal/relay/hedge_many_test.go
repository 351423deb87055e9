package relay_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
)

// TestRacesLeaveNothingBehind runs many calls at once against upstreams that are slow, fail, break off, answer rubbish or do
// not hear, for callers some of whom leave: whatever happens, what was charged left the wallet once, and nothing else is held,
// reserved, counted as under way, or open.
func TestRacesLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls = 600
		h := newHedged(t, hedging)
		for i := range h.src.Platforms {
			h.src.Platforms[i].RateLimitPolicy = []byte(`{"rpm":100000,"concurrent":40}`)
			h.src.Models[i].RuntimePolicyOverride = []byte(`{"degradePolicy":{"rules":[]}}`) // nobody is left alone
		}
		h.principal.RateLimitPolicy = []byte(`{"rpm":100000,"concurrent":500}`)
		h.compile()
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(3, 5))
		draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(n) }
		h.first.answer = h.anything(draw)
		h.second.answer = h.anything(draw)
		var all sync.WaitGroup
		for i := range calls {
			if i%10 == 0 {
				h.relay.FillRetries()
			}
			time.Sleep(time.Duration(draw(20)) * time.Millisecond) //nolint:forbidigo // virtual
			body, leaves := []string{question, streamed}[draw(2)], time.Duration(1+draw(800))*time.Millisecond
			all.Go(func() {
				ctx, stop := context.WithTimeout(t.Context(), leaves)
				defer stop()
				h.ask(ctx, body)
			})
		}
		all.Wait()
		time.Sleep(time.Minute) //nolint:forbidigo // virtual: whoever is late has come
		synctest.Wait()
		h.settledOnce(t, calls)
	})
}

// anything is an upstream that does whatever chance says.
func (h *hedged) anything(draw func(int) int) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(ctx context.Context, c *provider.Call) (*http.Response, error) {
		a := act{after: time.Duration(draw(400)) * time.Millisecond, status: 200, early: draw(2) > 0, deaf: draw(5) == 0}
		if a.body = whole; c.Stream {
			a.body = fullStream
		}
		switch draw(6) {
		case 0:
			a.status = []int{0, 500, 503}[draw(3)]
		case 1:
			a.body = a.body[:draw(len(a.body))]
		}
		var u upstream
		h.plays(&u, a)
		return u.answer(ctx, c)
	}
}

// settledOnce checks the books of so many calls, and that nothing of them is left.
func (h *hedged) settledOnce(t *testing.T, calls int) {
	t.Helper()
	var charged money.Amount
	lost := 0
	records := h.all(t)
	for _, r := range records {
		charged += r.Task.Charged
		if r.Task.AttemptCount > 1 {
			lost++
		}
	}
	purse, err := h.book.Wallet(t.Context(), h.user, money.USD)
	if err != nil {
		t.Fatal(err)
	}
	if posted, held := purse.Balance(); posted != 1_000_000_000-charged || held != 0 {
		t.Errorf("the wallet has %v and holds %v, charged were %v", posted, held, charged)
	}
	if len(records) > calls || len(records) < calls*3/4 || lost < calls/4 || charged == 0 {
		t.Errorf("%d records, %d with several attempts, charged %v: the calls show little", len(records), lost, charged)
	}
	for _, w := range h.windows.Windows(nil) {
		if w.Metric == limits.Concurrent || w.Reserved != 0 {
			t.Errorf("a window stays reserved: %+v", w)
		}
	}
	for _, target := range h.relay.Snapshot().Route("m").Targets {
		if n := target.InFlight(); n != 0 {
			t.Errorf("%d requests are under way at %s", n, target.Platform.Name)
		}
	}
	if h.bodies.Load() != 0 || h.budgets.Reserved() != 0 || h.relay.InFlight() != 0 || h.relay.RetriesUnderWay() != 0 {
		t.Errorf("%d answers are open, %d of quotas reserved, %d calls and %d retries under way",
			h.bodies.Load(), h.budgets.Reserved(), h.relay.InFlight(), h.relay.RetriesUnderWay())
	}
}
