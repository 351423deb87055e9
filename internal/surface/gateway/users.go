package gateway

import (
	"context"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// walletsAtOnce bounds the parameters of one query.
const walletsAtOnce = 500

// listUsers lists all users of the caller's realm, or a page of them when page or pageSize is given.
func (s *Surface) listUsers(w http.ResponseWriter, call *httpx.Call) error {
	q := httpx.QueryOf(call.Request)
	values := call.URL.Query()
	query := identity.UserQuery{
		Realm: call.Principal.Realm(), Text: q.Text("q", "query"), Page: q.Page(), All: !values.Has("page") && !values.Has("pageSize") && !values.Has("limit"),
	}
	if err := q.Err(); err != nil {
		return err
	}
	found, err := s.Identity.Users(call.Context(), query)
	if err != nil {
		return err
	}
	tenants, err := s.tenantKeys(call)
	if err != nil {
		return err
	}
	wallets, err := s.walletsOf(call.Context(), found.Items)
	if err != nil {
		return err
	}
	out := api.HttpapiUserListResponse{Items: make([]api.StoreGatewayUser, len(found.Items))}
	for i := range found.Items {
		out.Items[i] = showUser(&found.Items[i], tenants[found.Items[i].TenantID], wallets[found.Items[i].ID])
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// tenantKeys returns the keys of the tenants that the caller may know.
func (s *Surface) tenantKeys(call *httpx.Call) (map[id.ID]string, error) {
	tenants, err := s.Identity.Tenants(call.Context(), call.Principal.Realm())
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]string, len(tenants))
	for i := range tenants {
		out[tenants[i].ID] = tenants[i].Key
	}
	return out, nil
}

func (s *Surface) walletsOf(ctx context.Context, users []identity.User) (map[id.ID][]wallet.Account, error) {
	out := map[id.ID][]wallet.Account{}
	for some := range slices.Chunk(users, walletsAtOnce) {
		ids := make([]id.ID, len(some))
		for i := range some {
			ids[i] = some[i].ID
		}
		accounts, err := s.Wallets.Accounts(ctx, ids...)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			out[a.UserID] = append(out[a.UserID], a)
		}
	}
	return out, nil
}

func showUser(u *identity.User, tenantKey string, accounts []wallet.Account) api.StoreGatewayUser {
	out := api.StoreGatewayUser{
		Id: u.ID.String(), UserKey: u.Username, Username: u.Username, Email: u.Email, Phone: u.Phone,
		DisplayName: u.DisplayName, AvatarUrl: u.AvatarURL, Roles: identity.RoleNames(u.Roles), Status: string(u.Status),
		Source: u.Source, ExternalUserId: u.ExternalID, TenantId: u.TenantID.String(), GatewayTenantId: u.TenantID.String(),
		TenantKey: tenantKey, DefaultUserGroupId: u.GroupID.String(), AuthProfile: object(u.AuthProfile), Metadata: object(u.Metadata),
		LastLoginAt: httpx.Time(u.LastLoginAt), CreatedAt: httpx.Time(u.CreatedAt), UpdatedAt: httpx.Time(u.UpdatedAt),
		WalletAccounts: []api.StoreGatewayWalletAccount{},
	}
	for _, a := range ordered(accounts) {
		out.WalletAccounts = append(out.WalletAccounts, showAccount(&a, tenantKey))
	}
	return out
}

func (s *Surface) createUser(w http.ResponseWriter, call *httpx.Call) error {
	in, err := s.readUser(call)
	if err != nil {
		return err
	}
	user, err := s.Identity.CreateUser(call.Context(), call.Actor(), call.Principal.Realm(), in.newUser())
	if err != nil {
		return err
	}
	return s.answerUser(w, call, http.StatusCreated, &user)
}

// answerUser shows one user with tenant and wallets.
func (s *Surface) answerUser(w http.ResponseWriter, call *httpx.Call, status int, user *identity.User) error {
	tenant, _, err := s.Identity.Home(call.Context(), *user)
	if err != nil {
		return err
	}
	accounts, err := s.Wallets.Accounts(call.Context(), user.ID)
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, status, showUser(user, tenant.Key, accounts))
}
