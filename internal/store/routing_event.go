package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

var _ routing.EventStore = (*Routing)(nil)

type policyEventRow struct {
	bun.BaseModel `bun:"table:platform_policy_event"`

	Number          int64
	ID              id.ID
	At              stamp
	Kind            routing.EventKind
	PlatformID      id.ID
	PlatformModelID id.ID
	CredentialID    id.ID
	Category        inference.Category
	Status          int
	Code            string
	RequestID       string
	StateBefore     document
	StateAfter      document
	Until           stamp
}

func policyEventOf(v *routing.PolicyEvent) policyEventRow {
	return policyEventRow{
		ID: v.ID, At: stampOf(v.At), Kind: v.Kind, PlatformID: v.PlatformID, PlatformModelID: v.PlatformModelID,
		CredentialID: v.CredentialID, Category: v.Category, Status: v.Status, Code: clean(v.Code), RequestID: clean(v.RequestID),
		StateBefore: document(v.Before), StateAfter: document(v.After), Until: stampOf(v.Until),
	}
}

func (r policyEventRow) value() routing.PolicyEvent {
	return routing.PolicyEvent{
		ID: r.ID, Number: r.Number, At: r.At.time(), Kind: r.Kind, PlatformID: r.PlatformID, PlatformModelID: r.PlatformModelID,
		CredentialID: r.CredentialID, Category: r.Category, Status: r.Status, Code: r.Code, RequestID: r.RequestID,
		Before: json.RawMessage(r.StateBefore), After: json.RawMessage(r.StateAfter), Until: r.Until.time(),
	}
}

// PolicyEventsInsert implements routing.EventStore.
func (s *Routing) PolicyEventsInsert(ctx context.Context, list []routing.PolicyEvent) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]policyEventRow, len(list))
	for i := range list {
		rows[i] = policyEventOf(&list[i])
	}
	return s.inTx(ctx, func(t *transaction) error {
		var fresh []id.ID
		err := t.NewInsert().Model(&rows).ExcludeColumn("number").On("CONFLICT (id) DO NOTHING").Returning("id").Scan(ctx, &fresh)
		if err != nil {
			return err
		}
		return policyTallyAdd(ctx, t, rows, fresh)
	})
}

// PolicyEventList implements routing.EventStore. The order is that of time. Days are counted when their events are written.
func (s *Routing) PolicyEventList(ctx context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error) {
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[routing.PolicyEvent]{}, err
	}
	items, total := []routing.PolicyEvent{}, int64(0)
	err = s.snapshot(ctx, func(db bun.IDB) error {
		spans, err := eventSpans(ctx, db, &q)
		if err != nil {
			return err
		}
		total = sumSpans(spans)
		numbers, err := pageSpans(spans, int64(request.Offset()), int64(request.Size), func(some []span, offset, size int64) ([]int64, error) {
			return eventNumbers(ctx, db, &q, some, offset, size)
		})
		if err != nil || len(numbers) == 0 {
			return err
		}
		items, err = all[routing.PolicyEvent, policyEventRow](ctx, db, func(rows *bun.SelectQuery) *bun.SelectQuery {
			return rows.Where("number IN (?)", bun.List(numbers)).Order("at DESC", "number DESC")
		})
		return err
	})
	return page.Of(request, items, total), err
}

// eventsBy are the filters on columns that events and their tally share.
func eventsBy(s *bun.SelectQuery, q *routing.EventQuery) *bun.SelectQuery {
	for column, value := range map[string]id.ID{
		"platform_id": q.Platform, "platform_model_id": q.Model, "credential_id": q.Credential,
	} {
		if !value.IsZero() {
			s.Where("? = ?", bun.Ident(column), value)
		}
	}
	if q.Kind != "" {
		s.Where("kind = ?", q.Kind)
	}
	return s
}

// eventsWithin selects the events of the query in a span, from an index that holds all that is looked at.
func eventsWithin(db bun.IDB, q *routing.EventQuery, s span) *bun.SelectQuery {
	query := eventsBy(db.NewSelect().Table("platform_policy_event"), q).Where("at >= ? AND at <= ?", s.first, s.last)
	if !q.From.IsZero() {
		query.Where("at >= ?", ceilStamp(q.From))
	}
	if !q.To.IsZero() {
		query.Where("at < ?", ceilStamp(q.To))
	}
	return query
}

// eventNumbers chooses a page from some spans.
func eventNumbers(ctx context.Context, db bun.IDB, q *routing.EventQuery, spans []span, offset, size int64) (numbers []int64, err error) {
	var events *bun.SelectQuery
	for _, s := range spans {
		newest := eventsWithin(db, q, s).Column("at", "number").Order("at DESC", "number DESC").Limit(offset + size)
		one := db.NewSelect().TableExpr("(?) AS newest", newest).Column("at", "number")
		if events == nil {
			events = one
		} else {
			events = events.UnionAll(one)
		}
	}
	err = db.NewSelect().TableExpr("(?) AS event", events).Column("number").Order("at DESC", "number DESC").
		Limit(size).Offset(offset).Scan(ctx, &numbers)
	return numbers, err
}

// PolicyEventsForget implements routing.EventStore.
func (s *Routing) PolicyEventsForget(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.inTx(ctx, func(t *transaction) error {
		result, err := t.ExecContext(ctx, "DELETE FROM platform_policy_event WHERE at < ?", ceilStamp(before))
		if err != nil {
			return err
		}
		if n, err = result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return policyTallyForget(ctx, t, dayOf(stamp(ceilStamp(before))))
	})
	return n, failure(err)
}
