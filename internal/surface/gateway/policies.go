package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func (s *Surface) listPolicySets(w http.ResponseWriter, call *httpx.Call) error {
	sets, err := s.Routing.PolicySets(call.Context())
	if err != nil {
		return err
	}
	out := api.HttpapiRuntimePolicySetListResponse{Items: make([]api.StoreRuntimePolicySet, len(sets))}
	for i := range sets {
		out.Items[i] = showPolicySet(&sets[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showPolicySet(v *routing.PolicySet) api.StoreRuntimePolicySet {
	return api.StoreRuntimePolicySet{
		Id: v.ID.String(), PolicyKey: v.Key, Name: v.Name, Description: v.Description, IsDefault: v.Default, Status: v.Status,
		RateLimitPolicy: object(v.RateLimitPolicy), RetryPolicy: object(v.RetryPolicy), DegradePolicy: object(v.DegradePolicy),
		AutoDisablePolicy: object(v.AutoDisablePolicy), Metadata: object(v.Metadata), CreatedAt: httpx.Time(v.CreatedAt),
		UpdatedAt: httpx.Time(v.UpdatedAt),
	}
}

func (s *Surface) createPolicySet(w http.ResponseWriter, call *httpx.Call) error {
	p, err := readPolicySet(call)
	if err != nil {
		return err
	}
	set, err := s.Routing.CreatePolicySet(call.Context(), call.Actor(), p)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, showPolicySet(&set))
}

// updatePolicySet changes what the body names; it is in force when this answers.
func (s *Surface) updatePolicySet(w http.ResponseWriter, call *httpx.Call) error {
	id, err := pathID(call, "policySetID")
	if err != nil {
		return err
	}
	p, err := readPolicySet(call)
	if err != nil {
		return err
	}
	set, err := s.Routing.UpdatePolicySet(call.Context(), call.Actor(), id, p)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showPolicySet(&set))
}

func (s *Surface) deletePolicySet(w http.ResponseWriter, call *httpx.Call) error {
	id, err := pathID(call, "policySetID")
	if err != nil {
		return err
	}
	if err := s.Routing.DeletePolicySet(call.Context(), call.Actor(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func readPolicySet(call *httpx.Call) (routing.PolicySetPatch, error) {
	var in api.StoreRuntimePolicySetInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return routing.PolicySetPatch{}, err
	}
	return routing.PolicySetPatch{
		PolicyPatch: routing.PolicyPatch{
			Key: in.PolicyKey, Name: in.Name, Description: in.Description, Status: in.Status, Metadata: in.Metadata,
		},
		RateLimit: in.RateLimitPolicy, Retry: in.RetryPolicy, Degrade: in.DegradePolicy, AutoDisable: in.AutoDisablePolicy,
	}, nil
}

func (s *Surface) getRunnerPolicy(w http.ResponseWriter, call *httpx.Call) error {
	p, err := s.Routing.RunnerPolicy(call.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRunnerPolicy(&p))
}

func showRunnerPolicy(v *routing.RunnerPolicy) api.StoreRunnerPolicy {
	return api.StoreRunnerPolicy{
		Id: v.ID.String(), PolicyKey: v.Key, Name: v.Name, Description: v.Description, Status: v.Status,
		FailoverPolicy: object(v.FailoverPolicy), HardStopPolicy: object(v.HardStopPolicy),
		PriorityDemotePolicy: object(v.PriorityDemotePolicy), Metadata: object(v.Metadata), CreatedAt: httpx.Time(v.CreatedAt),
		UpdatedAt: httpx.Time(v.UpdatedAt),
	}
}

func (s *Surface) updateRunnerPolicy(w http.ResponseWriter, call *httpx.Call) error {
	var in api.StoreRunnerPolicyInput
	if err := httpx.Decode(call.Request, &in); err != nil {
		return err
	}
	p, err := s.Routing.UpdateRunnerPolicy(call.Context(), call.Actor(), routing.RunnerPatch{
		PolicyPatch: routing.PolicyPatch{
			Key: in.PolicyKey, Name: in.Name, Description: in.Description, Status: in.Status, Metadata: in.Metadata,
		},
		Failover: in.FailoverPolicy, HardStop: in.HardStopPolicy, PriorityDemote: in.PriorityDemotePolicy,
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, showRunnerPolicy(&p))
}
