// Package access holds who may use what: rules that allow or deny subjects resources, and the decision that follows from
// them. README.md says what decides; decision 0019 says why.
package access

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// SubjectType is whom a rule is about.
type SubjectType string

// The types of subjects, the most specific first.
const (
	SubjectAPIKey SubjectType = "api_key"
	SubjectUser   SubjectType = "user"
	SubjectGroup  SubjectType = "user_group"
	SubjectTenant SubjectType = "tenant"
)

// ResourceType is what a rule is about.
type ResourceType string

// The types of resources, the most specific first.
const (
	ResourcePlatformModel ResourceType = "platform_model"
	ResourcePlatform      ResourceType = "platform"
	ResourceBaseModel     ResourceType = "base_model"
)

// Effect is what a rule does.
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// Status says whether a rule is in force.
type Status string

// The states. A rule that is disabled is as if it were not there.
const (
	Active   Status = "active"
	Disabled Status = "disabled"
)

// The lists of what there is, the most specific first: a place in them is a rank.
var (
	subjectTypes  = []SubjectType{SubjectAPIKey, SubjectUser, SubjectGroup, SubjectTenant}
	resourceTypes = []ResourceType{ResourcePlatformModel, ResourcePlatform, ResourceBaseModel}
	effects       = []Effect{Allow, Deny}
	statuses      = []Status{Active, Disabled}
)

// Rule allows or denies a subject a resource.
type Rule struct {
	ID     id.ID
	Number int64
	// TenantID is whose rule it is. Rules of the default tenant are the operator's and bind everybody; those of other tenants
	// bind their own users alone, and only narrow what the operator allows.
	TenantID    id.ID
	SubjectType SubjectType
	SubjectID   id.ID
	// OwnerID is the user whose key the subject is; zero when it is no key.
	OwnerID id.ID
	// Own says that the key's owner made the rule, for keys of the owner's own.
	Own          bool
	ResourceType ResourceType
	ResourceID   id.ID
	Effect       Effect
	// Priority decides among rules that match: the higher wins.
	Priority int64
	// MinPermissionLevel is the level that the caller must have for the rule to match; 0: any. See Level.
	MinPermissionLevel int64
	// Conditions must hold for the rule to match; see ParseConditions.
	Conditions json.RawMessage
	Status     Status
	Metadata   json.RawMessage
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// MaxLevel is the level of administrators.
const MaxLevel = 100

// levels are what roles amount to; between them is room for others.
var levels = map[identity.Role]int64{
	identity.RoleUser: 10, identity.RoleSupplier: 20, identity.RoleSupport: 30, identity.RoleFinance: 40,
	identity.RoleOperator: 50, identity.RoleAdmin: MaxLevel,
}

// Level is the permission level of whoever has the roles: that of the highest of them, 0 without any.
func Level(roles []identity.Role) int64 {
	var most int64
	for _, r := range roles {
		most = max(most, levels[r])
	}
	return most
}

// rank is the place of v in a list that begins with the most specific.
func rank[T comparable](list []T, v T) int { return slices.Index(list, v) }
