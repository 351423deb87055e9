package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
)

// pricing shows the caller's prices at the source that is tried first.
func (v *catalogView) pricing(o *relay.Offer) api.HttpapiModelCatalogPricing {
	if len(o.Sources) == 0 {
		return api.HttpapiModelCatalogPricing{Title: "Priced by the model that serves the call."}
	}
	first := priceLines(o.Rates(&o.Sources[0], v.now))
	if len(first) == 0 {
		return api.HttpapiModelCatalogPricing{Title: "There is no price, so calls are refused."}
	}
	out := api.HttpapiModelCatalogPricing{Lines: first, Title: "Your price, after all discounts."}
	for i := range o.Sources[1:] {
		if !slices.Equal(first, priceLines(o.Rates(&o.Sources[i+1], v.now))) {
			out.Title = "Your price at " + o.Sources[0].Platform.Name + ", after all discounts. Other sources have other prices."
			break
		}
	}
	return out
}

var unitWords = map[pricing.Unit]string{
	pricing.Per1K: "1K tokens", pricing.Per1M: "1M tokens", pricing.PerRequest: "call", pricing.Per1KRequests: "1K calls",
	pricing.Per1KCharacters: "1K characters", pricing.Per10KCharacters: "10K characters", pricing.Per1MCharacters: "1M characters",
}

// priceLines write prices with their units: "text input: 2.25 USD / 1M tokens (context<=200000)".
func priceLines(rates []pricing.Rate) []string {
	out := make([]string, len(rates))
	for i, r := range rates {
		unit, ok := unitWords[r.Unit]
		if !ok {
			unit = words(string(r.Unit))
		}
		out[i] = fmt.Sprintf("%s: %s %s / %s", words(r.Resource.String()), r.Price, r.Currency, unit)
		if r.Basis != "" {
			out[i] += " (" + r.Basis + ")"
		}
		if r.Varies {
			out[i] += ", varies"
		}
	}
	return out
}

// discount shows what list prices are multiplied by at the source that is tried first; nothing where nothing is.
func (v *catalogView) discount(o *relay.Offer) (out api.HttpapiModelCatalogText) {
	if len(o.Sources) == 0 {
		return out
	}
	factors := o.Factors(&o.Sources[0], v.now)
	if len(factors) == 0 {
		return out
	}
	named := make([]string, len(factors))
	for i, f := range factors {
		named[i] = words(f.Name) + " ×" + f.Value.Text()
	}
	return api.HttpapiModelCatalogText{Label: "×" + pricing.FactorText(factors), Title: strings.Join(named, ", ")}
}

func sourceText(sources []relay.Source) api.HttpapiModelCatalogText {
	var names []string
	for i := range sources {
		if name := sources[i].Platform.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return api.HttpapiModelCatalogText{Label: "other models", Title: "Rules lead to the models that serve it."}
	case 1:
		return api.HttpapiModelCatalogText{Label: names[0], Title: names[0]}
	}
	return api.HttpapiModelCatalogText{Label: fmt.Sprintf("%d platforms", len(names)), Title: strings.Join(names, ", ")}
}

// permissionText says why the caller may use the model. What others may or may not is not the caller's business.
func permissionText(sources []relay.Source) api.HttpapiModelCatalogPermission {
	for i := range sources {
		if sources[i].Rule.IsZero() {
			return api.HttpapiModelCatalogPermission{Label: "open", Title: "No access rule names it: it is open to everybody."}
		}
	}
	if len(sources) == 0 {
		return api.HttpapiModelCatalogPermission{Label: "open", Title: "Who may use it is decided by the models that serve it."}
	}
	return api.HttpapiModelCatalogPermission{Label: "granted", Title: "Access rule " + sources[0].Rule.String() + " lets you use it."}
}
