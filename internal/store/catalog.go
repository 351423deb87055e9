package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Catalog implements catalog.Store.
type Catalog struct{ *database }

var _ catalog.Store = (*Catalog)(nil)

// byNumber puts rows in the order in which they were made.
func byNumber(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("number") }

type providerRow struct {
	bun.BaseModel `bun:"table:provider"`

	Number                 int64
	ID                     id.ID
	Key                    string
	Code                   string
	DisplayName            string
	Type                   string
	IconPath               string
	DefaultBaseURL         string `bun:"default_base_url"`
	DefaultAuthType        string
	CapabilitySchema       document
	DefaultRateLimitPolicy document
	Source                 string
	Status                 string
	Metadata               document
	CreatedAt              stamp
	UpdatedAt              stamp
}

func providerOf(v *catalog.Provider) *providerRow {
	return &providerRow{
		Number: v.Number, ID: v.ID, Key: v.Key, Code: v.Code, DisplayName: v.DisplayName, Type: v.Type,
		IconPath: v.IconPath, DefaultBaseURL: v.DefaultBaseURL, DefaultAuthType: v.DefaultAuthType,
		CapabilitySchema: document(v.CapabilitySchema), DefaultRateLimitPolicy: document(v.DefaultRateLimitPolicy),
		Source: v.Source, Status: v.Status, Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r providerRow) value() catalog.Provider {
	return catalog.Provider{
		ID: r.ID, Number: r.Number, Key: r.Key, Code: r.Code, DisplayName: r.DisplayName, Type: r.Type,
		IconPath: r.IconPath, DefaultBaseURL: r.DefaultBaseURL, DefaultAuthType: r.DefaultAuthType,
		CapabilitySchema:       json.RawMessage(r.CapabilitySchema),
		DefaultRateLimitPolicy: json.RawMessage(r.DefaultRateLimitPolicy),
		Source:                 r.Source, Status: r.Status, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// ProviderInsert implements catalog.Store.
func (s *Catalog) ProviderInsert(ctx context.Context, t tx.Tx, v *catalog.Provider) error {
	return insertNumbered(ctx, in(t), providerOf(v), &v.Number)
}

// ProviderUpdate implements catalog.Store.
func (s *Catalog) ProviderUpdate(ctx context.Context, t tx.Tx, v *catalog.Provider) error {
	return update(ctx, in(t), providerOf(v), []string{"id", "created_at"}, "id = ?", v.ID)
}

// ProviderDelete implements catalog.Store.
func (s *Catalog) ProviderDelete(ctx context.Context, t tx.Tx, provider id.ID) error {
	return touched(in(t).NewDelete().Table("provider").Where("id = ?", provider).Exec(ctx))
}

// ProviderLock implements catalog.Store.
func (s *Catalog) ProviderLock(ctx context.Context, t tx.Tx, provider id.ID) (catalog.Provider, error) {
	found, err := locked[catalog.Provider, providerRow](ctx, s.database, t, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("id = ?", provider)
	})
	if err == nil && len(found) == 0 {
		err = fault.ErrNotFound
	}
	if err != nil {
		return catalog.Provider{}, err
	}
	return found[0], nil
}

// ProviderUse implements catalog.Store.
func (s *Catalog) ProviderUse(ctx context.Context, t tx.Tx, key string) (use catalog.Use, err error) {
	if use.Models, err = exists(ctx, in(t), "base_model", "provider_key = ?", key); err != nil {
		return use, err
	}
	use.Platforms, err = exists(ctx, in(t), "platform", "provider = ?"+present, key)
	return use, err
}

// ProviderList implements catalog.Store; the oldest come first.
func (s *Catalog) ProviderList(ctx context.Context) ([]catalog.Provider, error) {
	return all[catalog.Provider, providerRow](ctx, s.reader, byNumber)
}

type baseModelRow struct {
	bun.BaseModel `bun:"table:base_model"`

	Number                 int64
	ID                     id.ID
	ProviderKey            string
	CanonicalKey           string
	ProviderModelName      string
	Alias                  string
	DisplayName            string
	Types                  list[inference.ModelType]
	CatalogType            string
	Capabilities           document
	BaseBillingConfig      document
	PricingRuleSetID       id.ID
	PricingVersion         int64
	DefaultRateLimitPolicy document
	RuntimePolicySetID     id.ID
	RuntimePolicyOverride  document
	DefaultSnapshot        document
	CustomizedAt           stamp
	Status                 string
	Metadata               document
	CreatedAt              stamp
	UpdatedAt              stamp
}

func baseModelOf(v *catalog.BaseModel) *baseModelRow {
	return &baseModelRow{
		Number: v.Number, ID: v.ID, ProviderKey: v.ProviderKey, CanonicalKey: v.CanonicalKey,
		ProviderModelName: v.ProviderModelName, Alias: v.Alias, DisplayName: v.DisplayName, Types: v.Types,
		CatalogType: v.CatalogType, Capabilities: document(v.Capabilities), BaseBillingConfig: document(v.BaseBillingConfig),
		PricingRuleSetID: v.PricingRuleSetID, PricingVersion: v.PricingVersion,
		DefaultRateLimitPolicy: document(v.DefaultRateLimitPolicy), RuntimePolicySetID: v.RuntimePolicySetID,
		RuntimePolicyOverride: document(v.RuntimePolicyOverride), DefaultSnapshot: document(v.DefaultSnapshot),
		CustomizedAt: stampOf(v.CustomizedAt), Status: v.Status, Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r baseModelRow) value() catalog.BaseModel {
	return catalog.BaseModel{
		ID: r.ID, Number: r.Number, ProviderKey: r.ProviderKey, CanonicalKey: r.CanonicalKey,
		ProviderModelName: r.ProviderModelName, Alias: r.Alias, DisplayName: r.DisplayName, Types: r.Types,
		CatalogType: r.CatalogType, Capabilities: json.RawMessage(r.Capabilities),
		BaseBillingConfig: json.RawMessage(r.BaseBillingConfig), PricingRuleSetID: r.PricingRuleSetID,
		PricingVersion: r.PricingVersion, DefaultRateLimitPolicy: json.RawMessage(r.DefaultRateLimitPolicy),
		RuntimePolicySetID: r.RuntimePolicySetID, RuntimePolicyOverride: json.RawMessage(r.RuntimePolicyOverride),
		DefaultSnapshot: json.RawMessage(r.DefaultSnapshot), CustomizedAt: r.CustomizedAt.time(), Status: r.Status,
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// BaseModelInsert implements catalog.Store.
func (s *Catalog) BaseModelInsert(ctx context.Context, t tx.Tx, v *catalog.BaseModel) error {
	return insertNumbered(ctx, in(t), baseModelOf(v), &v.Number)
}

// BaseModelList implements catalog.Store; the oldest come first.
func (s *Catalog) BaseModelList(ctx context.Context) ([]catalog.BaseModel, error) {
	return all[catalog.BaseModel, baseModelRow](ctx, s.reader, byNumber)
}

// BaseModelByID implements catalog.Store.
func (s *Catalog) BaseModelByID(ctx context.Context, model id.ID) (catalog.BaseModel, error) {
	return one[catalog.BaseModel, baseModelRow](ctx, s.reader, "id = ?", model)
}

// BaseModelByKey implements catalog.Store.
func (s *Catalog) BaseModelByKey(ctx context.Context, canonicalKey string) (catalog.BaseModel, error) {
	return one[catalog.BaseModel, baseModelRow](ctx, s.reader, "canonical_key = ?", canonicalKey)
}

// BaseModelUpdate implements catalog.Store.
func (s *Catalog) BaseModelUpdate(ctx context.Context, t tx.Tx, v *catalog.BaseModel) error {
	return update(ctx, in(t), baseModelOf(v), []string{"id", "created_at"}, "id = ?", v.ID)
}

// BaseModelDelete implements catalog.Store.
func (s *Catalog) BaseModelDelete(ctx context.Context, t tx.Tx, model id.ID) error {
	return touched(in(t).NewDelete().Table("base_model").Where("id = ?", model).Exec(ctx))
}

// BaseModelLock implements catalog.Store; the oldest come first.
func (s *Catalog) BaseModelLock(ctx context.Context, t tx.Tx, model id.ID) ([]catalog.BaseModel, error) {
	return locked[catalog.BaseModel, baseModelRow](ctx, s.database, t, func(q *bun.SelectQuery) *bun.SelectQuery {
		if !model.IsZero() {
			q.Where("id = ?", model)
		}
		return byNumber(q)
	})
}

// RuleSetExists implements catalog.Store and routing.Store.
func (d *database) RuleSetExists(ctx context.Context, set id.ID) (bool, error) {
	return exists(ctx, d.reader, "pricing_rule_set", "id = ?", set)
}

// PolicySetExists implements catalog.Store and routing.Store.
func (d *database) PolicySetExists(ctx context.Context, set id.ID) (bool, error) {
	return exists(ctx, d.reader, "runtime_policy_set", "id = ?", set)
}
