package gateway

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// recentDemotions is how many demotions of a platform are shown.
const recentDemotions = 5

// policyStory is what policies did to platforms lately, the newest first.
type policyStory struct {
	demotions map[id.ID][]routing.PolicyEvent
	disabled  map[id.ID]routing.PolicyEvent // the last time for each platform
}

func (s *Surface) policyStory(ctx context.Context) (policyStory, error) {
	out := policyStory{map[id.ID][]routing.PolicyEvent{}, map[id.ID]routing.PolicyEvent{}}
	last := page.Request{Page: 1, Size: page.MaxSize}
	demotions, err := s.Runtime.PolicyEventList(ctx, routing.EventQuery{Kind: routing.EventDemotion, Page: last})
	if err != nil {
		return out, err
	}
	for _, e := range demotions.Items {
		if list := out.demotions[e.PlatformID]; len(list) < recentDemotions {
			out.demotions[e.PlatformID] = append(list, e)
		}
	}
	disabled, err := s.Runtime.PolicyEventList(ctx, routing.EventQuery{Kind: routing.EventDisable, Page: last})
	for _, e := range disabled.Items {
		if _, known := out.disabled[e.PlatformID]; !known {
			out.disabled[e.PlatformID] = e
		}
	}
	return out, err
}

// tell shows why something of a platform is disabled, and what demoted it.
func (p *policyStory) tell(out *api.StoreModelRateLimitStatus, platform id.ID, s *relay.ModelStatus) {
	if e, known := p.disabled[platform]; known && (s.CredentialDisabled || s.Platform.Disabled || s.Model.Disabled) {
		view := showPolicyEvent(&e)
		out.PlatformDisabledReason = &view
	}
	for _, e := range p.demotions[platform] {
		out.RecentPriorityDemotions = append(out.RecentPriorityDemotions, showDemotion(&e))
	}
}

// policies are what events come of.
var policies = map[routing.EventKind]string{
	routing.EventCooldown: "degradePolicy", routing.EventProbe: "degradePolicy", routing.EventReturn: "degradePolicy",
	routing.EventDisable: "autoDisablePolicy", routing.EventRecovery: "autoDisablePolicy",
	routing.EventDemotion: "priorityDemotePolicy", routing.EventRestoration: "priorityDemotePolicy",
	routing.EventExclusion: "rateLimitPolicy",
}

func showPolicyEvent(e *routing.PolicyEvent) api.StorePlatformPolicyEvent {
	return api.StorePlatformPolicyEvent{
		Id: e.ID.String(), EventType: string(e.Kind), Policy: policies[e.Kind], PlatformId: e.PlatformID.String(),
		PlatformModelId: e.PlatformModelID.String(), Category: string(e.Category), ErrorCode: e.Code, StatusCode: e.Status,
		Reason: stateOf(e.After).Reason, CreatedAt: httpx.Time(e.At),
	}
}

func showDemotion(e *routing.PolicyEvent) api.StorePriorityDemotionRecord {
	return api.StorePriorityDemotionRecord{
		Id: e.ID.String(), Policy: policies[e.Kind], PlatformId: e.PlatformID.String(), PlatformModelId: e.PlatformModelID.String(),
		Category: string(e.Category), ErrorCode: e.Code, StatusCode: e.Status, Reason: stateOf(e.After).Reason,
		DynamicPriority: int(stateOf(e.After).Demotion), CreatedAt: httpx.Time(e.At),
	}
}

// eventState is a state as events keep it.
type eventState struct {
	Reason   string `json:"reason"`
	Demotion int64  `json:"demotion"`
}

func stateOf(raw json.RawMessage) (out eventState) {
	_ = json.Unmarshal(raw, &out) // written by the core; an event from before has none
	return out
}
