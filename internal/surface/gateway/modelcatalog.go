package gateway

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// modelCatalog shows each model that the caller may ask for, with the prices, limits and sources that are the caller's.
func (s *Surface) modelCatalog(w http.ResponseWriter, call *httpx.Call) error {
	v := catalogView{now: s.Now(), providers: map[string]*catalog.Provider{}}
	providers, err := s.Catalog.Providers(call.Context())
	if err != nil {
		return err
	}
	for i := range providers {
		v.providers[providers[i].Key] = &providers[i]
	}
	if v.bases, err = s.bases(call.Context()); err != nil {
		return err
	}
	if v.own, err = s.Limits(call.Context(), call.Principal); err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, v.show(s.Snapshot().Offers(s.asker(call))))
}

// catalogView is what the catalogue that a caller sees draws on.
type catalogView struct {
	now       time.Time
	providers map[string]*catalog.Provider
	bases     map[id.ID]*catalog.BaseModel
	own       []limits.Subject // the caller's
}

func (v *catalogView) show(offers []relay.Offer) api.HttpapiModelCatalogResponse {
	out := api.HttpapiModelCatalogResponse{Items: make([]api.HttpapiModelCatalogItem, len(offers))}
	providers, tags := options{}, options{}
	for i := range offers {
		item := v.item(&offers[i])
		out.Items[i] = item
		for _, p := range item.Providers {
			providers.count(p.Key, p.Name, p.IconPath)
		}
		for _, tag := range item.CapabilityTags {
			tags.count(tag, words(tag), "")
		}
		out.Summary.SourceCount += item.SourceCount
	}
	out.Summary.ModelCount = len(offers)
	out.Filters = api.HttpapiModelCatalogFilters{Providers: providers.list(), Capabilities: tags.list()}
	return out
}

// options are what can be filtered by, by value.
type options map[string]api.HttpapiModelCatalogFilterOption

func (o options) count(value, label, icon string) {
	o[value] = api.HttpapiModelCatalogFilterOption{Value: value, Label: label, IconPath: icon, Count: o[value].Count + 1}
}

func (o options) list() []api.HttpapiModelCatalogFilterOption {
	return slices.SortedFunc(maps.Values(o), func(a, b api.HttpapiModelCatalogFilterOption) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
}

func (v *catalogView) item(o *relay.Offer) api.HttpapiModelCatalogItem {
	out := api.HttpapiModelCatalogItem{
		Id: o.Route.Alias, Alias: o.Route.Alias, ModelName: o.Route.Alias, DisplayName: cmp.Or(o.Route.DisplayName, o.Route.Alias),
		ModelType: []string{}, Enabled: true, SourceCount: len(o.Sources), CapabilityTags: tagsOf(o.Sources),
		Providers: v.summaries(o.Sources), RateLimits: v.itemLimits(o.Sources), Source: sourceText(o.Sources),
		Permission: permissionText(o.Sources), Pricing: v.pricing(o), Discount: v.discount(o), StatusLabel: statusOf(o.Sources),
	}
	for i := range out.Providers {
		out.ProviderKeys = append(out.ProviderKeys, out.Providers[i].Key)
	}
	for i := range o.Sources {
		out.Sources = append(out.Sources, v.source(&o.Sources[i]))
		for _, t := range o.Sources[i].Types {
			if !slices.Contains(out.ModelType, string(t)) {
				out.ModelType = append(out.ModelType, string(t))
			}
		}
	}
	v.describe(&out, o.Sources)
	return out
}

// describe adds what the base model says, of the first source that has one.
func (v *catalogView) describe(out *api.HttpapiModelCatalogItem, sources []relay.Source) {
	for i := range sources {
		m := sources[i].Model
		if i == 0 {
			out.Id, out.ModelName = m.ID.String(), m.ProviderModelName
		}
		base := v.bases[m.BaseModelID]
		if base == nil {
			continue
		}
		shown, _ := catalog.ReadShown(base.Metadata) // it was checked when it was entered
		out.Description, out.IconPath = cmp.Or(out.Description, shown.Description), cmp.Or(out.IconPath, shown.IconPath)
	}
	if out.IconPath == "" && len(out.Providers) > 0 {
		out.IconPath = out.Providers[0].IconPath
	}
}

func (v *catalogView) source(src *relay.Source) api.HttpapiModelCatalogSource {
	m, p, most := src.Model, src.Platform, sourceBounds(src)
	return api.HttpapiModelCatalogSource{
		Id: m.ID.String(), DisplayName: m.DisplayName, Enabled: true, ModelAlias: m.Alias, ModelName: m.ProviderModelName,
		ModelType: typeNames(m.Types), PlatformId: p.ID.String(), PlatformName: p.Name, ProviderKey: p.Provider,
		ProviderName: v.providerName(p.Provider), RateLimits: most.show(""),
	}
}

func (v *catalogView) providerName(key string) string {
	if p := v.providers[key]; p != nil {
		return p.DisplayName
	}
	return key
}

// summaries are the providers of the sources, in the sources' order.
func (v *catalogView) summaries(sources []relay.Source) []api.HttpapiModelCatalogProviderSummary {
	var out []api.HttpapiModelCatalogProviderSummary
	for i := range sources {
		key := sources[i].Platform.Provider
		at := slices.IndexFunc(out, func(s api.HttpapiModelCatalogProviderSummary) bool { return s.Key == key })
		if at < 0 {
			at = len(out)
			out = append(out, api.HttpapiModelCatalogProviderSummary{Key: key, Name: v.providerName(key)})
			if p := v.providers[key]; p != nil {
				out[at].IconPath = p.IconPath
			}
		}
		out[at].SourceCount++
	}
	return out
}

// tagsOf are the features of the sources, and what they take and give beside text.
func tagsOf(sources []relay.Source) []string {
	seen := map[string]bool{}
	for i := range sources {
		c := &sources[i].Capabilities
		for _, f := range c.Features {
			seen[f] = true
		}
		for suffix, modalities := range map[string][]string{"_input": c.InputModalities, "_output": c.OutputModalities} {
			for _, m := range modalities {
				if m != "text" {
					seen[m+suffix] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// statusOf sums up how the sources stand: one that can be tried is enough.
func statusOf(sources []relay.Source) string {
	open := 0
	for i := range sources {
		if g := sources[i].Gate; g == routing.Open || g == routing.Ready {
			open++
		}
	}
	switch {
	case open == len(sources):
		return "available"
	case open > 0:
		return "degraded"
	}
	return "cooling down"
}

// words makes a label of a name.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }
