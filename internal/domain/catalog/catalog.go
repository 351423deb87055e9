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

// Capabilities are the known members of BaseModel.Capabilities.
type Capabilities struct {
	InputModalities  []string        `json:"inputModalities,omitempty"`
	OutputModalities []string        `json:"outputModalities,omitempty"`
	Features         []string        `json:"features,omitempty"`
	ContextWindow    int64           `json:"contextWindow,omitempty"`
	MaxOutputTokens  int64           `json:"maxOutputTokens,omitempty"`
	Params           json.RawMessage `json:"params,omitempty"`
}

// Store is what the catalogue asks of storage; for errors see identity.Store.
type Store interface {
	tx.Runner
	ProviderInsert(ctx context.Context, t tx.Tx, v *Provider) error
	ProviderList(ctx context.Context) ([]Provider, error)
	BaseModelInsert(ctx context.Context, t tx.Tx, v *BaseModel) error
	BaseModelList(ctx context.Context) ([]BaseModel, error)
	BaseModelByID(ctx context.Context, model id.ID) (BaseModel, error)
	BaseModelByKey(ctx context.Context, canonicalKey string) (BaseModel, error)
}
