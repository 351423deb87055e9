package routing

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Parts are what the service works with; all are required.
type Parts struct {
	Store    Store
	Catalog  *catalog.Service
	Adapters Adapters
	Bus      *event.Bus
	Box      *secret.Box // purpose "credential"
	Now      clock.Clock
	Params   ParamRules // nil: schemas and overrides of parameters are only known to be objects
}

// Service changes platforms and their models and reads them back.
type Service struct{ Parts }

// NewService returns a service.
func NewService(p Parts) *Service { return &Service{p} }

// Platforms lists all platforms with their credentials, sealed.
func (s *Service) Platforms(ctx context.Context) ([]Platform, error) {
	return s.Store.PlatformList(ctx)
}

// PlatformsOf lists the platforms of the actor's tenant.
func (s *Service) PlatformsOf(ctx context.Context, by event.Actor) ([]Platform, error) {
	return s.Store.PlatformListOf(ctx, by.TenantID)
}

// ModelsOf lists the routes of the platforms of the actor's tenant.
func (s *Service) ModelsOf(ctx context.Context, by event.Actor) ([]PlatformModel, error) {
	return s.Store.ModelListOf(ctx, by.TenantID)
}

// Models lists the routes of a platform, or of all when platform is zero.
func (s *Service) Models(ctx context.Context, platform id.ID) ([]PlatformModel, error) {
	return s.Store.ModelList(ctx, platform)
}

// CreatePlatform adds a platform. Codes: provider_unknown, invalid_parameter with the path, platform_key_taken, and what
// the adapter says of its fields.
func (s *Service) CreatePlatform(ctx context.Context, by event.Actor, in NewPlatform) (Platform, error) {
	p, err := s.newPlatform(by, in)
	if err == nil {
		err = s.checkSets(ctx, p.PricingRuleSetID, id.ID{})
	}
	if err != nil {
		return Platform{}, err
	}
	return p, s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := s.insertPlatformTx(ctx, t, by, &p); err != nil {
			return err
		}
		return s.changedTx(ctx, t)
	})
}

// CreateModel adds a route. Codes: not_found (the platform), base_model_unknown, platform_model_exists,
// invalid_parameter and price_* with the path.
func (s *Service) CreateModel(ctx context.Context, by event.Actor, in NewModel) (PlatformModel, error) {
	var m PlatformModel
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		p, err := s.stored(ctx, t, by, in.PlatformID)
		if err != nil {
			return err
		}
		if m, err = s.model(ctx, &p, in); err != nil {
			return err
		}
		present, err := s.Store.ModelList(ctx, p.ID)
		if err != nil {
			return err
		}
		if m.isAmong(present) {
			return ErrRoute
		}
		if err := s.insertModelTx(ctx, t, by, &m); err != nil {
			return err
		}
		return s.changedTx(ctx, t)
	})
	return m, err
}

// Connection is a platform with its models.
type Connection struct {
	Platform Platform
	Models   []PlatformModel
}

// Connect adds a platform and routes for the named models of the upstream in one transaction: nothing is kept when any of
// them is refused. Codes: those of CreatePlatform and CreateModel.
func (s *Service) Connect(ctx context.Context, by event.Actor, in NewPlatform, models []string) (Connection, error) {
	c, err := s.prepare(ctx, by, in, models)
	if err != nil {
		return Connection{}, err
	}
	return c, s.Store.InTx(ctx, func(t tx.Tx) error { return s.ConnectTx(ctx, t, by, &c) })
}

// prepare is Connect without writing.
func (s *Service) prepare(ctx context.Context, by event.Actor, in NewPlatform, models []string) (Connection, error) {
	p, err := s.newPlatform(by, in)
	if err != nil {
		return Connection{}, err
	}
	c := Connection{Platform: p, Models: make([]PlatformModel, 0, len(models))}
	for i, name := range models {
		m, err := s.upstreamModel(ctx, &p, name)
		if err == nil && m.isAmong(c.Models) {
			err = ErrRoute
		}
		if f := fault.From(err); f != nil {
			return Connection{}, f.At(indexed("models", i))
		}
		c.Models = append(c.Models, m)
	}
	return c, nil
}

// ConnectTx writes a prepared connection.
func (s *Service) ConnectTx(ctx context.Context, t tx.Tx, by event.Actor, c *Connection) error {
	if err := s.insertPlatformTx(ctx, t, by, &c.Platform); err != nil {
		return err
	}
	for i := range c.Models {
		if err := s.insertModelTx(ctx, t, by, &c.Models[i]); err != nil {
			return err
		}
	}
	return s.changedTx(ctx, t)
}

func (s *Service) insertPlatformTx(ctx context.Context, t tx.Tx, by event.Actor, p *Platform) error {
	err := s.Store.PlatformInsert(ctx, t, p)
	if errors.Is(err, fault.ErrConflict) {
		return ErrKeyTaken
	}
	if err != nil {
		return err
	}
	return s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "platform", Action: "platform.created", TargetType: "platform", TargetID: p.ID.String(),
		TargetTenantID: p.TenantID, After: viewPlatform(p),
	})
}

func (s *Service) insertModelTx(ctx context.Context, t tx.Tx, by event.Actor, m *PlatformModel) error {
	if err := s.Store.ModelInsert(ctx, t, m); err != nil {
		return err
	}
	return s.announceModelTx(ctx, t, by, "platform_model.created", m.ID, nil, viewModel(m))
}

// changedTx tells this node and, by the version, the others.
func (s *Service) changedTx(ctx context.Context, t tx.Tx) error {
	if err := s.Store.ConfigChanged(ctx, t); err != nil {
		return err
	}
	return s.Bus.Announce(ctx, t, Changed{})
}

// platformView is how a platform stands in the audit log: credentials masked.
type platformView struct {
	Provider    string          `json:"provider"`
	Key         string          `json:"platformKey"`
	Name        string          `json:"name"`
	BaseURL     string          `json:"baseUrl"`
	AuthType    string          `json:"authType"`
	Priority    int64           `json:"priority"`
	Discount    string          `json:"defaultDiscountFactor"`
	Status      Status          `json:"status"`
	Owner       Owner           `json:"owner"`
	Credentials map[string]any  `json:"credentialsPreview"`
	RateLimit   json.RawMessage `json:"rateLimitPolicy,omitempty"`
	Retry       json.RawMessage `json:"retryPolicy,omitempty"`
}

func viewPlatform(p *Platform) platformView {
	return platformView{
		p.Provider, p.Key, p.Name, p.BaseURL, p.AuthType, p.Priority, p.Discount.Text(), p.Status, p.Owner(),
		p.CredentialsPreview(), p.RateLimitPolicy, p.RetryPolicy,
	}
}

type modelView struct {
	PlatformID        id.ID           `json:"platformId"`
	Alias             string          `json:"modelAlias"`
	ProviderModelName string          `json:"providerModelName"`
	BillingConfig     json.RawMessage `json:"billingConfig,omitempty"`
	Discount          string          `json:"discountFactor"`
	Enabled           bool            `json:"enabled"`
}

func viewModel(m *PlatformModel) modelView {
	return modelView{m.PlatformID, m.Alias, m.ProviderModelName, m.BillingConfig, m.Discount.Text(), m.Enabled}
}
