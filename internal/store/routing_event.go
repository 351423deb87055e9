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
		_, err := t.NewInsert().Model(&rows).ExcludeColumn("number").On("CONFLICT (id) DO NOTHING").Returning("NULL").Exec(ctx)
		return err
	})
}

// PolicyEventList implements routing.EventStore.
func (s *Routing) PolicyEventList(ctx context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error) {
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[routing.PolicyEvent]{}, err
	}
	var rows []policyEventRow
	total, err := paged(eventsBy(s.reader.NewSelect().Model(&rows), &q), request).Order("number DESC").ScanAndCount(ctx)
	if err != nil {
		return page.Page[routing.PolicyEvent]{}, failure(err)
	}
	return page.Of(request, values[routing.PolicyEvent](rows), total), nil
}

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
	if !q.From.IsZero() {
		s.Where("at >= ?", ceilStamp(q.From))
	}
	if !q.To.IsZero() {
		s.Where("at < ?", ceilStamp(q.To))
	}
	return s
}

// PolicyEventsForget implements routing.EventStore.
func (s *Routing) PolicyEventsForget(ctx context.Context, before time.Time) (int64, error) {
	result, err := s.writer.NewDelete().Table("platform_policy_event").Where("at < ?", ceilStamp(before)).Exec(ctx)
	if err != nil {
		return 0, failure(err)
	}
	return result.RowsAffected()
}
