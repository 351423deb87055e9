package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Routing implements routing.Store.
type Routing struct{ *database }

var _ routing.Store = (*Routing)(nil)

type platformRow struct {
	bun.BaseModel `bun:"table:platform"`

	Number             int64
	ID                 id.ID
	TenantID           id.ID
	OwnerUserID        id.ID
	Provider           string
	Key                string
	Name               string
	InternalName       string
	BaseURL            string `bun:"base_url"`
	AuthType           string
	Config             document
	ProxySealed        []byte
	Priority           int64
	DynamicPriority    *int64
	Discount           money.Factor
	PricingMode        string
	PricingRuleSetID   id.ID
	RuntimePolicySetID id.ID
	RateLimitPolicy    document
	RetryPolicy        document
	RuntimePolicy      document
	Status             routing.Status
	CooldownUntil      stamp
	Metadata           document
	CreatedAt          stamp
	UpdatedAt          stamp
}

func platformOf(v *routing.Platform) *platformRow {
	return &platformRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, OwnerUserID: v.OwnerUserID, Provider: v.Provider, Key: v.Key,
		Name: v.Name, InternalName: v.InternalName, BaseURL: v.BaseURL, AuthType: v.AuthType, Config: document(v.Config),
		ProxySealed: v.ProxySealed,
		Priority:    v.Priority, DynamicPriority: v.DynamicPriority, Discount: v.Discount, PricingMode: v.PricingMode,
		PricingRuleSetID: v.PricingRuleSetID, RuntimePolicySetID: v.RuntimePolicySetID,
		RateLimitPolicy: document(v.RateLimitPolicy), RetryPolicy: document(v.RetryPolicy),
		RuntimePolicy: document(v.RuntimePolicy), Status: v.Status, CooldownUntil: stampOf(v.CooldownUntil),
		Metadata: document(v.Metadata), CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r platformRow) value() routing.Platform {
	return routing.Platform{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, OwnerUserID: r.OwnerUserID, Provider: r.Provider, Key: r.Key,
		Name: r.Name, InternalName: r.InternalName, BaseURL: r.BaseURL, AuthType: r.AuthType,
		Config: json.RawMessage(r.Config), ProxySealed: r.ProxySealed, Priority: r.Priority, DynamicPriority: r.DynamicPriority, Discount: r.Discount,
		PricingMode: r.PricingMode, PricingRuleSetID: r.PricingRuleSetID, RuntimePolicySetID: r.RuntimePolicySetID,
		RateLimitPolicy: json.RawMessage(r.RateLimitPolicy), RetryPolicy: json.RawMessage(r.RetryPolicy),
		RuntimePolicy: json.RawMessage(r.RuntimePolicy), Status: r.Status, CooldownUntil: r.CooldownUntil.time(),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// PlatformInsert implements routing.Store.
func (s *Routing) PlatformInsert(ctx context.Context, t tx.Tx, v *routing.Platform) error {
	if err := insertNumbered(ctx, in(t), platformOf(v), &v.Number); err != nil {
		return err
	}
	return credentialsInsert(ctx, in(t), v.ID, v.Credentials)
}

// PlatformReplace implements routing.Store.
func (s *Routing) PlatformReplace(ctx context.Context, t tx.Tx, v *routing.Platform) error {
	if err := update(ctx, in(t), platformOf(v), []string{"id", "created_at"}, "id = ?"+present, v.ID); err != nil {
		return err
	}
	return credentialsReplace(ctx, in(t), v.ID, v.Credentials)
}

// PlatformByID implements routing.Store.
func (s *Routing) PlatformByID(ctx context.Context, platform id.ID) (routing.Platform, error) {
	found, err := s.platforms(ctx, "id = ?"+present, "platform_id = ?", platform)
	if err != nil {
		return routing.Platform{}, err
	}
	if len(found) == 0 {
		return routing.Platform{}, fault.ErrNotFound
	}
	return found[0], nil
}

// PlatformList implements routing.Store; the oldest come first.
func (s *Routing) PlatformList(ctx context.Context) ([]routing.Platform, error) {
	return s.platforms(ctx, "status <> 'deleted'", "TRUE")
}

// PlatformListOf implements routing.Store; the oldest come first.
func (s *Routing) PlatformListOf(ctx context.Context, tenant id.ID) ([]routing.Platform, error) {
	return s.platforms(ctx, "tenant_id = ?"+present, "platform_id IN (SELECT id FROM platform WHERE tenant_id = ?)", tenant)
}

// PlatformLock implements routing.Store.
func (s *Routing) PlatformLock(ctx context.Context, t tx.Tx, tenant, platform id.ID) (routing.Platform, error) {
	found, err := locked[routing.Platform, platformRow](ctx, s.database, t, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("id = ? AND tenant_id = ?"+present, platform, tenant)
	})
	if err == nil && len(found) == 0 {
		err = fault.ErrNotFound
	}
	if err != nil {
		return routing.Platform{}, err
	}
	err = credentialsInto(ctx, in(t), found, "platform_id = ?", platform)
	return found[0], err
}

// PlatformPrioritySet implements routing.Store.
func (s *Routing) PlatformPrioritySet(ctx context.Context, t tx.Tx, v *routing.Platform) error {
	return touched(in(t).NewUpdate().Model(platformOf(v)).Column("dynamic_priority", "updated_at").
		Where("id = ?"+present, v.ID).Exec(ctx))
}
