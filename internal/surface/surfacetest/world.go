// Package surfacetest builds the core around a surface under test, sends it requests as different people, and holds its
// answers against the surface's contract and against golden files.
package surfacetest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/access/accesstest"
	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/catalog/catalogtest"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/pricing/pricingtest"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/routing/routingtest"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// Password is everybody's.
const Password = "correct horse"

// World is the core with some people in it.
type World struct {
	*identitytest.World
	Routing *routing.Service
	Catalog *catalog.Service
	Access  *access.Service
	Pricing *pricing.Service
	Prices  *pricingtest.Store
	Runtime *Runtime
	// Catalogue changes the catalogue.
	Catalogue *catalog.Editor
	// Store is the storage of routing when it is in memory; nil otherwise.
	Store   *routingtest.Store
	Wallets *Wallets
	Tasks   *Tasks
	Audit   *Audit
	Log     *slog.Logger
	// Logged is what was logged.
	Logged *SafeBuffer
	// Handler is the surface under test; requests go to it.
	Handler http.Handler

	t        testing.TB
	box      *secret.Box
	users    map[string]identity.User
	headers  map[string]string
	snapshot *relay.Snapshot
	routes   routing.Store
	rules    access.Store
	now      func() time.Time
}

// Storage is where a world keeps what is configured.
type Storage struct {
	Identity identity.Store
	Settings identity.Settings
	Catalog  catalog.Store
	Routing  routing.Store
	Access   access.Store
}

// New returns a world with the users "user", "other", "admin", "operator", "finance", "support", the keys "key" (scope *),
// "chat-key" and "tasks-key" of user and "admin-key" of admin, and a small catalogue, all in memory. Requests are made as
// one of them, or as "" for nobody.
func New(tb testing.TB, c identity.Config) *World {
	tb.Helper()
	people := identitytest.New(tb, c)
	s := memory(tb)
	s.Identity = people.Fake
	rules, _ := s.Access.(*accesstest.Store)
	routes, _ := s.Routing.(*routingtest.Store)
	models, _ := s.Catalog.(*catalogtest.Store)
	rules.Subject = func(kind access.SubjectType, v id.ID) (access.Subject, bool) { return subject(people.Fake, kind, v) }
	rules.Resource = func(kind access.ResourceType, v id.ID) bool { return resource(routes, models, kind, v) }
	return newWorld(tb, people, s)
}

// NewOn is New with what identity keeps in the given storage.
func NewOn(tb testing.TB, c identity.Config, s identity.Store, settings identity.Settings) *World {
	tb.Helper()
	return newWorld(tb, identitytest.On(tb, c, s, settings, nil), memory(tb))
}

// memory is storage in memory, for all but identity.
func memory(tb testing.TB) Storage {
	tb.Helper()
	routes, models := routingtest.NewStore(), catalogtest.NewStore()
	models.Routes = func() (out []id.ID) {
		for i := range routes.Models {
			out = append(out, routes.Models[i].BaseModelID)
		}
		return out
	}
	models.Platforms = func() (out []string) {
		platforms, _ := routes.PlatformList(tb.Context())
		for i := range platforms {
			out = append(out, platforms[i].Provider)
		}
		return out
	}
	return Storage{Catalog: models, Routing: routes, Access: accesstest.NewStore()}
}

// On returns the world of New on other storage.
func On(tb testing.TB, c identity.Config, s Storage) *World {
	tb.Helper()
	return newWorld(tb, identitytest.On(tb, c, s.Identity, s.Settings, nil), s)
}

func newWorld(tb testing.TB, people *identitytest.World, s Storage) *World {
	tb.Helper()
	w := &World{
		World: people, Logged: &SafeBuffer{}, t: tb, users: map[string]identity.User{}, headers: map[string]string{"": ""},
		snapshot: &relay.Snapshot{}, routes: s.Routing, rules: s.Access, now: people.Clock.Now,
	}
	w.Store, _ = s.Routing.(*routingtest.Store)
	w.Log = slog.New(slog.NewTextHandler(w.Logged, nil))
	w.Audit = &Audit{}
	audit.Listen(w.Bus, w.Audit, w.Clock.Now)
	w.Wallets, w.Tasks = &Wallets{w: w}, &Tasks{Listed: make(chan struct{}, 1)}
	w.Catalog = catalog.NewService(s.Catalog)
	w.fillCatalogue()
	var err error
	if w.box, err = secret.NewBox(bytes.Repeat([]byte{9}, secret.KeySize), "credential"); err != nil {
		tb.Fatal(err)
	}
	w.Routing = routing.NewService(routing.Parts{
		Store: s.Routing, Catalog: w.Catalog, Adapters: routingtest.Adapters{}, Bus: w.Bus, Box: w.box, Now: w.Clock.Now,
	})
	w.Access = access.NewService(access.Parts{Store: s.Access, Bus: w.Bus, Now: w.Clock.Now, Operator: w.operator})
	w.Catalogue = catalog.NewEditor(catalog.EditorParts{
		Store: s.Catalog, Rules: routing.CatalogRules{}, Bus: w.Bus, Now: w.Clock.Now,
	})
	event.On(w.Bus, w.Routing.OnCatalogChanged)
	w.Prices, w.Runtime = pricingtest.NewStore(), &Runtime{}
	w.Pricing = pricing.NewService(pricing.Parts{Store: w.Prices, Bus: w.Bus, Now: w.Clock.Now})
	event.On(w.Bus, func(_ context.Context, x tx.Tx, _ pricing.Changed) error {
		x.AfterCommit(w.compile)
		return nil
	})
	event.On(w.Bus, func(_ context.Context, x tx.Tx, _ routing.Changed) error {
		x.AfterCommit(w.compile)
		return nil
	})
	event.On(w.Bus, func(_ context.Context, x tx.Tx, _ access.Changed) error {
		x.AfterCommit(w.compile)
		return nil
	})
	return w
}

// operator is the default tenant.
func (w *World) operator(ctx context.Context) (id.ID, error) {
	t, err := w.Service.Store.TenantByKey(ctx, identity.DefaultTenantKey)
	return t.ID, err
}

// Populate makes the people of the world.
func (w *World) Populate() {
	w.t.Helper()
	for name, role := range map[string]identity.Role{
		"user": identity.RoleUser, "other": identity.RoleUser, "admin": identity.RoleAdmin,
		"operator": identity.RoleOperator, "finance": identity.RoleFinance, "support": identity.RoleSupport,
	} {
		w.addUser(name, role)
	}
	w.addKey("key", "user", "*")
	w.addKey("chat-key", "user", "chat")
	w.addKey("tasks-key", "user", "tasks")
	w.addKey("admin-key", "admin", "*")
}

// PopulateTenant makes the tenant "acme" with the users "tenant-admin" and "tenant-user", and the key "tenant-key" of
// the latter.
func (w *World) PopulateTenant() identity.Tenant {
	w.t.Helper()
	key, name := "acme", "Acme"
	acme, err := w.CreateTenant(w.t.Context(), event.Actor{Source: "system"}, identity.TenantChange{Key: &key, Name: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	w.addUserTo(acme.ID, "tenant-admin", identity.RoleAdmin)
	w.addUserTo(acme.ID, "tenant-user", identity.RoleUser)
	w.addKey("tenant-key", "tenant-user", "*")
	return acme
}

func (w *World) addUser(name string, role identity.Role) { w.addUserTo(id.ID{}, name, role) }

func (w *World) addUserTo(tenant id.ID, name string, role identity.Role) {
	user, err := w.CreateUser(w.t.Context(), event.Actor{Source: "system"}, identity.EveryTenant(), identity.NewUser{
		Username: name, Email: name + "@example.com", Password: Password, Roles: []identity.Role{role}, Tenant: tenant,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	in, err := w.Login(w.t.Context(), identity.Client{IP: "192.0.2.1"}, name, Password, identity.SessionGateway)
	if err != nil {
		w.t.Fatal(err)
	}
	w.users[name], w.headers[name] = user, "Bearer "+in.Token
}

func (w *World) addKey(name, owner, scope string) {
	_, text, err := w.CreateKey(w.t.Context(), event.Actor{Source: "system"}, w.users[owner].ID,
		identity.NewKey{Name: name, Scopes: []string{scope}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.headers[name] = "Bearer " + text.Reveal()
}

// User returns one of the users.
func (w *World) User(name string) identity.User { return w.users[name] }

// Authorization returns what one of the people sends as Authorization.
func (w *World) Authorization(name string) string { return w.headers[name] }

// Snapshot is what calls are routed by at the moment.
func (w *World) Snapshot() *relay.Snapshot { return w.snapshot }

// compile makes the snapshot anew, as the program does after a change.
func (w *World) compile() {
	bases, err := w.Catalog.BaseModels(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	platforms, err := w.routes.PlatformList(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	models, err := w.routes.ModelList(context.Background(), id.ID{})
	if err != nil {
		w.t.Error(err)
	}
	rules, err := w.rules.RuleList(context.Background(), nil, access.Query{})
	if err != nil {
		w.t.Error(err)
	}
	operator, err := w.operator(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	routes, err := w.routes.ModelRouteList(context.Background(), id.ID{})
	if err != nil {
		w.t.Error(err)
	}
	sets, err := w.routes.PolicySetList(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	var runner *routing.RunnerPolicy
	if r, err := w.routes.RunnerPolicyGet(context.Background()); err == nil {
		runner = &r
	}
	w.snapshot = relay.Compile(relay.Sources{
		Platforms: platforms, Models: models, ModelRoutes: routes, BaseModels: bases, RuleSets: w.Prices.Versions, AccessRules: rules,
		PolicySets: sets, Runner: runner, DefaultTenant: operator, Now: w.now(),
		Adapters:  map[string]provider.Adapter{"openai": adapter{}},
		Unseal:    func(c *routing.Credential) (map[string]secret.String, error) { return routing.Unseal(w.box, c) },
		Transport: func(*routing.Platform) http.RoundTripper { return http.DefaultTransport }, Log: w.Log,
	})
}

func (w *World) fillCatalogue() {
	now := w.Clock.Now()
	err := w.Catalog.Ensure(w.t.Context(),
		[]catalog.Provider{{
			ID: id.At(now), Key: "openai", Code: "openai", DisplayName: "OpenAI", Type: "openai", Source: "system",
			DefaultBaseURL: "https://api.example/v1", Status: "active", CreatedAt: now, UpdatedAt: now,
		}},
		[]catalog.BaseModel{{
			ID: id.At(now), ProviderKey: "openai", CanonicalKey: "openai/chat-9", ProviderModelName: "chat-9", Alias: "chat-9",
			DisplayName: "Chat 9", Types: []inference.ModelType{inference.TypeChat}, CatalogType: "system", PricingVersion: 1,
			Capabilities: []byte(`{"contextWindow":128000,"maxOutputTokens":4096}`), Status: "active",
			BaseBillingConfig: []byte(`{"currency":"USD","rules":[` +
				`{"resourceType":"text_input","unit":"1m_tokens","basePrice":2.5},` +
				`{"resourceType":"text_output","unit":"1m_tokens","basePrice":10}]}`),
			CreatedAt: now, UpdatedAt: now,
		}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// adapter opens every account and reaches nobody.
type adapter struct{}

func (adapter) Describe() provider.Description {
	return provider.Description{Name: "openai", Dialects: map[inference.Kind]inference.Dialect{
		inference.Chat: inference.OpenAI, inference.Completions: inference.OpenAI, inference.Messages: inference.Anthropic,
	}}
}

func (adapter) Open(provider.Account) (provider.Upstream, error) { return nowhere{}, nil }

type nowhere struct{ provider.Upstream }

// SafeBuffer is a buffer that several goroutines may write to.
type SafeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *SafeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written.
func (b *SafeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// T is the test that the world is for.
func (w *World) T() testing.TB { return w.t }
