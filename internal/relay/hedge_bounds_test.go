package relay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// TestHedgesArePaidByTheRetryBudget: however slow everybody is, there are at most 1.2 × requests + 3 attempts, and what
// hedges take leaves the last rights to failovers.
func TestHedgesArePaidByTheRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.plays(h.first, act{after: later, status: 200, body: whole})
		h.plays(h.second, act{status: 200, body: whole})
		const requests = 200
		for range requests {
			if w := h.ask(t.Context(), question); w.Code != 200 {
				t.Fatal(w.Code, w.Body)
			}
		}
		synctest.Wait()
		attempts := len(h.first.calls) + len(h.second.calls)
		if most := requests*6/5 + 3; attempts > most || attempts < requests+requests/6 {
			t.Errorf("%d attempts for %d requests, at most %d", attempts, requests, most)
		}
		if left := h.relay.RetriesLeft(); left < 2 {
			t.Errorf("hedges left %d attempts to failovers", left)
		}
		h.atRest(t, requests, requests, int64(len(h.second.calls)))
	})
}

// TestNotHedged: what is off, alone, at its limit, or made by the piece, is asked for once.
func TestNotHedged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy  string
		arrange func(*hedged)
	}{
		"off":                 {`{"hedge":{"enabled":false,"afterMs":100}}`, func(*hedged) {}},
		"nothing said":        {`{}`, func(*hedged) {}},
		"not of this kind":    {`{"hedge":{"enabled":true,"afterMs":100,"kinds":["embeddings"]}}`, func(*hedged) {}},
		"one attempt allowed": {`{"maxAttempts":1,"hedge":{"enabled":true,"afterMs":100}}`, func(*hedged) {}},
		"too late":            {`{"maxElapsedMs":100,"hedge":{"enabled":true,"afterMs":100}}`, func(*hedged) {}},
		"no failover":         {`{"enabled":false,"hedge":{"enabled":true,"afterMs":100}}`, func(*hedged) {}},
		"no other candidate":  {hedging, func(h *hedged) { h.src.Models[1].Enabled = false }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, c.policy)
				c.arrange(h)
				h.compile()
				h.plays(h.first, act{after: later, status: 200, body: whole})
				h.plays(h.second, act{status: 200, body: whole})
				budget := h.relay.RetriesLeft()
				if w := h.ask(t.Context(), question); w.Code != 200 {
					t.Error(w.Code, w.Body)
				}
				synctest.Wait()
				if got := h.story(t); got != "first ok served" || len(h.second.calls) != 0 {
					t.Errorf("attempts: %s", got)
				}
				if left := h.relay.RetriesLeft(); left < budget {
					t.Errorf("%d of the retry budget are left of %d", left, budget)
				}
				h.charged(t, "0.00021")
				h.atRest(t, 1, 1, 0)
			})
		})
	}
}

// TestNotHedgedWhereItsTargetIsFull: limits of the second target hold as for any request, and what was paid is given back.
func TestNotHedgedWhereItsTargetIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.src.Platforms[1].RateLimitPolicy = []byte(`{"rpm":1,"concurrent":1}`)
		h.compile()
		h.plays(h.first, act{after: later, status: 200, body: whole})
		h.plays(h.second, act{after: never, status: 200, body: whole})
		for range 2 {
			if w := h.ask(t.Context(), question); w.Code != 200 {
				t.Error(w.Code, w.Body)
			}
		}
		synctest.Wait()
		if len(h.second.calls) != 1 || h.relay.RetriesLeft() != 2 {
			t.Errorf("%d hedges, %d left of the retry budget", len(h.second.calls), h.relay.RetriesLeft())
		}
		h.atRest(t, 2, 2, 1)
	})
}

// TestFallbackBehindARace: where both attempts fail the fallback is next, whichever of them was last.
func TestFallbackBehindARace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		h := newHedged(t, hedging, func(o *relay.Options) { o.Metrics = relay.NewMetrics(reg) })
		big := h.src.Models[1]
		big.ID, big.Alias, big.ProviderModelName = id.New(), "big", "big-model"
		h.src.Models = append(h.src.Models, big)
		h.src.ModelRoutes = []routing.ModelRoute{{Alias: "m", Fallback: json.RawMessage(`{"model":"big"}`)}}
		h.compile()
		h.plays(h.first, act{after: 2 * later, status: 503})
		h.second.answer = func(_ context.Context, c *provider.Call) (*http.Response, error) {
			return reply(map[string]int{"second-model": 500, "big-model": 200}[c.Model], whole)
		}
		if w := h.ask(t.Context(), question); w.Code != 200 || w.Body.String() != whole {
			t.Error(w.Code, w.Body)
		}
		synctest.Wait()
		r := h.charged(t, "0.00021")
		if got := h.story(t); got != "first overloaded fallback, second server_error hedged_lost, second ok served" {
			t.Errorf("attempts: %s", got)
		}
		if got := story(t, &r.Task); got.Cause != "fallback" || r.Task.ResolvedModel != "big-model" {
			t.Errorf("%+v for %s", got, r.Task.ResolvedModel)
		}
		h.atRest(t, 1, 1, 2)
		if n, err := testutil.GatherAndCount(reg, "gantry_retries_total"); err != nil || n != 2 {
			t.Errorf("%d attempts were followed by others, %v", n, err)
		}
	})
}
