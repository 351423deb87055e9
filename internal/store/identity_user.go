package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type userRow struct {
	bun.BaseModel `bun:"table:user_account"`

	Number         int64
	ID             id.ID
	TenantID       id.ID
	GroupID        id.ID
	Username       string
	UsernameFold   folded
	Email          string
	EmailFold      folded
	Phone          string
	DisplayName    string
	AvatarURL      string `bun:"avatar_url"`
	PasswordHash   string
	Roles          list[identity.Role]
	IsAdmin        bool
	Status         identity.Status
	Source         string
	ExternalID     string
	AuthProfile    document
	SessionVersion int64
	Preferences    document
	Metadata       document
	LastLoginAt    stamp
	CreatedAt      stamp
	UpdatedAt      stamp
}

func userOf(v *identity.User) *userRow {
	return &userRow{
		Number: v.Number, ID: v.ID, TenantID: v.TenantID, GroupID: v.GroupID,
		Username: v.Username, UsernameFold: fold(v.Username), Email: v.Email, EmailFold: fold(v.Email),
		Phone: v.Phone, DisplayName: v.DisplayName, AvatarURL: v.AvatarURL, PasswordHash: v.PasswordHash.Reveal(),
		Roles: v.Roles, IsAdmin: slices.Contains(v.Roles, identity.RoleAdmin), Status: v.Status, Source: v.Source,
		ExternalID: v.ExternalID, AuthProfile: document(v.AuthProfile), SessionVersion: v.SessionVersion, Preferences: document(v.Preferences),
		Metadata: document(v.Metadata), LastLoginAt: stampOf(v.LastLoginAt),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r userRow) value() identity.User {
	return identity.User{
		ID: r.ID, Number: r.Number, TenantID: r.TenantID, GroupID: r.GroupID, Username: r.Username, Email: r.Email,
		Phone: r.Phone, DisplayName: r.DisplayName, AvatarURL: r.AvatarURL, PasswordHash: secret.New(r.PasswordHash),
		Roles: r.Roles, Status: r.Status, Source: r.Source, ExternalID: r.ExternalID,
		AuthProfile: json.RawMessage(r.AuthProfile), SessionVersion: r.SessionVersion,
		Preferences: json.RawMessage(r.Preferences), Metadata: json.RawMessage(r.Metadata),
		LastLoginAt: r.LastLoginAt.time(), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// UserInsert implements identity.Store.
func (s *Identity) UserInsert(ctx context.Context, t tx.Tx, v *identity.User) error {
	return insertNumbered(ctx, in(t), userOf(v), &v.Number)
}

// UserUpdate implements identity.Store.
func (s *Identity) UserUpdate(ctx context.Context, t tx.Tx, v *identity.User) error {
	return update(ctx, in(t), userOf(v), []string{"id", "tenant_id", "created_at"}, "id = ?"+present, v.ID)
}

// UserLock implements identity.Store.
func (s *Identity) UserLock(ctx context.Context, t tx.Tx, r identity.Realm, user id.ID) (identity.User, error) {
	where, args := ofRealm(r, "tenant_id", "id = ?"+present, user)
	return lockedOne[identity.User, userRow](ctx, s.database, t, where, args...)
}

// UserByID implements identity.Store.
func (s *Identity) UserByID(ctx context.Context, user id.ID) (identity.User, error) {
	return one[identity.User, userRow](ctx, s.reader, "id = ?"+present, user)
}

// UserByAccount implements identity.Store. A user whose e-mail it is comes before one who took it as username: only
// e-mails have an @, so nobody can hide another's account behind a name.
func (s *Identity) UserByAccount(ctx context.Context, account string) (identity.User, error) {
	var r userRow
	key := fold(account)
	err := s.reader.NewSelect().Model(&r).Where("(username_fold = ? OR email_fold = ?)"+present, key, key).
		OrderExpr("CASE WHEN email_fold = ? THEN 0 ELSE 1 END", key).Limit(1).Scan(ctx)
	return r.value(), failure(err)
}

// UserByExternal implements identity.Store.
func (s *Identity) UserByExternal(ctx context.Context, source, externalID string) (identity.User, error) {
	return one[identity.User, userRow](ctx, s.reader, "source = ? AND external_id = ? AND external_id <> ''"+present,
		source, externalID)
}

// UserCount implements identity.Store.
func (s *Identity) UserCount(ctx context.Context, t tx.Tx, q identity.UserQuery) (int, error) {
	n, err := userFilter(s.from(t).NewSelect().Model((*userRow)(nil)), q).Count(ctx)
	return int(n), failure(err)
}

// UserList implements identity.Store; the newest users come first.
func (s *Identity) UserList(ctx context.Context, q identity.UserQuery) (page.Page[identity.User], error) {
	var rows []userRow
	request, err := q.Page.Normal()
	if err != nil {
		return page.Page[identity.User]{}, err
	}
	query := userFilter(s.reader.NewSelect().Model(&rows), q).Order("number DESC")
	if !q.All {
		paged(query, request)
	}
	total, err := query.ScanAndCount(ctx)
	if q.All {
		request = page.Request{Page: 1, Size: int(total)}
	}
	return page.Of(request, values[identity.User](rows), total), failure(err)
}

func userFilter(query *bun.SelectQuery, q identity.UserQuery) *bun.SelectQuery {
	where, args := ofRealm(q.Realm, "tenant_id", "status <> 'deleted'")
	query.Where(where, args...)
	if !q.Group.IsZero() {
		query.Where("group_id = ?", q.Group)
	}
	if q.Text != "" {
		pattern := like(string(fold(q.Text)))
		query.Where("(username_fold LIKE ? ESCAPE '!' OR email_fold LIKE ? ESCAPE '!' OR "+
			"lower(display_name) LIKE lower(?) ESCAPE '!')", pattern, pattern, like(q.Text))
	}
	return query
}

// AdminExists implements identity.Store.
func (s *Identity) AdminExists(ctx context.Context, t tx.Tx) (bool, error) {
	found, err := s.from(t).NewSelect().Table("user_account").Where("is_admin" + present).Exists(ctx)
	return found, failure(err)
}

// AdminsLock implements identity.Store.
func (s *Identity) AdminsLock(ctx context.Context, t tx.Tx, tenant id.ID) ([]id.ID, error) {
	var admins []id.ID
	query := in(t).NewSelect().Table("user_account").Column("id").
		Where("is_admin AND status = 'active' AND tenant_id = ?", tenant).Order("number")
	if s.engine == postgres {
		query.For("NO KEY UPDATE")
	}
	return admins, failure(query.Scan(ctx, &admins))
}
