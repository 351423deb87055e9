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
// UpdatedAt as given. A …Lock reads a row that nobody else can change until t ends; of several locks, that of the tenant
// is taken first, then the user's, then the group's.
type Store interface {
	tx.Runner
	TenantStore
	GroupStore
	UserStore
	KeyStore
	SessionStore
}

// TenantStore keeps tenants.
type TenantStore interface {
	TenantInsert(ctx context.Context, t tx.Tx, v *Tenant) error
	// TenantUpdate writes every field but ID, Number and CreatedAt.
	TenantUpdate(ctx context.Context, t tx.Tx, v *Tenant) error
	TenantLock(ctx context.Context, t tx.Tx, r Realm, tenant id.ID) (Tenant, error)
	TenantByKey(ctx context.Context, key string) (Tenant, error)
	TenantByID(ctx context.Context, tenant id.ID) (Tenant, error)
	// TenantByName finds a tenant by its key or, where none has that key, by its ExternalID.
	TenantByName(ctx context.Context, name string) (Tenant, error)
	TenantByInvitation(ctx context.Context, hash []byte) (Tenant, error)
	// TenantList returns the tenants of a realm, the oldest first.
	TenantList(ctx context.Context, r Realm) ([]Tenant, error)
}

// GroupStore keeps user groups.
type GroupStore interface {
	GroupInsert(ctx context.Context, t tx.Tx, v *Group) error
	// GroupUpdate writes every field but ID, Number, TenantID and CreatedAt.
	GroupUpdate(ctx context.Context, t tx.Tx, v *Group) error
	GroupLock(ctx context.Context, t tx.Tx, r Realm, group id.ID) (Group, error)
	GroupByKey(ctx context.Context, tenant id.ID, key string) (Group, error)
	GroupByID(ctx context.Context, group id.ID) (Group, error)
	// GroupList returns the groups of a realm, the oldest first.
	GroupList(ctx context.Context, r Realm) ([]Group, error)
}

// UserStore keeps users and their apps.
type UserStore interface {
	UserInsert(ctx context.Context, t tx.Tx, v *User) error
	// UserUpdate writes every field but ID, Number, TenantID and CreatedAt.
	UserUpdate(ctx context.Context, t tx.Tx, v *User) error
	UserLock(ctx context.Context, t tx.Tx, r Realm, user id.ID) (User, error)
	UserByID(ctx context.Context, user id.ID) (User, error)
	// UserByAccount finds a user by username or e-mail, regardless of letter case.
	UserByAccount(ctx context.Context, account string) (User, error)
	UserByExternal(ctx context.Context, source, externalID string) (User, error)
	UserList(ctx context.Context, q UserQuery) (page.Page[User], error)
	// UserCount counts the users that a query selects, whatever its page; t may be nil.
	UserCount(ctx context.Context, t tx.Tx, q UserQuery) (int, error)
	// AdminExists reports whether any user that is not deleted has the role admin; t may be nil.
	AdminExists(ctx context.Context, t tx.Tx) (bool, error)
	// AdminsLock returns the active administrators of a tenant, and locks them.
	AdminsLock(ctx context.Context, t tx.Tx, tenant id.ID) ([]id.ID, error)

	AppInsert(ctx context.Context, t tx.Tx, v *App) error
	AppDefault(ctx context.Context, user id.ID) (App, error)
}

// KeyStore keeps API keys.
type KeyStore interface {
	APIKeyInsert(ctx context.Context, t tx.Tx, v *APIKey) error
	// APIKeyUpdate writes every field but ID, Number, owner, Public, Hash, Sealed and CreatedAt.
	APIKeyUpdate(ctx context.Context, t tx.Tx, v *APIKey) error
	APIKeyByID(ctx context.Context, user, key id.ID) (APIKey, error)
	APIKeyByPublic(ctx context.Context, public string) (APIKey, error)
	APIKeyList(ctx context.Context, user id.ID) ([]APIKey, error)
	// APIKeysUsed notes when keys were last used; it never moves a time backwards.
	APIKeysUsed(ctx context.Context, at map[id.ID]time.Time) error
	// APIKeysDelete deletes all keys of a user.
	APIKeysDelete(ctx context.Context, t tx.Tx, user id.ID, at time.Time) error
}

// SessionStore keeps sessions.
type SessionStore interface {
	SessionInsert(ctx context.Context, t tx.Tx, v *Session) error
	SessionByID(ctx context.Context, session id.ID) (Session, error)
	SessionByHash(ctx context.Context, hash []byte) (Session, error)
	SessionRevoke(ctx context.Context, t tx.Tx, session id.ID, at time.Time) error
	// SessionsForget deletes up to limit sessions whose time was over before a moment, and tells how many.
	SessionsForget(ctx context.Context, t tx.Tx, before time.Time, limit int) (int, error)
}

// UserQuery selects users of a realm. Other zero fields do not restrict. All asks for every row on one page, for lists that
// a contract does not page.
type UserQuery struct {
	Realm Realm
	Group id.ID
	Text  string // part of username, e-mail or display name
	All   bool
	Page  page.Request
}
