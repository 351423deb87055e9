package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Limits implements limits.Usage, limits.WindowStore and limits.PolicyStore.
type Limits struct{ *database }

var (
	_ limits.Usage       = (*Limits)(nil)
	_ limits.WindowStore = (*Limits)(nil)
	_ limits.PolicyStore = (*Limits)(nil)
)

// policiesRow holds both policies in one document.
type policiesRow struct {
	Rate  json.RawMessage `json:"rateLimitPolicy"`
	Quota json.RawMessage `json:"quotaPolicy"`
}

// PolicyOf implements limits.PolicyStore. What a deleted scope was limited by no longer matters.
func (s *Limits) PolicyOf(ctx context.Context, scope limits.Scope) (rate, quota json.RawMessage, err error) {
	var first, second document
	query, ok := policyQueries[scope.Kind]
	if !ok {
		return nil, nil, nil // an upstream's are compiled with the routes
	}
	err = s.reader.QueryRowContext(ctx, query, scope.ID).Scan(&first, &second)
	if err = failure(err); errors.Is(err, fault.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil || len(first) == 0 || scope.Kind == limits.KindGroup || scope.Kind == limits.KindKey {
		return json.RawMessage(first), json.RawMessage(second), err
	}
	var both policiesRow
	err = json.Unmarshal(first, &both)
	return both.Rate, both.Quota, err
}

// policyQueries read two policies, or the document that holds both.
var policyQueries = map[limits.Kind]string{
	limits.KindGroup:  "SELECT rate_limit_policy, quota_policy FROM user_group WHERE id = ?",
	limits.KindKey:    "SELECT rate_limit_policy, quota_policy FROM api_key WHERE id = ?",
	limits.KindTenant: "SELECT policies, NULL FROM tenant WHERE id = ?",
	limits.KindUser:   "SELECT policies, NULL FROM user_account WHERE id = ?",
	limits.KindApp:    "SELECT policies, NULL FROM app WHERE id = ?",
}

// UserPoliciesPut sets what limits a user; either may be empty. Error: fault.ErrNotFound.
func (s *Limits) UserPoliciesPut(ctx context.Context, t tx.Tx, user id.ID, rate, quota json.RawMessage) error {
	members := map[string]json.RawMessage{}
	if len(rate) > 0 {
		members["rateLimitPolicy"] = rate
	}
	if len(quota) > 0 {
		members["quotaPolicy"] = quota
	}
	var text document
	if len(members) > 0 {
		b, err := json.Marshal(members)
		if err != nil {
			return fault.ErrBadJSON.Because(err)
		}
		text = b
	}
	return touched(in(t).NewUpdate().Table("user_account").Set("policies = ?", text).Where("id = ?", user).Exec(ctx))
}

type windowRow struct {
	bun.BaseModel `bun:"table:limit_window"`

	Node      string
	ScopeKind string
	ScopeID   id.ID
	Metric    string
	Currency  money.Currency
	Span      int64
	LimitIs   int64
	Cells     document
	Until     stamp
}

// value implements row. What has a name that this version does not know has no cells, and is left out by WindowsLoad.
func (r windowRow) value() limits.SavedWindow {
	kind, _ := limits.ParseKind(r.ScopeKind)
	metric, _ := limits.ParseMetric(r.Metric)
	v := limits.SavedWindow{
		Scope: limits.Scope{Kind: kind, ID: r.ScopeID}, Metric: metric, Currency: r.Currency, Span: time.Duration(r.Span),
		Limit: r.LimitIs,
	}
	var cells [][2]int64
	if kind == 0 || metric == 0 || json.Unmarshal(r.Cells, &cells) != nil {
		return v
	}
	for _, c := range cells {
		v.Cells = append(v.Cells, limits.SavedCell{Tick: c[0], Used: c[1]})
	}
	return v
}

// WindowsLoad implements limits.WindowStore.
func (s *Limits) WindowsLoad(ctx context.Context, node string, now time.Time) ([]limits.SavedWindow, error) {
	found, err := all[limits.SavedWindow, windowRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("node = ? AND until > ?", node, stampOf(now)).Order("scope_kind", "scope_id", "metric", "currency", "span")
	})
	if err != nil {
		return nil, err
	}
	kept := found[:0]
	for i := range found {
		if len(found[i].Cells) > 0 {
			kept = append(kept, found[i])
		}
	}
	return kept, nil
}

var windowPut = newStatement(`INSERT INTO limit_window
	(node, scope_kind, scope_id, metric, currency, span, limit_is, cells, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (node, scope_kind, scope_id, metric, currency, span)
	DO UPDATE SET limit_is = EXCLUDED.limit_is, cells = EXCLUDED.cells, until = EXCLUDED.until`)

// WindowsSave implements limits.WindowStore.
func (s *Limits) WindowsSave(ctx context.Context, node string, now time.Time, windows []limits.SavedWindow) error {
	rows := make([][]any, len(windows))
	for i := range windows {
		v := &windows[i]
		cells := make([][2]int64, len(v.Cells))
		for j, c := range v.Cells {
			cells[j] = [2]int64{c.Tick, c.Used}
		}
		b, err := json.Marshal(cells)
		if err != nil {
			return err
		}
		rows[i] = []any{
			node, v.Scope.Kind.String(), arg(v.Scope.ID), v.Metric.String(), string(v.Currency), int64(v.Span), v.Limit,
			string(b), int64(stampOf(v.Until())),
		}
	}
	return s.inTx(ctx, func(t *transaction) error {
		if _, err := s.execEach(ctx, t, windowPut, rows); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, "DELETE FROM limit_window WHERE node = ? AND until <= ?", node, stampOf(now))
		return err
	})
}
