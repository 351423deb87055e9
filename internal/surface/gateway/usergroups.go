package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listGroups(w http.ResponseWriter, call *httpx.Call) error {
	groups, err := s.Identity.Groups(call.Context(), call.Principal.Realm())
	if err != nil {
		return err
	}
	out := api.HttpapiUserGroupListResponse{Items: make([]api.StoreUserGroup, len(groups))}
	for i := range groups {
		out.Items[i] = showGroup(&groups[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showGroup(v *identity.Group) api.StoreUserGroup {
	return api.StoreUserGroup{
		Id: v.ID.String(), TenantId: v.TenantID.String(), GroupKey: v.Key, Name: v.Name, Description: v.Description,
		Status: string(v.Status), Priority: int(v.Priority), Source: v.Source,
		BillingDiscountPolicy: object(v.BillingDiscountPolicy), RechargeDiscountPolicy: object(v.RechargeDiscountPolicy),
		RateLimitPolicy: object(v.RateLimitPolicy), QuotaPolicy: object(v.QuotaPolicy), Metadata: object(v.Metadata),
		CreatedAt: httpx.Time(v.CreatedAt), UpdatedAt: httpx.Time(v.UpdatedAt),
	}
}

// createGroup makes a group in the caller's tenant, or in the one that a platform's administrator names.
func (s *Surface) createGroup(w http.ResponseWriter, call *httpx.Call) error {
	in, tenant, err := readGroup(call)
	if err != nil {
		return err
	}
	if tenant.IsZero() {
		tenant = call.Principal.TenantID
	}
	v, err := s.Identity.CreateGroup(call.Context(), call.Actor(), call.Principal.Realm(), tenant, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showGroup(&v))
}

// changeGroup leaves what is absent as it is. Source: contracts/INDEX E8.
func (s *Surface) changeGroup(w http.ResponseWriter, call *httpx.Call) error {
	group, err := pathID(call, "groupID")
	if err != nil {
		return err
	}
	in, _, err := readGroup(call)
	if err != nil {
		return err
	}
	v, err := s.Identity.ChangeGroup(call.Context(), call.Actor(), call.Principal.Realm(), group, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showGroup(&v))
}

func (s *Surface) deleteGroup(w http.ResponseWriter, call *httpx.Call) error {
	group, err := pathID(call, "groupID")
	if err != nil {
		return err
	}
	if err := s.Identity.DeleteGroup(call.Context(), call.Actor(), call.Principal.Realm(), group); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func readGroup(call *httpx.Call) (out identity.GroupChange, tenant id.ID, err error) {
	var in api.StoreUserGroupInput
	given, err := httpx.DecodeGiven(call.Request, &in)
	if err != nil {
		return out, tenant, err
	}
	tenant, err = bodyID("tenantId", in.TenantId)
	out = identity.GroupChange{
		Key: httpx.Pick(given, "groupKey", in.GroupKey), Name: httpx.Pick(given, "name", in.Name),
		Description: httpx.Pick(given, "description", in.Description),
		Status:      httpx.Pick(given, "status", identity.Status(in.Status)), Source: httpx.Pick(given, "source", in.Source),
		Discount: in.BillingDiscountPolicy, Recharge: in.RechargeDiscountPolicy, RateLimit: in.RateLimitPolicy,
		Quota: in.QuotaPolicy, Metadata: in.Metadata,
	}
	if in.Priority != nil {
		priority := int64(*in.Priority)
		out.Priority = &priority
	}
	return out, tenant, err
}
