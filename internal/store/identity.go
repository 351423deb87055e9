package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Identity implements identity.Store.
type Identity struct{ *database }

var _ identity.Store = (*Identity)(nil)

// present selects rows that are not deleted.
const present = " AND status <> 'deleted'"

type tenantRow struct {
	bun.BaseModel `bun:"table:tenant"`

	Number     int64
	ID         id.ID
	Key        string
	Name       string
	Status     identity.Status
	Plan       string
	AuthPolicy document
	Policies   document
	Metadata   document
	CreatedAt  stamp
	UpdatedAt  stamp
}

func tenantOf(v *identity.Tenant) *tenantRow {
	return &tenantRow{
		Number: v.Number, ID: v.ID, Key: v.Key, Name: v.Name, Status: v.Status, Plan: v.Plan,
		AuthPolicy: document(v.AuthPolicy), Policies: document(v.Policies), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r tenantRow) value() identity.Tenant {
	return identity.Tenant{
		ID: r.ID, Number: r.Number, Key: r.Key, Name: r.Name, Status: r.Status, Plan: r.Plan,
		AuthPolicy: json.RawMessage(r.AuthPolicy), Policies: json.RawMessage(r.Policies),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// TenantInsert implements identity.Store.
func (s *Identity) TenantInsert(ctx context.Context, t tx.Tx, v *identity.Tenant) error {
	return insertNumbered(ctx, in(t), tenantOf(v), &v.Number)
}

// TenantByKey implements identity.Store.
func (s *Identity) TenantByKey(ctx context.Context, key string) (identity.Tenant, error) {
	return one[identity.Tenant, tenantRow](ctx, s.reader, "key = ?"+present, key)
}

// TenantByID implements identity.Store.
func (s *Identity) TenantByID(ctx context.Context, tenant id.ID) (identity.Tenant, error) {
	return one[identity.Tenant, tenantRow](ctx, s.reader, "id = ?"+present, tenant)
}

type groupRow struct {
	bun.BaseModel `bun:"table:user_group"`

	Number                 int64
	ID                     id.ID
	TenantID               id.ID
	Key                    string
	Name                   string
	Description            string
	Status                 identity.Status
	Priority               int64
	BillingDiscountPolicy  document
	RechargeDiscountPolicy document
	RateLimitPolicy        document
	QuotaPolicy            document
	Metadata               document
	CreatedAt              stamp
	UpdatedAt              stamp
}

func groupOf(v *identity.Group) *groupRow {
	return &groupRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, Key: v.Key, Name: v.Name, Description: v.Description,
		Status: v.Status, Priority: v.Priority, BillingDiscountPolicy: document(v.BillingDiscountPolicy),
		RechargeDiscountPolicy: document(v.RechargeDiscountPolicy), RateLimitPolicy: document(v.RateLimitPolicy),
		QuotaPolicy: document(v.QuotaPolicy), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r groupRow) value() identity.Group {
	return identity.Group{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, Key: r.Key, Name: r.Name, Description: r.Description,
		Status: r.Status, Priority: r.Priority, BillingDiscountPolicy: json.RawMessage(r.BillingDiscountPolicy),
		RechargeDiscountPolicy: json.RawMessage(r.RechargeDiscountPolicy),
		RateLimitPolicy:        json.RawMessage(r.RateLimitPolicy), QuotaPolicy: json.RawMessage(r.QuotaPolicy),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// GroupInsert implements identity.Store.
func (s *Identity) GroupInsert(ctx context.Context, t tx.Tx, v *identity.Group) error {
	return insertNumbered(ctx, in(t), groupOf(v), &v.Number)
}

// GroupByKey implements identity.Store.
func (s *Identity) GroupByKey(ctx context.Context, tenant id.ID, key string) (identity.Group, error) {
	return one[identity.Group, groupRow](ctx, s.reader, "tenant_id = ? AND key = ?"+present, tenant, key)
}

// GroupByID implements identity.Store.
func (s *Identity) GroupByID(ctx context.Context, group id.ID) (identity.Group, error) {
	return one[identity.Group, groupRow](ctx, s.reader, "id = ?"+present, group)
}
