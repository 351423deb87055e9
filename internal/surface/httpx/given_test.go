package httpx_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func TestWhatWasGiven(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequestWithContext(t.Context(), "PATCH", "/", strings.NewReader(`{"Name":"","note":null,"list":[],"other":1}`))
	req.Header.Set("Content-Type", "application/json")
	var in struct {
		Name, Note, Title string
		List              []string
	}
	given, err := httpx.DecodeGiven(req, &in)
	if err != nil {
		t.Fatal(err)
	}
	if p := httpx.Pick(given, "name", in.Name); p == nil || *p != "" {
		t.Errorf("an empty text: %v", p)
	}
	if httpx.Pick(given, "note", in.Note) != nil || httpx.Pick(given, "title", in.Title) != nil || httpx.Pick(given, "list", in.List) == nil {
		t.Errorf("given %v", given)
	}
	bad := httptest.NewRequestWithContext(t.Context(), "PATCH", "/", strings.NewReader(`{"name":1}`))
	bad.Header.Set("Content-Type", "application/json")
	if _, err := httpx.DecodeGiven(bad, &in); err == nil {
		t.Error("a number for a text was taken")
	}
}

// TestRolesOfTenants: roles of a tenant that does not run the platform open what is left to them, and nothing else.
func TestRolesOfTenants(t *testing.T) {
	t.Parallel()
	platform := &identity.Principal{TenantKey: identity.DefaultTenantKey, Roles: []identity.Role{identity.RoleAdmin}}
	tenant := &identity.Principal{TenantKey: "acme", Roles: []identity.Role{identity.RoleAdmin}}
	nowhere := &identity.Principal{Roles: []identity.Role{identity.RoleAdmin}}
	admins := httpx.Person(identity.RoleAdmin)
	for name, c := range map[string]struct {
		who    *identity.Principal
		access httpx.Access
		ok     bool
	}{
		"platform":                     {platform, admins, true},
		"platform in tenants":          {platform, admins.InTenant(), true},
		"tenant":                       {tenant, admins, false},
		"tenant in tenants":            {tenant, admins.InTenant(), true},
		"tenant with another role":     {tenant, httpx.Person(identity.RoleFinance).InTenant(), false},
		"what everybody may do":        {tenant, httpx.Person(), true},
		"somebody of no tenant at all": {nowhere, admins, false},
	} {
		if err := c.access.Check(c.who); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
