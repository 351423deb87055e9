package relay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// TestLoserSaysNothingAboutItsHealth: who is outrun a hundred times is as well as before.
func TestLoserSaysNothingAboutItsHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.plays(h.first, act{after: never, status: 200, body: whole})
		h.plays(h.second, act{status: 200, body: whole})
		for range 100 {
			h.relay.FillRetries()
			if w := h.ask(t.Context(), question); w.Code != 200 {
				t.Fatal(w.Code, w.Body)
			}
		}
		synctest.Wait()
		if got := h.events.kinds(); len(got) != 0 || len(h.first.calls) != 100 {
			t.Errorf("%d calls of the first, events %v", len(h.first.calls), got)
		}
		purse, err := h.book.Wallet(t.Context(), h.user, money.USD)
		if err != nil {
			t.Fatal(err)
		}
		if posted, held := purse.Balance(); posted != money.Amount(1_000_000_000-100*210_000) || held != 0 {
			t.Errorf("balance %v, held %v: each call is paid once", posted, held)
		}
		h.atRest(t, 100, 100, 100)
	})
}

// TestHedgedCallsCanBeRepeated: only the winner's bytes come on the tape, so repeats get the one answer that was paid.
func TestHedgedCallsCanBeRepeated(t *testing.T) {
	t.Parallel()
	for _, body := range []string{question, streamed} {
		synctest.Test(t, func(t *testing.T) {
			shelf := view{newShelf(), ""}
			h := newHedged(t, hedging, func(o *relay.Options) {
				j := o.Journal.(*journal.Journal) //nolint:forcetypeassert // what newBench made
				o.Replay = &relay.Replay{
					Store: shelf, Flush: j.Flush, Retention: time.Hour, MaxBytes: 1 << 20, MemoryBytes: 64 << 20, Linger: time.Minute,
				}
			})
			h.sink.also = shelf.apply
			answer := map[string]string{question: whole, streamed: fullStream}[body]
			h.plays(h.first, act{after: never, status: 200, body: answer, early: true})
			h.plays(h.second, act{after: soon, status: 200, body: answer, early: true})
			first := h.ask(t.Context(), body, keyName, "k")
			again := h.ask(t.Context(), body, keyName, "k")
			synctest.Wait()
			if first.Code != 200 || first.Body.Len() == 0 || first.Body.String() != again.Body.String() || len(h.second.calls) != 1 {
				t.Errorf("%d %s, and then %d %s of %d calls", first.Code, first.Body, again.Code, again.Body, len(h.second.calls))
			}
			h.charged(t, "0.00021")
			h.atRest(t, 1, 1, 1)
		})
	}
}

// TestUsageOfALoserIsTheOperators: the first attempt's refusal is the request's end, and while it is looked at the second
// answers. What that used stands at its attempt, and nobody is charged for it.
func TestUsageOfALoserIsTheOperators(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.plays(h.first, act{after: later, status: 400, body: `{}`})
		h.first.ponder = soon
		h.plays(h.second, act{after: later - due + soon/2, status: 200, body: whole})
		if w := h.ask(t.Context(), question); w.Code != 400 {
			t.Error(w.Code, w.Body)
		}
		synctest.Wait()
		record := h.all(t)[0]
		var attempts []tasks.Attempt
		if err := json.Unmarshal(record.Task.Attempts, &attempts); err != nil || len(attempts) != 2 || record.Task.Charged != 0 {
			t.Fatal(attempts, err, record.Task.Charged)
		}
		if a := &attempts[0]; a.Usage != nil {
			t.Errorf("the first: %s, usage %s", a.Verdict, a.Usage)
		}
		if a := &attempts[1]; a.Verdict != "hedged_lost" || string(a.Usage) != `{"text_input":10,"text_output":20}` {
			t.Errorf("the second: %s, usage %s", a.Verdict, a.Usage)
		}
		h.atRest(t, 1, 1, 1)
	})
}

// TestRaceThatBothWin: where both answer at one moment it is chance which of them counts, and either way one is charged.
func TestRaceThatBothWin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.plays(h.first, act{after: later, status: 200, body: whole})
		h.plays(h.second, act{after: later - due, status: 200, body: whole})
		for range 100 {
			h.relay.FillRetries()
			h.ask(t.Context(), question)
		}
		synctest.Wait()
		for _, r := range h.all(t) {
			var attempts []tasks.Attempt
			if err := json.Unmarshal(r.Task.Attempts, &attempts); err != nil || len(attempts) != 2 || r.Task.Charged != cost(10, 20) {
				t.Fatal(attempts, err, r.Task.Charged)
			}
			for i := range attempts {
				a := &attempts[i]
				if lost := a.Verdict == "hedged_lost"; !lost && a.Usage != nil || a.Usage != nil && string(a.Usage) != `{"text_input":10,"text_output":20}` {
					t.Errorf("%s, usage %s", a.Verdict, a.Usage)
				}
			}
		}
		h.atRest(t, 100, 100, 100)
	})
}

// TestUpstreamThatPanicsLosesTheRace: a broken adapter fails its attempt, and not the process.
func TestUpstreamThatPanicsLosesTheRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.plays(h.first, act{after: later, status: 200, body: whole})
		h.second.answer = func(context.Context, *provider.Call) (*http.Response, error) { panic("no") }
		if w := h.ask(t.Context(), question); w.Code != 200 || w.Body.String() != whole {
			t.Error(w.Code, w.Body)
		}
		synctest.Wait()
		if got := h.story(t); got != "first ok served, second connect hedged_lost" {
			t.Errorf("attempts: %s", got)
		}
		h.atRest(t, 1, 1, 1)
	})
}

// TestOutrunAttemptsAreNoRetries: nobody tried again, so no metric says so.
func TestOutrunAttemptsAreNoRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		h := newHedged(t, hedging, func(o *relay.Options) { o.Metrics = relay.NewMetrics(reg) })
		h.plays(h.first, act{after: later, status: 200, body: whole})
		h.plays(h.second, act{after: never, status: 200, body: whole})
		h.ask(t.Context(), question)
		synctest.Wait()
		for name, want := range map[string]int{"gantry_retries_total": 0, "gantry_attempts_total": 2} {
			if n, err := testutil.GatherAndCount(reg, name); err != nil || n != want {
				t.Errorf("%s has %d series, %v", name, n, err)
			}
		}
	})
}
