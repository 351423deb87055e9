package relay

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Sources are what a snapshot is compiled of.
type Sources struct {
	Version    int64
	Platforms  []routing.Platform
	Models     []routing.PlatformModel
	BaseModels []catalog.BaseModel
	// RuleSets are all versions of all rule sets that are in force at Now, or will be.
	RuleSets []pricing.RuleSet
	// PolicySets and Runner are the stored policies; Runner is nil where there is none.
	PolicySets []routing.PolicySet
	Runner     *routing.RunnerPolicy
	// Health outlives snapshots; nil: everything is well, and nobody remembers what was not.
	Health *routing.Health
	// ModelRoutes are where requests go instead; those of the tenant DefaultTenant are for all that have none of their own.
	ModelRoutes   []routing.ModelRoute
	DefaultTenant id.ID
	// AccessRules say who may use what; those of DefaultTenant bind everybody.
	AccessRules []access.Rule
	Now         time.Time
	Adapters    map[string]provider.Adapter
	// Codecs translate between chat protocols. Of those that an upstream speaks, the first is the one it is asked in by
	// callers who speak none of them.
	Codecs []wire.UpstreamCodec
	// EmbeddingCodecs do so between protocols of embeddings.
	EmbeddingCodecs []wire.EmbeddingCodec
	// Clock is the time of answers that have none; nil: it stands still at Now.
	Clock func() time.Time
	// Unseal opens a credential.
	Unseal func(*routing.Credential) (map[string]secret.String, error)
	// Transport makes a platform's HTTP calls.
	Transport func(*routing.Platform) http.RoundTripper
	Log       *slog.Logger
}

// Compile makes a snapshot. What cannot be compiled is left out and logged: one bad row must not stop the others.
func Compile(src Sources) *Snapshot {
	c := compiler{Sources: src, book: pricing.NewBook(src.RuleSets), bases: map[id.ID]*catalog.BaseModel{}}
	for i := range src.BaseModels {
		c.bases[src.BaseModels[i].ID] = &src.BaseModels[i]
	}
	if c.Health == nil {
		c.Health = &routing.Health{}
	}
	c.policies = routing.NewPolicyBook(src.PolicySets)
	c.rules = access.Compile(src.AccessRules, src.DefaultTenant, c.unreadable)
	s := &Snapshot{
		Version: src.Version, routes: map[string]*Route{}, engines: map[inference.ModelType]*Target{}, runner: c.runner(),
	}
	for i := range src.Platforms {
		c.platform(s, &src.Platforms[i])
	}
	for _, r := range s.routes {
		r.settle()
	}
	c.forwards(s)
	return s
}

type compiler struct {
	Sources
	book     *pricing.Book
	bases    map[id.ID]*catalog.BaseModel
	policies *routing.PolicyBook
	rules    *access.Book
	settings settings // of the platform that is being compiled
}

// runner compiles the runner policy. One that cannot be read counts as if it were not there.
func (c *compiler) runner() *routing.Runner {
	if c.Runner == nil {
		return routing.DefaultRunner()
	}
	r, err := routing.ParseRunner(*c.Runner)
	if err != nil {
		c.Log.Error("runner policy left out", "error", err)
		return routing.DefaultRunner()
	}
	return r
}

// opened is a platform opened with one credential.
type opened struct {
	upstream   provider.Upstream
	credential routing.Credential
}

func (c *compiler) platform(s *Snapshot, p *routing.Platform) {
	if p.Status != routing.Enabled {
		return
	}
	adapter, ok := c.Adapters[p.Provider]
	if !ok {
		c.Log.Error("platform left out: no adapter", "platform", p.Name, "provider", p.Provider)
		return
	}
	var err error
	if c.settings, err = readSettings(p); err != nil {
		c.Log.Error("platform left out: settings", "platform", p.Name, "error", err)
		return
	}
	keys := c.open(p, adapter)
	for i := range c.Models {
		if m := &c.Models[i]; m.PlatformID == p.ID && m.Enabled {
			c.model(s, p, m, adapter.Describe(), keys)
		}
	}
}

func (c *compiler) open(p *routing.Platform, adapter provider.Adapter) []opened {
	credentials := p.Credentials
	if len(credentials) == 0 {
		credentials = []routing.Credential{{Status: routing.Enabled, Weight: 1}}
	}
	var out []opened
	for _, cr := range credentials {
		if cr.Status != routing.Enabled && cr.Status != routing.AutoDisabled {
			continue // what a policy disabled comes back by itself
		}
		up, err := c.openWith(p, &cr, adapter)
		if err != nil {
			c.Log.Error("credential left out", "platform", p.Name, "credential", cr.ID, "error", err)
			continue
		}
		out = append(out, opened{up, cr})
	}
	return out
}

func (c *compiler) openWith(p *routing.Platform, cr *routing.Credential, adapter provider.Adapter) (provider.Upstream, error) {
	var fields map[string]secret.String
	if len(cr.Sealed) > 0 {
		var err error
		if fields, err = c.Unseal(cr); err != nil {
			return nil, err
		}
	}
	return adapter.Open(provider.Account{
		BaseURL: p.BaseURL, AuthType: p.AuthType, Credential: fields, Config: c.settings.Adapter,
		Headers: c.settings.Headers, Transport: c.Transport(p),
	})
}

func (c *compiler) model(
	s *Snapshot, p *routing.Platform, m *routing.PlatformModel, d provider.Description, keys []opened,
) {
	base := c.bases[m.BaseModelID]
	m = c.settings.renamed(m)
	proto := Target{Platform: p, Model: m, Dialects: d.Dialects, Simulated: d.Simulated, Types: m.Types}
	if err := proto.limit(base, c.rateSets(p, m, base)); err != nil {
		c.Log.Error("model left out: its rate limits", "platform", p.Name, "model", m.Alias, "error", err)
		return
	}
	c.resilience(&proto, base)
	proto.rules = c.rules.Gate(m.ID, p.ID, m.BaseModelID)
	proto.Capabilities = capabilities(base, m)
	c.shape(&proto)
	proto.ContextWindow, proto.MaxOutput = proto.Capabilities.ContextWindow, proto.Capabilities.MaxOutputTokens
	if proto.Schedule, proto.PriceError = c.schedule(p, m, base, d.Simulated); proto.PriceError != nil {
		c.Log.Warn("model cannot be priced", "platform", p.Name, "model", m.Alias, "error", proto.PriceError)
	}
	r := s.routes[m.Alias]
	if r == nil {
		r = &Route{Alias: m.Alias, DisplayName: m.DisplayName, OwnedBy: p.Provider, Created: m.CreatedAt}
		s.routes[m.Alias] = r
	}
	proto.strategy = c.settings.KeyStrategy
	for _, a := range keys {
		t := proto
		t.Upstream, t.CredentialID, t.Weight = a.upstream, a.credential.ID, a.credential.Weight
		t.Limits = limitsWith(proto.Limits, t.CredentialID)
		t.keyUnit = c.Health.Unit(routing.UnitCredential, t.keyID(), p.ID)
		if sh, ok := a.upstream.(provider.Shaper); ok {
			t.Shape = sh.Shape()
		}
		t.bridges, t.mends = c.bridges(&t), c.mends(&t)
		r.Targets = append(r.Targets, &t)
		s.engine(&t)
	}
}

// keyID names the health of a target's credential; the platform's where it has none.
func (t *Target) keyID() id.ID {
	if t.CredentialID.IsZero() {
		return t.Platform.ID
	}
	return t.CredentialID
}

// engine notes the first simulated target of each type as the one that simulated requests are sent to.
func (s *Snapshot) engine(t *Target) {
	if !t.Simulated {
		return
	}
	for _, typ := range t.Types {
		if s.engines[typ] == nil {
			s.engines[typ] = t
		}
	}
}

// settle orders a route's targets and sums up what they have in common.
func (r *Route) settle() {
	slices.SortStableFunc(r.Targets, byPriority)
	r.Simulated = len(r.Targets) > 0
	for _, t := range r.Targets {
		r.Simulated = r.Simulated && t.Simulated
		for _, typ := range t.Types {
			if !r.Types.Has(typ) {
				r.Types = append(r.Types, typ)
			}
		}
	}
	r.lanes = map[inference.API]*lane{}
	for _, t := range r.Targets {
		for api := range t.apis() {
			if r.lanes[api] == nil {
				r.lanes[api] = newLane(r.Targets, api)
			}
		}
	}
}

// rateSets are the sets' policies, of which limit takes the first that says anything.
func (c *compiler) rateSets(p *routing.Platform, m *routing.PlatformModel, base *catalog.BaseModel) ratePolicySets {
	of := func(set id.ID) json.RawMessage { return c.policies.RateLimit(set) }
	out := ratePolicySets{model: of(m.RuntimePolicySetID), platform: of(p.RuntimePolicySetID), standard: c.policies.DefaultRateLimit()}
	if base != nil {
		out.base = of(base.RuntimePolicySetID)
	}
	return out
}

// resilience gives a target its policies and its health.
func (c *compiler) resilience(t *Target, base *catalog.BaseModel) {
	var err error
	if t.Policies, err = c.policies.Of(t.Platform, t.Model, base); err != nil {
		c.Log.Error("policies left out", "platform", t.Platform.Name, "model", t.Model.Alias, "error", err)
	}
	t.platformUnit = c.Health.Unit(routing.UnitPlatform, t.Platform.ID, t.Platform.ID)
	t.modelUnit = c.Health.Unit(routing.UnitModel, t.Model.ID, t.Platform.ID)
}

// capabilities are the base model's, overridden member by member by the platform model's.
func capabilities(base *catalog.BaseModel, m *routing.PlatformModel) catalog.Capabilities {
	var out catalog.Capabilities
	if base != nil {
		_ = json.Unmarshal(base.Capabilities, &out)
	}
	for _, raw := range []json.RawMessage{m.Capabilities, m.CapabilityOverride} {
		if len(raw) > 0 {
			_ = json.Unmarshal(raw, &out)
		}
	}
	return out
}

// schedule finds the rules that price a model and compiles them with the operator's discounts.
// Precedence: DESIGN section 9.
func (c *compiler) schedule(
	p *routing.Platform, m *routing.PlatformModel, base *catalog.BaseModel, simulated bool,
) (*pricing.Schedule, error) {
	factors := pricing.Discounts{Platform: p.Discount, PlatformModel: m.Discount}.Named()
	s, err := c.effective(p, m, base, factors)
	if err != nil {
		return nil, err
	}
	if simulated {
		s = s.Simulated()
	}
	return s, nil
}

// effective compiles the first rules that there are, from the most to the least specific place.
func (c *compiler) effective(
	p *routing.Platform, m *routing.PlatformModel, base *catalog.BaseModel, factors []pricing.NamedFactor,
) (*pricing.Schedule, error) {
	if rules, err := firstConfig(m.BillingConfigOverride, m.BillingConfig); len(rules) > 0 || err != nil {
		return compileRules(rules, err, factors)
	}
	sets := []id.ID{m.PricingRuleSetID, p.PricingRuleSetID}
	if base != nil {
		sets = append(sets, base.PricingRuleSetID)
	}
	for _, set := range sets {
		if c.book.Has(set) {
			return c.book.Schedule(set, c.Now, factors...)
		}
	}
	if base != nil {
		if rules, err := pricing.ParseConfig(base.BaseBillingConfig); len(rules) > 0 || err != nil {
			return compileRules(rules, err, factors)
		}
	}
	return c.book.Schedule(c.book.Default(), c.Now, factors...)
}

func compileRules(rules []pricing.Rule, err error, factors []pricing.NamedFactor) (*pricing.Schedule, error) {
	if err != nil {
		return nil, err
	}
	return pricing.Compile(rules, factors...)
}

func firstConfig(raws ...json.RawMessage) ([]pricing.Rule, error) {
	for _, raw := range raws {
		if rules, err := pricing.ParseConfig(raw); len(rules) > 0 || err != nil {
			return rules, err
		}
	}
	return nil, nil
}
