package idp

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/identity"
)

// Mapping says what the claims of a provider mean here.
type Mapping struct {
	// Source is the provider's name here: with "sub" it tells who somebody is.
	Source string
	// UsernameClaim names the claim with the user name; empty: preferred_username.
	UsernameClaim string
	// RolesClaim names the claim that lists roles or groups, members by dots, as in "realm_access.roles". Empty: roles are
	// given here.
	RolesClaim string
	// Roles are the roles here for those that the claim lists; others count for nothing, and who has none is a user.
	Roles map[string]identity.Role
	// TenantClaim names the claim with the tenant's key or external id, which is then required. Empty: the default tenant.
	TenantClaim string
}

// person reads whom claims are about. Code: tenant_unknown.
func (m *Mapping) person(subject string, claims map[string]any) (identity.Person, error) {
	username := m.UsernameClaim
	if username == "" {
		username = "preferred_username"
	}
	p := identity.Person{
		Source: m.Source, ExternalID: subject, Username: text(claims, username), DisplayName: text(claims, "name"),
	}
	if verified, _ := claims["email_verified"].(bool); verified {
		p.Email = text(claims, "email")
	}
	if p.Username == "" {
		p.Username = p.Email
	}
	if m.RolesClaim != "" {
		p.Roles = m.roles(at(claims, m.RolesClaim))
	}
	if m.TenantClaim != "" {
		if p.Tenant = text(claims, m.TenantClaim); p.Tenant == "" {
			return p, identity.ErrTenantUnknown
		}
	}
	return p, nil
}

// roles translates a list, or a text with words. It is never nil: the provider has said who has what.
func (m *Mapping) roles(claim any) []identity.Role {
	var names []string
	switch v := claim.(type) {
	case string:
		names = strings.Fields(v)
	case []any:
		for _, item := range v {
			if name, ok := item.(string); ok {
				names = append(names, name)
			}
		}
	}
	out := []identity.Role{}
	for _, name := range names {
		if role, ok := m.Roles[name]; ok && !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	if len(out) == 0 {
		out = append(out, identity.RoleUser)
	}
	slices.Sort(out)
	return out
}

// at finds a claim by its name, or by the names of objects around it, parted by dots. Names may have dots themselves, as
// in those that are URLs.
func at(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok {
		return v
	}
	for i, r := range path {
		if inner, ok := claims[path[:i]].(map[string]any); ok && r == '.' {
			return at(inner, path[i+1:])
		}
	}
	return nil
}

func text(claims map[string]any, path string) string {
	switch v := at(claims, path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
