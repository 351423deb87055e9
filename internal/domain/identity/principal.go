package identity

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// The sources of a principal: what kind of credential it came with.
const (
	SourceAPIKey  = "api_key"
	SourceJWT     = "jwt"
	SourceSession = "session"
)

// Principal is who makes a request. It is immutable and shared by all requests that come with the same credential.
// Fields of the key are zero when there is none.
type Principal struct {
	UserID    id.ID
	TenantID  id.ID
	GroupID   id.ID
	TenantKey string
	GroupKey  string
	Username  string
	Roles     []Role
	Source    string
	SessionID id.ID

	KeyID     id.ID
	KeyName   string
	KeyPrefix string
	AppID     id.ID
	Scope     Scope // of a key what it names, else all
	Scopes    []string
	Models    []string       // empty: all that the user may use
	Allow     []netip.Prefix // empty: all addresses
	Deny      []netip.Prefix
	ExpiresAt time.Time // zero: never
	// Terms is what others have prepared for the holder when it was loaded, such as discounts; see Directory.Prepare.
	Terms any
	// RateLimitPolicy and QuotaPolicy are the key's own, as JSON.
	RateLimitPolicy []byte
	QuotaPolicy     []byte
}

// Owner is whose things are asked for: what belongs to others is as unknown as what is not there.
type Owner struct{ TenantID, UserID id.ID }

// Owner is the principal as the owner of things.
func (p *Principal) Owner() Owner { return Owner{p.TenantID, p.UserID} }

// Has reports whether the principal has one of the roles.
func (p *Principal) Has(roles ...Role) bool {
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(roles, r) })
}

// AllowsModel reports whether the key's own list of models holds the model.
func (p *Principal) AllowsModel(model string) bool {
	return len(p.Models) == 0 || slices.Contains(p.Models, model)
}

// AllowsAddress reports whether the key may be used from an address; a deny wins.
func (p *Principal) AllowsAddress(a netip.Addr) bool {
	holds := func(block netip.Prefix) bool { return block.Contains(a.Unmap()) }
	if slices.ContainsFunc(p.Deny, holds) {
		return false
	}
	return len(p.Allow) == 0 || slices.ContainsFunc(p.Allow, holds)
}

// Actor returns the principal as the cause of a change, seen through a client.
func (p *Principal) Actor(c Client) event.Actor {
	return event.Actor{
		UserID: p.UserID, Username: p.Username, TenantID: p.TenantID, Roles: RoleNames(p.Roles), Source: p.Source,
		IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID,
	}
}
