package relay_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// TestPrecedenceOfRateLimits: the most specific policy that says anything limits the model.
func TestPrecedenceOfRateLimits(t *testing.T) {
	t.Parallel()
	const override, own, platform, base = `{"rateLimitPolicy":{"rpm":1}}`, `{"rpm":2}`, `{"rpm":3}`, `{"rpm":4}`
	for name, c := range map[string]struct {
		override, own, platform, base string
		want                          map[limits.Kind]int64
	}{
		"nothing":           {want: map[limits.Kind]int64{}},
		"override":          {override, own, platform, base, map[limits.Kind]int64{limits.KindModel: 1, limits.KindPlatform: 3}},
		"override is empty": {`{"rateLimitPolicy":{}}`, own, "", base, map[limits.Kind]int64{limits.KindModel: 2}},
		"own":               {"", own, platform, base, map[limits.Kind]int64{limits.KindModel: 2, limits.KindPlatform: 3}},
		"platform":          {"", `{}`, platform, base, map[limits.Kind]int64{limits.KindPlatform: 3}},
		"base":              {"", "null", `{}`, base, map[limits.Kind]int64{limits.KindModel: 4}},
		"only credentials":  {"", "", `{"credential":{"rpm":9}}`, base, map[limits.Kind]int64{limits.KindModel: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "1", relay.Limits{})
			src := b.sources(slog.New(slog.DiscardHandler))
			src.BaseModels = []catalog.BaseModel{{ID: id.New(), DefaultRateLimitPolicy: json.RawMessage(c.base)}}
			m := &src.Models[0]
			m.BaseModelID, m.RuntimePolicyOverride, m.RateLimitPolicy = src.BaseModels[0].ID, json.RawMessage(c.override), json.RawMessage(c.own)
			src.Platforms[0].RateLimitPolicy = json.RawMessage(c.platform)
			got := map[limits.Kind]int64{}
			for _, s := range relay.Compile(src).Route("m").Targets[0].Limits {
				got[s.Kind] = s.Rate.Windows[0].Limit
			}
			if len(got) != len(c.want) {
				t.Fatalf("limits %v, want %v", got, c.want)
			}
			for kind, limit := range c.want {
				if got[kind] != limit {
					t.Errorf("limits %v, want %v", got, c.want)
				}
			}
		})
	}
}

// TestEachCredentialHasItsLimit: one key at its limit leaves the others, and the windows are those of the credentials.
func TestEachCredentialHasItsLimit(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "", "")
	src := g.sources(slog.New(slog.DiscardHandler))
	src.Platforms = src.Platforms[:1]
	p := &src.Platforms[0]
	p.RateLimitPolicy = json.RawMessage(`{"rpm":100,"credential":{"rpm":2}}`)
	for range 3 {
		p.Credentials = append(p.Credentials, routing.Credential{ID: id.New(), Status: routing.Enabled, Weight: 1})
	}
	g.relay.Use(relay.Compile(src))
	for range 6 {
		answered(t, g.ask(t.Context(), question), 200, "")
	}
	answered(t, g.ask(t.Context(), question), 429, "upstream_rate_limit")
	for _, c := range p.Credentials {
		s := limits.Scope{Kind: limits.KindCredential, ID: c.ID}
		if got := g.windows.Windows(func(x limits.Scope) bool { return x == s }); len(got) != 1 || got[0].Used != 2 {
			t.Errorf("windows of a credential %+v", got)
		}
	}
	g.atRest(t)
}

// pictures is a format whose requests ask for images.
type pictures struct {
	wire.Format

	images int64
}

func (pictures) Kind() inference.Kind { return inference.ImageGenerations }

func (p pictures) Peek(body []byte) (wire.Ask, error) {
	a, err := p.Format.Peek(body)
	a.Images = p.images
	return a, err
}

func (p pictures) Answer(body []byte) (wire.Metered, bool) {
	m, ok := p.Format.Answer(body)
	m.Usage.Quantities[inference.Image] = p.images
	return m, ok
}

// TestImagesAreCountedBeforeTheyAreMade: what the request asks for is held for, and reserved of the windows.
func TestImagesAreCountedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, `{"windows":[{"metric":"images","limit":5,"windowSeconds":60}]}`, "")
	src := g.sources(slog.New(slog.DiscardHandler))
	for i := range src.Models {
		src.Models[i].Types = append(src.Models[i].Types, inference.TypeImage)
		src.Models[i].BillingConfig = json.RawMessage(`{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":0.04},
			{"resourceType":"text_input","unit":"1m_tokens","basePrice":0},{"resourceType":"text_output","unit":"1m_tokens","basePrice":0}]}`)
	}
	g.relay.Use(relay.Compile(src))
	draw := func(n int64) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		g.serve(t.Context(), w, pictures{openai.Chat, n}, question)
		return w
	}
	answered(t, draw(4), 200, "")
	answered(t, draw(2), 429, "rate_limit")
	answered(t, draw(1), 200, "")
	g.chargedAll(t, 2, 200_000_000)
	g.atRest(t)
	poor := newGuarded(t, "", "")
	poor.relay.Use(relay.Compile(src))
	w := httptest.NewRecorder()
	poor.serve(t.Context(), w, pictures{openai.Chat, 26}, question)
	answered(t, w, 402, "insufficient_balance")
}

// chargedAll checks what all calls together cost, and how many were charged.
func (g *guarded) chargedAll(t *testing.T, calls int, want money.Amount) {
	t.Helper()
	if err := g.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum money.Amount
	n := 0
	for _, r := range g.sink.records {
		if sum += r.Task.Charged; r.Task.Charged > 0 {
			n++
		}
	}
	if n != calls || sum != want {
		t.Errorf("%d calls cost %d, want %d calls of %d", n, sum, calls, want)
	}
}
