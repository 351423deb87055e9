package routing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/catalog/catalogtest"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/routing/routingtest"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type world struct {
	*routing.Service
	store   *routingtest.Store
	box     *secret.Box
	changes []event.Change
	rebuilt int
}

var admin = event.Actor{UserID: id.New(), TenantID: id.New(), Username: "root"}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: routingtest.NewStore()}
	var err error
	if w.box, err = secret.NewBox(bytes.Repeat([]byte{1}, secret.KeySize), "credential"); err != nil {
		t.Fatal(err)
	}
	bus := &event.Bus{}
	event.On(bus, func(_ context.Context, _ tx.Tx, e event.Change) error { w.changes = append(w.changes, e); return nil })
	event.On(bus, func(_ context.Context, x tx.Tx, _ routing.Changed) error {
		x.AfterCommit(func() { w.rebuilt++ })
		return nil
	})
	models := catalog.NewService(catalogtest.NewStore())
	err = models.Ensure(t.Context(), []catalog.Provider{{ID: id.New(), Key: "openai", Type: "openai"}}, []catalog.BaseModel{{
		ID: id.New(), CanonicalKey: "openai/gpt-4o", ProviderKey: "openai", ProviderModelName: "gpt-4o", Alias: "gpt-4o",
		DisplayName: "GPT-4o", Types: []inference.ModelType{"chat"}, Capabilities: json.RawMessage(`{"contextWindow":128000}`),
		BaseBillingConfig: json.RawMessage(`{"currency":"USD","rules":[]}`), Status: "active",
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = routing.NewService(routing.Parts{
		Store: w.store, Catalog: models, Adapters: routingtest.Adapters{}, Bus: bus, Box: w.box,
		Now: clock.NewManual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)).Now,
	})
	return w
}

func draft() routing.NewPlatform {
	return routing.NewPlatform{Provider: "openai", Name: "My OpenAI", Credentials: json.RawMessage(`{"apiKey":"sk-secret-0123456789"}`)}
}

func TestCreatePlatformFillsInDefaultsAndSeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.CreatePlatform(t.Context(), admin, draft())
	if err != nil {
		t.Fatal(err)
	}
	if p.BaseURL != "https://api.example/v1" || p.AuthType != "bearer" || p.Priority != 100 || p.Discount != money.One ||
		p.Status != routing.Enabled || !strings.HasPrefix(p.Key, "my-openai-") {
		t.Errorf("platform %+v", p)
	}
	c := p.Credentials[0]
	if got := c.Preview["apiKey"]; got != "****6789" {
		t.Errorf("preview %q", got)
	}
	fields, err := routing.Unseal(w.box, &c)
	if err != nil || fields["apiKey"].Reveal() != "sk-secret-0123456789" {
		t.Errorf("unsealed %v, %v", fields, err)
	}
	if w.rebuilt != 1 || w.store.Version != 1 || w.changes[0].Action != "platform.created" {
		t.Errorf("rebuilt %d, version %d, announced %+v", w.rebuilt, w.store.Version, w.changes)
	}
	if shown, err := json.Marshal(w.changes[0].After); err != nil || bytes.Contains(shown, []byte("secret-")) {
		t.Errorf("the announcement holds the secret: %s, %v", shown, err)
	}
}

func TestCreatePlatformRefuses(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, c := range map[string]struct {
		change     func(*routing.NewPlatform)
		code, path string
	}{
		"provider":        {func(p *routing.NewPlatform) { p.Provider = "nobody" }, "provider_unknown", "provider"},
		"no name":         {func(p *routing.NewPlatform) { p.Name = "" }, "invalid_parameter", "name"},
		"relative URL":    {func(p *routing.NewPlatform) { p.BaseURL = "/v1" }, "invalid_parameter", "baseUrl"},
		"file URL":        {func(p *routing.NewPlatform) { p.BaseURL = "file:///etc/passwd" }, "invalid_parameter", "baseUrl"},
		"user in URL":     {func(p *routing.NewPlatform) { p.BaseURL = "https://u:p@host/" }, "invalid_parameter", "baseUrl"},
		"auth type":       {func(p *routing.NewPlatform) { p.AuthType = "basic" }, "invalid_parameter", "authType"},
		"no discount":     {func(p *routing.NewPlatform) { p.Discount = "0" }, "invalid_parameter", "defaultDiscountFactor"},
		"negative":        {func(p *routing.NewPlatform) { p.Discount = "-1" }, "invalid_parameter", "defaultDiscountFactor"},
		"too exact":       {func(p *routing.NewPlatform) { p.Discount = "0.1234567891" }, "invalid_parameter", "defaultDiscountFactor"},
		"status":          {func(p *routing.NewPlatform) { p.Status = "gone" }, "invalid_parameter", "status"},
		"unknown field":   {func(p *routing.NewPlatform) { p.Credentials = raw(`{"apiKey":"k","other":"x"}`) }, "invalid_parameter", "credentials.other"},
		"missing field":   {func(p *routing.NewPlatform) { p.Credentials = raw(`{"region":"eu"}`) }, "invalid_parameter", "credentials.apiKey"},
		"masked":          {func(p *routing.NewPlatform) { p.Credentials = raw(`{"apiKey":"****1234"}`) }, "invalid_parameter", "credentials.apiKey"},
		"not a text":      {func(p *routing.NewPlatform) { p.Credentials = raw(`{"apiKey":5}`) }, "invalid_parameter", "credentials.apiKey"},
		"not an object":   {func(p *routing.NewPlatform) { p.Credentials = raw(`["k"]`) }, "invalid_parameter", "credentials"},
		"keys and more":   {func(p *routing.NewPlatform) { p.Credentials = raw(`{"keys":[],"apiKey":"k"}`) }, "invalid_parameter", "credentials"},
		"no keys":         {func(p *routing.NewPlatform) { p.Credentials = raw(`{"keys":[]}`) }, "invalid_parameter", "credentials.keys"},
		"unknown in keys": {func(p *routing.NewPlatform) { p.Credentials = raw(`{"keys":[{"key":"k","x":1}]}`) }, "invalid_parameter", "credentials.keys[0].x"},
		"bad weight":      {func(p *routing.NewPlatform) { p.Credentials = raw(`{"keys":[{"key":"k","weight":-1}]}`) }, "invalid_parameter", "credentials.keys[0].weight"},
		"empty key":       {func(p *routing.NewPlatform) { p.Credentials = raw(`{"keys":[{"key":""}]}`) }, "invalid_parameter", "credentials.keys[0].key"},
		"adapter refuses": {func(p *routing.NewPlatform) { p.Credentials = raw(`{"apiKey":"bad"}`) }, "provider_config_invalid", "credentials.apiKey"},
		"config":          {func(p *routing.NewPlatform) { p.Config = raw(`{"unknown":1}`) }, "provider_config_invalid", "config.unknown"},
		"policy key":      {func(p *routing.NewPlatform) { p.RateLimitPolicy = raw(`{"rpmm":1}`) }, "invalid_parameter", "rateLimitPolicy.rpmm"},
		"policy value":    {func(p *routing.NewPlatform) { p.RetryPolicy = raw(`{"on":["weather"]}`) }, "invalid_parameter", "retryPolicy.on[0]"},
		"per credential":  {func(p *routing.NewPlatform) { p.RateLimitPolicy = raw(`{"credential":{"rpm":0}}`) }, "invalid_parameter", "rateLimitPolicy.credential.rpm"},
		"window":          {func(p *routing.NewPlatform) { p.RateLimitPolicy = raw(`{"windows":[{"metric":"bananas"}]}`) }, "invalid_parameter", "rateLimitPolicy.windows[0].metric"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), draft()
			c.change(&in)
			_, err := w.CreatePlatform(t.Context(), admin, in)
			if f := fault.From(err); f == nil || f.Code != c.code || f.Path != c.path {
				t.Errorf("got %v, want %s at %q", err, c.code, c.path)
			}
			if len(w.store.Platforms) != 0 || w.rebuilt != 0 {
				t.Error("something was kept")
			}
		})
	}
}

func TestCredentialsPreviewKeepsTheShape(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), draft()
	in.Credentials = json.RawMessage(`{"keys":[{"name":"a","key":"sk-aaaaaaaaaaaa","weight":3},{"key":"sk-bbbbbbbbbbbb"}]}`)
	p, err := w.CreatePlatform(t.Context(), admin, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(p.CredentialsPreview())
	want := `{"keys":[{"key":"****aaaa","name":"a","status":"enabled","weight":3},{"key":"****bbbb","name":"key-2","status":"enabled","weight":1}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestServiceAccountMayBeAnObject(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), draft()
	in.Credentials = json.RawMessage(`{"apiKey":"k","serviceAccount":{ "type": "x" }}`)
	p, err := w.CreatePlatform(t.Context(), admin, in)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := routing.Unseal(w.box, &p.Credentials[0])
	if err != nil || fields["serviceAccount"].Reveal() != `{"type":"x"}` {
		t.Errorf("%v", err)
	}
}

func TestCreateModelTakesDefaultsFromTheCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.CreatePlatform(t.Context(), admin, draft())
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.CreateModel(t.Context(), admin, routing.NewModel{PlatformID: p.ID, CanonicalModelKey: "openai/gpt-4o", Alias: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Alias != "mine" || m.ProviderModelName != "gpt-4o" || m.DisplayName != "GPT-4o" || !slices.Equal(m.Types, []inference.ModelType{"chat"}) ||
		string(m.Capabilities) != `{}` || string(m.BillingConfig) != `{}` || m.BaseModelID.IsZero() || !m.Enabled {
		t.Errorf("model %+v", m)
	}
	if _, err := w.CreateModel(t.Context(), admin, routing.NewModel{PlatformID: p.ID, CanonicalModelKey: "openai/gpt-4o", Alias: "mine"}); !errors.Is(err, routing.ErrRoute) {
		t.Errorf("twice: %v", err)
	}
}

func TestCreateModelRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.CreatePlatform(t.Context(), admin, draft())
	if err != nil {
		t.Fatal(err)
	}
	for path, in := range map[string]routing.NewModel{
		"modelType":                           {ProviderModelName: "x"},
		"modelType[1]":                        {ProviderModelName: "x", Types: []string{"chat", "poem"}},
		"providerModelName":                   {Types: []string{"chat"}},
		"modelAlias":                          {ProviderModelName: "x", Types: []string{"chat"}, Alias: "two words"},
		"canonicalModelKey":                   {CanonicalModelKey: "nobody/nothing"},
		"baseModelId":                         {BaseModelID: id.New()},
		"discountFactor":                      {ProviderModelName: "x", Types: []string{"chat"}, Discount: "1e-10"},
		"capabilities.wings":                  {ProviderModelName: "x", Types: []string{"chat"}, Capabilities: json.RawMessage(`{"wings":2}`)},
		"billingConfig.rules[0].basePrice":    {ProviderModelName: "x", Types: []string{"chat"}, BillingConfig: json.RawMessage(`{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":-1}]}`)},
		"runtimePolicyOverride.retryPolicy.x": {ProviderModelName: "x", Types: []string{"chat"}, RuntimePolicyOverride: json.RawMessage(`{"retryPolicy":{"x":1}}`)},
	} {
		in.PlatformID = p.ID
		if _, err := w.CreateModel(t.Context(), admin, in); fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := w.CreateModel(t.Context(), admin, routing.NewModel{PlatformID: id.New()}); !errors.Is(err, routing.ErrPlatform) {
		t.Errorf("unknown platform: %v", err)
	}
}

func TestConnectKeepsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.Connect(t.Context(), admin, draft(), []string{"gpt-4o", "my-embed-1"})
	if err != nil || len(c.Models) != 2 || w.rebuilt != 1 {
		t.Fatalf("connection %+v, %v, rebuilt %d", c, err, w.rebuilt)
	}
	if m := c.Models[1]; m.Alias != "my-embed-1" || !slices.Equal(m.Types, []inference.ModelType{"embedding"}) || !m.BaseModelID.IsZero() {
		t.Errorf("a model that the catalogue does not know: %+v", m)
	}
	if c.Models[0].BaseModelID.IsZero() {
		t.Error("a model of the catalogue was not recognised")
	}
	_, err = w.Connect(t.Context(), admin, draft(), []string{"a", "a"})
	if f := fault.From(err); !errors.Is(err, routing.ErrRoute) || f.Path != "models[1]" {
		t.Errorf("twice the same: %v", err)
	}
	if len(w.store.Platforms) != 1 || w.rebuilt != 1 {
		t.Errorf("%d platforms, rebuilt %d", len(w.store.Platforms), w.rebuilt)
	}
}

func TestReplacePlatformKeepsCredentialsThatAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, err := w.CreatePlatform(t.Context(), admin, draft())
	if err != nil {
		t.Fatal(err)
	}
	in := draft()
	in.Credentials, in.Name, in.Discount = nil, "Renamed", "0.5"
	next, err := w.ReplacePlatform(t.Context(), admin, old.ID, in)
	if err != nil || next.Name != "Renamed" || next.ID != old.ID || next.Key != old.Key || next.Credentials[0].ID != old.Credentials[0].ID {
		t.Fatalf("replaced %+v, %v", next, err)
	}
	in.Credentials = json.RawMessage(`{"apiKey":"sk-another-9876543210"}`)
	if next, err = w.ReplacePlatform(t.Context(), admin, old.ID, in); err != nil || next.Credentials[0].Preview["apiKey"] != "****3210" ||
		next.Credentials[0].PlatformID != old.ID {
		t.Fatalf("with a new key: %+v, %v", next, err)
	}
	in.Credentials = json.RawMessage(`{"apiKey":"****3210"}`)
	if _, err := w.ReplacePlatform(t.Context(), admin, old.ID, in); fault.From(err) == nil || fault.From(err).Path != "credentials.apiKey" {
		t.Errorf("with a masked key: %v", err)
	}
	in.Credentials, in.Config = nil, json.RawMessage(`{"unknown":1}`)
	if _, err := w.ReplacePlatform(t.Context(), admin, old.ID, in); !errors.Is(err, routingtest.ErrConfig) {
		t.Errorf("kept credentials with other settings: %v", err)
	}
	if _, err := w.ReplacePlatform(t.Context(), admin, id.New(), draft()); !errors.Is(err, routing.ErrPlatform) {
		t.Errorf("unknown: %v", err)
	}
	if w.rebuilt != 3 {
		t.Errorf("rebuilt %d times", w.rebuilt)
	}
}

func TestDeletePlatformTakesItsRoutesAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.Connect(t.Context(), admin, draft(), []string{"gpt-4o"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeletePlatform(t.Context(), admin, c.Platform.ID); err != nil {
		t.Fatal(err)
	}
	platforms, _ := w.Platforms(t.Context())
	models, _ := w.Models(t.Context(), id.ID{})
	if len(platforms) != 0 || len(models) != 0 || w.rebuilt != 2 {
		t.Errorf("%d platforms, %d models, rebuilt %d", len(platforms), len(models), w.rebuilt)
	}
	if err := w.DeletePlatform(t.Context(), admin, c.Platform.ID); !errors.Is(err, routing.ErrPlatform) {
		t.Errorf("twice: %v", err)
	}
}
