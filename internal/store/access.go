package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Access implements access.Store.
type Access struct{ *database }

var _ access.Store = (*Access)(nil)

type accessRow struct {
	bun.BaseModel `bun:"table:access_rule"`

	Number             int64
	ID                 id.ID
	TenantID           id.ID
	SubjectType        access.SubjectType
	SubjectID          id.ID
	OwnerID            id.ID
	Own                bool
	ResourceType       access.ResourceType
	ResourceID         id.ID
	Effect             access.Effect
	Priority           int64
	MinPermissionLevel int64
	Conditions         document
	Status             access.Status
	Metadata           document
	CreatedAt          stamp
	UpdatedAt          stamp
}

func accessOf(v *access.Rule) *accessRow {
	return &accessRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, SubjectType: v.SubjectType, SubjectID: v.SubjectID,
		OwnerID: v.OwnerID, Own: v.Own, ResourceType: v.ResourceType, ResourceID: v.ResourceID, Effect: v.Effect,
		Priority: v.Priority, MinPermissionLevel: v.MinPermissionLevel, Conditions: document(v.Conditions), Status: v.Status,
		Metadata: document(v.Metadata), CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r accessRow) value() access.Rule {
	return access.Rule{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, SubjectType: r.SubjectType, SubjectID: r.SubjectID,
		OwnerID: r.OwnerID, Own: r.Own, ResourceType: r.ResourceType, ResourceID: r.ResourceID, Effect: r.Effect,
		Priority: r.Priority, MinPermissionLevel: r.MinPermissionLevel, Conditions: json.RawMessage(r.Conditions),
		Status: r.Status, Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// RuleInsert implements access.Store.
func (s *Access) RuleInsert(ctx context.Context, t tx.Tx, v *access.Rule) error {
	return insertNumbered(ctx, in(t), accessOf(v), &v.Number)
}

// RuleUpdate implements access.Store.
func (s *Access) RuleUpdate(ctx context.Context, t tx.Tx, v *access.Rule) error {
	return update(ctx, in(t), accessOf(v), []string{"id", "tenant_id", "own", "created_at"}, "id = ?", v.ID)
}

// RuleDelete implements access.Store.
func (s *Access) RuleDelete(ctx context.Context, t tx.Tx, rule id.ID) error {
	return touched(in(t).NewDelete().Table("access_rule").Where("id = ?", rule).Exec(ctx))
}

// RuleList implements access.Store.
func (s *Access) RuleList(ctx context.Context, t tx.Tx, q access.Query) ([]access.Rule, error) {
	return all[access.Rule, accessRow](ctx, s.from(t), func(query *bun.SelectQuery) *bun.SelectQuery {
		if !q.ID.IsZero() {
			query.Where("id = ?", q.ID)
		}
		if !q.Tenant.IsZero() {
			query.Where("tenant_id = ?", q.Tenant)
		}
		if !q.SubjectID.IsZero() {
			query.Where("subject_type = ? AND subject_id = ?", q.SubjectType, q.SubjectID)
		}
		if !q.Owner.IsZero() {
			query.Where("own AND owner_id = ?", q.Owner)
		}
		return query.Order("number")
	})
}

// subjectTables say where subjects are, with the columns of their tenant and, of keys, their owner.
var subjectTables = map[access.SubjectType]struct{ table, tenant, owner string }{
	access.SubjectAPIKey: {"api_key", "tenant_id", "user_id"}, access.SubjectUser: {"user_account", "tenant_id", "NULL"},
	access.SubjectGroup: {"user_group", "tenant_id", "NULL"}, access.SubjectTenant: {"tenant", "id", "NULL"},
}

// SubjectFind implements access.Store.
func (s *Access) SubjectFind(ctx context.Context, t tx.Tx, v access.Subject) (access.Subject, error) {
	at, ok := subjectTables[v.Type]
	if !ok {
		return v, fault.ErrNotFound
	}
	q := s.from(t).NewSelect().Table(at.table).ColumnExpr(at.tenant+", "+at.owner).Where("id = ?"+present, v.ID)
	if !v.TenantID.IsZero() {
		q.Where("? = ?", bun.Ident(at.tenant), v.TenantID)
	}
	if !v.OwnerID.IsZero() {
		q.Where(at.owner+" = ?", v.OwnerID)
	}
	err := q.Limit(1).Scan(ctx, &v.TenantID, &v.OwnerID)
	return v, failure(err)
}

// resourceTables say where resources are, and which of them count.
var resourceTables = map[access.ResourceType]struct{ table, where string }{
	access.ResourcePlatformModel: {"platform_model", "id = ?"}, access.ResourcePlatform: {"platform", "id = ?" + present},
	access.ResourceBaseModel: {"base_model", "id = ?"},
}

// ResourceExists implements access.Store.
func (s *Access) ResourceExists(
	ctx context.Context, t tx.Tx, kind access.ResourceType, resource id.ID,
) (bool, error) {
	at, ok := resourceTables[kind]
	if !ok {
		return false, nil
	}
	found, err := s.from(t).NewSelect().Table(at.table).ColumnExpr("1").Where(at.where, resource).Exists(ctx)
	return found, failure(err)
}

// ConfigChanged implements access.Store.
func (s *Access) ConfigChanged(ctx context.Context, t tx.Tx) error {
	return (&Routing{s.database}).ConfigChanged(ctx, t)
}
