package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type tenantRow struct {
	bun.BaseModel `bun:"table:tenant"`

	Number         int64
	ID             id.ID
	Key            string
	Name           string
	Status         identity.Status
	Plan           string
	Description    string
	Source         string
	ExternalID     string
	DefaultGroupID id.ID
	InvitationHash []byte
	AuthPolicy     document
	Policies       document
	Metadata       document
	CreatedAt      stamp
	UpdatedAt      stamp
}

func tenantOf(v *identity.Tenant) *tenantRow {
	return &tenantRow{
		Number: v.Number, ID: v.ID, Key: v.Key, Name: v.Name, Status: v.Status, Plan: v.Plan, Description: v.Description,
		Source: v.Source, ExternalID: v.ExternalID, DefaultGroupID: v.DefaultGroupID, InvitationHash: v.InvitationHash,
		AuthPolicy: document(v.AuthPolicy), Policies: document(v.Policies), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r tenantRow) value() identity.Tenant {
	return identity.Tenant{
		ID: r.ID, Number: r.Number, Key: r.Key, Name: r.Name, Status: r.Status, Plan: r.Plan, Description: r.Description,
		Source: r.Source, ExternalID: r.ExternalID, DefaultGroupID: r.DefaultGroupID, InvitationHash: r.InvitationHash,
		AuthPolicy: json.RawMessage(r.AuthPolicy), Policies: json.RawMessage(r.Policies),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// TenantInsert implements identity.Store.
func (s *Identity) TenantInsert(ctx context.Context, t tx.Tx, v *identity.Tenant) error {
	return insertNumbered(ctx, in(t), tenantOf(v), &v.Number)
}

// TenantUpdate implements identity.Store.
func (s *Identity) TenantUpdate(ctx context.Context, t tx.Tx, v *identity.Tenant) error {
	return update(ctx, in(t), tenantOf(v), []string{"id", "created_at"}, "id = ?"+present, v.ID)
}

// TenantLock implements identity.Store.
func (s *Identity) TenantLock(
	ctx context.Context, t tx.Tx, r identity.Realm, tenant id.ID,
) (identity.Tenant, error) {
	where, args := ofRealm(r, "id", "id = ?"+present, tenant)
	return lockedOne[identity.Tenant, tenantRow](ctx, s.database, t, where, args...)
}

// TenantByKey implements identity.Store.
func (s *Identity) TenantByKey(ctx context.Context, key string) (identity.Tenant, error) {
	return one[identity.Tenant, tenantRow](ctx, s.reader, "key = ?"+present, key)
}

// TenantByID implements identity.Store.
func (s *Identity) TenantByID(ctx context.Context, tenant id.ID) (identity.Tenant, error) {
	return one[identity.Tenant, tenantRow](ctx, s.reader, "id = ?"+present, tenant)
}

// TenantByName implements identity.Store.
func (s *Identity) TenantByName(ctx context.Context, name string) (identity.Tenant, error) {
	var r tenantRow
	err := s.reader.NewSelect().Model(&r).Where("(key = ? OR external_id = ?) AND ? <> ''"+present, name, name, name).
		OrderExpr("CASE WHEN key = ? THEN 0 ELSE 1 END", name).Limit(1).Scan(ctx)
	return r.value(), failure(err)
}

// TenantByInvitation implements identity.Store.
func (s *Identity) TenantByInvitation(ctx context.Context, hash []byte) (identity.Tenant, error) {
	return one[identity.Tenant, tenantRow](ctx, s.reader, "invitation_hash = ?"+present, hash)
}

// TenantList implements identity.Store.
func (s *Identity) TenantList(ctx context.Context, r identity.Realm) ([]identity.Tenant, error) {
	where, args := ofRealm(r, "id", "status <> 'deleted'")
	return all[identity.Tenant, tenantRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where(where, args...).Order("number")
	})
}
