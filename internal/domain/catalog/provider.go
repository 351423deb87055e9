package catalog

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// ProviderInput is a provider as people enter it. What is absent stays as it is, or gets its default: the key for code and
// type, "custom" for source, "active" for status. A document that is null becomes empty.
// Source: store.CatalogProviderInput of the gateway contract.
type ProviderInput struct {
	Key                    *string         `json:"providerKey"`
	Code                   *string         `json:"code"`
	DisplayName            *string         `json:"displayName"`
	Type                   *string         `json:"providerType"`
	IconPath               *string         `json:"iconPath"`
	DefaultBaseURL         *string         `json:"defaultBaseUrl"`
	DefaultAuthType        *string         `json:"defaultAuthType"`
	CapabilitySchema       json.RawMessage `json:"capabilitySchema"`
	DefaultRateLimitPolicy json.RawMessage `json:"defaultRateLimitPolicy"`
	Source                 *string         `json:"source"`
	Status                 *string         `json:"status"`
	Metadata               json.RawMessage `json:"metadata"`
}

func (in *ProviderInput) apply(p *Provider) {
	for to, from := range map[*string]*string{
		&p.Key: in.Key, &p.Code: in.Code, &p.DisplayName: in.DisplayName, &p.Type: in.Type, &p.IconPath: in.IconPath,
		&p.DefaultBaseURL: in.DefaultBaseURL, &p.DefaultAuthType: in.DefaultAuthType, &p.Source: in.Source, &p.Status: in.Status,
	} {
		set(to, from)
	}
	setDocument(&p.CapabilitySchema, in.CapabilitySchema)
	setDocument(&p.DefaultRateLimitPolicy, in.DefaultRateLimitPolicy)
	setDocument(&p.Metadata, in.Metadata)
	for to, otherwise := range map[*string]string{
		&p.Code: p.Key, &p.Type: p.Key, &p.Source: Custom, &p.Status: Active,
	} {
		if *to == "" {
			*to = otherwise
		}
	}
}

func (e *Editor) checkProvider(p *Provider) error {
	return firstError(
		checkKey("providerKey", p.Key), checkName("displayName", p.DisplayName), checkKey("code", p.Code),
		checkKey("providerType", p.Type), checkIcon("iconPath", p.IconPath), checkBaseURL("defaultBaseUrl", p.DefaultBaseURL),
		checkText("defaultAuthType", p.DefaultAuthType, maxKey), checkOneOf("source", p.Source, System, Custom),
		checkOneOf("status", p.Status, Active, Disabled), checkDocument("capabilitySchema", p.CapabilitySchema),
		prefixed("defaultRateLimitPolicy", e.Rules.CheckRateLimit(p.DefaultRateLimitPolicy)),
		checkMetadata("metadata", p.Metadata),
	)
}

// CreateProvider adds a provider. Key and DisplayName are required. Codes: invalid_parameter with the path,
// provider_key_taken.
func (e *Editor) CreateProvider(ctx context.Context, by event.Actor, in ProviderInput) (Provider, error) {
	now := e.Now()
	p := Provider{ID: id.At(now), CreatedAt: now, UpdatedAt: now}
	in.apply(&p)
	if err := e.checkProvider(&p); err != nil {
		return Provider{}, err
	}
	return p, e.Store.InTx(ctx, func(t tx.Tx) error {
		if err := e.Store.ProviderInsert(ctx, t, &p); err != nil {
			return orElse(err, fault.ErrConflict, ErrProviderKey)
		}
		return e.editTx(ctx, t, by, change{"created", "provider", p.ID, nil, viewProvider(&p)})
	})
}

// UpdateProvider changes what was entered. The key stays while anybody names the provider, the type while platforms do:
// their credentials are made for it. Codes: not_found, invalid_parameter with the path, provider_key_taken,
// provider_in_use.
func (e *Editor) UpdateProvider(ctx context.Context, by event.Actor, provider id.ID, in ProviderInput) (Provider, error) {
	var next Provider
	err := e.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := e.Store.ProviderLock(ctx, t, provider)
		if err != nil {
			return orElse(err, fault.ErrNotFound, ErrProvider)
		}
		next = old
		in.apply(&next)
		next.UpdatedAt = e.Now()
		if err := firstError(e.checkProvider(&next), e.checkUse(ctx, t, &old, &next)); err != nil {
			return err
		}
		if err := e.Store.ProviderUpdate(ctx, t, &next); err != nil {
			return orElse(err, fault.ErrConflict, ErrProviderKey)
		}
		return e.editTx(ctx, t, by, change{"updated", "provider", next.ID, viewProvider(&old), viewProvider(&next)})
	})
	return next, err
}

// checkUse refuses what those who name the provider would not survive.
func (e *Editor) checkUse(ctx context.Context, t tx.Tx, old, next *Provider) error {
	if old.Key == next.Key && old.Type == next.Type {
		return nil
	}
	use, err := e.Store.ProviderUse(ctx, t, old.Key)
	switch {
	case err != nil:
		return err
	case old.Key != next.Key && (use.Models || use.Platforms):
		return ErrProviderUsed.At("providerKey")
	case old.Type != next.Type && use.Platforms:
		return ErrProviderUsed.At("providerType")
	}
	return nil
}

// DeleteProvider removes a provider that nobody names. Codes: not_found, provider_in_use.
func (e *Editor) DeleteProvider(ctx context.Context, by event.Actor, provider id.ID) error {
	return e.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := e.Store.ProviderLock(ctx, t, provider)
		if err != nil {
			return orElse(err, fault.ErrNotFound, ErrProvider)
		}
		use, err := e.Store.ProviderUse(ctx, t, old.Key)
		if err == nil && (use.Models || use.Platforms) {
			err = ErrProviderUsed
		}
		if err != nil {
			return err
		}
		if err := e.Store.ProviderDelete(ctx, t, provider); err != nil {
			return orElse(err, fault.ErrInvalid, ErrProviderUsed)
		}
		return e.editTx(ctx, t, by, change{"deleted", "provider", provider, viewProvider(&old), nil})
	})
}

// providerView is how a provider stands in the audit log.
type providerView struct {
	Key                    string          `json:"providerKey"`
	Code                   string          `json:"code"`
	DisplayName            string          `json:"displayName"`
	Type                   string          `json:"providerType"`
	IconPath               string          `json:"iconPath,omitempty"`
	DefaultBaseURL         string          `json:"defaultBaseUrl,omitempty"`
	DefaultAuthType        string          `json:"defaultAuthType,omitempty"`
	CapabilitySchema       json.RawMessage `json:"capabilitySchema,omitempty"`
	DefaultRateLimitPolicy json.RawMessage `json:"defaultRateLimitPolicy,omitempty"`
	Source                 string          `json:"source"`
	Status                 string          `json:"status"`
	Metadata               json.RawMessage `json:"metadata,omitempty"`
}

func viewProvider(p *Provider) providerView {
	return providerView{
		p.Key, p.Code, p.DisplayName, p.Type, p.IconPath, p.DefaultBaseURL, p.DefaultAuthType, p.CapabilitySchema,
		p.DefaultRateLimitPolicy, p.Source, p.Status, p.Metadata,
	}
}
