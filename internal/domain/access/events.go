package access

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Changed says that rules changed: what was compiled of them is old after the commit.
type Changed struct{}

// ruleView is how a rule stands in the audit log.
type ruleView struct {
	SubjectType        SubjectType     `json:"subjectType"`
	SubjectID          id.ID           `json:"subjectId"`
	Own                bool            `json:"own"`
	ResourceType       ResourceType    `json:"resourceType"`
	ResourceID         id.ID           `json:"resourceId"`
	Effect             Effect          `json:"effect"`
	Priority           int64           `json:"priority"`
	MinPermissionLevel int64           `json:"minPermissionLevel"`
	Conditions         json.RawMessage `json:"conditions,omitempty"`
	Status             Status          `json:"status"`
}

func viewRule(r *Rule) ruleView {
	return ruleView{
		r.SubjectType, r.SubjectID, r.Own, r.ResourceType, r.ResourceID, r.Effect, r.Priority, r.MinPermissionLevel,
		r.Conditions, r.Status,
	}
}

func (s *Service) announceTx(
	ctx context.Context, t tx.Tx, by event.Actor, action string, r *Rule, before, after any,
) error {
	return s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "access_rule", Action: action, TargetType: "access_rule", TargetID: r.ID.String(),
		TargetTenantID: r.TenantID, TargetUserID: r.OwnerID, Before: before, After: after,
	})
}
