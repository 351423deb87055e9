package store

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type keyRow struct {
	bun.BaseModel `bun:"table:api_key"`

	Number          int64
	ID              id.ID
	TenantID        id.ID
	UserID          id.ID
	AppID           id.ID
	Name            string
	Public          string
	Hash            []byte
	Sealed          []byte
	Playground      bool
	Scopes          list[string]
	Status          identity.Status
	Models          list[string]
	AllowIPs        list[string] `bun:"allow_ips"`
	DenyIPs         list[string] `bun:"deny_ips"`
	RateLimitPolicy document
	QuotaPolicy     document
	ExpiresAt       stamp
	LastUsedAt      stamp
	CreatedAt       stamp
	UpdatedAt       stamp
}

func keyOf(v *identity.APIKey) *keyRow {
	return &keyRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, UserID: v.UserID, AppID: v.AppID, Name: v.Name,
		Public: v.Public, Hash: v.Hash, Sealed: v.Sealed, Playground: v.Playground, Scopes: v.Scopes, Status: v.Status,
		Models: v.Models, AllowIPs: v.AllowIPs, DenyIPs: v.DenyIPs, RateLimitPolicy: document(v.RateLimitPolicy),
		QuotaPolicy: document(v.QuotaPolicy), ExpiresAt: stampOf(v.ExpiresAt), LastUsedAt: stampOf(v.LastUsedAt),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r keyRow) value() identity.APIKey {
	return identity.APIKey{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, UserID: r.UserID, AppID: r.AppID, Name: r.Name,
		Public: r.Public, Hash: r.Hash, Sealed: r.Sealed, Playground: r.Playground, Scopes: r.Scopes, Status: r.Status,
		Models: r.Models, AllowIPs: r.AllowIPs, DenyIPs: r.DenyIPs, RateLimitPolicy: json.RawMessage(r.RateLimitPolicy),
		QuotaPolicy: json.RawMessage(r.QuotaPolicy), ExpiresAt: r.ExpiresAt.time(), LastUsedAt: r.LastUsedAt.time(),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// APIKeyInsert implements identity.Store.
func (s *Identity) APIKeyInsert(ctx context.Context, t tx.Tx, v *identity.APIKey) error {
	return insertNumbered(ctx, in(t), keyOf(v), &v.Number)
}

// APIKeyUpdate implements identity.Store. It leaves LastUsedAt to APIKeysUsed and to the journal: what the caller read
// may be older than what they noted since.
func (s *Identity) APIKeyUpdate(ctx context.Context, t tx.Tx, v *identity.APIKey) error {
	fixed := []string{"id", "tenant_id", "user_id", "public", "hash", "sealed", "last_used_at", "created_at"}
	return update(ctx, in(t), keyOf(v), fixed, "id = ? AND user_id = ?"+present, v.ID, v.UserID)
}

// APIKeyByID implements identity.Store.
func (s *Identity) APIKeyByID(ctx context.Context, user, key id.ID) (identity.APIKey, error) {
	return one[identity.APIKey, keyRow](ctx, s.reader, "id = ? AND user_id = ?"+present, key, user)
}

// APIKeyByPublic implements identity.Store.
func (s *Identity) APIKeyByPublic(ctx context.Context, public string) (identity.APIKey, error) {
	return one[identity.APIKey, keyRow](ctx, s.reader, "public = ?"+present, public)
}

// APIKeyList implements identity.Store; the newest keys come first.
func (s *Identity) APIKeyList(ctx context.Context, user id.ID) ([]identity.APIKey, error) {
	return all[identity.APIKey, keyRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("user_id = ?"+present, user).Order("number DESC")
	})
}

// APIKeysDelete implements identity.Store.
func (s *Identity) APIKeysDelete(ctx context.Context, t tx.Tx, user id.ID, at time.Time) error {
	_, err := in(t).NewUpdate().Table("api_key").Set("status = ?", identity.Deleted).Set("updated_at = ?", stampOf(at)).
		Where("user_id = ?"+present, user).Exec(ctx)
	return failure(err)
}

// APIKeysUsed implements identity.Store, in a transaction of its own.
func (s *Identity) APIKeysUsed(ctx context.Context, at map[id.ID]time.Time) error {
	return s.inTx(ctx, func(t *transaction) error { return keysUsed(ctx, s.database, t, at) })
}

var keyUse = newStatement(`UPDATE api_key SET last_used_at = ?
	WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)`)

// keysUsed goes in the order of ids, so that two transactions that note the same keys cannot lock each other out.
func keysUsed(ctx context.Context, d *database, t *transaction, at map[id.ID]time.Time) error {
	var rows [][]any
	for _, key := range slices.SortedFunc(maps.Keys(at), compareIDs) {
		if used := stampOf(at[key]); used != 0 {
			rows = append(rows, []any{int64(used), arg(key), int64(used)})
		}
	}
	_, err := d.execEach(ctx, t, keyUse, rows)
	return failure(err)
}

func compareIDs(a, b id.ID) int { return bytes.Compare(a[:], b[:]) }
