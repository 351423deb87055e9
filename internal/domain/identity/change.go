package identity

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// userView is how a user stands in the audit log.
type userView struct {
	Username    string          `json:"username"`
	Email       string          `json:"email,omitempty"`
	DisplayName string          `json:"displayName"`
	Roles       []Role          `json:"roles"`
	Status      Status          `json:"status"`
	Group       id.ID           `json:"defaultUserGroupId,omitzero"`
	Source      string          `json:"source"`
	ExternalID  string          `json:"externalUserId,omitempty"`
	AuthProfile json.RawMessage `json:"authProfile,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Preferences json.RawMessage `json:"preferences,omitempty"`
}

func viewUser(u *User) userView {
	return userView{
		u.Username, u.Email, u.DisplayName, u.Roles, u.Status, u.GroupID, u.Source, u.ExternalID, u.AuthProfile, u.Metadata,
		u.Preferences,
	}
}

func userChange(by event.Actor, u *User, action string, before, after any) event.Change {
	return event.Change{
		Actor: by, Category: "identity", Action: action, TargetType: "user", TargetID: u.ID.String(),
		TargetTenantID: u.TenantID, TargetUserID: u.ID, Before: before, After: after,
	}
}

// tenantView is how a tenant stands in the audit log: its invitation code is masked in AuthPolicy.
type tenantView struct {
	Key          string          `json:"tenantKey"`
	Name         string          `json:"name"`
	Status       Status          `json:"status"`
	Plan         string          `json:"planKey,omitempty"`
	ExternalID   string          `json:"externalTenantId,omitempty"`
	DefaultGroup id.ID           `json:"defaultUserGroupId,omitzero"`
	AuthPolicy   json.RawMessage `json:"authPolicy,omitempty"`
	Policies     json.RawMessage `json:"policies,omitempty"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
}

func viewTenant(v *Tenant) tenantView {
	return tenantView{
		v.Key, v.Name, v.Status, v.Plan, v.ExternalID, v.DefaultGroupID, v.AuthPolicy, v.Policies, v.Metadata,
	}
}

func tenantChange(by event.Actor, v *Tenant, action string, before, after any) event.Change {
	return event.Change{
		Actor: by, Category: "identity", Action: action, TargetType: "tenant", TargetID: v.ID.String(),
		TargetTenantID: v.ID, Before: before, After: after,
	}
}

// groupView is how a group stands in the audit log.
type groupView struct {
	Key       string          `json:"groupKey"`
	Name      string          `json:"name"`
	Status    Status          `json:"status"`
	Priority  int64           `json:"priority"`
	Discount  json.RawMessage `json:"billingDiscountPolicy,omitempty"`
	Recharge  json.RawMessage `json:"rechargeDiscountPolicy,omitempty"`
	RateLimit json.RawMessage `json:"rateLimitPolicy,omitempty"`
	Quota     json.RawMessage `json:"quotaPolicy,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

func viewGroup(v *Group) groupView {
	return groupView{
		v.Key, v.Name, v.Status, v.Priority, v.BillingDiscountPolicy, v.RechargeDiscountPolicy, v.RateLimitPolicy,
		v.QuotaPolicy, v.Metadata,
	}
}

func groupChange(by event.Actor, v *Group, action string, before, after any) event.Change {
	return event.Change{
		Actor: by, Category: "identity", Action: action, TargetType: "user_group", TargetID: v.ID.String(),
		TargetTenantID: v.TenantID, Before: before, After: after,
	}
}

// keyView is how an API key stands in the audit log: without its secret, its hash and its sealed copy.
type keyView struct {
	Name      string    `json:"name"`
	Prefix    string    `json:"keyPrefix"`
	Scopes    []string  `json:"scopes"`
	Status    Status    `json:"status"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`

	Models    []string        `json:"models,omitempty"`
	AllowIPs  []string        `json:"allowIps,omitempty"`
	DenyIPs   []string        `json:"denyIps,omitempty"`
	RateLimit json.RawMessage `json:"rateLimitPolicy,omitempty"`
	Quota     json.RawMessage `json:"quotaPolicy,omitempty"`
}

func viewKey(k *APIKey) keyView {
	return keyView{
		k.Name, k.Prefix(), k.Scopes, k.Status, k.ExpiresAt, k.Models, k.AllowIPs, k.DenyIPs, k.RateLimitPolicy, k.QuotaPolicy,
	}
}

func keyChange(by event.Actor, k *APIKey, action string, before, after any) event.Change {
	return event.Change{
		Actor: by, Category: "api_key", Action: action, TargetType: "api_key", TargetID: k.ID.String(),
		TargetTenantID: k.TenantID, TargetUserID: k.UserID, Before: before, After: after,
	}
}

func sessionChange(by event.Actor, v *Session, u *User, action string) event.Change {
	return event.Change{
		Actor: by, Category: "session", Action: action, TargetType: "session", TargetID: v.ID.String(),
		TargetTenantID: u.TenantID, TargetUserID: u.ID, Metadata: map[string]any{"kind": v.Kind},
	}
}
