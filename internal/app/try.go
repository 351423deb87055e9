package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/provider/probe"
)

// ProbeReport is what became of trying out an account.
type ProbeReport = probe.Report

// ProviderNames lists the providers that a new installation knows, in order.
func ProviderNames() []string {
	known, err := startingProviders()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(known))
}

// known is a provider of a new installation.
type known struct {
	adapter provider.Adapter
	baseURL string
}

func startingProviders() (map[string]known, error) {
	adapters := map[string]provider.Adapter{}
	for _, a := range all.Adapters(all.Options{}) {
		adapters[a.Describe().Name] = a
	}
	providers, _, err := catalog.Starting(time.Time{})
	if err != nil {
		return nil, err
	}
	out := map[string]known{}
	for _, p := range providers {
		if a := adapters[p.Type]; a != nil {
			out[p.Key] = known{a, p.DefaultBaseURL}
		}
	}
	return out, nil
}

// TestProvider tries out an account as the console's test does, without a database. model names what to call; empty is the
// first that looks right. The error says that there is no such provider.
func TestProvider(ctx context.Context, cfg config.Config, account routing.Account, model string) (ProbeReport, error) {
	providers, err := startingProviders()
	if err != nil {
		return probe.Report{}, err
	}
	p, ok := providers[account.Provider]
	if !ok {
		return probe.Report{}, fmt.Errorf("there is no provider %s: see gantry provider list", account.Provider)
	}
	account.BaseURL = cmp.Or(account.BaseURL, p.baseURL)
	return probeAccount(ctx, cfg, clock.System, p.adapter, &account, model), nil
}

// probeAccount calls an upstream over connections of its own.
func probeAccount(
	ctx context.Context, cfg config.Config, now clock.Clock, adapter provider.Adapter, a *routing.Account, model string,
) probe.Report {
	run := probe.Prober{Now: now, Transport: func() http.RoundTripper { return proxied(newTransport(cfg.Relay), a.ProxyURL) }}
	return run.Probe(ctx, adapter, provider.Account{
		BaseURL: a.BaseURL, AuthType: a.AuthType, Credential: a.Credential, Config: a.Config, Headers: a.Headers,
	}, model)
}
