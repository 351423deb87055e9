package console

import (
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// everybody is what every user may do with what is theirs.
var everybody = []string{"keys.manage", "tasks.read", "wallet.read", "playground.use"}

// granted is what roles add; inTenant also where the tenant does not run the platform. The order is that of the answer.
var granted = []struct {
	capability string
	inTenant   bool
	roles      []identity.Role
}{
	{"platforms.read", false, []identity.Role{identity.RoleAdmin, identity.RoleOperator, identity.RoleSupport}},
	{"platforms.write", false, []identity.Role{identity.RoleAdmin, identity.RoleOperator}},
	{"routes.explain", false, []identity.Role{identity.RoleAdmin}},
	{"users.read", true, []identity.Role{identity.RoleAdmin, identity.RoleSupport, identity.RoleFinance}},
	{"users.write", true, []identity.Role{identity.RoleAdmin}},
	{"wallets.adjust", false, []identity.Role{identity.RoleAdmin, identity.RoleFinance}},
	{"routes.write", false, []identity.Role{identity.RoleAdmin}},
}

// capabilities tells the console what to show.
func (s *Surface) capabilities(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.Identity.User(call.Context(), call.Principal.UserID)
	if err != nil {
		return err
	}
	out := api.Capabilities{
		User: api.CapabilityUser{
			Id: user.ID.String(), Username: user.Username, DisplayName: user.DisplayName, Email: user.Email,
			Roles: identity.RoleNames(user.Roles),
		},
		Areas: []api.CapabilitiesAreas{api.Workspace}, Capabilities: slices.Clone(everybody),
	}
	for _, g := range granted {
		if call.Principal.Has(g.roles...) && (g.inTenant || call.Principal.OfPlatform()) {
			out.Capabilities = append(out.Capabilities, g.capability)
		}
	}
	if len(out.Capabilities) > len(everybody) {
		out.Areas = append(out.Areas, api.Operate)
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}
