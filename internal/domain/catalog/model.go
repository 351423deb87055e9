package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// ModelInput is a base model as people enter it. What is absent stays as it is, or gets its default: the provider's name
// of the model for the alias, the alias for the display name, provider/name for the canonical key, "custom" for the
// catalogue's type, "active" for status. A document that is null becomes empty, an id that is empty is none.
// Source: store.BaseModelInput of the gateway contract.
type ModelInput struct {
	ProviderKey            *string         `json:"providerKey"`
	CanonicalKey           *string         `json:"canonicalModelKey"`
	ProviderModelName      *string         `json:"providerModelName"`
	Alias                  *string         `json:"modelAlias"`
	DisplayName            *string         `json:"displayName"`
	Types                  []string        `json:"modelType"`
	CatalogType            *string         `json:"catalogType"`
	Capabilities           json.RawMessage `json:"capabilities"`
	BaseBillingConfig      json.RawMessage `json:"baseBillingConfig"`
	PricingRuleSetID       *string         `json:"pricingRuleSetId"`
	PricingVersion         *int64          `json:"pricingVersion"` // absent: one more when the prices change
	DefaultRateLimitPolicy json.RawMessage `json:"defaultRateLimitPolicy"`
	RuntimePolicySetID     *string         `json:"runtimePolicySetId"`
	RuntimePolicyOverride  json.RawMessage `json:"runtimePolicyOverride"`
	DefaultSnapshot        json.RawMessage `json:"defaultSnapshot"`
	Metadata               json.RawMessage `json:"metadata"`
	Status                 *string         `json:"status"`
}

func (in *ModelInput) apply(m *BaseModel) error {
	for to, from := range map[*string]*string{
		&m.ProviderKey: in.ProviderKey, &m.CanonicalKey: in.CanonicalKey, &m.ProviderModelName: in.ProviderModelName,
		&m.Alias: in.Alias, &m.DisplayName: in.DisplayName, &m.CatalogType: in.CatalogType, &m.Status: in.Status,
	} {
		set(to, from)
	}
	for to, from := range map[*json.RawMessage]json.RawMessage{
		&m.Capabilities: in.Capabilities, &m.BaseBillingConfig: in.BaseBillingConfig,
		&m.DefaultRateLimitPolicy: in.DefaultRateLimitPolicy, &m.RuntimePolicyOverride: in.RuntimePolicyOverride,
		&m.DefaultSnapshot: in.DefaultSnapshot, &m.Metadata: in.Metadata,
	} {
		setDocument(to, from)
	}
	m.complete()
	var types error
	if in.Types != nil {
		m.Types, types = ReadTypes("modelType", in.Types)
	}
	return firstError(types, setID("pricingRuleSetId", &m.PricingRuleSetID, in.PricingRuleSetID),
		setID("runtimePolicySetId", &m.RuntimePolicySetID, in.RuntimePolicySetID))
}

// complete gives what is empty its default.
func (m *BaseModel) complete() {
	for _, d := range []struct {
		to        *string
		otherwise string
	}{
		{&m.Alias, m.ProviderModelName},
		{&m.CatalogType, Custom},
		{&m.Status, Active},
		{&m.CanonicalKey, m.ProviderKey + "/" + m.ProviderModelName},
	} {
		if *d.to == "" {
			*d.to = d.otherwise
		}
	}
	if m.DisplayName == "" {
		m.DisplayName = m.Alias
	}
}

// CreateModel adds a base model. ProviderKey, ProviderModelName and Types are required. Codes: invalid_parameter,
// price_* and others with the path, provider_unknown, base_model_key_taken.
func (e *Editor) CreateModel(ctx context.Context, by event.Actor, in ModelInput) (BaseModel, error) {
	now := e.Now()
	m := BaseModel{ID: id.At(now), PricingVersion: 1, CreatedAt: now, UpdatedAt: now}
	if err := e.edit(ctx, &m, &in); err != nil {
		return BaseModel{}, err
	}
	return m, e.Store.InTx(ctx, func(t tx.Tx) error {
		if err := e.Store.BaseModelInsert(ctx, t, &m); err != nil {
			return modelFault(err)
		}
		return e.editTx(ctx, t, by, change{"created", "base_model", m.ID, nil, viewModel(&m)})
	})
}

// edit takes over what was entered and checks the whole.
func (e *Editor) edit(ctx context.Context, m *BaseModel, in *ModelInput) error {
	if err := in.apply(m); err != nil {
		return err
	}
	if in.PricingVersion != nil {
		if m.PricingVersion = *in.PricingVersion; m.PricingVersion < 1 || m.PricingVersion > 1<<31-1 {
			return invalid("pricingVersion", "Versions count from 1.")
		}
	}
	return firstError(e.checkModel(ctx, m), e.checkSnapshot(ctx, m))
}

// modelFault tells what the storage refused.
func modelFault(err error) error {
	if errors.Is(err, fault.ErrInvalid) {
		return ErrProviderUnknown // it was deleted meanwhile
	}
	return orElse(err, fault.ErrConflict, ErrModelKey)
}

// UpdateModel changes what was entered, for all routes that draw on the model. Codes: not_found and those of CreateModel.
func (e *Editor) UpdateModel(ctx context.Context, by event.Actor, model id.ID, in ModelInput) (BaseModel, error) {
	var next BaseModel
	err := e.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := e.lockModel(ctx, t, model)
		if err != nil {
			return err
		}
		next = old
		if err := e.edit(ctx, &next, &in); err != nil {
			return err
		}
		if reflect.DeepEqual(next, old) {
			return nil
		}
		if in.PricingVersion == nil && pricesDiffer(&old, &next) {
			next.PricingVersion++
		}
		next.UpdatedAt = e.Now()
		if hasSnapshot(&next) {
			next.CustomizedAt = next.UpdatedAt
		}
		if err := e.Store.BaseModelUpdate(ctx, t, &next); err != nil {
			return modelFault(err)
		}
		return e.editTx(ctx, t, by, change{"updated", "base_model", model, viewModel(&old), viewModel(&next)})
	})
	return next, err
}

func (e *Editor) lockModel(ctx context.Context, t tx.Tx, model id.ID) (BaseModel, error) {
	if model.IsZero() {
		return BaseModel{}, ErrModel
	}
	found, err := e.Store.BaseModelLock(ctx, t, model)
	if err == nil && len(found) == 0 {
		err = ErrModel
	}
	if err != nil {
		return BaseModel{}, err
	}
	return found[0], nil
}

func pricesDiffer(a, b *BaseModel) bool {
	return string(a.BaseBillingConfig) != string(b.BaseBillingConfig) || a.PricingRuleSetID != b.PricingRuleSetID
}

// DeleteModel removes a base model that no platform offers. Codes: not_found, base_model_in_use.
func (e *Editor) DeleteModel(ctx context.Context, by event.Actor, model id.ID) error {
	return e.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := e.lockModel(ctx, t, model)
		if err != nil {
			return err
		}
		if err := e.Store.BaseModelDelete(ctx, t, model); err != nil {
			return orElse(err, fault.ErrInvalid, ErrModelUsed)
		}
		return e.editTx(ctx, t, by, change{"deleted", "base_model", model, viewModel(&old), nil})
	})
}
