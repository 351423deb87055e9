package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// fleet is a bench with any number of platforms, each with any number of keys, that all offer the model "m".
type fleet struct {
	*bench

	t       *testing.T
	src     relay.Sources
	health  *routing.Health
	windows *limits.Limiter
	events  *heard

	mu sync.Mutex
	// faults are what keys answer, by credential; those of platforms by platform.
	faults map[id.ID]relay.FaultKind
	calls  map[id.ID]int // by credential
	// gate, when set, is waited for by every call.
	gate func(ctx context.Context, key id.ID)
}

// heard keeps policy events.
type heard struct {
	mu   sync.Mutex
	list []routing.PolicyEvent
}

func (h *heard) Tell(e routing.PolicyEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, e)
}

// kinds are the kinds of what was heard, in order.
func (h *heard) kinds() []routing.EventKind {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []routing.EventKind
	for _, e := range h.list {
		out = append(out, e.Kind)
	}
	return out
}

func newFleet(t *testing.T, bounds relay.Limits) *fleet {
	t.Helper()
	f := &fleet{
		t: t, health: &routing.Health{}, events: &heard{}, faults: map[id.ID]relay.FaultKind{}, calls: map[id.ID]int{},
	}
	f.bench = newBench(t, "1000000", bounds, func(o *relay.Options) {
		f.windows = limits.NewLimiter(o.Now)
		o.Guard = &relay.Guard{Windows: f.windows, Budgets: limits.NewBudgets(limits.BudgetOptions{Now: o.Now})}
		o.Events = f.events
	})
	f.src = relay.Sources{
		Adapters: map[string]provider.Adapter{"fleet": fleetAdapter{f}}, Log: slog.New(slog.DiscardHandler),
		Transport: func(*routing.Platform) http.RoundTripper { return nil }, Health: f.health,
		Unseal: func(c *routing.Credential) (map[string]secret.String, error) {
			return map[string]secret.String{"apiKey": secret.New(c.ID.String())}, nil
		},
	}
	return f
}

// add adds a platform with keys of the given weights, and a route to it.
func (f *fleet) add(priority int64, weights ...int64) (*routing.Platform, *routing.PlatformModel) {
	p := routing.Platform{
		ID: id.New(), Number: int64(len(f.src.Platforms) + 1), Provider: "fleet", Key: fmt.Sprint("p", len(f.src.Platforms)),
		Priority: priority, Status: routing.Enabled, Discount: money.One,
	}
	p.Name, p.BaseURL = p.Key, p.ID.String()
	for _, w := range weights {
		key := id.New()
		p.Credentials = append(p.Credentials, routing.Credential{
			ID: key, PlatformID: p.ID, Sealed: []byte{1}, Weight: w, Status: routing.Enabled,
		})
	}
	f.src.Platforms = append(f.src.Platforms, p)
	f.src.Models = append(f.src.Models, routing.PlatformModel{
		ID: id.New(), Number: p.Number, PlatformID: p.ID, Alias: "m", ProviderModelName: p.Key + "-model", Weight: 1,
		BillingConfig: json.RawMessage(prices), Types: []inference.ModelType{inference.TypeChat}, Enabled: true, Discount: money.One,
	})
	return &f.src.Platforms[len(f.src.Platforms)-1], &f.src.Models[len(f.src.Models)-1]
}

func (f *fleet) compile() { f.relay.Use(relay.Compile(f.src)) }

// fault makes a platform or a credential answer so; "" makes it well.
func (f *fleet) fault(what id.ID, kind relay.FaultKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[what] = kind
}

// tried is how often a credential was called since the last time this was asked.
func (f *fleet) tried(key id.ID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls[key]
	f.calls[key] = 0
	return n
}

// attempts are those of the last request.
func (f *fleet) attempts() []tasks.Attempt {
	f.t.Helper()
	if err := f.journal.Flush(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.sink.mu.Lock()
	defer f.sink.mu.Unlock()
	var out []tasks.Attempt
	if err := json.Unmarshal(f.sink.records[len(f.sink.records)-1].Task.Attempts, &out); err != nil {
		f.t.Fatal(err)
	}
	return out
}

type fleetAdapter struct{ fleet *fleet }

func (a fleetAdapter) Describe() provider.Description {
	return provider.Description{
		Name: "fleet", Dialects: map[inference.Kind]inference.Dialect{inference.Chat: inference.OpenAI},
	}
}

func (a fleetAdapter) Open(acc provider.Account) (provider.Upstream, error) {
	key, _ := id.Parse(acc.Credential["apiKey"].Reveal())
	platform, err := id.Parse(acc.BaseURL)
	return &ship{a.fleet, platform, key}, err
}

// ship is one key of a fleet's platform.
type ship struct {
	fleet         *fleet
	platform, key id.ID
}

func (s *ship) fault() relay.FaultKind {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	s.fleet.calls[s.key]++
	if k := s.fleet.faults[s.key]; k != "" {
		return k
	}
	return s.fleet.faults[s.platform]
}

func (s *ship) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	kind := s.fault()
	if s.fleet.gate != nil {
		s.fleet.gate(ctx, s.key)
	}
	body := whole
	if c.Stream {
		body = chunk + last + usage + done
	}
	switch kind {
	case "":
		return reply(http.StatusOK, body)
	case relay.FaultDown:
		return nil, errRefused
	case "timeout":
		return hang(ctx, c)
	default:
	}
	after := ""
	code, retry, _ := strings.Cut(string(kind), "/")
	if retry != "" {
		after = retry
	}
	status, err := strconv.Atoi(code)
	if err != nil {
		return nil, err
	}
	resp, err := reply(status, "no")
	resp.Header.Set("Retry-After", after)
	return resp, err
}

func (s *ship) Classify(r *http.Response, body []byte) provider.Outcome {
	category, ok := map[int]inference.Category{
		400: inference.InvalidRequest, 401: inference.Authentication, 402: inference.QuotaExhausted, 403: inference.Permission, 404: inference.NotFound,
		429: inference.RateLimited, 503: inference.Overloaded,
	}[r.StatusCode]
	if !ok {
		category = inference.ServerError
	}
	seconds, _ := strconv.Atoi(r.Header.Get("Retry-After"))
	return provider.Outcome{Category: category, Message: string(body), RetryAfter: time.Duration(seconds) * time.Second}
}

// firstOfTwo adds two platforms, of which the first is tried first and once, and returns its key.
func (f *fleet) firstOfTwo() id.ID {
	first, m := f.add(0, 1)
	m.RetryPolicy = json.RawMessage(`{"maxAttempts":1}`)
	f.add(1, 1)
	f.compile()
	return first.Credentials[0].ID
}
