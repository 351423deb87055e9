package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type modelRow struct {
	bun.BaseModel `bun:"table:platform_model"`

	Number                int64
	ID                    id.ID
	PlatformID            id.ID
	BaseModelID           id.ID
	Name                  string
	Alias                 string
	ProviderModelName     string
	DisplayName           string
	Types                 list[inference.ModelType]
	Capabilities          document
	CapabilityOverride    document
	BillingConfig         document
	BillingConfigOverride document
	Discount              money.Factor
	PricingMode           string
	PricingRuleSetID      id.ID
	PermissionConfig      document
	RateLimitPolicy       document
	RetryPolicy           document
	RuntimePolicySetID    id.ID
	RuntimePolicyOverride document
	Weight                int64
	Enabled               bool
	CooldownUntil         stamp
	Metadata              document
	CreatedAt             stamp
	UpdatedAt             stamp
}

func modelOf(v *routing.PlatformModel) *modelRow {
	return &modelRow{
		Number: v.Number, ID: v.ID, PlatformID: v.PlatformID, BaseModelID: v.BaseModelID, Name: v.Name, Alias: v.Alias,
		ProviderModelName: v.ProviderModelName, DisplayName: v.DisplayName, Types: v.Types,
		Capabilities: document(v.Capabilities), CapabilityOverride: document(v.CapabilityOverride),
		BillingConfig: document(v.BillingConfig), BillingConfigOverride: document(v.BillingConfigOverride),
		Discount: v.Discount, PricingMode: v.PricingMode, PricingRuleSetID: v.PricingRuleSetID,
		PermissionConfig: document(v.PermissionConfig), RateLimitPolicy: document(v.RateLimitPolicy),
		RetryPolicy: document(v.RetryPolicy), RuntimePolicySetID: v.RuntimePolicySetID,
		RuntimePolicyOverride: document(v.RuntimePolicyOverride), Weight: v.Weight, Enabled: v.Enabled,
		CooldownUntil: stampOf(v.CooldownUntil), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r modelRow) value() routing.PlatformModel {
	return routing.PlatformModel{
		ID: r.ID, Number: r.Number, PlatformID: r.PlatformID, BaseModelID: r.BaseModelID, Name: r.Name, Alias: r.Alias,
		ProviderModelName: r.ProviderModelName, DisplayName: r.DisplayName, Types: r.Types,
		Capabilities: json.RawMessage(r.Capabilities), CapabilityOverride: json.RawMessage(r.CapabilityOverride),
		BillingConfig: json.RawMessage(r.BillingConfig), BillingConfigOverride: json.RawMessage(r.BillingConfigOverride),
		Discount: r.Discount, PricingMode: r.PricingMode, PricingRuleSetID: r.PricingRuleSetID,
		PermissionConfig: json.RawMessage(r.PermissionConfig), RateLimitPolicy: json.RawMessage(r.RateLimitPolicy),
		RetryPolicy: json.RawMessage(r.RetryPolicy), RuntimePolicySetID: r.RuntimePolicySetID,
		RuntimePolicyOverride: json.RawMessage(r.RuntimePolicyOverride), Weight: r.Weight, Enabled: r.Enabled,
		CooldownUntil: r.CooldownUntil.time(), Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// ModelInsert implements routing.Store.
func (s *Routing) ModelInsert(ctx context.Context, t tx.Tx, v *routing.PlatformModel) error {
	return insertNumbered(ctx, in(t), modelOf(v), &v.Number)
}

// ModelUpdate implements routing.Store; it writes every field but ID, Number, PlatformID and CreatedAt.
func (s *Routing) ModelUpdate(ctx context.Context, t tx.Tx, v *routing.PlatformModel) error {
	return update(ctx, in(t), modelOf(v), []string{"id", "platform_id", "created_at"}, "id = ?", v.ID)
}

// ModelDelete implements routing.Store.
func (s *Routing) ModelDelete(ctx context.Context, t tx.Tx, model id.ID) error {
	return touched(in(t).NewDelete().Table("platform_model").Where("id = ?", model).Exec(ctx))
}

// ModelByID implements routing.Store.
func (s *Routing) ModelByID(ctx context.Context, model id.ID) (routing.PlatformModel, error) {
	return one[routing.PlatformModel, modelRow](ctx, s.reader, "id = ?", model)
}

// ModelList implements routing.Store; the oldest come first.
func (s *Routing) ModelList(ctx context.Context, platform id.ID) ([]routing.PlatformModel, error) {
	return all[routing.PlatformModel, modelRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		if !platform.IsZero() {
			q.Where("platform_id = ?", platform)
		}
		return q.Order("number")
	})
}

// ModelListOf implements routing.Store; the oldest come first.
func (s *Routing) ModelListOf(ctx context.Context, tenant id.ID) ([]routing.PlatformModel, error) {
	return all[routing.PlatformModel, modelRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		own := s.reader.NewSelect().Table("platform").Column("id").Where("tenant_id = ?"+present, tenant)
		return q.Where("platform_id IN (?)", own).Order("number")
	})
}
