package catalog

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

//go:embed starting.json
var startingJSON []byte

// starting is the layout of starting.json. Prices are list prices as published by the providers in the month asOf:
// tokens per million, everything else per piece. A model whose prices were looked up at another time says so.
type starting struct {
	AsOf      string `json:"asOf"`
	Providers []struct {
		Key     string `json:"key"`
		Name    string `json:"name"`
		Adapter string `json:"adapter"`
		BaseURL string `json:"baseUrl"`
		// Auth is how the provider's keys are sent; empty means as a bearer token.
		Auth string `json:"auth"`
	} `json:"providers"`
	Models []startingModel `json:"models"`
}

type startingModel struct {
	Provider string `json:"provider"`
	// AsOf is the month of the model's own prices; empty: that of all.
	AsOf      string                `json:"asOf"`
	Name      string                `json:"name"`
	Types     []inference.ModelType `json:"types"`
	Context   int64                 `json:"context"`
	MaxOutput int64                 `json:"maxOutput"`
	Inputs    []string              `json:"inputs"`
	Outputs   []string              `json:"outputs"`
	Features  []string              `json:"features"`
	Currency  string                `json:"currency"`
	Prices    map[string]string     `json:"prices"`
	// Above are the prices of calls whose context is longer than a number of tokens, the shorter ones first.
	Above []struct {
		Context int64             `json:"context"`
		Prices  map[string]string `json:"prices"`
	} `json:"above"`
}

// Starting returns the providers and models that a new installation begins with.
func Starting(now time.Time) ([]Provider, []BaseModel, error) {
	var s starting
	if err := json.Unmarshal(startingJSON, &s); err != nil {
		return nil, nil, fmt.Errorf("catalog: starting.json: %w", err)
	}
	providers := make([]Provider, 0, len(s.Providers))
	for _, p := range s.Providers {
		providers = append(providers, Provider{
			ID: id.At(now), Key: p.Key, Code: p.Key, DisplayName: p.Name, Type: p.Adapter, DefaultBaseURL: p.BaseURL,
			DefaultAuthType: cmp.Or(p.Auth, "bearer"), Source: "system", Status: "active", CreatedAt: now, UpdatedAt: now,
		})
	}
	models := make([]BaseModel, 0, len(s.Models))
	for i := range s.Models {
		m, err := s.Models[i].base(now, s.AsOf)
		if err != nil {
			return nil, nil, err
		}
		models = append(models, m)
	}
	return providers, models, nil
}

func (m *startingModel) base(now time.Time, asOf string) (BaseModel, error) {
	out := BaseModel{
		ID: id.At(now), ProviderKey: m.Provider, CanonicalKey: m.Provider + "/" + m.Name, ProviderModelName: m.Name,
		Alias: m.Name, DisplayName: m.Name, Types: m.Types, CatalogType: "system", PricingVersion: 1, Status: "active",
		CreatedAt: now, UpdatedAt: now,
	}
	caps := Capabilities{
		InputModalities: orText(m.Inputs), OutputModalities: orText(m.Outputs), Features: m.Features,
		ContextWindow: m.Context, MaxOutputTokens: m.MaxOutput,
	}
	var err error
	if out.Capabilities, err = json.Marshal(caps); err != nil {
		return out, err
	}
	if out.BaseBillingConfig, err = m.billing(); err != nil {
		return out, err
	}
	if out.Metadata, err = json.Marshal(map[string]string{"priceAsOf": cmp.Or(m.AsOf, asOf)}); err != nil {
		return out, err
	}
	out.DefaultSnapshot, err = json.Marshal(map[string]any{
		"displayName": out.DisplayName, "modelAlias": out.Alias, "modelType": out.Types, "capabilities": out.Capabilities,
		"baseBillingConfig": out.BaseBillingConfig,
	})
	return out, err
}

// startingRule is a rule of a billing configuration. Source: pricing.RuleInput, which lies above this domain.
type startingRule struct {
	Resource   string         `json:"resourceType"`
	Unit       string         `json:"unit"`
	BasePrice  json.Number    `json:"basePrice"`
	Calculator string         `json:"calculatorType,omitempty"`
	Config     map[string]any `json:"formulaConfig,omitempty"`
}

// billing writes the prices as a billing configuration, in the order of the resources.
func (m *startingModel) billing() (json.RawMessage, error) {
	var rules []startingRule
	for r := range inference.NumResources {
		if price, ok := m.Prices[r.String()]; ok {
			rule := startingRule{Resource: r.String(), Unit: unitOf(r), BasePrice: json.Number(price)}
			rule.Calculator, rule.Config = m.tiers(r.String())
			rules = append(rules, rule)
		}
	}
	if len(rules) != len(m.Prices) {
		return nil, fmt.Errorf("catalog: starting.json: %s prices a resource that does not exist", m.Name)
	}
	return json.Marshal(map[string]any{"currency": m.Currency, "rules": rules})
}

// tiers is the calculator of a resource whose price depends on the length of the context; none for others.
func (m *startingModel) tiers(resource string) (calculator string, config map[string]any) {
	var tiers []map[string]any
	price := m.Prices[resource]
	for _, above := range m.Above {
		if next, ok := above.Prices[resource]; ok {
			tiers = append(tiers, map[string]any{"upTo": above.Context, "price": json.Number(price)})
			price = next
		}
	}
	if len(tiers) == 0 {
		return "", nil
	}
	tiers = append(tiers, map[string]any{"price": json.Number(price)})
	return "tiered", map[string]any{"by": "context", "tiers": tiers}
}

func unitOf(r inference.Resource) string {
	switch name := r.String(); {
	case r <= inference.AudioOutput:
		return "1m_tokens"
	case strings.HasSuffix(name, "_second"):
		return "second"
	case r == inference.Characters:
		return "character"
	case r == inference.Image:
		return "image"
	default:
		return "request"
	}
}

func orText(modalities []string) []string {
	if len(modalities) == 0 {
		return []string{"text"}
	}
	return modalities
}
