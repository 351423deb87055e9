package console

import (
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// models lists what the caller may ask for, with the prices of what would serve it first.
func (s *Surface) models(w http.ResponseWriter, call *httpx.Call) error {
	out := api.CallableModelList{Items: []api.CallableModel{}}
	who := relay.Asker{Principal: call.Principal, From: httpx.Address(call.Request), At: s.Identity.Now()}
	for _, r := range s.Snapshot().Routes() {
		if len(r.Targets) > 0 && who.MayAsk(r) {
			out.Items = append(out.Items, showRoute(r))
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showRoute(r *relay.Route) api.CallableModel {
	first := r.Targets[0]
	out := api.CallableModel{
		Alias: r.Alias, DisplayName: r.DisplayName, Types: make([]string, len(r.Types)), Provider: r.OwnedBy,
		Simulated: r.Simulated, Pricing: []api.PriceLine{}, ContextWindow: int(first.ContextWindow),
		MaxOutputTokens: int(first.MaxOutput),
	}
	for i, t := range r.Types {
		out.Types[i] = string(t)
	}
	if first.Schedule != nil {
		for _, rate := range first.Schedule.Rates() {
			if !slices.ContainsFunc(r.Types, func(t inference.ModelType) bool { return t.Uses(rate.Resource) }) {
				continue // a default set prices everything that there is
			}
			out.Pricing = append(out.Pricing, showRate(rate))
		}
	}
	return out
}

func showRate(r pricing.Rate) api.PriceLine {
	unit := string(r.Unit)
	if r.Unit == pricing.PerRequest {
		unit = "call"
	}
	return api.PriceLine{
		Resource: r.Resource.String(), Unit: unit, Price: money.Number(r.Price), PriceText: r.Price, Currency: string(r.Currency),
	}
}
