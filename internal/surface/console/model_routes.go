package console

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// listRoutes lists where requests go instead.
func (s *Surface) listRoutes(w http.ResponseWriter, call *httpx.Call) error {
	routes, err := s.Routing.ModelRoutes(call.Context(), call.Actor())
	if err != nil {
		return err
	}
	out := api.ModelRouteList{Items: make([]api.ModelRoute, len(routes))}
	for i := range routes {
		out.Items[i] = showModelRoute(&routes[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (s *Surface) getRoute(w http.ResponseWriter, call *httpx.Call) error {
	r, err := s.Routing.ModelRoute(call.Context(), call.Actor(), aliasOf(call))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showModelRoute(&r))
}

// putRoute sets a route; it is in force when this answers.
func (s *Surface) putRoute(w http.ResponseWriter, call *httpx.Call) error {
	var in api.ModelRouteInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	r, err := s.Routing.PutModelRoute(call.Context(), call.Actor(), aliasOf(call), routing.NewModelRoute{
		Forward: in.Forward, Fallback: in.Fallback,
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showModelRoute(&r))
}

func (s *Surface) deleteRoute(w http.ResponseWriter, call *httpx.Call) error {
	if err := s.Routing.DeleteModelRoute(call.Context(), call.Actor(), aliasOf(call)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// aliasOf is the alias that the path names; slashes within it are escaped.
func aliasOf(call *httpx.Call) string {
	alias, err := url.PathUnescape(chi.URLParam(call.Request, "alias"))
	if err != nil {
		return "" // no model has this name
	}
	return alias
}

func showModelRoute(r *routing.ModelRoute) api.ModelRoute {
	return api.ModelRoute{
		Id: r.ID.String(), Alias: r.Alias, Forward: r.Forward, Fallback: r.Fallback,
		CreatedAt: httpx.Time(r.CreatedAt), UpdatedAt: httpx.Time(r.UpdatedAt),
	}
}
