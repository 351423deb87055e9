package app

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/provider/probe"
	"github.com/gantry-ai/gantry/internal/store"
)

// TestPlatform tries out a platform of an installation, named by its name, key or id, with its first credential. It changes
// nothing and works while the installation is being served. The error says that there is no such platform, or several, or that
// its credential cannot be opened.
func TestPlatform(ctx context.Context, cfg config.Config, name, model string) (probe.Report, error) {
	s, err := openBooks(ctx, cfg)
	if err != nil {
		return probe.Report{}, err
	}
	defer s.Close()
	p, err := findPlatform(ctx, s, name)
	if err != nil {
		return probe.Report{}, err
	}
	adapter, err := storedAdapter(ctx, s, p.Provider)
	if err != nil {
		return probe.Report{}, err
	}
	account, err := storedAccount(cfg, p)
	if err != nil {
		return probe.Report{}, err
	}
	return probeAccount(ctx, cfg, clock.System, adapter, &account, model), nil
}

func findPlatform(ctx context.Context, s *store.Store, name string) (*routing.Platform, error) {
	platforms, err := s.Routing().PlatformList(ctx)
	if err != nil {
		return nil, err
	}
	var found *routing.Platform
	for i := range platforms {
		p := &platforms[i]
		if p.ID.String() == name {
			return p, nil
		}
		if p.Name != name && p.Key != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("several platforms are called %s: give the id of one", name)
		}
		found = p
	}
	if found == nil {
		return nil, fmt.Errorf("there is no platform %s", name)
	}
	return found, nil
}

// storedAdapter is the adapter of a provider of the catalogue, or of an adapter's own name.
func storedAdapter(ctx context.Context, s *store.Store, name string) (provider.Adapter, error) {
	providers, err := s.Catalog().ProviderList(ctx)
	if err != nil {
		return nil, err
	}
	for i := range providers {
		if providers[i].Key == name {
			name = providers[i].Type
			break
		}
	}
	for _, a := range all.Adapters(all.Options{}) {
		if a.Describe().Name == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("nothing speaks to the provider %s", name)
}

// storedAccount opens what a platform keeps sealed.
func storedAccount(cfg config.Config, p *routing.Platform) (routing.Account, error) {
	common, err := routing.ParseConfig(p.Config)
	if err != nil {
		return routing.Account{}, err
	}
	a := routing.Account{
		Provider: p.Provider, BaseURL: p.BaseURL, AuthType: p.AuthType, Config: common.Adapter, Headers: common.Headers,
	}
	box, err := credentialBox(cfg)
	if err != nil {
		return a, fmt.Errorf("master key: %w", err)
	}
	if a.ProxyURL, err = routing.OpenProxy(box, p); err != nil {
		return a, fmt.Errorf("proxy: %w", err)
	}
	for i := range p.Credentials {
		if c := &p.Credentials[i]; len(c.Sealed) > 0 {
			a.Credential, err = routing.Unseal(box, c)
			break
		}
	}
	return a, err
}

// credentialBox opens credentials with the installation's master key; it makes none where there is none.
func credentialBox(cfg config.Config) (*secret.Box, error) {
	key, err := cfg.MasterKeyBytes()
	if cfg.MasterKey.IsZero() {
		key, err = readKey(filepath.Join(cfg.Data, "master.key"))
	}
	if err != nil {
		return nil, err
	}
	return secret.NewBox(key, "credential")
}
