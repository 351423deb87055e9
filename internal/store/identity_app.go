package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type appRow struct {
	bun.BaseModel `bun:"table:app"`

	Number    int64
	ID        id.ID
	TenantID  id.ID
	UserID    id.ID
	Name      string
	IsDefault bool
	Status    identity.Status
	Policies  document
	CreatedAt stamp
	UpdatedAt stamp
}

func appOf(v *identity.App) *appRow {
	return &appRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, UserID: v.UserID, Name: v.Name, IsDefault: v.Default,
		Status: v.Status, Policies: document(v.Policies), CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r appRow) value() identity.App {
	return identity.App{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, UserID: r.UserID, Name: r.Name, Default: r.IsDefault,
		Status: r.Status, Policies: json.RawMessage(r.Policies), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// AppInsert implements identity.Store.
func (s *Identity) AppInsert(ctx context.Context, t tx.Tx, v *identity.App) error {
	return insertNumbered(ctx, in(t), appOf(v), &v.Number)
}

// AppDefault implements identity.Store.
func (s *Identity) AppDefault(ctx context.Context, user id.ID) (identity.App, error) {
	return one[identity.App, appRow](ctx, s.reader, "user_id = ? AND is_default"+present, user)
}
