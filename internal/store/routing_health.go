package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

var _ routing.HealthStore = (*Routing)(nil)

// sickRow is a row of any of the three tables that know a cooldown.
type sickRow struct {
	Kind           routing.UnitKind
	ID             id.ID
	PlatformID     id.ID
	CooldownUntil  stamp
	Disabled       bool
	DisabledReason string
	DisabledAt     stamp
}

func (r *sickRow) value() routing.Sick {
	return routing.Sick{
		Kind: r.Kind, ID: r.ID, Platform: r.PlatformID, Until: r.CooldownUntil.time(), Disabled: r.Disabled,
		Reason: r.DisabledReason, Since: r.DisabledAt.time(),
	}
}

// SickList implements routing.HealthStore.
func (s *Routing) SickList(ctx context.Context) ([]routing.Sick, error) {
	var rows []sickRow
	err := s.reader.NewRaw(`
		SELECT ?0 AS kind, id, id AS platform_id, cooldown_until, FALSE AS disabled, '' AS disabled_reason, CAST(NULL AS BIGINT) AS disabled_at
		FROM platform WHERE cooldown_until IS NOT NULL AND status <> 'deleted'
		UNION ALL
		SELECT ?1, id, platform_id, cooldown_until, FALSE, '', CAST(NULL AS BIGINT) FROM platform_model WHERE cooldown_until IS NOT NULL
		UNION ALL
		SELECT ?2, id, platform_id, cooldown_until, status = ?3, disabled_reason, disabled_at
		FROM platform_credential WHERE cooldown_until IS NOT NULL AND status <> 'disabled'`,
		int64(routing.UnitPlatform), int64(routing.UnitModel), int64(routing.UnitCredential), routing.AutoDisabled,
	).Scan(ctx, &rows)
	if err != nil {
		return nil, failure(err)
	}
	out := make([]routing.Sick, len(rows))
	for i := range rows {
		out[i] = rows[i].value()
	}
	return out, nil
}

// SickSave implements routing.HealthStore. A credential that people disabled stays as they left it.
func (s *Routing) SickSave(ctx context.Context, list []routing.Sick) error {
	return s.inTx(ctx, func(t *transaction) error {
		for i := range list {
			if _, err := sickUpdate(t, &list[i]).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func sickUpdate(t *transaction, v *routing.Sick) *bun.UpdateQuery {
	q := t.NewUpdate().Set("cooldown_until = ?", stampOf(v.Until)).Where("id = ?", v.ID)
	switch v.Kind {
	case routing.UnitPlatform:
		return q.Table("platform")
	case routing.UnitModel:
		return q.Table("platform_model")
	case routing.UnitCredential:
	}
	status, reason := routing.Enabled, ""
	if v.Disabled {
		status, reason = routing.AutoDisabled, v.Reason
	}
	return q.Table("platform_credential").Set("status = ?", status).Set("disabled_reason = ?", reason).
		Set("disabled_at = ?", stampOf(v.Since)).Where("status <> ?", routing.Disabled)
}
