package relay_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// version is a rule set that charges price, in 1e-15, for each token from a time on.
func version(set id.ID, number int64, from time.Time, price money.Price) pricing.RuleSet {
	v := pricing.RuleSet{ID: set, Version: number, Currency: money.USD, EffectiveAt: from}
	for _, r := range []inference.Resource{inference.TextInput, inference.TextOutput} {
		v.Rules = append(v.Rules, pricing.Rule{ID: id.New(), Resource: r, Unit: pricing.PerToken, Price: price, Currency: money.USD})
	}
	return v
}

// pricedBy routes the model to the first upstream, at the price of a rule set.
func (b *bench) pricedBy(set id.ID, versions ...pricing.RuleSet) *relay.Snapshot {
	p := routing.Platform{
		ID: id.New(), Provider: "test", Name: "first", Key: "first", BaseURL: "first", Status: routing.Enabled,
		Discount: money.One, PricingRuleSetID: set,
	}
	m := routing.PlatformModel{
		ID: id.New(), PlatformID: p.ID, Alias: "m", ProviderModelName: "first-model", Enabled: true, Discount: money.One,
		Types: []inference.ModelType{inference.TypeChat},
	}
	return relay.Compile(relay.Sources{
		Platforms: []routing.Platform{p}, Models: []routing.PlatformModel{m}, RuleSets: versions, Now: clock.System(),
		Adapters:  map[string]provider.Adapter{"test": adapter{by: map[string]*upstream{"first": b.first}}},
		Transport: func(*routing.Platform) http.RoundTripper { return nil }, Log: slog.New(slog.DiscardHandler),
	})
}

func TestVersionInForcePrices(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	set, now := id.New(), clock.System()
	b.relay.Use(b.pricedBy(set, version(set, 1, time.Time{}, 1e9), version(set, 2, now.Add(-time.Hour), 2e9),
		version(set, 3, now.Add(time.Hour), 3e9)))
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question)
	r := b.charged(t, "0.00006") // 30 tokens at 2e-6
	if lines := string(r.Task.Lines); !strings.Contains(lines, `"ruleSetId":"`+set.String()+`","version":2`) {
		t.Errorf("the lines do not name the version: %s", lines)
	}
}

func TestVersionToComePricesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	set := id.New()
	b.relay.Use(b.pricedBy(set, version(set, 1, clock.System().Add(time.Hour), 1e9)))
	if w := b.ask(t.Context(), question); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "price_no_rules") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPriceOfARunningCallStays: the price is doubled while the upstream works.
func TestPriceOfARunningCallStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	set := id.New()
	b.relay.Use(b.pricedBy(set, version(set, 1, time.Time{}, 1e9)))
	b.first.answer = func(ctx context.Context, c *provider.Call) (*http.Response, error) {
		b.relay.Use(b.pricedBy(set, version(set, 1, time.Time{}, 1e9), version(set, 2, clock.System().Add(-time.Hour), 2e9)))
		return always(200, chunk+last+usage+done)(ctx, c)
	}
	b.ask(t.Context(), streamed)
	b.charged(t, "0.00003")
}

// TestHoldCoversTheDearestClass: nobody knows before the call how many tokens are written to a cache.
func TestHoldCoversTheDearestClass(t *testing.T) {
	t.Parallel()
	held := func(more ...pricing.Rule) money.Amount {
		b := newBench(t, "1", relay.Limits{})
		set := id.New()
		v := version(set, 1, time.Time{}, 1e9)
		v.Rules = append(v.Rules, more...)
		b.relay.Use(b.pricedBy(set, v))
		b.first.answer = always(200, whole)
		b.ask(t.Context(), question)
		return b.charged(t, "0.00003").Task.Held
	}
	plain := held()
	dear := held(pricing.Rule{ID: id.New(), Resource: inference.TextCacheWrite, Unit: pricing.PerToken, Price: 2e9, Currency: money.USD})
	// 100 tokens of output at 1000 units each; 6 and 4 classes that may each be rounded up by half a unit.
	const output = 100*1000 + 6/2 + 4/2
	if plain <= output || dear-output != 2*(plain-output) {
		t.Errorf("held %d at one price, %d when a cache costs twice as much", plain, dear)
	}
}
