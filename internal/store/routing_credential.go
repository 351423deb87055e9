package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type credentialRow struct {
	bun.BaseModel `bun:"table:platform_credential"`

	Number         int64
	ID             id.ID
	PlatformID     id.ID
	Name           string
	Sealed         []byte
	Preview        document
	Weight         int64
	Status         routing.Status
	DisabledReason string
	DisabledAt     stamp
	CooldownUntil  stamp
	CreatedAt      stamp
	UpdatedAt      stamp
}

// previewOf writes the masks down; they are a document because bun would take a map for PostgreSQL's hstore.
func previewOf(masks map[string]string) document {
	if len(masks) == 0 {
		return nil
	}
	text, _ := json.Marshal(masks) //nolint:errchkjson // a map of texts always has a form in JSON
	return text
}

func masksOf(preview document) map[string]string {
	var masks map[string]string
	_ = json.Unmarshal(preview, &masks) // empty, or written by previewOf
	return masks
}

func credentialOf(platform id.ID, v *routing.Credential) *credentialRow {
	return &credentialRow{
		Number: v.Number, ID: v.ID, PlatformID: platform, Name: v.Name, Sealed: v.Sealed, Preview: previewOf(v.Preview),
		Weight: v.Weight, Status: v.Status, DisabledReason: v.DisabledReason, DisabledAt: stampOf(v.DisabledAt), CooldownUntil: stampOf(v.CooldownUntil),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r credentialRow) value() routing.Credential {
	return routing.Credential{
		ID: r.ID, Number: r.Number, PlatformID: r.PlatformID, Name: r.Name, Sealed: r.Sealed, Preview: masksOf(r.Preview),
		Weight: r.Weight, Status: r.Status, DisabledReason: r.DisabledReason, DisabledAt: r.DisabledAt.time(), CooldownUntil: r.CooldownUntil.time(),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// platforms reads platforms and their credentials as of one moment.
func (s *Routing) platforms(ctx context.Context, where, whereCredential string, args ...any) ([]routing.Platform, error) {
	var platforms []routing.Platform
	err := s.snapshot(ctx, func(db bun.IDB) (err error) {
		platforms, err = all[routing.Platform, platformRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where(where, args...).Order("number")
		})
		if err != nil {
			return err
		}
		return credentialsInto(ctx, db, platforms, whereCredential, args...)
	})
	return platforms, err
}

// credentialsInto gives each platform its credentials, the oldest first.
func credentialsInto(
	ctx context.Context, db bun.IDB, platforms []routing.Platform, where string, args ...any,
) error {
	credentials, err := all[routing.Credential, credentialRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where(where, args...).Order("number")
	})
	of := map[id.ID][]routing.Credential{}
	for _, c := range credentials {
		of[c.PlatformID] = append(of[c.PlatformID], c)
	}
	for i := range platforms {
		platforms[i].Credentials = of[platforms[i].ID]
	}
	return err
}

// credentialsInsert fills in the credentials' platform and numbers.
func credentialsInsert(ctx context.Context, t *transaction, platform id.ID, credentials []routing.Credential) error {
	for i := range credentials {
		c := &credentials[i]
		c.PlatformID = platform
		if err := insertNumbered(ctx, t, credentialOf(platform, c), &c.Number); err != nil {
			return err
		}
	}
	return nil
}

// credentialsReplace makes the platform's credentials equal to the given ones. A credential of another platform is
// unknown here, so its ID is a conflict.
func credentialsReplace(ctx context.Context, t *transaction, platform id.ID, credentials []routing.Credential) error {
	numbers, err := credentialNumbers(ctx, t, platform)
	if err != nil {
		return err
	}
	for i := range credentials {
		c := &credentials[i]
		number, known := numbers[c.ID]
		if !known {
			err = credentialsInsert(ctx, t, platform, credentials[i:i+1])
		} else {
			c.Number, c.PlatformID = number, platform
			err = update(ctx, t, credentialOf(platform, c), []string{"id", "platform_id", "created_at"}, "id = ?", c.ID)
		}
		if err != nil {
			return err
		}
		delete(numbers, c.ID)
	}
	return credentialsDelete(ctx, t, numbers)
}

func credentialNumbers(ctx context.Context, t *transaction, platform id.ID) (map[id.ID]int64, error) {
	var rows []credentialRow
	query := t.NewSelect().Model(&rows).Column("id", "number").Where("platform_id = ?", platform)
	if err := query.Scan(ctx); err != nil {
		return nil, failure(err)
	}
	numbers := map[id.ID]int64{}
	for _, r := range rows {
		numbers[r.ID] = r.Number
	}
	return numbers, nil
}

func credentialsDelete(ctx context.Context, t *transaction, numbers map[id.ID]int64) error {
	for credential := range numbers {
		_, err := t.NewDelete().Table("platform_credential").Where("id = ?", credential).Exec(ctx)
		if err != nil {
			return failure(err)
		}
	}
	return nil
}

// CredentialEnable implements routing.Store.
func (s *Routing) CredentialEnable(ctx context.Context, t tx.Tx, platform, credential id.ID, now time.Time) error {
	return touched(in(t).NewUpdate().Table("platform_credential").Set("status = ?", routing.Enabled).
		Set("disabled_reason = ''").Set("disabled_at = NULL").Set("cooldown_until = NULL").Set("updated_at = ?", stampOf(now)).
		Where("id = ? AND platform_id = ?", credential, platform).
		Where("EXISTS (SELECT 1 FROM platform AS p WHERE p.id = ? AND p.status <> ?)", platform, routing.Deleted).Exec(ctx))
}
