package identity

import "github.com/gantry-ai/gantry/internal/kernel/id"

// Realm is the tenants that somebody may administer: one or all. The zero value reaches none. It stands inside every
// query, so that what lies outside is as unknown as what is not there. Source: decision 0017.
type Realm struct {
	all    bool
	tenant id.ID
}

// EveryTenant is the realm of who administers the platform.
func EveryTenant() Realm { return Realm{all: true} }

// OneTenant is the realm of who administers a tenant.
func OneTenant(tenant id.ID) Realm { return Realm{tenant: tenant} }

// All reports whether the realm is the whole platform.
func (r Realm) All() bool { return r.all }

// Tenant is the one tenant of the realm; zero when it is all or none.
func (r Realm) Tenant() id.ID { return r.tenant }

// Holds reports whether a tenant lies in the realm.
func (r Realm) Holds(tenant id.ID) bool { return r.all || (!tenant.IsZero() && r.tenant == tenant) }

// OfPlatform reports whether the principal belongs to the default tenant, which runs the platform: only there do roles
// reach what all tenants share.
func (p *Principal) OfPlatform() bool { return p.TenantKey == DefaultTenantKey }

// Realm is what the principal may administer, if its roles let it administer anything.
func (p *Principal) Realm() Realm {
	if p.OfPlatform() {
		return EveryTenant()
	}
	return OneTenant(p.TenantID)
}
