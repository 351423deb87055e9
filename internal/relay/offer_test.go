package relay_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// shop opens every account and sells chat.
type shop struct{}

func (shop) Describe() provider.Description {
	return provider.Description{Name: "shop", Dialects: map[inference.Kind]inference.Dialect{inference.Chat: inference.OpenAI}}
}

func (shop) Open(provider.Account) (provider.Upstream, error) { return &upstream{}, nil }

const offered = `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":2.5},` +
	`{"resourceType":"text_output","unit":"1m_tokens","calculatorType":"tiered","formulaConfig":{"by":"context","tiers":[{"upTo":1000,"price":10},{"price":20}]}},` +
	`{"resourceType":"video_second","unit":"second","basePrice":1}]}`

// offers compiles two platforms with the model "chat", the second with two keys, of which one is cooling.
func offers(t *testing.T, now time.Time) *relay.Snapshot {
	t.Helper()
	platforms := []routing.Platform{
		{ID: id.New(), Number: 1, Provider: "shop", Name: "First", Priority: 1, Discount: 900_000_000, Status: routing.Enabled},
		{ID: id.New(), Number: 2, Provider: "shop", Name: "Second", Priority: 2, Discount: money.One, Status: routing.Enabled},
	}
	var models []routing.PlatformModel
	health := &routing.Health{}
	for i := range platforms {
		p := &platforms[i]
		for range i + 1 {
			p.Credentials = append(p.Credentials, routing.Credential{ID: id.New(), PlatformID: p.ID, Status: routing.Enabled, Weight: 1})
		}
		models = append(models, routing.PlatformModel{
			ID: id.New(), Number: int64(i), PlatformID: p.ID, Alias: "chat", ProviderModelName: "chat", Types: []inference.ModelType{inference.TypeChat},
			BillingConfig: json.RawMessage(offered), Discount: money.One, Enabled: true, Weight: 1,
		})
	}
	rest := platforms[1].Credentials[0].ID
	health.Unit(routing.UnitCredential, rest, platforms[1].ID).Fail(&routing.Rule{
		Key: "k", Threshold: 1, Window: time.Minute, Cooldown: time.Minute, MaxCooldown: time.Minute, Target: routing.UnitCredential,
	}, &routing.Failure{Category: inference.RateLimited}, now, false)
	return relay.Compile(relay.Sources{
		Platforms: platforms, Models: models, Adapters: map[string]provider.Adapter{"shop": shop{}}, Now: now, Health: health,
		Unseal:    func(*routing.Credential) (map[string]secret.String, error) { return nil, nil },
		Transport: func(*routing.Platform) http.RoundTripper { return http.DefaultTransport }, Log: slog.New(slog.DiscardHandler),
	})
}

func TestOffersAreTheCallers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := offers(t, now)
	home := identity.Home{Group: identity.Group{BillingDiscountPolicy: json.RawMessage(`{"default":0.5,"models":{"chat":0.8}}`)}}
	terms, err := relay.PrepareTerms(home)
	if err != nil {
		t.Fatal(err)
	}
	found := s.Offers(&relay.Asker{Principal: &identity.Principal{Terms: terms}, At: now})
	if len(found) != 1 || len(found[0].Sources) != 2 || found[0].Sources[0].Platform.Name != "First" || found[0].Sources[1].Keys != 2 {
		t.Fatalf("offers %+v", found)
	}
	if g := found[0].Sources[1].Gate; g != routing.Open {
		t.Errorf("a source with one key that is well is %v", g)
	}
	if got := s.Offers(&relay.Asker{Principal: &identity.Principal{Models: []string{"other"}}, At: now}); len(got) != 0 {
		t.Errorf("a key for another model is offered %+v", got)
	}
	prices := func(o *relay.Offer, src int) (out []string) {
		for _, r := range o.Rates(&o.Sources[src], now) {
			out = append(out, r.Resource.String()+" "+r.Price+" "+r.Basis)
		}
		return out
	}
	want := []string{"text_input 1.8 ", "text_output 7.2 context<=1000", "text_output 14.4 context>1000"}
	if got := prices(&found[0], 0); !slices.Equal(got, want) {
		t.Errorf("prices %q, want %q", got, want)
	}
	if got := prices(&s.Offers(&relay.Asker{Principal: &identity.Principal{}, At: now})[0], 1); got[0] != "text_input 2.5 " {
		t.Errorf("list prices %q", got)
	}
	if got := pricing.FactorText(found[0].Factors(&found[0].Sources[0], now)); got != "0.72" {
		t.Errorf("factors %s", got)
	}
}

// TestOffersCostWhatTheySay bills one unit of each plain price.
func TestOffersCostWhatTheySay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := offers(t, now)
	terms, err := relay.PrepareTerms(identity.Home{Group: identity.Group{BillingDiscountPolicy: json.RawMessage(`{"default":0.333}`)}})
	if err != nil {
		t.Fatal(err)
	}
	o := s.Offers(&relay.Asker{Principal: &identity.Principal{Terms: terms}, At: now})[0]
	for _, r := range o.Rates(&o.Sources[0], now) {
		in := pricing.Inputs{At: now, Discounts: o.Discounts}
		in.Usage.Quantities[r.Resource] = r.Unit.Size()
		_, amount, err := o.Sources[0].Schedule.Bill(&in)
		want, parsed := money.Parse(r.Price, r.Currency)
		if r.Basis == "context>1000" {
			continue // one unit alone has no context
		}
		if err != nil || parsed != nil || amount != want {
			t.Errorf("%s: billed %s, listed at %s: %v %v", r.Resource, amount.Text(r.Currency), r.Price, err, parsed)
		}
	}
}
