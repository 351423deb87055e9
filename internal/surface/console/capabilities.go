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

// granted is what roles add. The order is that of the answer.
var granted = []struct {
	capability string
	roles      []identity.Role
}{
	{"platforms.read", []identity.Role{identity.RoleAdmin, identity.RoleOperator, identity.RoleSupport}},
	{"platforms.write", []identity.Role{identity.RoleAdmin, identity.RoleOperator}},
	{"routes.explain", []identity.Role{identity.RoleAdmin}},
	{"users.read", []identity.Role{identity.RoleAdmin, identity.RoleSupport, identity.RoleFinance}},
	{"users.write", []identity.Role{identity.RoleAdmin}},
	{"wallets.adjust", []identity.Role{identity.RoleAdmin, identity.RoleFinance}},
	{"routes.write", []identity.Role{identity.RoleAdmin}},
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
		if call.Principal.Has(g.roles...) {
			out.Capabilities = append(out.Capabilities, g.capability)
		}
	}
	if len(out.Capabilities) > len(everybody) {
		out.Areas = append(out.Areas, api.Operate)
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}
