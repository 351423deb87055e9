// Package identity holds who may use Gantry: tenants, groups, users, their apps, keys and sessions.
package identity

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Status of a tenant, group, user, app or key.
type Status string

// The states. Deleted rows stay for the ledger's sake and are as unknown as rows that never were.
const (
	Active   Status = "active"
	Disabled Status = "disabled"
	Deleted  Status = "deleted"
)

// Role is what a user may do. Surfaces map their own role names onto these.
type Role string

// The roles. Source: DESIGN section 5.
const (
	RoleAdmin    Role = "admin"
	RoleOperator Role = "operator"
	RoleFinance  Role = "finance"
	RoleSupport  Role = "support"
	RoleSupplier Role = "supplier"
	RoleUser     Role = "user"
)

// DefaultTenantKey is the key of the tenant that every installation has.
const DefaultTenantKey = "default"

// Tenant is a customer organisation; all rows belong to one.
type Tenant struct {
	ID     id.ID
	Number int64
	Key    string
	Name   string
	Status Status
	Plan   string
	// Description is for people. Source is "local", or where the tenant was taken over from; ExternalID is its name there,
	// by which identity providers may also name it.
	Description string
	Source      string
	ExternalID  string
	// DefaultGroupID is the group of new users; zero: the group with the key "default", if there is one.
	DefaultGroupID id.ID
	// InvitationHash is the SHA-256 of the code with which people register into the tenant; empty: nobody can.
	InvitationHash []byte
	AuthPolicy     json.RawMessage
	// Policies hold rateLimitPolicy, quotaPolicy, billingDiscountPolicy and overdraft of the whole tenant.
	Policies  json.RawMessage
	Metadata  json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Group is a set of users of a tenant that share discounts, limits and quotas.
type Group struct {
	ID                     id.ID
	Number                 int64
	TenantID               id.ID
	Key                    string
	Name                   string
	Description            string
	Status                 Status // a disabled group takes no members and gives no discount; its limits stay in force
	Priority               int64
	Source                 string
	BillingDiscountPolicy  json.RawMessage
	RechargeDiscountPolicy json.RawMessage
	RateLimitPolicy        json.RawMessage
	QuotaPolicy            json.RawMessage
	Metadata               json.RawMessage
	CreatedAt              time.Time
	UpdatedAt              time.Time
}

// User is a person. Username and Email are unique regardless of letter case; Email and Phone may be empty.
type User struct {
	ID          id.ID
	Number      int64
	TenantID    id.ID
	GroupID     id.ID // zero: no group
	Username    string
	Email       string
	Phone       string
	DisplayName string
	AvatarURL   string
	// PasswordHash is an argon2id PHC string; empty when the user has no local password.
	PasswordHash secret.String
	Roles        []Role
	Status       Status
	Source       string // "local", or the name of the identity provider
	ExternalID   string // the user's name there; unique with Source
	// AuthProfile says how the user may sign in, as in {"passwordLogin": false}.
	AuthProfile json.RawMessage
	// SessionVersion is raised to end all sessions of the user at once.
	SessionVersion int64
	Preferences    json.RawMessage
	Metadata       json.RawMessage
	LastLoginAt    time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// App is a project of keys. Every user has one default app.
type App struct {
	ID        id.ID
	Number    int64
	TenantID  id.ID
	UserID    id.ID
	Name      string
	Default   bool
	Status    Status
	Policies  json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
}

// APIKey lets a program act for a user. Of its secret, a hash is kept and a sealed copy (place "api_key|<id>").
type APIKey struct {
	ID              id.ID
	Number          int64
	TenantID        id.ID
	UserID          id.ID
	AppID           id.ID
	Name            string
	Public          string // by which it is found; unique
	Hash            []byte // SHA-256 of the whole key
	Sealed          []byte // empty: cannot be shown again
	Playground      bool   // may be revealed to its owner in the console
	Scopes          []string
	Status          Status
	Models          []string // empty: all that the user may use
	AllowIPs        []string // CIDR; empty: all
	DenyIPs         []string
	RateLimitPolicy json.RawMessage
	QuotaPolicy     json.RawMessage
	ExpiresAt       time.Time // zero: never
	LastUsedAt      time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Prefix is what people recognise the key by.
func (k *APIKey) Prefix() string { return "sk-" + k.Public[:min(8, len(k.Public))] }

// Session is a signed-in browser or client. Its token is kept as a hash only.
type Session struct {
	ID        id.ID
	UserID    id.ID
	Hash      []byte
	Kind      string // "console", "gateway", …
	IP        string
	UserAgent string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero: in force
	// Version is the user's SessionVersion when the session was opened; when that is raised, the session is over.
	Version int64
}
