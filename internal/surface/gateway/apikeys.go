package gateway

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listKeys(w http.ResponseWriter, call *httpx.Call) error {
	keys, err := s.Identity.Keys(call.Context(), call.Principal.UserID)
	if err != nil {
		return err
	}
	out := api.HttpapiAPIKeyListResponse{Items: make([]api.StoreAPIKey, len(keys))}
	for i := range keys {
		out.Items[i] = showKey(&keys[i], call.Principal)
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showKey(k *identity.APIKey, p *identity.Principal) api.StoreAPIKey {
	return api.StoreAPIKey{
		Id: k.ID.String(), Name: k.Name, KeyPrefix: k.Prefix(), Scopes: nonNil(k.Scopes), Status: string(k.Status),
		Playground: k.Playground, UserId: k.UserID.String(), GatewayUserId: k.UserID.String(), TenantId: k.TenantID.String(),
		GatewayTenantId: k.TenantID.String(), TenantKey: p.TenantKey, UserGroupId: p.GroupID.String(),
		Models: k.Models, AllowIps: k.AllowIPs, DenyIps: k.DenyIPs,
		RateLimitPolicy: object(k.RateLimitPolicy), QuotaPolicy: object(k.QuotaPolicy), ExpiresAt: httpx.Time(k.ExpiresAt),
		LastUsedAt: httpx.Time(k.LastUsedAt), CreatedAt: httpx.Time(k.CreatedAt), UpdatedAt: httpx.Time(k.UpdatedAt),
	}
}

func (s *Surface) createKey(w http.ResponseWriter, call *httpx.Call) error {
	var in api.StoreCreateAPIKeyInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	expires, err := readTime("expiresAt", in.ExpiresAt)
	if err != nil {
		return err
	}
	key, secret, err := s.Identity.CreateKey(call.Context(), call.Actor(), call.Principal.UserID, identity.NewKey{
		Name: in.Name, Scopes: in.Scopes, ExpiresAt: expires, Hidden: in.Hidden != nil && *in.Hidden, Models: in.Models,
		AllowIPs: in.AllowIps, DenyIPs: in.DenyIps, RateLimit: in.RateLimitPolicy, Quota: in.QuotaPolicy,
	})
	if err != nil {
		return err
	}
	out := api.StoreCreatedAPIKey{ApiKey: showKey(&key, call.Principal), Secret: secret.Reveal()}
	out.ApiKey.Secret = out.Secret
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusCreated, out)
}

func readTime(path, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.ErrInvalid.Saying("A time is RFC 3339 or a date.").At(path)
}

// keyID reads the id of a key from the path. The contract tells what is no id (400) from what is nobody's (404) here, and
// nowhere else.
func keyID(call *httpx.Call) (id.ID, error) {
	return bodyID("apiKeyID", chi.URLParam(call.Request, "apiKeyID"))
}

func (s *Surface) disableKey(w http.ResponseWriter, call *httpx.Call) error {
	key, err := keyID(call)
	if err != nil {
		return err
	}
	v, err := s.Identity.DisableKey(call.Context(), call.Actor(), call.Principal.UserID, key)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showKey(&v, call.Principal))
}

func (s *Surface) deleteKey(w http.ResponseWriter, call *httpx.Call) error {
	key, err := keyID(call)
	if err != nil {
		return err
	}
	if err := s.Identity.DeleteKey(call.Context(), call.Actor(), call.Principal.UserID, key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revealKeys shows the caller's own keys with their secrets.
func (s *Surface) revealKeys(w http.ResponseWriter, call *httpx.Call) error {
	keys, err := s.Identity.RevealKeys(call.Context(), call.Actor(), call.Principal.SessionID)
	if err != nil {
		return err
	}
	out := api.HttpapiPlayableAPIKeyListResponse{Items: make([]api.StorePlayableAPIKey, len(keys))}
	for i := range keys {
		k := showKey(&keys[i].APIKey, call.Principal)
		out.Items[i] = api.StorePlayableAPIKey{
			Id: k.Id, Name: k.Name, KeyPrefix: k.KeyPrefix, Secret: keys[i].Secret.Reveal(), Scopes: k.Scopes, Status: k.Status,
			UserId: k.UserId, GatewayUserId: k.GatewayUserId, TenantId: k.TenantId, GatewayTenantId: k.GatewayTenantId,
			TenantKey: k.TenantKey, UserGroupId: k.UserGroupId, RateLimitPolicy: k.RateLimitPolicy, QuotaPolicy: k.QuotaPolicy,
			ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
		}
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}
