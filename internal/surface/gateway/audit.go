package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Bounds of the audit list.
const (
	defaultAudit = 100
	maxAudit     = 1000
)

func (s *Surface) listAudit(w http.ResponseWriter, call *httpx.Call) error {
	q := httpx.QueryOf(call.Request)
	query := audit.Query{
		Category: q.Text("category"), Action: q.Text("action"), TargetType: q.Text("targetType"),
		TargetID: q.Text("targetId"), Limit: q.Int(defaultAudit, 1, maxAudit, "limit"),
	}
	if err := q.Err(); err != nil {
		return err
	}
	entries, err := s.Audit.EntryList(call.Context(), query)
	if err != nil {
		return err
	}
	out := api.HttpapiAuditLogListResponse{Items: make([]api.StoreAuditLog, len(entries))}
	for i := range entries {
		out.Items[i] = showAudit(&entries[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showAudit(e *audit.Entry) api.StoreAuditLog {
	return api.StoreAuditLog{
		Id: e.ID.String(), Category: e.Category, Action: e.Action, ActorUserId: e.ActorUserID.String(),
		ActorGatewayUserId: e.ActorUserID.String(), ActorUsername: e.ActorUsername, ActorRoles: e.ActorRoles,
		ActorSource: e.ActorSource, RequestIp: e.IP, UserAgent: e.UserAgent, TargetType: e.TargetType, TargetId: e.TargetID,
		TargetGatewayTenantId: e.TargetTenantID.String(), TargetGatewayUserId: e.TargetUserID.String(),
		BeforeState: object(e.Before), AfterState: object(e.After), Metadata: object(e.Metadata),
		CreatedAt: httpx.Time(e.At),
	}
}
