package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listTenants(w http.ResponseWriter, call *httpx.Call) error {
	tenants, err := s.Identity.Tenants(call.Context(), call.Principal.Realm())
	if err != nil {
		return err
	}
	out := api.HttpapiTenantListResponse{Items: make([]api.StoreGatewayTenant, len(tenants))}
	for i := range tenants {
		out.Items[i] = showTenant(&tenants[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showTenant(v *identity.Tenant) api.StoreGatewayTenant {
	return api.StoreGatewayTenant{
		Id: v.ID.String(), TenantKey: v.Key, Name: v.Name, Description: v.Description, Status: string(v.Status),
		PlanKey: v.Plan, Source: v.Source, ExternalTenantId: v.ExternalID, DefaultUserGroupId: v.DefaultGroupID.String(),
		AuthPolicy: object(v.AuthPolicy), BillingProfile: v.BillingProfile(), RateLimitPolicy: v.RateLimitPolicy(),
		Metadata: object(v.Metadata), CreatedAt: httpx.Time(v.CreatedAt), UpdatedAt: httpx.Time(v.UpdatedAt),
	}
}

func (s *Surface) createTenant(w http.ResponseWriter, call *httpx.Call) error {
	in, err := readTenant(call)
	if err != nil {
		return err
	}
	v, err := s.Identity.CreateTenant(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showTenant(&v))
}

// changeTenant leaves what is absent as it is. Source: contracts/INDEX E8.
func (s *Surface) changeTenant(w http.ResponseWriter, call *httpx.Call) error {
	tenant, err := pathID(call, "tenantID")
	if err != nil {
		return err
	}
	in, err := readTenant(call)
	if err != nil {
		return err
	}
	v, err := s.Identity.ChangeTenant(call.Context(), call.Actor(), tenant, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showTenant(&v))
}

func (s *Surface) deleteTenant(w http.ResponseWriter, call *httpx.Call) error {
	tenant, err := pathID(call, "tenantID")
	if err != nil {
		return err
	}
	if err := s.Identity.DeleteTenant(call.Context(), call.Actor(), tenant); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func readTenant(call *httpx.Call) (out identity.TenantChange, err error) {
	var in api.StoreGatewayTenantInput
	given, err := httpx.DecodeGiven(call.Request, &in)
	if err != nil {
		return out, err
	}
	group, err := bodyID("defaultUserGroupId", in.DefaultUserGroupId)
	return identity.TenantChange{
		Key: httpx.Pick(given, "tenantKey", in.TenantKey), Name: httpx.Pick(given, "name", in.Name),
		Description: httpx.Pick(given, "description", in.Description),
		Status:      httpx.Pick(given, "status", identity.Status(in.Status)), Plan: httpx.Pick(given, "planKey", in.PlanKey),
		Source:       httpx.Pick(given, "source", in.Source),
		ExternalID:   httpx.Pick(given, "externalTenantId", in.ExternalTenantId),
		DefaultGroup: httpx.Pick(given, "defaultUserGroupId", group), AuthPolicy: in.AuthPolicy,
		BillingProfile: in.BillingProfile, RateLimit: in.RateLimitPolicy, Metadata: in.Metadata,
	}, err
}
