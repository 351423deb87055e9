package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// userInput is a user's input with what it names read.
type userInput struct {
	api.StoreGatewayUserInput

	given  httpx.Given
	tenant id.ID // zero: none was named
	group  id.ID
	roles  []identity.Role
}

func (s *Surface) readUser(call *httpx.Call) (in userInput, err error) {
	if in.given, err = httpx.DecodeGiven(call.Request, &in.StoreGatewayUserInput); err != nil {
		return in, err
	}
	if in.Username == "" {
		in.Username = in.UserKey
	}
	if in.UserKey != "" && in.UserKey != in.Username {
		return in, fault.ErrInvalid.Saying("A user's key is the user name.").At("userKey")
	}
	in.roles = make([]identity.Role, len(in.Roles))
	for i, r := range in.Roles {
		in.roles[i] = identity.Role(r)
	}
	if in.group, err = bodyID("defaultUserGroupId", in.DefaultUserGroupId); err != nil {
		return in, err
	}
	in.tenant, err = s.readTenantOf(call, &in.StoreGatewayUserInput)
	return in, err
}

// readTenantOf reads the tenant that a user's input names by id or, without one, by key.
func (s *Surface) readTenantOf(call *httpx.Call, in *api.StoreGatewayUserInput) (tenant id.ID, err error) {
	for _, named := range []struct{ path, text string }{{"gatewayTenantId", in.GatewayTenantId}, {"tenantId", in.TenantId}} {
		if tenant, err = bodyID(named.path, named.text); err != nil || !tenant.IsZero() {
			return tenant, err
		}
	}
	if in.TenantKey == "" {
		return tenant, nil
	}
	v, err := s.Identity.TenantNamed(call.Context(), call.Principal.Realm(), in.TenantKey)
	return v.ID, err
}

func (in *userInput) newUser() identity.NewUser {
	return identity.NewUser{
		Username: in.Username, Email: in.Email, Phone: in.Phone, DisplayName: in.DisplayName, AvatarURL: in.AvatarUrl,
		Password: in.Password, Roles: in.roles, Tenant: in.tenant, Group: in.group, Status: identity.Status(in.Status),
		Source: in.Source, ExternalID: in.ExternalUserId, AuthProfile: in.AuthProfile, Metadata: object(in.Metadata),
	}
}

// change is what the input says; members that are absent say nothing. An empty password leaves the one there is: forms
// send it for "no change".
func (in *userInput) change() identity.UserChange {
	g := in.given
	c := identity.UserChange{
		Email: httpx.Pick(g, "email", in.Email), Phone: httpx.Pick(g, "phone", in.Phone),
		DisplayName: httpx.Pick(g, "displayName", in.DisplayName), AvatarURL: httpx.Pick(g, "avatarUrl", in.AvatarUrl),
		Roles: httpx.Pick(g, "roles", in.roles), Status: httpx.Pick(g, "status", identity.Status(in.Status)),
		Group: httpx.Pick(g, "defaultUserGroupId", in.group), Source: httpx.Pick(g, "source", in.Source),
		ExternalID: httpx.Pick(g, "externalUserId", in.ExternalUserId), AuthProfile: in.AuthProfile, Metadata: in.Metadata,
	}
	if g.Has("username") || g.Has("userKey") {
		c.Username = &in.Username
	}
	if in.Password != "" {
		c.Password = &in.Password
	}
	if !in.tenant.IsZero() {
		c.Tenant = &in.tenant
	}
	return c
}

// changeUser leaves what is absent as it is. Source: contracts/INDEX E8.
func (s *Surface) changeUser(w http.ResponseWriter, call *httpx.Call) error {
	user, err := pathID(call, "userID")
	if err != nil {
		return err
	}
	in, err := s.readUser(call)
	if err != nil {
		return err
	}
	v, err := s.Identity.ChangeUser(call.Context(), call.Actor(), call.Principal.Realm(), user, in.change())
	if err != nil {
		return err
	}
	return s.answerUser(w, call, http.StatusOK, &v)
}

func (s *Surface) deleteUser(w http.ResponseWriter, call *httpx.Call) error {
	user, err := pathID(call, "userID")
	if err != nil {
		return err
	}
	if err := s.Identity.DeleteUser(call.Context(), call.Actor(), call.Principal.Realm(), user); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
