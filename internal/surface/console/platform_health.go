package console

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// listPolicyEvents shows what policies did.
func (s *Surface) listPolicyEvents(w http.ResponseWriter, call *httpx.Call) error {
	query, err := readEventQuery(call)
	if err != nil {
		return err
	}
	found, err := s.Events.PolicyEventList(call.Context(), query)
	if err != nil {
		return err
	}
	out := api.PolicyEventList{
		Items: make([]api.PolicyEvent, len(found.Items)), Page: found.Page, PageSize: found.Size, Total: int(found.Total),
	}
	for i := range found.Items {
		out.Items[i] = showPolicyEvent(&found.Items[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func readEventQuery(call *httpx.Call) (routing.EventQuery, error) {
	kinds := make([]string, len(routing.EventKinds))
	for i, k := range routing.EventKinds {
		kinds[i] = string(k)
	}
	q := httpx.QueryOf(call.Request)
	out := routing.EventQuery{
		Platform: q.ID("platformId"), Model: q.ID("platformModelId"), Credential: q.ID("credentialId"),
		Kind: routing.EventKind(q.OneOf(kinds, "kind")), Page: q.Page(),
	}
	out.From, out.To = q.Range()
	return out, q.Err()
}

func showPolicyEvent(e *routing.PolicyEvent) api.PolicyEvent {
	return api.PolicyEvent{
		Id: e.ID.String(), At: e.At.UTC(), Kind: api.PolicyEventKind(e.Kind), PlatformId: e.PlatformID.String(),
		PlatformModelId: e.PlatformModelID.String(), CredentialId: e.CredentialID.String(), Category: string(e.Category),
		StatusCode: e.Status, ErrorCode: e.Code, RequestId: e.RequestID, Before: object(e.Before), After: object(e.After),
		Until: httpx.Time(e.Until),
	}
}

// object shows an open object; one that is absent is left out.
func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

func (s *Surface) listCredentials(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	list, err := s.Routing.Credentials(call.Context(), call.Actor(), platform)
	if err != nil {
		return err
	}
	out := api.PlatformCredentialList{Items: make([]api.PlatformCredential, len(list))}
	for i := range list {
		if out.Items[i], err = showCredential(&list[i]); err != nil {
			return err
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showCredential(c *routing.CredentialState) (api.PlatformCredential, error) {
	preview, err := json.Marshal(c.Preview)
	if c.Preview == nil {
		preview = json.RawMessage(`{}`)
	}
	return api.PlatformCredential{
		Id: c.ID.String(), Name: c.Name, Preview: preview, Weight: int(c.Weight), Status: api.PlatformCredentialStatus(c.Status),
		DisabledReason: c.DisabledReason, DisabledAt: httpx.Time(c.DisabledAt), CooldownUntil: httpx.Time(c.CooldownUntil),
		InFlight: int(c.Health.InFlight),
	}, err
}

// enableCredential puts a credential back into rotation; the next request may use it.
func (s *Surface) enableCredential(w http.ResponseWriter, call *httpx.Call) error {
	platform, err := pathID(call, "platformID")
	if err != nil {
		return err
	}
	credential, err := pathID(call, "credentialID")
	if err != nil {
		return err
	}
	c, err := s.Routing.EnableCredential(call.Context(), call.Actor(), platform, credential)
	if err != nil {
		return err
	}
	out, err := showCredential(&c)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// pathID reads an id from the path. What is no id names nothing, so it is answered like one that is unknown.
func pathID(call *httpx.Call, name string) (id.ID, error) {
	v, err := id.Parse(chi.URLParam(call.Request, name))
	if err != nil {
		return id.ID{}, fault.ErrNotFound
	}
	return v, nil
}
