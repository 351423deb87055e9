package relay_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
)

// TestFullPlatformIsPassedOver: who is at the limit of what may be under way is not tried, and nobody hears of it.
func TestFullPlatformIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		small, _ := f.add(0, 1)
		small.RateLimitPolicy = json.RawMessage(`{"concurrent":2}`)
		large, _ := f.add(1, 1)
		f.compile()
		f.gate = func(context.Context, id.ID) { wait(time.Second) }
		var all sync.WaitGroup
		for range 10 {
			all.Go(f.ok)
		}
		all.Wait()
		if a, b := f.tried(small.Credentials[0].ID), f.tried(large.Credentials[0].ID); a != 2 || b != 8 {
			t.Errorf("%d and %d requests, want 2 and 8", a, b)
		}
		f.heardOf(routing.EventExclusion) // once, not for each request
		if s := f.health.Statuses(time.Now()); len(s) != 0 {
			t.Errorf("busy afterwards: %+v", s)
		}
	})
}

// TestEmptierPlatformComesFirst: among equals with room of their own, load decides before weight.
func TestEmptierPlatformComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, relay.Limits{})
		small, m := f.add(0, 1)
		small.RateLimitPolicy = json.RawMessage(`{"concurrent":4}`)
		m.Weight = 1000
		large, _ := f.add(0, 1)
		large.RateLimitPolicy = json.RawMessage(`{"concurrent":400}`)
		f.compile()
		f.gate = func(context.Context, id.ID) { wait(time.Second) }
		var all sync.WaitGroup
		for range 50 {
			all.Go(f.ok)
			synctest.Wait() // one after the other, all under way
		}
		all.Wait()
		if a, b := f.tried(small.Credentials[0].ID), f.tried(large.Credentials[0].ID); a != 1 || b != 49 {
			t.Errorf("%d and %d requests: a quarter of the small platform's room is more than 49 of 400", a, b)
		}
	})
}

func TestRequestGoesToWhoCanServeIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	blind, m := f.add(0, 1)
	m.Capabilities = json.RawMessage(`{"inputModalities":["text"],"features":["reasoning"],"contextWindow":2000}`)
	f.compile()
	const (
		picture = `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`
		tools   = `{"model":"m","max_tokens":9,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]}`
		talk    = `{"model":"m","max_tokens":9,"tools":[],"messages":[{"role":"user","content":"what is \"image_url\"?"}]}`
	)
	long := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 5000) + `"}]}`
	for _, body := range []string{picture, tools} {
		answered(t, f.ask(t.Context(), body), 400, "unsupported_input")
	}
	for _, body := range []string{talk, long} { // too long for everybody: the upstream counts better
		answered(t, f.ask(t.Context(), body), 200, "")
	}
	if n := f.tried(blind.Credentials[0].ID); n != 2 {
		t.Errorf("%d requests", n)
	}
	able, m := f.add(5, 1)
	m.Capabilities = json.RawMessage(`{"inputModalities":["text","image"],"features":["tools"],"contextWindow":100000}`)
	f.compile()
	for _, body := range []string{picture, tools, long, question} {
		answered(t, f.ask(t.Context(), body), 200, "")
	}
	if a, b := f.tried(f.src.Platforms[0].Credentials[0].ID), f.tried(able.Credentials[0].ID); a != 1 || b != 3 {
		t.Errorf("%d and %d requests, want the plain question alone at the first", a, b)
	}
}

// TestPolicySetsReachRoutes: what is stored as sets reaches the routes.
func TestPolicySetsReachRoutes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, m := f.add(0, 1)
	f.src.PolicySets = []routing.PolicySet{
		{ID: id.New(), RetryPolicy: json.RawMessage(`{"maxAttempts":4,"backoff":{"initialMs":0}}`), DegradePolicy: json.RawMessage(`{"rules":[]}`)},
		{ID: id.New(), Default: true, Status: "active", RateLimitPolicy: json.RawMessage(`{"rpm":2}`)},
	}
	m.RuntimePolicySetID = f.src.PolicySets[0].ID
	f.compile()
	for range 2 {
		f.ok()
	}
	answered(t, f.ask(t.Context(), question), 429, "upstream_rate_limit")
	f.src.PolicySets[1].Default = false
	f.compile()
	for range 20 {
		f.ok()
	}
	f.tried(p.Credentials[0].ID)
	f.fault(p.ID, "500")
	f.ask(t.Context(), question)
	if n := f.tried(p.Credentials[0].ID); n != 4 {
		t.Errorf("%d attempts, want the 4 of the set", n)
	}
}
