package identity

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Store is what identity asks of storage. Reads see committed rows; a missing or deleted row is fault.ErrNotFound, a
// duplicate of a unique value fault.ErrConflict with the field's path. Inserts fill in Number and take ID, CreatedAt and
// UpdatedAt as given.
type Store interface {
	tx.Runner

	TenantInsert(ctx context.Context, t tx.Tx, v *Tenant) error
	TenantByKey(ctx context.Context, key string) (Tenant, error)
	TenantByID(ctx context.Context, tenant id.ID) (Tenant, error)
	GroupInsert(ctx context.Context, t tx.Tx, v *Group) error
	GroupByKey(ctx context.Context, tenant id.ID, key string) (Group, error)
	GroupByID(ctx context.Context, group id.ID) (Group, error)

	UserInsert(ctx context.Context, t tx.Tx, v *User) error
	// UserUpdate writes every field but ID, Number, TenantID and CreatedAt.
	UserUpdate(ctx context.Context, t tx.Tx, v *User) error
	UserByID(ctx context.Context, user id.ID) (User, error)
	// UserByAccount finds a user by username or e-mail, regardless of letter case.
	UserByAccount(ctx context.Context, account string) (User, error)
	UserList(ctx context.Context, q UserQuery) (page.Page[User], error)
	// AdminExists reports whether any user that is not deleted has the role admin; t may be nil.
	AdminExists(ctx context.Context, t tx.Tx) (bool, error)

	AppInsert(ctx context.Context, t tx.Tx, v *App) error
	AppDefault(ctx context.Context, user id.ID) (App, error)

	APIKeyInsert(ctx context.Context, t tx.Tx, v *APIKey) error
	// APIKeyUpdate writes every field but ID, Number, owner, Public, Hash, Sealed and CreatedAt.
	APIKeyUpdate(ctx context.Context, t tx.Tx, v *APIKey) error
	APIKeyByID(ctx context.Context, user, key id.ID) (APIKey, error)
	APIKeyByPublic(ctx context.Context, public string) (APIKey, error)
	APIKeyList(ctx context.Context, user id.ID) ([]APIKey, error)
	// APIKeysUsed notes when keys were last used; it never moves a time backwards.
	APIKeysUsed(ctx context.Context, at map[id.ID]time.Time) error

	SessionInsert(ctx context.Context, t tx.Tx, v *Session) error
	SessionByID(ctx context.Context, session id.ID) (Session, error)
	SessionByHash(ctx context.Context, hash []byte) (Session, error)
	SessionRevoke(ctx context.Context, t tx.Tx, session id.ID, at time.Time) error
	// SessionsForget deletes up to limit sessions whose time was over before a moment, and tells how many.
	SessionsForget(ctx context.Context, t tx.Tx, before time.Time, limit int) (int, error)
}

// UserQuery selects users. Zero fields do not restrict. All asks for every row on one page, for lists that a contract
// does not page.
type UserQuery struct {
	Tenant id.ID
	Text   string // part of username, e-mail or display name
	All    bool
	Page   page.Request
}
