package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:session"`

	ID        id.ID
	UserID    id.ID
	Hash      []byte
	Kind      string
	IP        string `bun:"ip"`
	UserAgent string
	CreatedAt stamp
	ExpiresAt stamp
	RevokedAt stamp
	Version   int64
}

func sessionOf(v *identity.Session) *sessionRow {
	return &sessionRow{
		ID: v.ID, UserID: v.UserID, Hash: v.Hash, Kind: v.Kind, IP: v.IP, UserAgent: v.UserAgent,
		CreatedAt: stampOf(v.CreatedAt), ExpiresAt: stampOf(v.ExpiresAt), RevokedAt: stampOf(v.RevokedAt),
		Version: v.Version,
	}
}

func (r sessionRow) value() identity.Session {
	return identity.Session{
		ID: r.ID, UserID: r.UserID, Hash: r.Hash, Kind: r.Kind, IP: r.IP, UserAgent: r.UserAgent,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(), RevokedAt: r.RevokedAt.time(),
		Version: r.Version,
	}
}

// SessionInsert implements identity.Store.
func (s *Identity) SessionInsert(ctx context.Context, t tx.Tx, v *identity.Session) error {
	return insert(ctx, in(t), sessionOf(v))
}

// SessionByID implements identity.Store; ended sessions are found too.
func (s *Identity) SessionByID(ctx context.Context, session id.ID) (identity.Session, error) {
	return one[identity.Session, sessionRow](ctx, s.reader, "id = ?", session)
}

// SessionByHash implements identity.Store; ended sessions are found too.
func (s *Identity) SessionByHash(ctx context.Context, hash []byte) (identity.Session, error) {
	return one[identity.Session, sessionRow](ctx, s.reader, "hash = ?", hash)
}

// SessionRevoke implements identity.Store; a session that was revoked before keeps the time of that.
func (s *Identity) SessionRevoke(ctx context.Context, t tx.Tx, session id.ID, at time.Time) error {
	return touched(in(t).NewUpdate().Table("session").
		Set("revoked_at = COALESCE(revoked_at, ?)", stampOf(at)).Where("id = ?", session).Exec(ctx))
}

// SessionsForget implements identity.Store.
func (s *Identity) SessionsForget(ctx context.Context, t tx.Tx, before time.Time, limit int) (int, error) {
	some := in(t).NewSelect().Table("session").Column("id").Where("expires_at < ?", stampOf(before)).
		OrderExpr("expires_at").Limit(int64(limit))
	result, err := in(t).NewDelete().Table("session").Where("id IN (?)", some).Exec(ctx)
	if err != nil {
		return 0, failure(err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}
