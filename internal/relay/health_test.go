package relay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
)

// wait lets virtual time pass.
func wait(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // inside a synctest bubble

// ok asks once and wants an answer.
func (f *fleet) ok() {
	f.t.Helper()
	if w := f.ask(f.t.Context(), question); w.Code != http.StatusOK {
		f.t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// heardOf checks which events came since the last time.
func (f *fleet) heardOf(want ...routing.EventKind) {
	f.t.Helper()
	got := f.events.kinds()
	if !slices.Equal(got, want) {
		f.t.Errorf("events %v, want %v", got, want)
	}
	f.events.mu.Lock()
	f.events.list = nil
	f.events.mu.Unlock()
}

// TestRevokedKeyLeavesAndReturns: nobody but the key's own first request is hurt, and no administrator is needed.
func TestRevokedKeyLeavesAndReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, _ := f.add(0, 1, 1)
		p.Config = json.RawMessage(`{"credentialStrategy":"polling"}`)
		f.compile()
		bad, good := p.Credentials[0].ID, p.Credentials[1].ID
		f.fault(bad, "401")
		for range 50 {
			f.ok()
		}
		if n := f.tried(bad); n != 1 {
			t.Errorf("the revoked key was tried %d times", n)
		}
		f.heardOf(routing.EventDisable)
		wait(time.Minute) // a probe finds it still revoked, and the next one comes after twice the time
		for range 10 {
			f.ok()
		}
		f.heardOf(routing.EventProbe, routing.EventDisable)
		f.fault(bad, "")
		wait(time.Minute)
		f.tried(bad)
		f.ok()
		f.ok()
		if n := f.tried(bad); n != 0 {
			t.Errorf("it was tried %d times before its time", n)
		}
		wait(time.Minute)
		f.tried(good)
		for range 10 {
			f.ok()
		}
		f.heardOf(routing.EventProbe, routing.EventRecovery)
		if a, b := f.tried(bad), f.tried(good); a != 5 || b != 5 {
			t.Errorf("then the keys got %d and %d requests", a, b)
		}
	})
}

func TestLimitedKeyRestsAsLongAsItWasAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, _ := f.add(0, 1)
		f.compile()
		key := p.Credentials[0].ID
		f.fault(key, "429/30")
		answered(t, f.ask(t.Context(), question), 429, "rate_limit")
		f.fault(key, "")
		f.tried(key)
		wait(10 * time.Second)
		w := f.ask(t.Context(), question)
		answered(t, w, 503, "unavailable")
		if after := w.Header().Get("Retry-After"); after != "20" {
			t.Errorf("Retry-After %s, want the 20 seconds that are left", after)
		}
		if n := f.tried(key); n != 0 {
			t.Errorf("the upstream was sent %d requests although it asked for none", n)
		}
		wait(20 * time.Second)
		f.ok()
		f.heardOf(routing.EventCooldown, routing.EventProbe, routing.EventReturn)
	})
}

// TestTroubledPlatformIsLeftAlone: three failures cool it, requests go elsewhere at once, one probe finds it well.
func TestTroubledPlatformIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		key := f.firstOfTwo()
		f.fault(key, "503")
		for range 20 {
			f.ok()
		}
		if n := f.tried(key); n != 3 {
			t.Errorf("it was tried %d times, want 3", n)
		}
		for _, pause := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} { // each failed probe doubles
			wait(pause - time.Millisecond)
			f.ok()
			if n := f.tried(key); n != 0 {
				t.Errorf("tried before %v", pause)
			}
			wait(time.Millisecond)
			f.ok()
			f.ok()
			if n := f.tried(key); n != 1 {
				t.Errorf("%d probes after %v", n, pause)
			}
		}
		f.fault(key, "")
		wait(80 * time.Second)
		f.ok()
		f.ok()
		if n := f.tried(key); n != 2 {
			t.Errorf("well again, it got %d of 2", n)
		}
		kinds := f.events.kinds()
		if kinds[0] != routing.EventCooldown || kinds[len(kinds)-1] != routing.EventReturn {
			t.Errorf("events %v", kinds)
		}
	})
}

// TestOneProbeAtATime: of many requests at the moment of a return exactly one goes there, also when that one takes long.
func TestOneProbeAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		key := f.firstOfTwo()
		f.fault(key, "500")
		for range 3 {
			f.ok()
		}
		f.tried(key)
		f.fault(key, "")
		wait(10 * time.Second)
		var at, most atomic.Int64
		f.gate = func(_ context.Context, of id.ID) {
			if of != key {
				return
			}
			most.Store(max(most.Load(), at.Add(1)))
			wait(5 * time.Second)
			at.Add(-1)
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(f.ok)
		}
		all.Wait()
		if most.Load() != 1 || f.tried(key) != 1 {
			t.Errorf("%d probes at a time", most.Load())
		}
		f.ok()
		if n := f.tried(key); n != 1 {
			t.Errorf("after the probe it got %d of 1", n)
		}
	})
}

// TestLastResort: when every upstream is cooling, the one that comes back first is tried rather than nobody.
func TestLastResort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, _ := f.add(0, 1)
		f.compile()
		key := p.Credentials[0].ID
		f.fault(key, "500")
		for range 3 {
			answered(t, f.ask(t.Context(), question), 502, "upstream_error")
		}
		f.fault(key, "")
		f.ok() // still cooling
		f.heardOf(routing.EventCooldown, routing.EventReturn)
	})
}

func TestBusyPlatformIsNotLeftAloneForFewFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, m := f.add(0, 1)
		m.RetryPolicy = json.RawMessage(`{"maxAttempts":1}`)
		f.add(1, 1)
		f.compile()
		key := p.Credentials[0].ID
		for i := range 300 {
			f.fault(key, "")
			if i%20 == 0 {
				f.fault(key, "500")
			}
			f.ok()
			wait(time.Millisecond)
		}
		if n := f.tried(key); n != 300 {
			t.Errorf("it got %d of 300 requests, of which one in twenty failed", n)
		}
		f.heardOf()
	})
}

// TestRetryBudget: while nothing succeeds there are at most 1.2 × requests + 3 attempts.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		keys := []id.ID{}
		for range 4 {
			p, m := f.add(0, 1)
			m.RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`) // cooling would spare attempts too
			f.fault(p.ID, "500")
			keys = append(keys, p.Credentials[0].ID)
		}
		f.compile()
		const requests = 500
		var all sync.WaitGroup
		for range requests {
			all.Go(func() { f.ask(t.Context(), question) })
		}
		all.Wait()
		attempts := 0
		for _, key := range keys {
			attempts += f.tried(key)
		}
		if attempts > requests*12/10+3 || attempts < requests*12/10 {
			t.Errorf("%d attempts of %d requests", attempts, requests)
		}
	})
}

// TestFailoverIsNeverStarved: however many requests find the first platform dead at once, all are served by the second.
func TestFailoverIsNeverStarved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		dead, m := f.add(0, 1)
		m.RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`)
		f.add(1, 1)
		f.fault(dead.ID, relay.FaultDown)
		f.compile()
		f.gate = func(_ context.Context, _ id.ID) { wait(100 * time.Millisecond) }
		var all sync.WaitGroup
		for range 300 {
			all.Go(f.ok)
		}
		all.Wait()
		for range 100 {
			f.ok()
		}
	})
}

// TestDemotion: a platform that fails is tried after others for a time, and before them again afterwards.
func TestDemotion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		first, m := f.add(0, 1)
		m.RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`)
		f.add(5, 1)
		f.src.Runner = &routing.RunnerPolicy{PriorityDemotePolicy: json.RawMessage(
			`{"rules":[{"on":["timeout","server_error"],"threshold":2,"step":10,"recoverAfterSeconds":60}]}`)}
		f.compile()
		key := first.Credentials[0].ID
		f.fault(key, "500")
		f.ok()
		f.heardOf(routing.EventDemotion)
		f.fault(key, "")
		f.tried(key)
		for range 5 {
			f.ok()
		}
		if n := f.tried(key); n != 0 {
			t.Errorf("demoted, it got %d requests", n)
		}
		wait(time.Minute)
		f.ok()
		if n := f.tried(key); n != 1 {
			t.Errorf("restored, it got %d requests", n)
		}
		f.heardOf(routing.EventRestoration)
	})
}

// TestPoliciesOfTheRun: what the policies of the model and of the runner say is what happens.
func TestPoliciesOfTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retry, runner, stop string
		fault               relay.FaultKind
		want                string // verdicts
		took                time.Duration
		total               time.Duration
	}{
		"backoff": {
			retry: `{"maxAttempts":4,"backoff":{"initialMs":1000,"maxMs":3000,"multiplier":2,"jitter":0}}`, fault: "500",
			want: strings.Repeat("retry_same ", 3) + "next_platform served", took: 6 * time.Second,
		},
		"the upstream's patience": {
			retry: `{"maxAttempts":2,"backoff":{"initialMs":10,"maxMs":5000,"jitter":0}}`, fault: "503/4",
			want: "retry_same next_platform served", took: 4 * time.Second,
		},
		"too much patience": {
			retry: `{"maxAttempts":2,"backoff":{"initialMs":10,"maxMs":5000,"jitter":0}}`, fault: "503/6",
			want: "next_platform served",
		},
		"its patience ignored": {
			retry: `{"maxAttempts":2,"respectRetryAfter":false,"backoff":{"initialMs":10,"jitter":0}}`, fault: "503/60",
			want: "retry_same next_platform served", took: 10 * time.Millisecond,
		},
		"other categories": {
			retry: `{"maxAttempts":2,"on":["rate_limited"],"backoff":{"initialMs":0}}`, fault: "500", want: "next_platform served",
		},
		"first byte of the model": {
			retry: `{"firstByteTimeoutMs":1500}`, fault: "timeout", want: "next_platform served", took: 1500 * time.Millisecond,
		},
		"total of the model": {
			retry: `{"timeoutMs":700}`, fault: "timeout", want: "next_platform served", took: 700 * time.Millisecond,
		},
		"no failover":      {runner: `{"enabled":false}`, fault: "403", want: "exhausted"},
		"failover on some": {runner: `{"on":["timeout"]}`, fault: "403", want: "exhausted"},
		"few attempts":     {runner: `{"maxAttempts":1}`, fault: "403", want: "exhausted"},
		"no time left": {
			retry: `{"firstByteTimeoutMs":1500}`, runner: `{"maxElapsedMs":1000}`, fault: "timeout", want: "exhausted",
			took: 1500 * time.Millisecond,
		},
		"no time to wait": {
			retry: `{"maxAttempts":2,"backoff":{"initialMs":1000,"jitter":0}}`, runner: `{"maxElapsedMs":900}`, fault: "500",
			want: "next_platform served",
		},
		"no time left of all": {
			retry: `{"maxAttempts":9,"backoff":{"initialMs":1500,"maxMs":1500,"jitter":0}}`, fault: "500", total: 4 * time.Second,
			want: strings.Repeat("retry_same ", 2) + "next_platform served", took: 3 * time.Second,
		},
		"hard stop":           {fault: "400", want: "stop"},
		"another hard stop":   {stop: `{"on":["permission"]}`, fault: "403", want: "stop"},
		"not a hard stop now": {stop: `{"on":["permission"]}`, fault: "400", want: "next_platform served"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, relay.Limits{FirstByte: time.Hour, Total: c.total})
				p, m := f.add(0, 1)
				m.RetryPolicy = json.RawMessage(c.retry)
				m.RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`)
				f.add(1, 1)
				f.src.Runner = &routing.RunnerPolicy{
					FailoverPolicy: json.RawMessage(c.runner), HardStopPolicy: json.RawMessage(c.stop),
				}
				f.compile()
				for range 20 { // the retry budget grows with requests
					f.ok()
				}
				f.fault(p.ID, c.fault)
				start := time.Now()
				f.ask(t.Context(), question)
				took := time.Since(start)
				var verdicts []string
				for _, a := range f.attempts() {
					verdicts = append(verdicts, a.Verdict)
				}
				if got := strings.Join(verdicts, " "); got != c.want || took != c.took {
					t.Errorf("%s after %v, want %s after %v", got, took, c.want, c.took)
				}
			})
		})
	}
}

func TestCallerWhoLeavesDuringAPauseIsNotServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, m := f.add(0, 1)
		m.RetryPolicy = json.RawMessage(`{"maxAttempts":2,"backoff":{"initialMs":5000,"maxMs":5000,"jitter":0}}`)
		f.fault(p.ID, "500")
		f.compile()
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		f.ask(ctx, question)
		if n := f.tried(p.Credentials[0].ID); n != 1 {
			t.Errorf("%d attempts", n)
		}
		if r := f.record(t); r.Task.Status != "canceled" {
			t.Errorf("%+v", r.Task)
		}
	})
}

// TestCallersFaultsHurtNobody: what is wrong with a request says nothing about the upstream.
func TestCallersFaultsHurtNobody(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1)
	f.fault(p.ID, "400")
	f.compile()
	for range 50 {
		answered(t, f.ask(t.Context(), question), 400, "invalid_parameter")
	}
	f.heardOf()
}

// TestHealthOutlivesSnapshots: a change of configuration forgets nothing, and what is deleted is forgotten.
func TestHealthOutlivesSnapshots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		p, _ := f.add(0, 1, 1)
		f.compile()
		f.fault(p.Credentials[0].ID, "401")
		for range 4 {
			f.ok()
		}
		f.compile()
		f.tried(p.Credentials[0].ID)
		for range 10 {
			f.ok()
		}
		if n := f.tried(p.Credentials[0].ID); n != 0 {
			t.Errorf("after a change the disabled key got %d requests", n)
		}
		if n := len(f.health.Statuses(time.Now())); n != 1 {
			t.Errorf("%d units are not well, want the key", n)
		}
		f.health.Keep(nil, nil)
		if n := len(f.health.Statuses(time.Now())); n != 0 {
			t.Errorf("%d units of what was deleted", n)
		}
	})
}

// TestEventsTellTheTrigger: an event names what happened and by which answer to which request.
func TestEventsTellTheTrigger(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1, 1)
	f.fault(p.Credentials[0].ID, "402")
	f.fault(p.Credentials[1].ID, "402")
	f.compile()
	f.ask(t.Context(), question)
	if len(f.events.list) != 2 {
		t.Fatalf("%d events", len(f.events.list))
	}
	e := f.events.list[0]
	if e.Kind != routing.EventDisable || e.PlatformID != p.ID || e.CredentialID.IsZero() || !e.PlatformModelID.IsZero() ||
		e.Category != inference.QuotaExhausted || e.Status != 402 || e.RequestID != "req-1" || e.Until.Sub(e.At) > time.Minute ||
		!strings.Contains(string(e.Before), `"open"`) || !strings.Contains(string(e.After), `"disabled"`) {
		t.Errorf("%+v\n%s\n%s", e, e.Before, e.After)
	}
}

// TestRouteTellsWhatWasLeftOut: the task says which candidates were left out, why, and until when.
func TestRouteTellsWhatWasLeftOut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1)
	p.Name = `"First" ≠ \ second`
	f.add(0, 1)
	f.fault(p.ID, "401")
	f.compile()
	for f.tried(p.Credentials[0].ID) == 0 {
		f.ok()
	}
	f.attempts() // everything so far is written
	f.sink.records = nil
	f.ok()
	var route struct {
		Requested  string `json:"requested"`
		Served     string `json:"served"`
		Seed       uint64 `json:"seed"`
		Candidates []struct {
			PlatformName string    `json:"platformName"`
			CredentialID string    `json:"credentialId"`
			Gate         string    `json:"gate"`
			Reason       string    `json:"reason"`
			Until        time.Time `json:"until"`
			Chosen       bool      `json:"chosen"`
			Weight       int64     `json:"weight"`
		} `json:"candidates"`
	}
	if err := f.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(f.sink.records[0].Task.Route, &route); err != nil {
		t.Fatal(err)
	}
	if route.Requested != "m" || route.Served != "p1-model" || route.Seed == 0 || len(route.Candidates) != 2 {
		t.Fatalf("%+v", route)
	}
	out, in := route.Candidates[0], route.Candidates[1]
	if out.PlatformName != p.Name || out.Gate != "disabled" || out.Reason != "credential: authentication" || out.Until.IsZero() || out.Chosen ||
		out.CredentialID != p.Credentials[0].ID.String() || in.Gate != "passed" || !in.Chosen || in.Weight != 1 {
		t.Errorf("%+v", route.Candidates)
	}
}
