package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// seed fills an empty database with what an installation begins with: the catalogue, the default price and policy sets,
// and the simulation platform. Each part is made only where there is none, so that what people changed stays.
func (a *App) seed(ctx context.Context) error {
	if err := a.identity.EnsureDefaults(ctx); err != nil {
		return err
	}
	for _, part := range []func(context.Context, time.Time) error{
		a.seedCatalogue, a.seedPrices, a.seedPolicies, a.seedSimulation,
	} {
		if err := part(ctx, a.now()); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) seedCatalogue(ctx context.Context, now time.Time) error {
	present, err := a.store.Catalog().ProviderList(ctx)
	if err != nil || len(present) > 0 {
		return err
	}
	providers, models, err := catalog.Starting(now)
	if err != nil {
		return err
	}
	return a.store.Catalog().InTx(ctx, func(t tx.Tx) error {
		for i := range providers {
			if err := a.store.Catalog().ProviderInsert(ctx, t, &providers[i]); err != nil {
				return err
			}
		}
		for i := range models {
			if err := a.store.Catalog().BaseModelInsert(ctx, t, &models[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// seedPrices makes the default set: what a model costs that nobody priced. It is dear rather than free.
func (a *App) seedPrices(ctx context.Context, now time.Time) error {
	present, err := a.store.Pricing().RuleSetList(ctx)
	if err != nil || len(present) > 0 {
		return err
	}
	set := pricing.RuleSet{
		ID: id.At(now), Key: "default", Name: "Default prices", Category: "default", Currency: a.wallets.Primary(),
		Description: "What a model costs that has no price of its own.", Default: true, Version: 1, Status: "active",
		CreatedAt: now, UpdatedAt: now,
	}
	for _, p := range []struct {
		resource inference.Resource
		unit     pricing.Unit
		price    string
	}{
		{inference.TextInput, pricing.Per1M, "5"},
		{inference.TextOutput, pricing.Per1M, "20"},
		{inference.Image, pricing.PerImage, "0.1"},
		{inference.VideoSecond, pricing.PerSecond, "0.5"},
		{inference.AudioSecond, pricing.PerSecond, "0.001"},
		{inference.Characters, pricing.PerCharacter, "0.00003"},
	} {
		price, err := money.ParsePrice(p.price, p.unit.Size())
		if err != nil {
			return err
		}
		set.Rules = append(set.Rules, pricing.Rule{
			ID: id.At(now), RuleSetID: set.ID, Key: p.resource.String(), DisplayName: p.resource.String(), Resource: p.resource,
			Unit: p.unit, Price: price, Currency: set.Currency, Calculator: pricing.CalculatorUnit, Status: "active",
			CreatedAt: now, UpdatedAt: now,
		})
	}
	return a.store.Pricing().InTx(ctx, func(t tx.Tx) error { return a.store.Pricing().RuleSetInsert(ctx, t, &set) })
}

// seedPolicies makes the default policies of DESIGN section 6.
func (a *App) seedPolicies(ctx context.Context, now time.Time) error {
	present, err := a.store.Routing().PolicySetList(ctx)
	if err != nil || len(present) > 0 {
		return err
	}
	set := routing.PolicySet{
		ID: id.At(now), Key: "default", Name: "Default policies", Default: true, Status: "active",
		Description:   "What holds for platforms and models that name no other set.",
		RetryPolicy:   json.RawMessage(`{"maxAttempts":2,"respectRetryAfter":true}`),
		DegradePolicy: routing.DefaultDegradePolicy, AutoDisablePolicy: routing.DefaultAutoDisablePolicy, CreatedAt: now, UpdatedAt: now,
	}
	runner := routing.RunnerPolicy{
		ID: id.At(now), Key: "default", Name: "Default runner policy", Status: "active",
		Description:    "How a request goes from one candidate to the next.",
		FailoverPolicy: json.RawMessage(`{"enabled":true,"maxAttempts":6}`),
		HardStopPolicy: json.RawMessage(`{"on":["invalid_request","content_policy","context_length","canceled"]}`),
		CreatedAt:      now, UpdatedAt: now,
	}
	return a.store.Routing().InTx(ctx, func(t tx.Tx) error {
		if err := a.store.Routing().PolicySetInsert(ctx, t, &set); err != nil {
			return err
		}
		return a.store.Routing().RunnerPolicyInsert(ctx, t, &runner)
	})
}

// simulationPriority puts the simulator behind every real platform.
const simulationPriority = 1000

// seedSimulation connects the built-in simulator with all its models of the catalogue.
func (a *App) seedSimulation(ctx context.Context, now time.Time) error {
	platforms, err := a.store.Routing().PlatformList(ctx)
	if err != nil || len(platforms) > 0 || !a.cfg.Simulation.Enabled {
		return err
	}
	tenant, err := a.store.Identity().TenantByKey(ctx, identity.DefaultTenantKey)
	if err != nil {
		return err
	}
	p := routing.Platform{
		ID: id.At(now), TenantID: tenant.ID, Provider: "simulation", Key: "simulation", Name: "Simulator",
		InternalName: "Simulator", Priority: simulationPriority, Discount: money.One, PricingMode: "inherit",
		Status: routing.Enabled, CreatedAt: now, UpdatedAt: now,
	}
	models, err := a.store.Catalog().BaseModelList(ctx)
	if err != nil {
		return err
	}
	return a.store.Routing().InTx(ctx, func(t tx.Tx) error {
		if err := a.store.Routing().PlatformInsert(ctx, t, &p); err != nil {
			return err
		}
		for i := range models {
			if models[i].ProviderKey != p.Provider {
				continue
			}
			m := routeTo(&p, &models[i], now)
			if err := a.store.Routing().ModelInsert(ctx, t, &m); err != nil {
				return err
			}
		}
		return a.store.Routing().ConfigChanged(ctx, t)
	})
}

func routeTo(p *routing.Platform, b *catalog.BaseModel, now time.Time) routing.PlatformModel {
	return routing.PlatformModel{
		ID: id.At(now), PlatformID: p.ID, BaseModelID: b.ID, Name: b.ProviderModelName, Alias: b.Alias,
		ProviderModelName: b.ProviderModelName, DisplayName: b.DisplayName, Types: b.Types, Discount: money.One,
		PricingMode: "inherit", Weight: 1, Enabled: true, CreatedAt: now, UpdatedAt: now,
	}
}
