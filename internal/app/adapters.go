package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/surface/console"
)

// adapterBook tells routing about adapters in routing's own words. A provider of the catalogue is known by its key, an
// adapter also by its own name.
type adapterBook struct {
	find     func(name string) (provider.Adapter, bool)
	provider func(name string) (catalog.Provider, bool)
}

// Lookup describes the adapter of a provider, with the address and the way to sign in that are the provider's own: a key
// must not go to the maker of the dialect that the provider speaks.
func (b adapterBook) Lookup(name string) (routing.AdapterInfo, bool) {
	adapter, ok := b.find(name)
	if !ok {
		return routing.AdapterInfo{}, false
	}
	d := adapter.Describe()
	info := routing.AdapterInfo{Name: d.Name, DefaultBaseURL: d.DefaultBaseURL, AuthTypes: d.AuthTypes, Simulated: d.Simulated}
	if p, ok := b.provider(name); ok {
		info.DefaultBaseURL = cmp.Or(p.DefaultBaseURL, info.DefaultBaseURL)
		info.AuthTypes = foremost(info.AuthTypes, p.DefaultAuthType)
	}
	for _, f := range d.Credential {
		info.Credential = append(info.Credential, routing.AdapterField{Name: f.Name, Required: f.Required})
	}
	return info, true
}

// foremost puts a word of a list first; the first is the default.
func foremost(words []string, first string) []string {
	at := slices.Index(words, first)
	if at < 0 {
		return words
	}
	return append([]string{first}, slices.Delete(slices.Clone(words), at, at+1)...)
}

// Check opens an account as the relay would, without calling anybody.
func (b adapterBook) Check(name, baseURL, authType string, credential map[string]string, config []byte) error {
	adapter, ok := b.find(name)
	if !ok {
		return fault.ErrNotFound
	}
	fields := map[string]secret.String{}
	for k, v := range credential {
		fields[k] = secret.New(v)
	}
	_, err := adapter.Open(provider.Account{BaseURL: baseURL, AuthType: authType, Credential: fields, Config: config})
	return err
}

// adapterOf returns the adapter that speaks to a provider.
func (a *App) adapterOf(name string) (provider.Adapter, bool) {
	if by := a.byProvider.Load(); by != nil {
		adapter, ok := (*by)[name]
		return adapter, ok
	}
	adapter, ok := a.adapters[name]
	return adapter, ok
}

// providerOf returns what the catalogue says of a provider.
func (a *App) providerOf(name string) (catalog.Provider, bool) {
	if of := a.providers.Load(); of != nil {
		p, ok := (*of)[name]
		return p, ok
	}
	return catalog.Provider{}, false
}

// connectable describes what can be connected: every provider of the catalogue that an adapter speaks to, with the
// provider's own address and models, in the order of their adapters.
func (a *App) connectable(ctx context.Context) ([]provider.Description, error) {
	providers, err := a.catalog.Providers(ctx)
	if err != nil {
		return nil, err
	}
	models, err := a.catalog.BaseModels(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(providers, func(x, y catalog.Provider) int { return cmp.Compare(a.places[x.Type], a.places[y.Type]) })
	var out []provider.Description
	for i := range providers {
		p := &providers[i]
		adapter, ok := a.adapters[p.Type]
		if !ok || p.Status != "active" {
			continue
		}
		d := adapter.Describe()
		d.Name, d.Title, d.DefaultBaseURL = p.Key, p.DisplayName, p.DefaultBaseURL
		d.Models = modelsOf(p, models, d.Models)
		out = append(out, d)
	}
	return out, nil
}

// modelsOf are the models that the catalogue knows of a provider; where it knows none, those that an adapter of its own
// suggests.
func modelsOf(p *catalog.Provider, models []catalog.BaseModel, suggested []string) (out []string) {
	for i := range models {
		if models[i].ProviderKey == p.Key {
			out = append(out, models[i].ProviderModelName)
		}
	}
	if len(out) == 0 && p.Type == p.Key {
		return suggested
	}
	return out
}

// prober tries out accounts for the console.
type prober struct{ app *App }

// Probe implements console.Prober.
func (p prober) Probe(ctx context.Context, account routing.Account, model string) console.ProbeReport {
	adapter, ok := p.app.adapterOf(account.Provider)
	if !ok {
		return console.ProbeReport{}
	}
	report := probeAccount(ctx, p.app.cfg, p.app.now, adapter, &account, model)
	out := console.ProbeReport{Models: report.Models}
	for _, s := range report.Steps {
		out.Steps = append(out.Steps, console.ProbeStep{
			Name: s.Name, OK: s.OK, Skipped: s.Skipped, Duration: s.Duration, Message: console.Words(s.Message), Advice: console.Words(s.Advice),
		})
	}
	return out
}
