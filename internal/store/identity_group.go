package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

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
	Source                 string
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
		Status: v.Status, Priority: v.Priority, Source: v.Source, BillingDiscountPolicy: document(v.BillingDiscountPolicy),
		RechargeDiscountPolicy: document(v.RechargeDiscountPolicy), RateLimitPolicy: document(v.RateLimitPolicy),
		QuotaPolicy: document(v.QuotaPolicy), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r groupRow) value() identity.Group {
	return identity.Group{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, Key: r.Key, Name: r.Name, Description: r.Description,
		Status: r.Status, Priority: r.Priority, Source: r.Source, BillingDiscountPolicy: json.RawMessage(r.BillingDiscountPolicy),
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

// GroupUpdate implements identity.Store.
func (s *Identity) GroupUpdate(ctx context.Context, t tx.Tx, v *identity.Group) error {
	return update(ctx, in(t), groupOf(v), []string{"id", "tenant_id", "created_at"}, "id = ?"+present, v.ID)
}

// GroupLock implements identity.Store.
func (s *Identity) GroupLock(ctx context.Context, t tx.Tx, r identity.Realm, group id.ID) (identity.Group, error) {
	where, args := ofRealm(r, "tenant_id", "id = ?"+present, group)
	return lockedOne[identity.Group, groupRow](ctx, s.database, t, where, args...)
}

// GroupList implements identity.Store.
func (s *Identity) GroupList(ctx context.Context, r identity.Realm) ([]identity.Group, error) {
	where, args := ofRealm(r, "tenant_id", "status <> 'deleted'")
	return all[identity.Group, groupRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where(where, args...).Order("number")
	})
}
