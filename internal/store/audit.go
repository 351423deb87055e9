package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Audit implements audit.Store.
type Audit struct{ *database }

var _ audit.Store = (*Audit)(nil)

// Bounds of a list's length.
const (
	defaultEntries = 100
	maxEntries     = 1000
)

type auditRow struct {
	bun.BaseModel `bun:"table:audit_entry"`

	Number         int64
	ID             id.ID
	At             stamp
	Category       string
	Action         string
	ActorUserID    id.ID
	ActorUsername  string
	ActorTenantID  id.ID
	ActorRoles     list[string]
	ActorSource    string
	IP             string `bun:"ip"`
	UserAgent      string
	RequestID      string
	TargetType     string
	TargetID       string
	TargetTenantID id.ID
	TargetUserID   id.ID
	Reason         string
	Before         document
	After          document
	Metadata       document
}

func auditOf(v *audit.Entry) *auditRow {
	return &auditRow{
		Number: v.Number, ID: v.ID, At: stampOf(v.At), Category: v.Category, Action: v.Action, ActorUserID: v.ActorUserID,
		ActorUsername: v.ActorUsername, ActorTenantID: v.ActorTenantID, ActorRoles: v.ActorRoles,
		ActorSource: v.ActorSource, IP: v.IP, UserAgent: v.UserAgent, RequestID: v.RequestID, TargetType: v.TargetType,
		TargetID: v.TargetID, TargetTenantID: v.TargetTenantID, TargetUserID: v.TargetUserID, Reason: v.Reason,
		Before: document(v.Before), After: document(v.After), Metadata: document(v.Metadata),
	}
}

func (r auditRow) value() audit.Entry {
	return audit.Entry{
		ID: r.ID, Number: r.Number, At: r.At.time(), Category: r.Category, Action: r.Action, ActorUserID: r.ActorUserID,
		ActorUsername: r.ActorUsername, ActorTenantID: r.ActorTenantID, ActorRoles: r.ActorRoles,
		ActorSource: r.ActorSource, IP: r.IP, UserAgent: r.UserAgent, RequestID: r.RequestID, TargetType: r.TargetType,
		TargetID: r.TargetID, TargetTenantID: r.TargetTenantID, TargetUserID: r.TargetUserID, Reason: r.Reason,
		Before: json.RawMessage(r.Before), After: json.RawMessage(r.After), Metadata: json.RawMessage(r.Metadata),
	}
}

// EntryInsert implements audit.Store. It also notes the entry's kind, of which there are some dozens.
func (s *Audit) EntryInsert(ctx context.Context, t tx.Tx, v *audit.Entry) error {
	_, err := in(t).ExecContext(ctx, "INSERT INTO audit_kind (category, action, target_type) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		v.Category, v.Action, v.TargetType)
	if err != nil {
		return failure(err)
	}
	return insertNumbered(ctx, in(t), auditOf(v), &v.Number)
}

// EntryList implements audit.Store. A Limit of 0 means 100, one above 1000 means 1000.
func (s *Audit) EntryList(ctx context.Context, q audit.Query) (entries []audit.Entry, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultEntries
	}
	q.Limit = min(q.Limit, maxEntries)
	narrow := auditWords(q)
	err = s.snapshot(ctx, func(db bun.IDB) error {
		if q.TargetID == "" && (q.Category != "" || q.Action != "" || q.TargetType != "") {
			kinds, err := auditKinds(ctx, db, q)
			if err != nil || len(kinds) == 0 {
				return err
			}
			narrow = func(query *bun.SelectQuery) *bun.SelectQuery {
				return query.Where("number IN (?)", auditNewest(db, kinds, q.Limit))
			}
		}
		entries, err = all[audit.Entry, auditRow](ctx, db, func(query *bun.SelectQuery) *bun.SelectQuery {
			return narrow(query).Order("number DESC").Limit(int64(q.Limit))
		})
		return err
	})
	return entries, err
}

// auditWords are the filters.
func auditWords(q audit.Query) narrowing {
	return func(query *bun.SelectQuery) *bun.SelectQuery {
		for column, value := range map[string]string{
			"category": q.Category, "action": q.Action, "target_type": q.TargetType, "target_id": q.TargetID,
		} {
			if value != "" {
				query.Where("? = ?", bun.Ident(column), value)
			}
		}
		return query
	}
}

type auditKind struct{ Category, Action, TargetType string }

// auditKinds lists the kinds of entries that the query is about: what is asked for may be rare among what each filter alone
// would find.
func auditKinds(ctx context.Context, db bun.IDB, q audit.Query) (kinds []auditKind, err error) {
	query := db.NewSelect().Table("audit_kind").Column("category", "action", "target_type")
	return kinds, auditWords(q)(query).Scan(ctx, &kinds)
}

// auditNewest selects the numbers of the newest entries of each kind.
func auditNewest(db bun.IDB, kinds []auditKind, limit int) (numbers *bun.SelectQuery) {
	for _, k := range kinds {
		newest := db.NewSelect().Table("audit_entry").Column("number").
			Where("category = ? AND action = ? AND target_type = ?", k.Category, k.Action, k.TargetType).
			Order("number DESC").Limit(int64(limit))
		one := db.NewSelect().TableExpr("(?) AS newest", newest).Column("number")
		if numbers == nil {
			numbers = one
		} else {
			numbers = numbers.UnionAll(one)
		}
	}
	return numbers
}
