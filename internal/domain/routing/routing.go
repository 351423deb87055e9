// Package routing holds the upstream accounts and decides which of them a request may use, in which order.
package routing

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Platform is an account at an upstream, with one or more credentials.
type Platform struct {
	ID           id.ID
	Number       int64
	TenantID     id.ID
	OwnerUserID  id.ID // zero: the operator's own
	Provider     string
	Key          string // unique
	Name         string
	InternalName string
	BaseURL      string
	AuthType     string
	// Config are the adapter's settings and those of Config; ProxySealed is the proxy's address where it has a password.
	Config      json.RawMessage
	ProxySealed []byte
	// Priority orders platforms, the lower number first; DynamicPriority replaces it while set.
	Priority           int64
	DynamicPriority    *int64
	Discount           money.Factor
	PricingMode        string
	PricingRuleSetID   id.ID
	RuntimePolicySetID id.ID
	RateLimitPolicy    json.RawMessage
	RetryPolicy        json.RawMessage
	RuntimePolicy      json.RawMessage
	Status             Status
	CooldownUntil      time.Time
	Metadata           json.RawMessage
	CreatedAt          time.Time
	UpdatedAt          time.Time
	Credentials        []Credential
}

// Owner is whose a platform is.
type Owner string

// The owners. A supplier's platform is owned by the user OwnerUserID.
const (
	OwnedByOperator Owner = "operator"
	OwnedBySupplier Owner = "supplier"
)

// Owner tells whose the platform is.
func (p *Platform) Owner() Owner {
	if p.OwnerUserID.IsZero() {
		return OwnedByOperator
	}
	return OwnedBySupplier
}

// Status of a platform or credential.
type Status string

// The states; a deleted platform stays in the table because tasks name it.
const (
	Enabled  Status = "enabled"
	Disabled Status = "disabled"
	Deleted  Status = "deleted"
	// AutoDisabled is a credential that a policy took out of rotation; it comes back by itself.
	AutoDisabled Status = "auto_disabled"
)

// EffectivePriority is the priority that routing goes by.
func (p *Platform) EffectivePriority() int64 {
	if p.DynamicPriority != nil {
		return *p.DynamicPriority
	}
	return p.Priority
}

// Credential is one way to sign in at a platform. Sealed holds the fields as JSON, sealed for
// "platform_credential|<id>"; Preview shows each field masked.
type Credential struct {
	ID             id.ID
	Number         int64
	PlatformID     id.ID
	Name           string
	Sealed         []byte
	Preview        map[string]string
	Weight         int64
	Status         Status
	DisabledReason string
	DisabledAt     time.Time
	CooldownUntil  time.Time // zero: it may be used now
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// PlatformModel is a route: a model that callers may ask for, as one platform offers it.
type PlatformModel struct {
	ID                    id.ID
	Number                int64
	PlatformID            id.ID
	BaseModelID           id.ID // zero: not in the catalogue
	Name                  string
	Alias                 string // what callers ask for
	ProviderModelName     string // what the upstream is asked for
	DisplayName           string
	Types                 []inference.ModelType
	Capabilities          json.RawMessage
	CapabilityOverride    json.RawMessage
	BillingConfig         json.RawMessage
	BillingConfigOverride json.RawMessage
	Discount              money.Factor
	PricingMode           string
	PricingRuleSetID      id.ID
	PermissionConfig      json.RawMessage
	RateLimitPolicy       json.RawMessage
	RetryPolicy           json.RawMessage
	RuntimePolicySetID    id.ID
	RuntimePolicyOverride json.RawMessage
	Weight                int64
	Enabled               bool
	CooldownUntil         time.Time
	Metadata              json.RawMessage
	CreatedAt             time.Time
	UpdatedAt             time.Time
}

// PolicySet is a named set of runtime policies; the set with Default serves whatever names no other.
type PolicySet struct {
	ID                id.ID
	Number            int64
	Key               string
	Name              string
	Description       string
	Default           bool
	Status            string
	RateLimitPolicy   json.RawMessage
	RetryPolicy       json.RawMessage
	DegradePolicy     json.RawMessage
	AutoDisablePolicy json.RawMessage
	Metadata          json.RawMessage
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// RunnerPolicy says how a request goes from one candidate to the next; there is one.
type RunnerPolicy struct {
	ID                   id.ID
	Key                  string
	Name                 string
	Description          string
	Status               string
	FailoverPolicy       json.RawMessage
	HardStopPolicy       json.RawMessage
	PriorityDemotePolicy json.RawMessage
	Metadata             json.RawMessage
	CreatedAt            time.Time
	UpdatedAt            time.Time
}
