package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listAccessRules(w http.ResponseWriter, call *httpx.Call) error {
	rules, err := s.Access.Rules(call.Context(), call.Actor())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRules(rules))
}

func showRules(rules []access.Rule) api.HttpapiAccessRuleListResponse {
	out := api.HttpapiAccessRuleListResponse{Items: make([]api.StoreAccessRule, len(rules))}
	for i := range rules {
		out.Items[i] = showRule(&rules[i])
	}
	return out
}

func showRule(r *access.Rule) api.StoreAccessRule {
	return api.StoreAccessRule{
		Id: r.ID.String(), SubjectType: string(r.SubjectType), SubjectId: r.SubjectID.String(),
		ResourceType: string(r.ResourceType), ResourceId: r.ResourceID.String(), Effect: string(r.Effect),
		Priority: int(r.Priority), MinPermissionLevel: int(r.MinPermissionLevel), Conditions: object(r.Conditions),
		Status: string(r.Status), Metadata: object(r.Metadata), CreatedAt: httpx.Time(r.CreatedAt), UpdatedAt: httpx.Time(r.UpdatedAt),
	}
}

func readRule(call *httpx.Call) (access.Input, error) {
	var in api.StoreAccessRuleInput
	err := httpx.Decode(call.Request, &in)
	return access.Input{
		SubjectType: in.SubjectType, SubjectID: in.SubjectId, ResourceType: in.ResourceType, ResourceID: in.ResourceId,
		Effect: in.Effect, Status: in.Status, Priority: in.Priority, MinPermissionLevel: in.MinPermissionLevel,
		Conditions: in.Conditions, Metadata: in.Metadata,
	}, err
}

func (s *Surface) createAccessRule(w http.ResponseWriter, call *httpx.Call) error {
	in, err := readRule(call)
	if err != nil {
		return err
	}
	r, err := s.Access.Create(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showRule(&r))
}

// updateAccessRule changes what the body names; the rest stays. Source: contracts/INDEX E8.
func (s *Surface) updateAccessRule(w http.ResponseWriter, call *httpx.Call) error {
	rule, err := pathID(call, "ruleID")
	if err != nil {
		return err
	}
	in, err := readRule(call)
	if err != nil {
		return err
	}
	r, err := s.Access.Update(call.Context(), call.Actor(), rule, in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRule(&r))
}

func (s *Surface) deleteAccessRule(w http.ResponseWriter, call *httpx.Call) error {
	rule, err := pathID(call, "ruleID")
	if err != nil {
		return err
	}
	if err := s.Access.Delete(call.Context(), call.Actor(), rule); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Surface) batchAccessRules(w http.ResponseWriter, call *httpx.Call) error {
	b, err := readBatch(call)
	if err != nil {
		return err
	}
	rules, err := s.Access.Apply(call.Context(), call.Actor(), b)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRules(rules))
}

// listOwnAccessRules lists what the caller has said about keys of its own.
func (s *Surface) listOwnAccessRules(w http.ResponseWriter, call *httpx.Call) error {
	rules, err := s.Access.OwnRules(call.Context(), call.Principal.UserID)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRules(rules))
}

func (s *Surface) batchOwnAccessRules(w http.ResponseWriter, call *httpx.Call) error {
	b, err := readBatch(call)
	if err != nil {
		return err
	}
	rules, err := s.Access.ApplyOwn(call.Context(), call.Actor(), b)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRules(rules))
}

func readBatch(call *httpx.Call) (access.Batch, error) {
	var in api.StoreAccessRuleBatchInput
	err := httpx.Decode(call.Request, &in)
	return access.Batch{
		SubjectType: in.SubjectType, SubjectID: in.SubjectId, Effect: in.Effect, Upsert: readResources(in.UpsertResources),
		Delete: readResources(in.DeleteResources),
	}, err
}

func readResources(in []api.StoreAccessRuleResourceInput) []access.Input {
	out := make([]access.Input, len(in))
	for i := range in {
		out[i] = access.Input{
			ResourceType: in[i].ResourceType, ResourceID: in[i].ResourceId, Status: in[i].Status, Priority: in[i].Priority,
			MinPermissionLevel: in[i].MinPermissionLevel, Conditions: in[i].Conditions, Metadata: in[i].Metadata,
		}
	}
	return out
}
