package storetest

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testModelRoutes(_ *testing.T, w *world) {
	s := w.Routing()
	var second, first routing.ModelRoute
	for alias, r := range map[string]*routing.ModelRoute{"b/model": &second, "a-model": &first} {
		fill(r)
		r.TenantID, r.Alias = w.tenant.ID, alias
		w.must(func(t tx.Tx) error { return s.ModelRouteInsert(w.ctx, t, r) })
	}
	found(w, "ModelRouteList", []routing.ModelRoute{first, second})(s.ModelRouteList(w.ctx, w.tenant.ID))
	found(w, "ModelRouteList of all", []routing.ModelRoute{first, second})(s.ModelRouteList(w.ctx, id.ID{}))
	others, err := s.ModelRouteList(w.ctx, id.New())
	w.ok(err)
	same(w, "ModelRouteList of another tenant", len(others), 0)
	twin := first
	twin.ID = id.New()
	w.refused(w.in(func(t tx.Tx) error { return s.ModelRouteInsert(w.ctx, t, &twin) }), fault.ErrConflict, "alias")

	changed := first
	fill(&changed)
	changed.ID, changed.TenantID, changed.Alias, changed.CreatedAt = first.ID, first.TenantID, first.Alias, first.CreatedAt
	w.must(func(t tx.Tx) error { return s.ModelRouteUpdate(w.ctx, t, &changed) })
	found(w, "after ModelRouteUpdate", []routing.ModelRoute{changed, second})(s.ModelRouteList(w.ctx, id.ID{}))
	w.must(func(t tx.Tx) error { return s.ModelRouteDelete(w.ctx, t, first.ID) })
	found(w, "after ModelRouteDelete", []routing.ModelRoute{second})(s.ModelRouteList(w.ctx, id.ID{}))
	w.refused(w.in(func(t tx.Tx) error { return s.ModelRouteDelete(w.ctx, t, first.ID) }), fault.ErrNotFound, "")
	w.refused(w.in(func(t tx.Tx) error { return s.ModelRouteUpdate(w.ctx, t, &first) }), fault.ErrNotFound, "")
}
