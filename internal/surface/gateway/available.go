package gateway

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// availablePlatforms lists the platforms that have a model which the caller may use, those that are tried first before
// others.
func (s *Surface) availablePlatforms(w http.ResponseWriter, call *httpx.Call) error {
	seen := map[id.ID]bool{}
	var platforms []*routing.Platform
	for _, o := range s.Snapshot().Offers(s.asker(call)) {
		for i := range o.Sources {
			if p := o.Sources[i].Platform; !seen[p.ID] {
				seen[p.ID] = true
				platforms = append(platforms, p)
			}
		}
	}
	slices.SortFunc(platforms, func(a, b *routing.Platform) int {
		return cmp.Or(cmp.Compare(a.EffectivePriority(), b.EffectivePriority()), cmp.Compare(a.Number, b.Number))
	})
	out := api.HttpapiPlatformListResponse{Items: make([]api.StorePlatform, len(platforms))}
	for i, p := range platforms {
		out.Items[i] = showAvailable(p)
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// showAvailable leaves out how the operator reaches a platform, and what it is called internally.
func showAvailable(p *routing.Platform) api.StorePlatform {
	return api.StorePlatform{
		Id: p.ID.String(), Provider: p.Provider, PlatformKey: p.Key, Name: p.Name, Priority: int(p.Priority),
		DynamicPriority: pointer(p.DynamicPriority), EffectivePriority: int(p.EffectivePriority()),
		DefaultDiscountFactor: money.Number(p.Discount.Text()), Status: string(p.Status), CreatedAt: httpx.Time(p.CreatedAt),
		UpdatedAt: httpx.Time(p.UpdatedAt),
	}
}
