package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// eventGroup is what policy events are counted by.
type eventGroup struct {
	day                         int64
	kind                        routing.EventKind
	platform, model, credential string
}

func eventGroupOf(r *policyEventRow) eventGroup {
	return eventGroup{dayOf(r.At), r.Kind, keyID(r.PlatformID), keyID(r.PlatformModelID), keyID(r.CredentialID)}
}

// noID stands for none in a key, which cannot hold NULL.
const noID = "00000000-0000-0000-0000-000000000000"

func keyID(v id.ID) string {
	if v.IsZero() {
		return noID
	}
	return v.String()
}

func (g eventGroup) compare(other eventGroup) int {
	return cmp.Or(cmp.Compare(g.day, other.day), strings.Compare(string(g.kind), string(other.kind)),
		strings.Compare(g.platform, other.platform), strings.Compare(g.model, other.model),
		strings.Compare(g.credential, other.credential))
}

// eventCount is how many events a group has, and when.
type eventCount struct {
	n           int64
	first, last stamp
}

// policyTallyAdd counts those of the events that were not there before. Groups are taken in order, so that two who do this
// never wait for each other in a circle.
func policyTallyAdd(ctx context.Context, t *transaction, rows []policyEventRow, fresh []id.ID) error {
	counts := map[eventGroup]eventCount{}
	for i := range rows {
		if !slices.Contains(fresh, rows[i].ID) {
			continue
		}
		g, at := eventGroupOf(&rows[i]), rows[i].At
		c, found := counts[g]
		if !found {
			c = eventCount{first: at, last: at}
		}
		counts[g] = eventCount{c.n + 1, min(c.first, at), max(c.last, at)}
	}
	for _, g := range slices.SortedFunc(maps.Keys(counts), eventGroup.compare) {
		c := counts[g]
		_, err := t.ExecContext(ctx, `INSERT INTO platform_policy_tally AS t
				(day, kind, platform_id, platform_model_id, credential_id, n, first_at, last_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (day, kind, platform_id, platform_model_id, credential_id) DO UPDATE SET n = t.n + excluded.n,
				first_at = CASE WHEN excluded.first_at < t.first_at THEN excluded.first_at ELSE t.first_at END,
				last_at = CASE WHEN excluded.last_at > t.last_at THEN excluded.last_at ELSE t.last_at END`,
			g.day, g.kind, g.platform, g.model, g.credential, c.n, int64(c.first), int64(c.last))
		if err != nil {
			return err
		}
	}
	return nil
}

// policyTallyForget removes the days before one, and counts that one again.
func policyTallyForget(ctx context.Context, t *transaction, day int64) error {
	if _, err := t.ExecContext(ctx, "DELETE FROM platform_policy_tally WHERE day <= ?", day); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, `INSERT INTO platform_policy_tally
			(day, kind, platform_id, platform_model_id, credential_id, n, first_at, last_at)
		SELECT ?, kind, platform_id, COALESCE(platform_model_id, ?), COALESCE(credential_id, ?), COUNT(*), MIN(at), MAX(at)
		FROM platform_policy_event WHERE at >= ? AND at < ?
		GROUP BY kind, platform_id, platform_model_id, credential_id`, day, noID, noID, int64(dayBegin(day)), int64(dayBegin(day+1)))
	return err
}

// eventSpans cuts the list into days. Those in which the list's time begins or ends are counted one by one.
func eventSpans(ctx context.Context, db bun.IDB, q *routing.EventQuery) ([]span, error) {
	from, to := ceilStamp(q.From), ceilStamp(q.To)
	if q.To.IsZero() {
		to = endless
	}
	var rows []struct {
		Day, N      int64
		First, Last int64
		Cut         bool
	}
	query := eventsBy(db.NewSelect().Table("platform_policy_tally").Column("day"), q).
		ColumnExpr("CAST(SUM(n) AS BIGINT) AS n, MIN(first_at) AS first, MAX(last_at) AS last").
		ColumnExpr("MAX(CASE WHEN first_at < ? OR last_at >= ? THEN 1 ELSE 0 END) = 1 AS cut", from, to).
		Where("last_at >= ? AND first_at < ?", from, to).Group("day").Order("day DESC")
	if err := query.Scan(ctx, &rows); err != nil {
		return nil, err
	}
	spans := make([]span, 0, len(rows))
	for _, r := range rows {
		s := span{r.First, r.Last, r.N}
		if r.Cut {
			n, err := eventsWithin(db, q, s).Count(ctx)
			if err != nil {
				return nil, err
			}
			s.n = n
		}
		if s.n > 0 {
			spans = append(spans, s)
		}
	}
	return spans, nil
}
