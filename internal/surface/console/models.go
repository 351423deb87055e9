package console

import (
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// models lists what the caller may use, with the caller's prices at what would serve it first.
func (s *Surface) models(w http.ResponseWriter, call *httpx.Call) error {
	who := relay.Asker{Principal: call.Principal, From: httpx.Address(call.Request), At: s.Now()}
	out := api.CallableModelList{Items: []api.CallableModel{}}
	for _, o := range s.Snapshot().Offers(&who) {
		if len(o.Sources) > 0 {
			out.Items = append(out.Items, showOffer(&o, who.At))
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showOffer(o *relay.Offer, now time.Time) api.CallableModel {
	r, first := o.Route, &o.Sources[0]
	out := api.CallableModel{
		Alias: r.Alias, DisplayName: r.DisplayName, Types: typeNames(r.Types), Provider: r.OwnedBy,
		Simulated: r.Simulated, Pricing: []api.PriceLine{}, ContextWindow: int(first.ContextWindow),
		MaxOutputTokens: int(first.MaxOutput),
	}
	for _, rate := range o.Rates(first, now) {
		out.Pricing = append(out.Pricing, showRate(rate))
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
