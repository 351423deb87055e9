package relay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/limits/limitstest"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// guarded is a bench whose caller has a key in a group, with limits.
type guarded struct {
	*bench

	key, group limits.Scope
	store      limitstest.Store
	clock      *clock.Manual
	budgets    *limits.Budgets
	windows    *limits.Limiter
}

func newGuarded(t *testing.T, rate, quota string, change ...func(*relay.Options)) *guarded {
	t.Helper()
	g := &guarded{
		key: limits.Scope{Kind: limits.KindKey, ID: id.New()}, group: limits.Scope{Kind: limits.KindGroup, ID: id.New()},
		clock: clock.NewManual(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)),
	}
	g.windows = limits.NewLimiter(g.clock.Now)
	g.budgets = limits.NewBudgets(limits.BudgetOptions{Usage: &g.store, Now: g.clock.Now})
	g.bench = newBench(t, "1", relay.Limits{}, func(o *relay.Options) {
		user, _ := o.Keys.Authenticate(t.Context(), "Bearer good")
		o.Now = g.clock.Now
		o.Keys = keys{&identity.Principal{
			UserID: user.UserID, Scope: identity.ScopeAll, GroupID: g.group.ID, KeyID: g.key.ID,
			RateLimitPolicy: []byte(rate), QuotaPolicy: []byte(quota),
		}}
		o.Guard = &relay.Guard{Policies: limits.NewPolicyBook(&g.store), Windows: g.windows, Budgets: g.budgets}
		for _, f := range change {
			f(o)
		}
	})
	g.first.answer, g.second.answer = always(200, whole), always(200, whole)
	return g
}

// atRest checks that nothing is reserved any more.
func (g *guarded) atRest(t *testing.T) {
	t.Helper()
	if g.budgets.Reserved() != 0 {
		t.Errorf("%d of quotas stay reserved", g.budgets.Reserved())
	}
	for _, w := range g.windows.Windows(nil) {
		if w.Reserved != 0 {
			t.Errorf("a window stays reserved: %+v", w)
		}
	}
	if open, units := g.book.Holds(); open != 0 || units != 0 {
		t.Errorf("%d holds of %v are open", open, units)
	}
}

// answered checks status and code of an answer.
func answered(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &body)
	if w.Code != status || body.Error.Code != code {
		t.Fatalf("answer %d %s, want %d %q", w.Code, w.Body, status, code)
	}
}

func TestRateLimitOfAKey(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, `{"rpm":2,"tpm":1000}`, "")
	w := g.ask(t.Context(), question)
	answered(t, w, 200, "")
	h := w.Header()
	if h.Get("X-Ratelimit-Limit-Requests") != "2" || h.Get("X-Ratelimit-Remaining-Requests") != "1" ||
		h.Get("X-Ratelimit-Reset-Requests") != "1m3.75s" || h.Get("X-Ratelimit-Limit-Tokens") != "1000" {
		t.Errorf("headers %v", h)
	}
	answered(t, g.ask(t.Context(), question), 200, "")
	w = g.ask(t.Context(), question)
	answered(t, w, 429, "rate_limit")
	if w.Header().Get("Retry-After") != "64" || w.Header().Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Errorf("headers %v", w.Header())
	}
	g.atRest(t)
	for _, v := range g.windows.Windows(nil) {
		if v.Metric == limits.Tokens && v.Used != 60 {
			t.Errorf("%d tokens used, want the 60 that were billed", v.Used)
		}
	}
	g.clock.Advance(64 * time.Second)
	answered(t, g.ask(t.Context(), question), 200, "")
}

func TestQuotaOfAKeyAndAGroup(t *testing.T) {
	t.Parallel()
	// A call costs 210 millionths and holds at most 1091: 91 bytes of input and 100 tokens of output.
	g := newGuarded(t, "", `{"currency":"USD","day":"0.0015"}`)
	g.store.Limit(g.group, "", `{"currency":"USD","total":"0.0018"}`)
	for range 3 {
		answered(t, g.ask(t.Context(), question), 200, "")
		g.clock.Advance(24 * time.Hour)
	}
	answered(t, g.ask(t.Context(), question), 200, "") // 1170 were left of the group's
	answered(t, g.ask(t.Context(), question), 402, "quota_exceeded")
	g.atRest(t)
	state, _ := g.budgets.State(g.group, money.USD)
	var charged money.Amount
	if err := g.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range g.sink.records {
		charged += r.Task.Charged
	}
	if state.Used[limits.Total] != charged {
		t.Errorf("the quota counts %d, charged were %d", state.Used[limits.Total], charged)
	}
}

func TestCallWithoutALimitGetsOneThatTheQuotaAffords(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "", `{"currency":"USD","day":"0.001"}`)
	answered(t, g.ask(t.Context(), strings.Replace(question, `"max_tokens":100,`, "", 1)), 200, "")
	if n, _ := g.first.last(t)["max_tokens"].(float64); n < 50 || n > 100 {
		t.Errorf("max_tokens %v, want what 0.001 USD affords", n)
	}
	none := newGuarded(t, "", `{"currency":"USD","day":"0"}`)
	w := none.ask(t.Context(), strings.Replace(question, `"max_tokens":100,`, "", 1))
	answered(t, w, 429, "quota_exceeded")
	if w.Header().Get("Retry-After") != "43200" {
		t.Errorf("Retry-After %s, want until midnight", w.Header().Get("Retry-After"))
	}
}

// limitPlatforms gives the platforms rate limits.
func (g *guarded) limitPlatforms(policies map[string]string) {
	src := g.sources(slog.New(slog.DiscardHandler))
	for i := range src.Platforms {
		src.Platforms[i].RateLimitPolicy = json.RawMessage(policies[src.Platforms[i].Name])
	}
	g.relay.Use(relay.Compile(src))
}

func TestPlatformAtItsLimitIsLeftOut(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, `{"rpm":100}`, "")
	g.limitPlatforms(map[string]string{"first": `{"rpm":1}`, "second": `{"rpm":1}`})
	answered(t, g.ask(t.Context(), question), 200, "")
	answered(t, g.ask(t.Context(), question), 200, "")
	w := g.ask(t.Context(), question)
	answered(t, w, 429, "upstream_rate_limit")
	if w.Header().Get("Retry-After") != "64" {
		t.Errorf("Retry-After %s", w.Header().Get("Retry-After"))
	}
	if len(g.first.calls) != 1 || len(g.second.calls) != 1 {
		t.Errorf("%d and %d calls", len(g.first.calls), len(g.second.calls))
	}
	g.atRest(t)
	for _, v := range g.windows.Windows(func(s limits.Scope) bool { return s == g.key }) {
		if v.Used != 2 {
			t.Errorf("the key used %d, want the 2 requests that were served", v.Used)
		}
	}
	if err := g.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if route := string(g.sink.records[1].Task.Route); !strings.Contains(route, `"gate":"limits"`) {
		t.Errorf("the route does not say why: %s", route)
	}
}

// TestLimitsOfEveryWayOut: whatever becomes of a call, nothing stays reserved, and a request is counted where it was made.
func TestLimitsOfEveryWayOut(t *testing.T) {
	t.Parallel()
	type answer = func(context.Context, *provider.Call) (*http.Response, error)
	for name, c := range map[string]struct {
		first, second answer
		body          string
		key           int64
		firstUsed     int64
	}{
		"served":       {always(200, whole), nil, question, 1, 1},
		"failover":     {always(503, "busy"), always(200, whole), question, 1, 1},
		"all fail":     {always(503, "busy"), refused, question, 1, 1},
		"refused":      {always(400, "no"), nil, question, 1, 1},
		"cut stream":   {always(200, chunk), nil, streamed, 1, 1},
		"stream":       {always(200, chunk+last+usage+done), nil, streamed, 1, 1},
		"no such":      {nil, nil, strings.Replace(question, `"m"`, `"x"`, 1), 0, 0},
		"over balance": {nil, nil, strings.Replace(question, "100", "900000", 1), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, `{"rpm":100,"tpm":10000000,"concurrent":5}`, `{"currency":"USD","day":"100"}`)
			g.limitPlatforms(map[string]string{"first": `{"rpm":100,"concurrent":5}`})
			g.first.answer, g.second.answer = c.first, c.second
			g.ask(t.Context(), c.body)
			g.atRest(t)
			used := map[limits.Kind]int64{}
			for _, v := range g.windows.Windows(nil) {
				if v.Metric == limits.Requests {
					used[v.Scope.Kind] += v.Used
				}
			}
			if used[limits.KindKey] != c.key || used[limits.KindPlatform] != c.firstUsed {
				t.Errorf("requests counted %v, want %d of the key and %d of the platform", used, c.key, c.firstUsed)
			}
		})
	}
}

func TestConcurrencyOfAKey(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, `{"concurrent":3}`, "")
	arrived, release := make(chan struct{}), make(chan struct{})
	g.first.answer = func(context.Context, *provider.Call) (*http.Response, error) {
		arrived <- struct{}{}
		<-release
		return reply(200, whole)
	}
	var wg sync.WaitGroup
	var served atomic.Int64
	for range 3 {
		wg.Go(func() {
			if g.ask(t.Context(), question).Code == 200 {
				served.Add(1)
			}
		})
		<-arrived
	}
	w := httptest.NewRecorder()
	g.serve(t.Context(), w, openai.Chat, question)
	answered(t, w, 429, "rate_limit")
	close(release)
	wg.Wait()
	if served.Load() != 3 {
		t.Errorf("%d served", served.Load())
	}
	g.atRest(t)
}

// TestUnreadablePolicyRefuses: a policy that cannot be read must not be no limit.
func TestUnreadablePolicyRefuses(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, `{"rpn":1}`, "")
	answered(t, g.ask(t.Context(), question), 503, "limits_unavailable")
	g = newGuarded(t, "", "")
	g.store.Limit(g.group, "", `{"currency":"USD"}`)
	answered(t, g.ask(t.Context(), question), 503, "limits_unavailable")
	g = newGuarded(t, "", "")
	g.limitPlatforms(map[string]string{"first": `{"rpm":"many"}`})
	answered(t, g.ask(t.Context(), question), 200, "")
	if len(g.first.calls) != 0 || len(g.second.calls) != 1 {
		t.Error("a platform with an unreadable policy was called")
	}
}
