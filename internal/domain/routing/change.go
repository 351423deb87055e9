package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// ReplacePlatform gives a platform the settings of in, all of them; what in leaves out gets its default. Only credentials
// that are left out, null or {} stay as they are, because they are never shown and so cannot be sent back.
// Codes: not_found, and those of CreatePlatform.
func (s *Service) ReplacePlatform(ctx context.Context, by event.Actor, platform id.ID, in NewPlatform) (Platform, error) {
	var next Platform
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := s.stored(ctx, t, by, platform)
		if err != nil {
			return err
		}
		if next, err = s.successor(by, old, in); err != nil {
			return err
		}
		if err := s.checkSets(ctx, next.PricingRuleSetID, id.ID{}); err != nil {
			return err
		}
		if err := s.replaceTx(ctx, t, &next); err != nil {
			return err
		}
		return s.platformChangedTx(ctx, t, by, "platform.updated", &next, viewPlatform(&old), viewPlatform(&next))
	})
	return next, err
}

// DeletePlatform takes a platform out of use for ever, with its routes, its credentials and all its settings. Its row
// stays, because calls name it. Code: not_found.
func (s *Service) DeletePlatform(ctx context.Context, by event.Actor, platform id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		p, err := s.stored(ctx, t, by, platform)
		if err != nil {
			return err
		}
		models, err := s.Store.ModelList(ctx, platform)
		if err != nil {
			return err
		}
		for i := range models {
			if err := s.deleteModelTx(ctx, t, by, &models[i]); err != nil {
				return err
			}
		}
		gone := p.withoutSettings()
		gone.Status, gone.UpdatedAt = Deleted, s.Now()
		if err := s.replaceTx(ctx, t, &gone); err != nil {
			return err
		}
		return s.platformChangedTx(ctx, t, by, "platform.deleted", &p, viewPlatform(&p), nil)
	})
}

// withoutSettings is what is left of a platform for those who name it.
func (p *Platform) withoutSettings() Platform {
	return Platform{
		ID: p.ID, Number: p.Number, TenantID: p.TenantID, OwnerUserID: p.OwnerUserID, Provider: p.Provider, Key: p.Key,
		Name: p.Name, InternalName: p.InternalName, Priority: p.Priority, Discount: p.Discount, CreatedAt: p.CreatedAt,
		Config: orEmpty(nil), RateLimitPolicy: orEmpty(nil), RetryPolicy: orEmpty(nil), RuntimePolicy: orEmpty(nil),
		Metadata: orEmpty(nil),
	}
}

// stored is a platform of the actor's tenant, locked.
func (s *Service) stored(ctx context.Context, t tx.Tx, by event.Actor, platform id.ID) (Platform, error) {
	p, err := s.Store.PlatformLock(ctx, t, by.TenantID, platform)
	if errors.Is(err, fault.ErrNotFound) {
		return Platform{}, ErrPlatform
	}
	return p, err
}

// successor makes the row that takes the place of old. State that is not a setting is kept.
func (s *Service) successor(by event.Actor, old Platform, in NewPlatform) (Platform, error) {
	keep := isNothing(in.Credentials)
	if in.Key == "" {
		in.Key = old.Key
	}
	var next Platform
	var err error
	if keep {
		next, err = s.settings(by, in)
	} else {
		next, err = s.platform(by, in)
	}
	if err != nil {
		return Platform{}, err
	}
	next.ID, next.Number, next.CreatedAt = old.ID, old.Number, old.CreatedAt
	next.TenantID, next.OwnerUserID = old.TenantID, old.OwnerUserID
	next.DynamicPriority, next.CooldownUntil, next.Metadata = old.DynamicPriority, old.CooldownUntil, old.Metadata
	next.RuntimePolicySetID, next.RuntimePolicy = old.RuntimePolicySetID, old.RuntimePolicy
	if err := s.sealProxy(&next, &old); err != nil {
		return Platform{}, err
	}
	if keep {
		next.Credentials = old.Credentials
		return next, s.tryKept(&next)
	}
	for i := range next.Credentials {
		next.Credentials[i].PlatformID = old.ID
	}
	return next, nil
}

// isNothing reports whether credentials were left out.
func isNothing(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null" || string(raw) == "{}"
}

// tryKept holds stored credentials against changed settings.
func (s *Service) tryKept(p *Platform) error {
	for i := range p.Credentials {
		secrets, err := Unseal(s.Box, &p.Credentials[i])
		if err != nil {
			return err
		}
		fields := make(map[string]string, len(secrets))
		for name, value := range secrets {
			fields[name] = value.Reveal()
		}
		if err := s.Adapters.Check(p.Provider, p.BaseURL, p.AuthType, fields, adapterSettings(p)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) replaceTx(ctx context.Context, t tx.Tx, p *Platform) error {
	err := s.Store.PlatformReplace(ctx, t, p)
	if errors.Is(err, fault.ErrConflict) {
		return ErrKeyTaken
	}
	return err
}

func (s *Service) platformChangedTx(
	ctx context.Context, t tx.Tx, by event.Actor, action string, p *Platform, before, after any,
) error {
	err := s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "platform", Action: action, TargetType: "platform", TargetID: p.ID.String(),
		TargetTenantID: p.TenantID, Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return s.changedTx(ctx, t)
}
