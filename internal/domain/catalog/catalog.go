// Package catalog holds what exists in the world: providers and their models, with list prices and capabilities,
// whether or not anybody here is connected to them.
package catalog

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Provider is a company or program that offers models.
type Provider struct {
	ID                     id.ID
	Number                 int64
	Key                    string // such as "openai"; unique
	Code                   string
	DisplayName            string
	Type                   string // the name of the adapter that speaks to it
	IconPath               string
	DefaultBaseURL         string
	DefaultAuthType        string
	CapabilitySchema       json.RawMessage
	DefaultRateLimitPolicy json.RawMessage
	Source                 string // "system" or "custom"
	Status                 string // "active" or "disabled"
	Metadata               json.RawMessage
	CreatedAt              time.Time
	UpdatedAt              time.Time
}

// BaseModel is a model as its provider offers it.
type BaseModel struct {
	ID                     id.ID
	Number                 int64
	ProviderKey            string
	CanonicalKey           string // such as "openai/gpt-4o"; unique
	ProviderModelName      string
	Alias                  string // the name under which callers ask for it by default
	DisplayName            string
	Types                  []inference.ModelType
	CatalogType            string // "system" or "custom"
	Capabilities           json.RawMessage
	BaseBillingConfig      json.RawMessage // {currency, rules}
	PricingRuleSetID       id.ID
	PricingVersion         int64
	DefaultRateLimitPolicy json.RawMessage
	RuntimePolicySetID     id.ID
	RuntimePolicyOverride  json.RawMessage
	DefaultSnapshot        json.RawMessage // what reset restores; empty: none
	CustomizedAt           time.Time
	Status                 string
	Metadata               json.RawMessage
	CreatedAt              time.Time
	UpdatedAt              time.Time
}

// Store is what the catalogue asks of storage; for errors see identity.Store.
type Store interface {
	tx.Runner
	ProviderInsert(ctx context.Context, t tx.Tx, v *Provider) error
	// ProviderUpdate writes every field but ID, Number and CreatedAt.
	ProviderUpdate(ctx context.Context, t tx.Tx, v *Provider) error
	// ProviderDelete's error is fault.ErrInvalid while base models name the provider.
	ProviderDelete(ctx context.Context, t tx.Tx, provider id.ID) error
	ProviderList(ctx context.Context) ([]Provider, error)
	// ProviderLock returns a provider as it is, and keeps it so for others until the transaction ends.
	ProviderLock(ctx context.Context, t tx.Tx, provider id.ID) (Provider, error)
	// ProviderUse tells what names a provider: base models, and platforms that are not deleted.
	ProviderUse(ctx context.Context, t tx.Tx, key string) (Use, error)

	BaseModelInsert(ctx context.Context, t tx.Tx, v *BaseModel) error
	// BaseModelUpdate writes every field but ID, Number and CreatedAt.
	BaseModelUpdate(ctx context.Context, t tx.Tx, v *BaseModel) error
	// BaseModelDelete's error is fault.ErrInvalid while platforms offer the model.
	BaseModelDelete(ctx context.Context, t tx.Tx, model id.ID) error
	BaseModelList(ctx context.Context) ([]BaseModel, error)
	BaseModelByID(ctx context.Context, model id.ID) (BaseModel, error)
	BaseModelByKey(ctx context.Context, canonicalKey string) (BaseModel, error)
	// BaseModelLock returns models as they are, and keeps them so for others until the transaction ends: one, or all when
	// model is zero.
	BaseModelLock(ctx context.Context, t tx.Tx, model id.ID) ([]BaseModel, error)

	// RuleSetExists and PolicySetExists report whether a set of prices or of policies is there.
	RuleSetExists(ctx context.Context, set id.ID) (bool, error)
	PolicySetExists(ctx context.Context, set id.ID) (bool, error)
}

// Use is who names a provider.
type Use struct{ Models, Platforms bool }
