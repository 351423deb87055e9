package identity

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
)

// userView is how a user stands in the audit log.
type userView struct {
	Username    string          `json:"username"`
	Email       string          `json:"email,omitempty"`
	DisplayName string          `json:"displayName"`
	Roles       []Role          `json:"roles"`
	Status      Status          `json:"status"`
	Preferences json.RawMessage `json:"preferences,omitempty"`
}

func viewUser(u *User) userView {
	return userView{u.Username, u.Email, u.DisplayName, u.Roles, u.Status, u.Preferences}
}

func userChange(by event.Actor, u *User, action string, before, after any) event.Change {
	return event.Change{
		Actor: by, Category: "identity", Action: action, TargetType: "user", TargetID: u.ID.String(),
		TargetTenantID: u.TenantID, TargetUserID: u.ID, Before: before, After: after,
	}
}

// keyView is how an API key stands in the audit log: without its secret, its hash and its sealed copy.
type keyView struct {
	Name      string    `json:"name"`
	Prefix    string    `json:"keyPrefix"`
	Scopes    []string  `json:"scopes"`
	Status    Status    `json:"status"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

func viewKey(k *APIKey) keyView { return keyView{k.Name, k.Prefix(), k.Scopes, k.Status, k.ExpiresAt} }

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
