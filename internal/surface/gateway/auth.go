package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) register(w http.ResponseWriter, call *httpx.Call) error {
	var in api.StoreLocalRegisterInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	signed, err := s.Identity.Register(call.Context(), call.Client, identity.NewUser{
		Username: in.Username, Email: in.Email, Password: in.Password, DisplayName: in.DisplayName,
	}, in.InvitationCode)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusCreated, authResponse(signed))
}

func (s *Surface) login(w http.ResponseWriter, call *httpx.Call) error {
	var in api.StoreLocalLoginInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	signed, err := s.Identity.Login(call.Context(), call.Client, in.Account, in.Password, identity.SessionGateway)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, authResponse(signed))
}

func authResponse(in identity.SignedIn) api.HttpapiAuthResponse {
	u := in.User
	return api.HttpapiAuthResponse{
		AccessToken: in.Token, ExpiresIn: int(in.ExpiresIn.Seconds()), TokenType: "Bearer",
		User: withGroup(api.AuthUser{
			Sub: u.ID.String(), GatewayUserId: u.ID.String(), Username: u.Username, Role: identity.RoleNames(u.Roles),
			Source: u.Source, SsoId: u.ExternalID, TenantId: u.TenantID.String(), GatewayTenantId: u.TenantID.String(),
			TenantKey: in.Tenant.Key,
		}, u.GroupID, in.Group.Key),
	}
}

func withGroup(u api.AuthUser, group id.ID, key string) api.AuthUser {
	u.UserGroupId, u.UserGroupKey = group.String(), key
	if key != "" {
		u.UserGroupKeys = []string{key}
	}
	return u
}

func (s *Surface) me(w http.ResponseWriter, call *httpx.Call) error {
	p := call.Principal
	u := api.AuthUser{
		Sub: p.UserID.String(), GatewayUserId: p.UserID.String(), Username: p.Username, Role: identity.RoleNames(p.Roles),
		Source: p.Source, TenantId: p.TenantID.String(), GatewayTenantId: p.TenantID.String(), TenantKey: p.TenantKey,
		ApiKeyId: p.KeyID.String(), ApiKeyName: p.KeyName, ApiKeyPrefix: p.KeyPrefix, ApiKeyScopes: p.Scopes,
	}
	return httpx.WriteJSON(w, http.StatusOK, withGroup(u, p.GroupID, p.GroupKey))
}
