package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type modelRouteRow struct {
	bun.BaseModel `bun:"table:model_route"`

	Number    int64
	ID        id.ID
	TenantID  id.ID
	Alias     string
	Forward   document
	Fallback  document
	CreatedAt stamp
	UpdatedAt stamp
}

func modelRouteOf(v *routing.ModelRoute) *modelRouteRow {
	return &modelRouteRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, Alias: v.Alias, Forward: document(v.Forward),
		Fallback: document(v.Fallback), CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r modelRouteRow) value() routing.ModelRoute {
	return routing.ModelRoute{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, Alias: r.Alias, Forward: json.RawMessage(r.Forward),
		Fallback: json.RawMessage(r.Fallback), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// ModelRouteInsert implements routing.Store.
func (s *Routing) ModelRouteInsert(ctx context.Context, t tx.Tx, v *routing.ModelRoute) error {
	return insertNumbered(ctx, in(t), modelRouteOf(v), &v.Number)
}

// ModelRouteUpdate implements routing.Store.
func (s *Routing) ModelRouteUpdate(ctx context.Context, t tx.Tx, v *routing.ModelRoute) error {
	return update(ctx, in(t), modelRouteOf(v), []string{"id", "tenant_id", "alias", "created_at"}, "id = ?", v.ID)
}

// ModelRouteDelete implements routing.Store.
func (s *Routing) ModelRouteDelete(ctx context.Context, t tx.Tx, route id.ID) error {
	return touched(in(t).NewDelete().Table("model_route").Where("id = ?", route).Exec(ctx))
}

// ModelRouteList implements routing.Store.
func (s *Routing) ModelRouteList(ctx context.Context, tenant id.ID) ([]routing.ModelRoute, error) {
	return all[routing.ModelRoute, modelRouteRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		if !tenant.IsZero() {
			q.Where("tenant_id = ?", tenant)
		}
		return q.Order("alias", "number")
	})
}
