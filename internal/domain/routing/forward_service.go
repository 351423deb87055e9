package routing

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// NewModelRoute describes a route as it is entered.
type NewModelRoute struct {
	Forward  json.RawMessage
	Fallback json.RawMessage
}

// ModelRoutes lists the routes of the actor's tenant by alias.
func (s *Service) ModelRoutes(ctx context.Context, by event.Actor) ([]ModelRoute, error) {
	return s.Store.ModelRouteList(ctx, by.TenantID)
}

// ModelRoute returns the route of an alias. Code: not_found.
func (s *Service) ModelRoute(ctx context.Context, by event.Actor, alias string) (ModelRoute, error) {
	routes, err := s.ModelRoutes(ctx, by)
	if err != nil {
		return ModelRoute{}, err
	}
	if i := indexOf(routes, alias); i >= 0 {
		return routes[i], nil
	}
	return ModelRoute{}, ErrModelRoute
}

func indexOf(routes []ModelRoute, alias string) int {
	return slices.IndexFunc(routes, func(r ModelRoute) bool { return r.Alias == alias })
}

// PutModelRoute gives an alias its route, whether or not it had one, and whether or not an upstream offers a model of this
// name: a name with rules alone is a model that others serve. Codes: invalid_parameter with the path, also for targets that
// nobody offers and for loops.
func (s *Service) PutModelRoute(ctx context.Context, by event.Actor, alias string, in NewModelRoute) (ModelRoute, error) {
	alias, err := readAlias(alias)
	if err != nil {
		return ModelRoute{}, fault.From(err).At("alias")
	}
	var out ModelRoute
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		routes, err := s.Store.ModelRouteList(ctx, by.TenantID)
		if err != nil {
			return err
		}
		if err := s.checkRoute(ctx, alias, in, routes); err != nil {
			return err
		}
		out, err = s.putRouteTx(ctx, t, by, alias, in, routes)
		return err
	})
	return out, err
}

func (s *Service) putRouteTx(
	ctx context.Context, t tx.Tx, by event.Actor, alias string, in NewModelRoute, routes []ModelRoute,
) (ModelRoute, error) {
	now := s.Now()
	next := ModelRoute{
		ID: id.At(now), TenantID: by.TenantID, Alias: alias, Forward: orEmpty(in.Forward), Fallback: orEmpty(in.Fallback),
		CreatedAt: now, UpdatedAt: now,
	}
	action, write := "model_route.created", s.Store.ModelRouteInsert
	var before any
	if i := indexOf(routes, alias); i >= 0 {
		next.ID, next.Number, next.CreatedAt = routes[i].ID, routes[i].Number, routes[i].CreatedAt
		action, write, before = "model_route.updated", s.Store.ModelRouteUpdate, viewRoute(&routes[i])
	}
	if err := write(ctx, t, &next); err != nil {
		return next, err
	}
	return next, s.routeChangedTx(ctx, t, by, action, &next, before, viewRoute(&next))
}

// DeleteModelRoute removes the route of an alias. Code: not_found.
func (s *Service) DeleteModelRoute(ctx context.Context, by event.Actor, alias string) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		r, err := s.ModelRoute(ctx, by, alias)
		if err != nil {
			return err
		}
		if err := s.Store.ModelRouteDelete(ctx, t, r.ID); err != nil {
			return err
		}
		return s.routeChangedTx(ctx, t, by, "model_route.deleted", &r, viewRoute(&r), nil)
	})
}

func (s *Service) routeChangedTx(
	ctx context.Context, t tx.Tx, by event.Actor, action string, r *ModelRoute, before, after any,
) error {
	err := s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "model_route", Action: action, TargetType: "model_route", TargetID: r.ID.String(),
		TargetTenantID: r.TenantID, Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return s.changedTx(ctx, t)
}

type routeView struct {
	Alias    string          `json:"alias"`
	Forward  json.RawMessage `json:"forward"`
	Fallback json.RawMessage `json:"fallback"`
}

func viewRoute(r *ModelRoute) routeView { return routeView{r.Alias, r.Forward, r.Fallback} }

// checkRoute holds a route against what there is: its targets exist, and no request can come back to where it was.
func (s *Service) checkRoute(ctx context.Context, alias string, in NewModelRoute, routes []ModelRoute) error {
	rules, err := ReadForward(in.Forward)
	if err != nil {
		return err
	}
	fallback, err := ReadFallback(in.Fallback)
	if err != nil {
		return err
	}
	exists, err := s.callable(ctx, alias, routes)
	if err != nil {
		return err
	}
	if fallback.Model != "" && !exists[fallback.Model] {
		return invalid("fallback.model", "There is no such model.")
	}
	if err := s.checkFallbackPlatform(ctx, &fallback); err != nil {
		return err
	}
	others := graphOf(routes, alias)
	if fallback.Model == alias || others.reaches(fallback.Model, alias, fallbackEdges) {
		return invalid("fallback.model", "The fallback would lead back to this model.")
	}
	for i := range rules {
		if err := checkTargets(&rules[i], indexed("forward.rules", i), alias, exists, others); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkFallbackPlatform(ctx context.Context, f *Fallback) error {
	if f.PlatformID.IsZero() {
		return nil
	}
	_, err := s.Store.PlatformByID(ctx, f.PlatformID)
	if errors.Is(err, fault.ErrNotFound) {
		err = ErrPlatform.At("fallback.platformId")
	}
	return err
}

func checkTargets(r *ForwardRule, path, alias string, exists map[string]bool, others routeGraph) error {
	if r.Type == RuleDecision && (!exists[r.Decision.Model] || r.Decision.Model == alias) {
		return invalid(path+".decision.model", "There is no such model to decide.")
	}
	targets := r.targets(path)
	for _, at := range slices.Sorted(maps.Keys(targets)) {
		switch target := targets[at]; {
		case target == alias: // it stays
		case !exists[target]:
			return invalid(at, "There is no such model.")
		case others.reaches(target, alias, forwardEdges):
			return invalid(at, "Requests would come back to this model.")
		}
	}
	return nil
}

// callable are the names that requests can be sent to.
func (s *Service) callable(ctx context.Context, alias string, routes []ModelRoute) (map[string]bool, error) {
	models, err := s.Store.ModelList(ctx, id.ID{})
	if err != nil {
		return nil, err
	}
	out := map[string]bool{alias: true}
	for i := range models {
		out[models[i].Alias] = true
	}
	for i := range routes {
		out[routes[i].Alias] = true
	}
	return out, nil
}

// routeGraph is where each model may lead: by rules, and by its fallback.
type routeGraph map[string][2][]string

const (
	forwardEdges = iota
	fallbackEdges
)

// graphOf leaves out the route that is being replaced. Routes that cannot be read lead nowhere.
func graphOf(routes []ModelRoute, without string) routeGraph {
	g := routeGraph{}
	for i := range routes {
		if routes[i].Alias == without {
			continue
		}
		var edges [2][]string
		rules, _ := ReadForward(routes[i].Forward)
		for j := range rules {
			for _, target := range rules[j].targets("") {
				edges[forwardEdges] = append(edges[forwardEdges], target)
			}
		}
		if f, err := ReadFallback(routes[i].Fallback); err == nil && f.Model != "" {
			edges[fallbackEdges] = []string{f.Model}
		}
		g[routes[i].Alias] = edges
	}
	return g
}

// reaches reports whether edges of a kind lead from one model to another.
func (g routeGraph) reaches(from, to string, kind int) bool {
	seen := map[string]bool{}
	queue := []string{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range g[at][kind] {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return false
}
